"""The emulator's own time and the ids made from it.

Everything that Discord measures (rate limit windows, interaction deadlines, nonces, signed URLs) reads one
clock, so a test can jump over minutes with `advance` or stop time altogether with `Clock(running=False)`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000
"""First millisecond of 2015, from which snowflakes count."""


class Clock:
    """Real time plus whatever the test skipped; a stopped clock moves by `advance` only."""

    def __init__(self, start: float | None = None, *, running: bool = True) -> None:
        now = time.time() if start is None else start
        self._running = running
        self._origin = time.monotonic()
        self._wall_at_origin = now
        self._skipped = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        passed = time.monotonic() - self._origin if self._running else 0.0
        return passed + self._skipped

    def time(self) -> float:
        """Seconds since 1970."""
        return self._wall_at_origin + self.monotonic()

    def advance(self, seconds: float) -> None:
        """Jump ahead and run what became due on the way."""
        self._skipped += seconds
        self._ring()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Run `callback` once this clock has moved on by `seconds`."""
        heapq.heappush(self._timers, (self.monotonic() + seconds, next(self._order), callback))
        self._set_alarm()

    def stop_timers(self) -> None:
        """Forget everything planned."""
        self._timers.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        while self._timers and self._timers[0][0] <= self.monotonic():
            heapq.heappop(self._timers)[2]()
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._timers and self._running:
            delay = max(0.0, self._timers[0][0] - self.monotonic())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)


class Snowflakes:
    """Unique, growing ids whose upper bits are the clock's milliseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        now = (int(self._clock.time() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last = max(now, self._last + 1)
        return self._last


def snowflake_time(snowflake: int) -> float:
    """Seconds since 1970 at which this id was made."""
    return ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000


def stamp(seconds: float) -> str:
    """A time as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
