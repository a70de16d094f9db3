"""One time for all who share a database: its own. A lease would else end when whoever looks believes it, and no two machines agree."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from bot.errors import StoreUnavailable
from bot.ports import Clock
from storage.database import Database

log = logging.getLogger(__name__)

EVERY: Final = 60.0
"""Seconds between two looks at the database's clock."""
LOOKS: Final = 3
"""Of so many, the one that took least time tells best."""
MUCH: Final = timedelta(seconds=1)
"""What the operator is told of."""


def ticks() -> float:
    """Seconds that go on while the machine sleeps, and that nobody sets."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SharedClock:
    """A `Clock`: this machine's until it was adjusted, and always on SQLite, which no other machine shares."""

    def __init__(self, database: Database, clock: Clock, ticks: Callable[[], float] = ticks) -> None:
        self._database, self._clock, self._ticks = database, clock, ticks
        self._told: datetime | None = None
        self._at = 0.0

    def __call__(self) -> datetime:
        if self._told is None:
            return self._clock()
        return self._told + timedelta(seconds=self._ticks() - self._at)

    async def adjust(self) -> None:
        """Go by the database's clock from now on. Raises `StoreUnavailable`."""
        if self._database.is_sqlite:
            return
        looks = []
        async with self._database.reading() as sql:
            for _ in range(LOOKS):
                began = self._ticks()
                told = (await sql.execute(select(func.clock_timestamp()))).scalar_one()
                ended = self._ticks()
                looks.append((ended - began, told.astimezone(UTC), (began + ended) / 2))
        first = self._told is None
        _, self._told, self._at = min(looks)
        off = self._clock() - self()
        if first and abs(off) > MUCH:
            log.warning("the clock is %+.1f s off the database's, which counts", off.total_seconds())

    async def run(self) -> None:
        """Adjust it now and then, until cancelled: no two clocks go at one pace."""
        while True:
            await asyncio.sleep(EVERY)
            with suppress(StoreUnavailable):
                await self.adjust()
