"""Short hands for tests that call the Web API through the real SDK."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from tests.emulators.slack import Channel, User

Json = dict[str, Any]


async def refused(call: Awaitable[AsyncSlackResponse]) -> Any:
    """The answer that the SDK raised."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def error(call: Awaitable[AsyncSlackResponse]) -> str:
    return str((await refused(call))["error"])


async def post(client: AsyncWebClient, room: Channel, text: str = "hi", **more: Any) -> str:
    return str((await client.chat_postMessage(channel=room.id, text=text, **more))["ts"])


async def start(client: AsyncWebClient, room: Channel, user: User, root: str, **more: Any) -> str:
    started = await client.chat_startStream(
        channel=room.id, thread_ts=root, recipient_user_id=user.id, recipient_team_id=user.team_id, **more
    )
    return str(started["ts"])


def section(length: int) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


def markdown(length: int) -> Json:
    return {"type": "markdown", "text": "x" * length}
