"""Removes what has served its time, a little at a time, so that no table grows for ever."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from bot.errors import StoreUnavailable
from bot.ports import Clock

log = logging.getLogger(__name__)

EVERY: Final = 300.0
"""Seconds between two rounds; where a round left something, the next one follows after a second."""
MOST: Final = 500
"""Rows of a kind that one round removes: as many as nobody else notices."""

Chore = Callable[[datetime, int], Awaitable[int]]
"""Remove what has served its time by now, at most so many of each kind; how many were removed."""


class Housekeeping:
    def __init__(
        self,
        chores: Sequence[Chore],
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._chores, self._clock, self._sleep = chores, clock, sleep

    async def run(self) -> None:
        """Do the rounds until cancelled. Processes that share a database do so at different times."""
        while True:
            removed = await self._round()
            await self._sleep(1.0 if removed >= MOST else EVERY * random.uniform(0.7, 1.3))

    async def _round(self) -> int:
        try:
            removed = [await chore(self._clock(), MOST) for chore in self._chores]
        except StoreUnavailable:
            return 0
        if sum(removed):
            log.debug("housekeeping removed %s rows", sum(removed))
        return max(removed, default=0)
