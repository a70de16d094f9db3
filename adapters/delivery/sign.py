"""The sign that the bot is at work (typing, a status): given again and again until there is something to read."""

from __future__ import annotations

import asyncio
import logging

from adapters.delivery.pacer import Pacer
from adapters.delivery.surface import Call, Surface
from bot.errors import DeliveryError

log = logging.getLogger(__name__)


class Sign:
    """A courtesy: where many wait for calls that are needed, it is left out, and a failure is not worth a word to anybody."""

    def __init__(self, surface: Surface, pacer: Pacer, name: str) -> None:
        self._surface, self._pacer, self._name = surface, pacer, name
        self._task: asyncio.Task[None] | None = None
        self._given = False

    def give(self) -> None:
        if self._surface.limits.sign_lasts and self._task is None:
            self._task = asyncio.create_task(self._repeat(), name=self._name)

    async def stop(self) -> None:
        """Give it no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def take_away(self) -> None:
        await self.stop()
        if self._given and self._surface.limits.sign_stays:
            self._given = False
            await self._try(on=False)

    async def _repeat(self) -> None:
        while True:
            if self._pacer.ample(*self._surface.buckets(Call.WORK)):
                self._given = True
                await self._try(on=True)
            await asyncio.sleep(self._surface.limits.sign_lasts)

    async def _try(self, *, on: bool) -> None:
        try:
            async with self._pacer.slot(*self._surface.buckets(Call.WORK), urgent=True):
                await self._surface.at_work(on)
        except DeliveryError as error:
            log.debug("no sign of being at work could be given (%s)", error)
