"""Forgets people in rounds, however much there is of them: a few at once for whoever asked, the rest in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bot.errors import StoreUnavailable
from bot.notebook import Notebook
from bot.ports import Clock, Privacy, Who
from bot.telemetry import Meters

log = logging.getLogger(__name__)

MOST: Final = 500
"""Rows of a kind that one round takes away."""
AT_ONCE: Final = 10
"""Rounds that whoever asks waits for."""
SOON: Final = 1.0
"""Seconds until the next round, while there is more or a worker still has something in hand."""
EVERY: Final = 120.0
"""Seconds between two looks for what another process left unfinished."""


class Eraser:
    def __init__(
        self,
        privacy: Privacy,
        clock: Clock,
        meters: Meters,
        notebook: Notebook,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._privacy, self._clock, self._meters, self._sleep = privacy, clock, meters, sleep
        self._notebook = notebook
        self._woken = asyncio.Event()

    async def forget(self, who: Who, person: str) -> bool:
        """Forget somebody. True when nothing of theirs is left; else the rest goes in the background, whatever happens to this process."""
        await self._notebook.write()  # what it holds of theirs goes, too
        await self._privacy.begin_erasing(who, person, self._clock())
        log.info("somebody on %s is being forgotten", who.platform)
        for _ in range(AT_ONCE):
            if not await self._round():
                break
        gone = not (await self._privacy.kept(who, person)).erasing
        if not gone:
            self._woken.set()
        return gone

    async def run(self) -> None:
        """Do what is left, until cancelled."""
        while True:
            self._woken.clear()
            try:
                left = await self._privacy.erase(self._clock(), MOST)
                self._meters.removed("forgotten", left.rows)
                pause = SOON if left.left else EVERY
            except StoreUnavailable:
                pause = SOON
            await self._wait(pause)

    async def _round(self) -> bool:
        """True while it is worth another at once: what only a worker still has in hand is not."""
        erased = await self._privacy.erase(self._clock(), MOST)
        self._meters.removed("forgotten", erased.rows)
        return erased.rows > 0

    async def _wait(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait({sleeping, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            woken.cancel()
