"""The arithmetic of limits against the definition, reckoned in fractions: it admits exactly what it allows, and names the exact wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import LimitReached
from bot.ports import Charge, Level, Meter
from storage.meters import Ahead, left, line, microseconds, refusal, room, sunk, want, window

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass
class Bucket:
    """The definition: a bucket of `burst` that is full at first and refilled at `allowed` a minute, never above its brim."""

    allowed: int
    burst: int
    held: Fraction
    at: datetime

    def refill(self, now: datetime) -> Fraction:
        earned = Fraction((now - self.at) // MICROSECOND * self.allowed, 60_000_000)
        self.held, self.at = min(self.held + earned, Fraction(self.burst)), now
        return self.held

    def take(self, amount: int, now: datetime) -> bool:
        if self.refill(now) < amount:
            return False
        self.held -= amount
        return True


@dataclass
class Row:
    """What a database keeps of a meter."""

    value: int = 0
    as_of: int = 0

    def ask(self, meter: Meter, amount: int, now: datetime) -> LimitReached | None:
        one = want(Charge(meter, amount), now)
        level = sunk(self.value, self.as_of, one.rate, microseconds(now))
        if room([one], [level], Ahead(), 0, 0) is None:
            found = refusal([one], [level], 0, now)
            assert found is not None
            return found[1]
        self.value, self.as_of = one.after(level, 0), microseconds(now)
        return None


steps = st.lists(
    st.tuples(st.one_of(st.integers(0, 3), st.integers(0, 90_000_000)), st.integers(1, 60)), max_size=60
)


@given(allowed=st.integers(1, 10**8), burst=st.integers(1, 5000), steps=steps)
def test_a_rate_admits_what_the_definition_allows_and_names_the_exact_wait(
    allowed: int, burst: int, steps: list[tuple[int, int]]
) -> None:
    meter = Meter(Level.USER, "requests", "minute", "ada", allowed, burst)
    bucket, row, now = Bucket(allowed, burst, Fraction(burst), START), Row(), START
    for wait, amount in steps:
        now += wait * MICROSECOND
        expected = bucket.take(amount, now)
        refused = row.ask(meter, amount, now)
        assert (refused is None) == expected
        level = sunk(row.value, row.as_of, allowed, microseconds(now))
        assert left(meter, level) == bucket.refill(now).__floor__()
        if refused is not None and amount <= burst:
            assert replace(bucket).take(amount, refused.retry_at)
            assert not replace(bucket).take(amount, refused.retry_at - MICROSECOND)


budget_steps = st.lists(
    st.tuples(st.integers(0, 30_000), st.integers(0, 60), st.integers(0, 40), st.integers(0, 40)), max_size=40
)


@given(allowed=st.integers(0, 400), steps=budget_steps)
def test_a_budget_is_never_passed_and_the_output_is_what_is_left(
    allowed: int, steps: list[tuple[int, int, int, int]]
) -> None:
    """Day by day, with random prompts, caps and usages within the reservation."""
    meter = Meter(Level.USER, "tokens", "day", "ada", allowed)
    rows: dict[str, int] = {}
    now = START
    for wait, prompt, cap, said in steps:
        now += timedelta(seconds=wait)
        one = want(Charge(meter, prompt, 1), now)
        used, least = rows.get(one.span, 0), min(cap, 8)
        granted = room([one], [used], Ahead(), cap, least)
        free = allowed - used - prompt
        assert granted == (min(cap, free) if free >= least else None)
        if granted is None:
            found = refusal([one], [used], least, now)
            assert found is not None and found[1].left == allowed - used
            assert found[1].retry_at == window("day", now)[1]
            continue
        assert one.after(used, granted) <= allowed
        rows[one.span] = used + prompt + min(said, granted)
    assert all(used <= allowed for used in rows.values())


@given(
    allowed=st.integers(1, 10**6),
    burst=st.integers(1, 500),
    level=st.integers(0, 500),
    before=st.integers(0, 40),
    ahead=st.integers(0, 30),
)
def test_the_time_named_in_a_line_is_when_there_will_be_room_for_all_before_and_oneself(
    allowed: int, burst: int, level: int, before: int, ahead: int
) -> None:
    meter = Meter(Level.PROVIDER, "requests", "minute", "openai:gpt", allowed, burst)
    one = want(Charge(meter, 1), START)
    value = level * 60_000_000 + before
    told = line([one], [value], Ahead(ahead), START)
    assert told.position == ahead + 1

    def fits(now: datetime) -> bool:
        then = sunk(value + ahead * 60_000_000, microseconds(START), allowed, microseconds(now))
        return room([one], [then], Ahead(), 0, 0) is not None

    assert fits(told.until)
    assert told.until == START or not fits(told.until - MICROSECOND)


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        ("day", "2026-11-22T23:59:59.999999+00:00", "2026-11-22T00:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        ("day", "2026-11-23T01:00:00+02:00", "2026-11-22T00:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        ("month", "2026-12-31T12:00:00+00:00", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("month", "2028-02-29T00:00:00+00:00", "2028-02-01T00:00:00+00:00", "2028-03-01T00:00:00+00:00"),
    ],
)
def test_windows_are_days_and_months_of_utc(period: str, now: str, start: str, end: str) -> None:
    expected = (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert window(period, datetime.fromisoformat(now)) == expected


def test_there_is_no_other_window() -> None:
    with pytest.raises(ValueError, match="week"):
        window("week", datetime(2026, 1, 1, tzinfo=UTC))
