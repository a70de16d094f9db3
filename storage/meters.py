"""The arithmetic of limits, without a database: one rule for budgets of a day or a month and for rates of a minute.

A meter is a level that grows by what is taken, must not pass a ceiling, and sinks at a rate. A budget is a level that never sinks:
its row is of one day or month (UTC), and the next has a row of its own. A rate is a leaky bucket: so that its level is a whole number
at every microsecond, it is kept in parts of a unit, 60,000,000 to each, and sinks by `allowed` parts a microsecond. Nothing is ever
rounded: what a burst holds, when it is refilled and how long to wait are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from bot.chat import Quota
from bot.errors import LimitReached
from bot.ports import Charge, Level, Line, Meter, Settlement, Taken

MINUTE: Final = 60_000_000
"""Microseconds, and parts of a unit."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
KEPT: Final = timedelta(days=2)
"""How long a row is kept after it says nothing any more: a call may be settled a while after it began."""
WARNING: Final = 80
"""Percent of a budget at which a first word is said."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What those who wait before somebody will take of a provider's limits."""

    count: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Want:
    """One charge as arithmetic: a level may grow by `fixed`, and by `each` for every token of output, up to `ceiling`."""

    charge: Charge
    span: str
    fixed: int
    each: int
    rate: int
    ceiling: int
    keep_until: str

    @property
    def meter(self) -> Meter:
        return self.charge.meter

    @property
    def kind(self) -> str:
        return kind(self.meter)

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its row. Rows are always locked in the order of their keys."""
        return self.meter.subject, self.kind, self.span

    @property
    def soft(self) -> bool:
        """Counts, and stops counting at its ceiling, but never refuses."""
        return self.meter.level is Level.SHARE

    @property
    def queued(self) -> bool:
        """Whether one waits for it in a line, with others before."""
        return self.meter.level is Level.PROVIDER

    def before(self, ahead: Ahead) -> int:
        if not self.queued:
            return 0
        return (ahead.count if self.meter.unit == "requests" else ahead.tokens) * MINUTE

    def after(self, level: int, cap: int) -> int:
        """The level once that much output is allowed."""
        grown = level + self.fixed + self.each * cap
        return min(grown, self.ceiling) if self.soft else grown


def want(charge: Charge, now: datetime) -> Want:
    """A charge that is taken now. One for a provider that no bucket of its could hold waits for a full one."""
    meter = charge.meter
    if meter.period == "minute":
        ceiling = meter.burst * MINUTE
        fixed = charge.amount * MINUTE
        if meter.level is Level.PROVIDER:
            fixed = min(fixed, ceiling)
        keep = now + timedelta(days=1) + KEPT
        return Want(
            charge, "", fixed, charge.per_token * MINUTE, meter.allowed, ceiling, f"{keep.date():%Y-%m-%d}"
        )
    _, end = window(meter.period, now)
    span, keep = span_of(meter.period, now), end + KEPT
    return Want(charge, span, charge.amount, charge.per_token, 0, meter.allowed, f"{keep.date():%Y-%m-%d}")


def sunk(value: int, as_of: int, rate: int, now: int) -> int:
    """What is left of a level after some time."""
    return max(value - rate * max(now - as_of, 0), 0) if rate else value


def room(wants: Sequence[Want], levels: Sequence[int], ahead: Ahead, cap: int, least: int) -> int | None:
    """How much output may be allowed, `cap` at most; None where there is no room for `least`."""
    for one, level in zip(wants, levels, strict=True):
        if one.soft:
            continue
        if level + one.before(ahead) + one.fixed + one.each * least > one.ceiling:
            return None
        if one.each:
            cap = min(cap, (one.ceiling - level - one.fixed) // one.each)
    return cap


def refusal(
    wants: Sequence[Want], levels: Sequence[int], least: int, now: datetime
) -> tuple[Want, LimitReached] | None:
    """Which limit says no, the one that takes longest if there are several; None where only the provider's own does."""
    found: list[tuple[Want, LimitReached]] = []
    for one, level in zip(wants, levels, strict=True):
        needed = one.fixed + one.each * least
        if one.soft or one.queued or level + needed <= one.ceiling:
            continue
        meter = one.meter
        retry_at = _retry_at(one, level, needed, now)
        found.append((one, LimitReached(meter, left(meter, level), retry_at)))
    return max(found, key=lambda pair: pair[1].retry_at, default=None)


def line(wants: Sequence[Want], levels: Sequence[int], ahead: Ahead, now: datetime) -> Line:
    """How many wait before, and when there will be room, if nobody comes in between."""
    times = [
        now + waiting(level + one.before(ahead) + one.fixed - one.ceiling, one.rate)
        for one, level in zip(wants, levels, strict=True)
        if one.queued
    ]
    return Line(ahead.count + 1, max(times, default=now))


