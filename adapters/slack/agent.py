"""What a Slack agent shows besides its messages: that it is at work, with a native Stop, a title, and prompts to begin with.

A workspace may not have these (they come with agents, some with paid plans). What it refuses is not asked for again for a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.calls import slack_errors
from bot.errors import DeliveryError, PlaceRefused
from bot.notices import notice

log = logging.getLogger(__name__)

AGAIN: Final = 3600.0
"""Seconds after which something that was refused is tried again."""
SOON: Final = 1.0
"""Seconds for prompts: the acknowledgement of an event waits for them."""
LONGEST_TITLE: Final = 80
PROMPTS: Final = ("help", "explain", "draft", "reset")
OF_ONE_PLACE: Final = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "thread_not_found",
        "message_not_found",
        "user_not_found",
    }
)
"""Refusals that say nothing about the workspace."""


class Abilities:
    """What each workspace has refused, and when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: dict[tuple[str, str], float] = {}

    def may(self, team: str, what: str) -> bool:
        return self._clock() - self._refused.get((team, what), -AGAIN) >= AGAIN

    def refused(self, team: str, what: str, why: PlaceRefused) -> None:
        if why.why not in OF_ONE_PLACE:
            self._refused[team, what] = self._clock()
            log.info("Slack takes no %s here (%s)", what, why)


class Agent:
    """The agent's signs in one thread. Failures other than refusals are raised."""

    def __init__(
        self, client: AsyncWebClient, abilities: Abilities, team: str, channel: str, thread: str, title: str
    ) -> None:
        self._client, self._abilities, self._team = client, abilities, team
        self._where = {"channel_id": channel, "thread_ts": thread}
        self._title = title.strip().split("\n")[0][:LONGEST_TITLE]
        self.processing = False

    @property
    def stoppable(self) -> bool:
        """Whether Slack shows its own Stop while the agent is at work."""
        return self._abilities.may(self._team, "session")

    async def begin(self, status: str) -> None:
        """At work, with a Stop, and the words that say so."""
        title = {"title": self._title} if self._title else {}
        self.processing = await self._try(
            "session", self._client.agents_sessions_setStatus, status="processing", **title
        )
        await self._try("status", self._client.assistant_threads_setStatus, status=status)

    async def end(self) -> None:
        if self.processing:
            self.processing = False
            await self._try("session", self._client.agents_sessions_setStatus, status="active")

    async def _try(self, what: str, call: Callable[..., Awaitable[Any]], **values: str) -> bool:
        if not self._abilities.may(self._team, what):
            return False
        try:
            with slack_errors():
                await call(**self._where, **values)
        except PlaceRefused as refused:
            self._abilities.refused(self._team, what, refused)
            return False
        return True


async def suggest(client: AsyncWebClient, channel: str, language: str) -> None:
    """Prompts for whoever opens the conversation with the agent. (An agent's prompts name no thread.)"""
    prompts = [
        {"title": notice(f"prompt_{name}", language), "message": notice(f"prompt_{name}_said", language)}
        for name in PROMPTS
    ]
    try:
        with slack_errors():
            async with asyncio.timeout(SOON):
                await client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=prompts)
    except DeliveryError as error:
        log.info("no prompts could be suggested (%s)", error)
