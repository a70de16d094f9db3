"""Notes what became of what was said and is no turn, so that `why` can tell. Nobody waits for it to be written down."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from bot.chat import Incoming
from bot.errors import StoreUnavailable
from bot.ports import Clock, Outcome, Records, Verdict

log = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds between two writings; what was noted in the last of them is lost with the process."""
MOST: Final = 1_000
"""Notes that wait to be written; the oldest go first."""


class Notebook:
    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._notes: deque[Verdict] = deque(maxlen=MOST)

    def note(self, incoming: Incoming, outcome: Outcome) -> None:
        """Remember it. What was accepted stands in the table of turns."""
        if outcome is not Outcome.ACCEPTED:
            at = self._clock()
            self._notes.append(Verdict(incoming.place, incoming.message, incoming.author.id, outcome, at))

    async def write(self) -> None:
        """Write down what was noted; what can't be written now stays for the next time."""
        notes = list(self._notes)
        if not notes:
            return
        self._notes.clear()
        try:
            await self._records.note(notes)
        except StoreUnavailable:
            self._notes.extendleft(reversed(notes))
            log.info("the database does not answer: %s verdicts wait", len(self._notes))

    async def run(self) -> None:
        """Write every now and then, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.write()
