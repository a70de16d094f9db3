"""What is read of Slack's history, page by page, while people go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.history import LIMIT, SlackHistory
from bot.chat import Place
from bot.ports import Gap
from tests.emulators.slack import Message, SlackEmulator


class Seen:
    """An intake that understands each message by its id alone."""

    async def found(self, _place: Place, message: dict[str, Any]) -> SimpleNamespace:
        return SimpleNamespace(message=message["ts"], sent_at=float(message["ts"]))


class Meanwhile:
    """A pacer that is never late; before the second call, somebody deletes a message."""

    def __init__(self, slack: SlackEmulator, message: Message) -> None:
        self._slack, self._message, self._calls = slack, message, 0

    @asynccontextmanager
    async def slot(self, *_buckets: object) -> AsyncIterator[None]:
        self._calls += 1
        if self._calls == 2:
            await self._slack.delete(self._message)
        yield


@pytest.mark.parametrize("in_thread", [False, True], ids=["channel", "thread"])
async def test_what_is_deleted_between_two_pages_hides_no_other_question(in_thread: bool) -> None:
    """Else that other one would be taken for deleted, and its answer away."""
    async with SlackEmulator(ack_timeout=0.01, retry_delays=()) as slack, aiohttp.ClientSession() as session:
        ada = slack.add_user("ada")
        room = slack.add_channel("general", members=[ada])
        root = await slack.say(ada, room, "root") if in_thread else None
        said = [await slack.say(ada, room, f"{number}", thread=root) for number in range(2 * LIMIT + 3)]
        gone = said[1 if in_thread else -2]  # on the page that is read first
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session)
        intake, pacer = cast("Any", Seen()), cast("Any", Meanwhile(slack, gone))
        history = SlackHistory(client, intake, pacer, lambda: datetime.now(UTC), slack.team.id)
        place = Place("slack", slack.team.id, room.id, root.ts if root else "")
        page = await history.read(Gap(place, datetime.now(UTC) - timedelta(hours=1)))
    found = {cast("SimpleNamespace", one).message for one in page.found}
    assert {one.ts for one in said if one is not gone} <= found
