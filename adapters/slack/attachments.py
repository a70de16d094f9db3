"""Files that people shared on Slack.

Each is asked for anew by its id: addresses change, and what comes over Slack Connect tells nothing of itself before. Without the scope
`files:read` Slack refuses to speak of files, and sends its sign-in page, with status 200, for their bytes ("Working with files").
"""

from __future__ import annotations

import logging
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.fetching import Fetcher, asked, of_hosts
from adapters.slack.calls import error_code, slack_errors
from bot.chat import File
from bot.errors import DeliveryError, Unreadable, Why
from bot.ports import Fetched

log = logging.getLogger(__name__)

HOSTS: Final = ("slack.com", "slack-gov.com", "slack-files.com")
GONE: Final = frozenset({"file_not_found", "file_deleted"})
CURE: Final = "add the scope files:read under OAuth & Permissions, then install the app again"


class SlackFiles:
    def __init__(self, client: AsyncWebClient, token: str, api_url: str) -> None:
        self._client = client
        self._fetcher = Fetcher(of_hosts(HOSTS, api_url), {"Authorization": f"Bearer {token}"})

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        """Raises `Unreadable`."""
        known = await self._known(str(file.reference.get("id") or ""), seconds)
        name = str(known.get("name") or known.get("title") or file.name)
        media_type = str(known.get("mimetype") or "")
        url = str(known.get("url_private_download") or known.get("url_private") or "")
        page = media_type == "text/html" or name.lower().endswith((".html", ".htm"))
        try:
            data = await self._fetcher.fetch(
                url, size=int(known.get("size") or 0), most=most, seconds=seconds, page=page
            )
        except Unreadable as error:
            if error.why is Why.FORBIDDEN:
                log.warning("Slack does not grant a file: %s", CURE)
            raise
        return Fetched(data) if file.media_type else Fetched(data, name, media_type)

    async def aclose(self) -> None:
        await self._fetcher.aclose()

    async def _known(self, number: str, seconds: float) -> dict[str, Any]:
        async def info() -> AsyncSlackResponse:
            with slack_errors():
                return await self._client.files_info(file=number)

        try:
            answer = await asked(info, seconds)
        except DeliveryError as error:
            refusal = error.__cause__
            if isinstance(refusal, SlackApiError) and error_code(refusal) in GONE:
                raise Unreadable(Why.GONE) from None
            log.warning("Slack does not speak of a file (%s): %s", error, CURE)
            raise Unreadable(Why.FORBIDDEN, str(error)) from None
        known: dict[str, Any] = answer["file"]
        if known.get("mode") in ("tombstone", "hidden_by_limit"):
            raise Unreadable(Why.GONE)
        if known.get("is_external"):
            raise Unreadable(Why.ELSEWHERE)
        return known
