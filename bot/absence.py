"""What was said while nobody listened: noticed by a mark that is kept as long as somebody does, found in the platform's history,
and handed to the same reception as everything else, which takes each message once.

A line is a connection that hears a part of a platform (a workspace, a shard). When it begins to be heard again, all places where
something may have been said since the mark are written down as owed, and looked at one by one, at whatever pace the platform
allows; what is still owed when the process dies, the next one looks at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from bot.chat import Incoming, Place
from bot.errors import DeliveryError, PlatformBusy, PlatformUnreachable, StoreUnavailable
from bot.ports import Attendance, Clock, Gap, History, Outcome, Page, Reception

log = logging.getLogger(__name__)

T = TypeVar("T")

BEAT: Final = 10.0
"""Seconds between two marks that a line is heard."""
OTHERS: Final = timedelta(seconds=3 * BEAT)
"""Another process whose last mark is older does not listen any more."""
UNBROKEN: Final = timedelta(seconds=6 * BEAT)
"""Without a mark for longer (the database was away, the machine slept), something may have been missed."""
MARGIN: Final = timedelta(minutes=2)
"""How much earlier than the mark it is looked: a dead connection is noticed late, and what was heard is known again."""
LIVELY: Final = timedelta(days=7)
MOST_KNOWN: Final = 60
"""Places that are looked at because the bot was spoken with there, so long before at most, and so many."""
PAUSE: Final = 5.0
"""Seconds before something that failed is tried again."""


def selected(
    asking: Sequence[Incoming], not_before: datetime, most: int
) -> list[tuple[Incoming, Outcome | None]]:
    """What was missed, in the order in which it was said, each with the reason why it is not answered, or None."""
    ordered = sorted(asking, key=lambda incoming: incoming.sent_at)
    young = [incoming for incoming in ordered if incoming.sent_at >= not_before]
    chosen = {incoming.key for incoming in young[max(len(young) - most, 0) :]}
    return [
        (
            incoming,
            Outcome.TOO_OLD
            if incoming.sent_at < not_before
            else Outcome.LEFT_OUT
            if incoming.key not in chosen
            else None,
        )
        for incoming in ordered
    ]


class Watch:
    """Keeps the marks of one platform's lines, and catches up. `alone`: no other process shares the database.

    Nothing older than `oldest` is answered, nor more than `most` questions after one absence.
    """

    def __init__(
        self,
        platform: str,
        *,
        reception: Reception,
        attendance: Attendance,
        owner: str,
        alone: bool,
        oldest: timedelta,
        most: int,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._platform, self._reception, self._attendance = platform, reception, attendance
        self._owner, self._alone, self._oldest, self._most = owner, alone, oldest, most
        self._clock, self._sleep = clock, sleep
        self._history: History
        self._heard: set[str] = set()
        self._behind: set[str] = (
            set()
        )  # of what they missed nothing is written down yet: they may not be marked
        self._returned: asyncio.Queue[tuple[str, datetime]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()

    def back(self, line: str) -> None:
        """The line is heard from now on; before, something may have been missed."""
        self._heard.add(line)
        self._behind.add(line)
        self._returned.put_nowait((line, self._clock()))

    def resumed(self, line: str) -> None:
        """The line is heard again, and the platform tells all that was said meanwhile."""
        self._heard.add(line)

    def away(self, line: str) -> None:
        """The line is not heard any more."""
        self._heard.discard(line)

    async def run(self, history: History) -> None:
        """Until cancelled."""
        self._history = history
        self._begin(self._beat(), "attendance")
        try:
            while True:
                self._begin(self._catch_up(*await self._returned.get()), "catching up")
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with suppress(StoreUnavailable):
                await self._attendance.left(self._platform, self._owner)

    async def _beat(self) -> None:
        """Mark every line that is heard, again and again."""
        while True:
            await self._sleep(BEAT)
            for line in self._heard - self._behind:
                with suppress(StoreUnavailable):
                    if not await self._mark(line, UNBROKEN):
                        self.back(line)

    async def _mark(self, line: str, unbroken: timedelta | None = None) -> bool:
        return await self._attendance.listening(
            self._platform, line, self._owner, self._clock(), unbroken=unbroken
        )

    async def _catch_up(self, line: str, at: datetime) -> None:
        await self._patiently(lambda: self._find_out(line, at))
        self._behind.discard(line)
        async with self._looking:
            await self._look(line, at)

    async def _find_out(self, line: str, at: datetime) -> None:
        """Write down where something may have been missed, and only then that the line is heard again."""
        since = await self._unheard_since(line, at)
        if since is not None and self._oldest:
            away, since = at - since, max(since - MARGIN, self._clock() - 2 * self._oldest)
            known = await self._attendance.known(self._platform, since - LIVELY, MOST_KNOWN)
            places = await self._history.places(line, since, known)
            log.info("%s: nobody listened for %s: %s places to look at", self._platform, away, len(places))
            await self._attendance.owe(line, [Gap(place, since) for place in places])
        await self._mark(line)

    async def _unheard_since(self, line: str, at: datetime) -> datetime | None:
        """From when on something said there may not have been heard, up to `at`; None when nothing was missed: at the very first start, or
        when others hear it all along."""
        known = await self._attendance.heard(self._platform, line)
        if known is None:
            return None
        others = not self._alone and known.owner not in ("", self._owner)
        if others and (left := known.until + OTHERS - at) > timedelta(0):
            await self._sleep(min(left, OTHERS).total_seconds())
            later = await self._attendance.heard(self._platform, line)
            if later is not None and later.until > at:
                return None
        return known.until

    async def _look(self, line: str, at: datetime) -> None:
        """Look at every place that is owed, and at the threads that come to light there."""
        left, done = self._most, set[Place]()
        while True:
            owed = await self._patiently(lambda: self._attendance.owed(self._platform, line))
            gap = next((gap for gap in owed if gap.place not in done), None)
            if gap is None:
                return
            done.add(gap.place)
            try:
                page = await self._patiently(partial(self._history.read, gap))
                left -= await self._patiently(partial(self._take, page, gap, at, left))
                threads = [Gap(thread, gap.since) for thread in page.threads if thread not in done]
                await self._patiently(partial(self._attendance.owe, line, threads))
            except DeliveryError as error:
                log.info("%s: a place can't be looked at (%s)", self._platform, error)
            await self._patiently(partial(self._attendance.looked, gap.place))

    async def _take(self, page: Page, gap: Gap, at: datetime, most: int) -> int:
        """Take in what was missed, and what was deleted meanwhile; how many questions that makes."""
        not_before = self._clock() - self._oldest
        taken = await self._reception.missed(page.found, back=at, not_before=not_before, most=most)
        standing = {incoming.message for incoming in page.found}
        for message in await self._attendance.asked(gap.place, page, at):
            if message not in standing:
                await self._reception.deleted(gap.place, message)
        return taken

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do it, again and again while the database or the platform is away."""
        while True:
            try:
                return await step()
            except PlatformBusy as busy:
                await self._sleep(busy.retry_after)
            except (StoreUnavailable, PlatformUnreachable):
                await self._sleep(PAUSE)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"{self._platform} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
