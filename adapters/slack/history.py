"""What Slack remembers of the time when nobody listened, read with as few calls as can be.

Apps that are distributed commercially outside of Slack's Marketplace may call `conversations.history` and `conversations.replies`
once a minute, for 15 messages ("Rate limits"): so every page is that small, a place is worth a few pages, and Slack's own pauses are
kept to. Replies stand in no channel's history: threads are looked at one by one, where the bot takes part, and where a root that was
just read has newer replies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.delivery.pacer import Pacer
from adapters.slack.calls import slack_errors
from adapters.slack.incoming import PLATFORM, moment
from adapters.slack.intake import Intake
from bot.chat import Place
from bot.errors import PlaceRefused
from bot.ports import Clock, Gap, Page

LIMIT: Final = 15
"""Messages a page."""
PAGES: Final = 3
"""Pages of a place."""
MOST_PLACES: Final = 60
MOST_THREADS: Final = 5
"""Threads that are looked at because a channel's history shows new replies in them."""
KINDS: Final = "im,mpim,public_channel,private_channel"

Event = Mapping[str, Any]


class SlackHistory:
    """Implements the `History` port. `installation` is the workspace's, or the enterprise's."""

    def __init__(
        self,
        client: AsyncWebClient,
        intake: Intake,
        pacer: Pacer,
        clock: Clock,
        installation: str,
    ) -> None:
        self._client, self._intake = client, intake
        self._pacer, self._clock, self._installation = pacer, clock, installation

    async def places(self, line: str, since: datetime, known: Sequence[Place]) -> Sequence[Place]:
        """Where it was spoken lately, then all channels the bot is in, as far as it may list them."""
        here = [place for place in known if place.installation == self._installation]
        listed = [Place(PLATFORM, self._installation, channel) for channel in await self._channels()]
        return list(dict.fromkeys([*here, *(place.trunk for place in here), *listed]))[:MOST_PLACES]

    async def read(self, gap: Gap) -> Page:
        """The newest messages of a channel, or the next ones of a thread."""
        now = self._clock()
        if gap.place.thread:
            messages, whole = await self._pages(self._replies, gap)
            reached = max((moment(str(message["ts"])) for message in messages), default=now)
            since, until = gap.since, now if whole else reached
        else:
            messages, whole = await self._pages(self._history, gap)
            reached = min((moment(str(message["ts"])) for message in messages), default=now)
            since, until = gap.since if whole else reached, now
        found = [await self._intake.found(gap.place, message) for message in messages if _after(gap, message)]
        said = sorted((one for one in found if one is not None), key=lambda one: one.sent_at)
        return Page(said, since, until, self._threads(gap, messages))

    async def _channels(self) -> list[str]:
        """The ids of the conversations that the bot is in; none where the app may not list them."""
        try:
            async with self._pacer.slot(("users.conversations", self._installation)):
                with slack_errors():
                    answer = await self._client.users_conversations(
                        types=KINDS, exclude_archived=True, limit=200
                    )
        except PlaceRefused:
            return []
        return [str(channel["id"]) for channel in answer["channels"]]

    async def _pages(self, read: Callable[[Gap, str], Any], gap: Gap) -> tuple[list[Event], bool]:
        """Some pages of messages, and whether they are all there are."""
        messages: list[Event] = []
        cursor = ""
        for _ in range(PAGES):
            page: AsyncSlackResponse = await read(gap, cursor)
            messages += page["messages"]
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return messages, True
        return messages, False

    async def _history(self, gap: Gap, cursor: str) -> AsyncSlackResponse:
        """Newest first. `latest` is always given: without it Slack has been known to page from the oldest."""
        async with self._pacer.slot(("conversations.history", self._installation)):
            with slack_errors():
                return await self._client.conversations_history(
                    channel=gap.place.channel,
                    oldest=timestamp(gap.since),
                    latest=timestamp(self._clock() + timedelta(days=1)),
                    limit=LIMIT,
                    cursor=cursor or None,
                )

    async def _replies(self, gap: Gap, cursor: str) -> AsyncSlackResponse:
        """Oldest first, after the root."""
        async with self._pacer.slot(("conversations.replies", self._installation)):
            with slack_errors():
                return await self._client.conversations_replies(
                    channel=gap.place.channel,
                    ts=gap.place.thread,
                    oldest=timestamp(gap.since),
                    limit=LIMIT,
                    cursor=cursor or None,
                )

    def _threads(self, gap: Gap, messages: Sequence[Event]) -> list[Place]:
        """Threads under what was read in which somebody said something since."""
        if gap.place.thread:
            return []
        lively = [
            str(message["ts"])
            for message in messages
            if moment(str(message.get("latest_reply") or "0")) > gap.since
        ]
        return [
            Place(PLATFORM, gap.place.installation, gap.place.channel, ts) for ts in lively[:MOST_THREADS]
        ]


def _after(gap: Gap, message: Event) -> bool:
    """A thread's root stands before its replies, however old it is."""
    return moment(str(message["ts"])) > gap.since


def timestamp(when: datetime) -> str:
    """A moment as Slack writes it."""
    micros = (when - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
