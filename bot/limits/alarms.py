"""Tells admins that a budget is nearly or wholly used: in the channels that the operator has named for it, off the way of the turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from bot.chat import Place, Turn
from bot.errors import DeliveryError
from bot.limits.texts import warning_text
from bot.notices import notice
from bot.ports import Adapter, Clock, Level, Warned

log = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds for which the end of a turn waits until admins are told, so that a process that dies meanwhile leaves it to the next."""


class Alarms:
    """`channels` are where admins are told. Those of a workspace hear of it; of the bot as a whole all do."""

    def __init__(
        self, platforms: Mapping[str, Adapter], channels: Sequence[Place], language: str, clock: Clock
    ) -> None:
        self._platforms, self._channels = platforms, channels
        self._language, self._clock = language, clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def raise_for(self, turn: Turn, warned: Sequence[Warned]) -> None:
        """Returns when they are told, or when that takes long: then it goes on beside."""
        tasks = [
            asyncio.create_task(self._tell(channel, turn, one), name=f"alarm {turn.id}")
            for one in warned
            for channel in self._channels
            if one.meter.level is Level.BOT or _same_workspace(channel, turn.place)
        ]
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await _ended(tasks, PATIENCE)

    async def told(self, patience: float) -> None:
        """Return when all is said that was to be said, or after so many seconds."""
        await _ended(self._tasks, patience)

    async def _tell(self, channel: Place, turn: Turn, warned: Warned) -> None:
        adapter = self._platforms.get(channel.platform)
        if adapter is None:
            return
        whose = _whose(turn, warned.meter.level, self._language)
        text = warning_text(warned, self._clock(), self._language, whose)
        try:
            await adapter.announce(channel, text)
        except DeliveryError as error:
            log.warning("a warning could not be told to the admins of %s (%s)", channel.platform, error)


async def _ended(tasks: Collection[asyncio.Task[None]], patience: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=patience)


def _same_workspace(one: Place, other: Place) -> bool:
    return (one.platform, one.installation) == (other.platform, other.installation)


def _whose(turn: Turn, level: Level, language: str) -> str:
    """Whose limit it is, for somebody who is not there."""
    if level is Level.PLACE and turn.direct:
        level = Level.USER
    of = {Level.USER: turn.author.name, Level.PLACE: f"<#{turn.place.channel}>"}.get(level)
    return notice(f"whose_{level}" if of is None else "whose_of", language, **({"of": of} if of else {}))
