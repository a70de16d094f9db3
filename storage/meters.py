"""The arithmetic of limits, without a database: windows of days and months, and a steady rate per minute.

The rate is the generic cell rate algorithm in whole microseconds: one number per subject, the theoretical
arrival time (`tat`), at which everything taken so far is earned again. A charge of n moves it on by n
emission intervals, rounded up, and is refused when it would then lie more than a minute ahead. What the
charges of a burst are rounded up by is granted on top, as long as that stays below one interval: a burst
from rest then holds exactly what is allowed, and never more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE = 60_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window(period: str, now: datetime) -> tuple[datetime, datetime]:
    """Beginning and end of the day or month (UTC) that holds `now`."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    raise ValueError(f"no window is called {period!r}")


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """A steady rate of `allowed` (at least 1) per minute, with a burst of as many."""

    allowed: int

    @property
    def reach(self) -> int:
        """How far `tat` may lie ahead of now: a minute, and the roundings (each below 1) of the charges in it."""
        return MINUTE + min(self.allowed, _up(MINUTE, self.allowed)) - 1

    def cost(self, amount: int) -> int:
        """What a charge moves `tat` on by."""
        return _up(amount * MINUTE, self.allowed)

    def left(self, tat: int, now: int) -> int:
        room = self.reach - max(tat - now, 0)
        return min(max(room * self.allowed // MINUTE, 0), self.allowed)

    def retry_at(self, tat: int, now: int, amount: int) -> int:
        """When that charge will fit; for one above the whole burst, when all is earned again."""
        if amount > self.allowed:
            return max(tat, now + MINUTE)
        return max(tat + self.cost(amount) - self.reach, now)


def _up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
