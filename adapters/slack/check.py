"""Is Slack set up right? The tokens, and the scopes that the manifest asks for."""

from __future__ import annotations

from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.calls import error_code, slack_errors
from bot.errors import DeliveryError
from bot.operator.check import Finding

SCOPES: Final = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "users:read",
)
"""What the manifest asks for (a test compares)."""
OPTIONAL: Final = frozenset(
    {
        "assistant:write",
        "channels:read",
        "files:read",
        "files:write",
        "groups:read",
        "im:read",
        "im:write",
        "mpim:read",
    }
)
"""Without `files:read`, files that come with a question are only named; without `im:write` and `files:write` no file reaches anybody;
without those others that read, what was missed is looked for only where the bot was spoken with before."""


async def check(*, bot_token: str, app_token: str, api_url: str) -> list[Finding]:
    """Ask Slack who the tokens are and what they may do."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        client = AsyncWebClient(token=bot_token, base_url=api_url, session=session, retry_handlers=[])
        try:
            with slack_errors():
                identity = await client.auth_test()
        except DeliveryError as error:
            return [_refused("SLACK_BOT_TOKEN", error)]
        findings = [Finding(f"Slack: {identity.get('team')} as @{identity.get('user')}"), *_scopes(identity)]
        if app_token:
            try:
                with slack_errors():
                    await client.apps_connections_open(app_token=app_token)
                findings.append(Finding("Slack: Socket Mode connects"))
            except DeliveryError as error:
                findings.append(_refused("SLACK_APP_TOKEN", error))
        else:
            findings.append(Finding("Slack: events come over HTTP at /slack/events"))
        return findings


def _scopes(identity: AsyncSlackResponse) -> list[Finding]:
    header = identity.headers.get("x-oauth-scopes") or ""
    granted = {
        scope.strip() for scope in (header if isinstance(header, str) else ",".join(header)).split(",")
    }
    missing = [scope for scope in SCOPES if scope not in granted]
    if not missing:
        return [Finding(f"Slack: all {len(SCOPES)} scopes are granted")]
    cure = "Add them under OAuth & Permissions (or paste adapters/slack/manifest.json), then install the app again"
    return [
        Finding(f"Slack: scopes are missing: {', '.join(missing)}", cure, warning=set(missing) <= OPTIONAL)
    ]


def _refused(variable: str, error: DeliveryError) -> Finding:
    if isinstance(error.__cause__, SlackApiError):
        cure = (
            "Copy the token again from the app's page (docs/slack.md); the app token needs connections:write"
        )
        return Finding(f"{variable}: Slack refuses it ({error_code(error.__cause__)})", cure)
    return Finding(f"{variable}: Slack does not answer ({error})", "Check the network and SLACK_API_URL")