@dataclass(frozen=True, slots=True)
class Correction:
    """What a settlement changes of what was taken: `more` (or less), but not below `floor`.

    For a budget, `ceiling` and `warning` say where it is used up and nearly so, and `next` is the span that carries what exceeds it.
    """

    want: Want
    more: int
    floor: int = 0
    ceiling: int = 0
    warning: int = 0
    next: str = ""
    next_until: str = ""

    @property
    def next_key(self) -> tuple[str, str, str]:
        return self.want.meter.subject, self.want.kind, self.next

    def after(self, level: int) -> int:
        return max(level + self.more, self.floor, 0)

    def told(self, before: int, level: int) -> int:
        """The percentage that was reached by now."""
        value = level + self.more
        if not self.ceiling or value < self.warning:
            return before
        return max(before, 100 if value >= self.ceiling else WARNING)

    def carried(self, level: int) -> int:
        """What is used beyond the budget only now, and so of the next one."""
        if not self.ceiling or self.more <= 0:
            return 0
        return max(level + self.more - self.ceiling, 0) - max(level - self.ceiling, 0)


def correction(taken: Taken, charge: Charge, settlement: Settlement, now: datetime) -> Correction | None:
    """How a settlement corrects one charge; None where there is nothing to correct or to tell."""
    one, meter = want(charge, taken.at), charge.meter
    reserved = one.fixed + one.each * taken.output_cap
    used = _used(meter, settlement)
    more = 0 if used is None else used * (MINUTE if one.rate else 1) - reserved
    if meter.period != "minute":
        _, end = window(meter.period, taken.at)
        until = window(meter.period, end)[1] + KEPT
        return Correction(
            one,
            more,
            ceiling=meter.allowed,
            warning=warning_at(meter.allowed),
            next=span_of(meter.period, end),
            next_until=f"{until.date():%Y-%m-%d}",
        )
    if not one.queued:
        return None
    refunded = max(-more - one.rate * max(microseconds(now) - microseconds(taken.at), 0), 0)
    return Correction(one, more if more > 0 else -refunded, _floor(meter, settlement.quota, now))


def _used(meter: Meter, settlement: Settlement) -> int | None:
    """What was used in a meter's unit; None where that is what was reserved."""
    usage = settlement.usage
    if usage is None or meter.unit == "requests":
        return None
    if meter.unit == "tokens":
        return usage.prompt + usage.output
    return None if settlement.cost is None else picousd(settlement.cost)


def _floor(meter: Meter, quota: Quota | None, now: datetime) -> int:
    """Where a provider's meter must stand at least, by what the provider said was left; others may use the same key."""
    if quota is None or quota.at is None:
        return 0
    limit, rest = (
        (quota.requests_limit, quota.requests_left)
        if meter.unit == "requests"
        else (quota.tokens_limit, quota.tokens_left)
    )
    if limit is None or rest is None:
        return 0
    return sunk(max(limit - rest, 0) * MINUTE, microseconds(quota.at), meter.allowed, microseconds(now))


def warning_at(allowed: int) -> int:
    """From which level on a budget is nearly used."""
    return -(-allowed * WARNING // 100)


def picousd(cost: Decimal) -> int:
    """Dollars in million-millionths; a price with more than six places is rounded up."""
    return int(cost.scaleb(12).to_integral_value(ROUND_CEILING))


def waiting(excess: int, rate: int) -> timedelta:
    """How long it takes until a level has sunk by so much, to the microsecond."""
    return timedelta(microseconds=-(-max(excess, 0) // rate)) if rate else timedelta(0)


def left(meter: Meter, level: int) -> int:
    """What may still be taken, in whole units."""
    if meter.period == "minute":
        return max(meter.burst - -(-level // MINUTE), 0)
    return max(meter.allowed - level, 0)


def resets_at(meter: Meter, level: int, now: datetime) -> datetime:
    """When nothing of it will be used any more."""
    return now + waiting(level, meter.allowed) if meter.period == "minute" else window(meter.period, now)[1]


def _retry_at(one: Want, level: int, needed: int, now: datetime) -> datetime:
    if one.meter.period != "minute":
        return window(one.meter.period, now)[1]
    if not one.rate or needed > one.ceiling:  # it never fits: at least all is refilled then
        return now + max(waiting(level, one.rate), timedelta(minutes=1))
    return now + waiting(level + needed - one.ceiling, one.rate)


def kind(meter: Meter) -> str:
    return f"{meter.unit}/{meter.period}"


def span_of(period: str, now: datetime) -> str:
    """The name of the day or month (UTC) that holds `now`; a rate has none."""
    return "" if period == "minute" else f"{now.astimezone(UTC):{'%Y-%m-%d' if period == 'day' else '%Y-%m'}}"


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
