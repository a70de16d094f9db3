"""What a `Ledger` promises: all or nothing, exact refusals, one settlement, and never more than allowed."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.chat import Usage
from bot.errors import LimitReached
from bot.ports import Call, Charge, Meter, Settlement
from storage.meters import MINUTE, Pace, window
from storage.stores import Stores
from storage.tables import calls
from tests.desk import Desk
from tests.fakes import CHANNEL, FakeClock

pytest_plugins = ["tests.databases"]

MINUTELY = Meter("requests", "ada", "requests", "minute", 3)
DAILY = Meter("tokens", "ada", "tokens", "day", 1000)
MONTHLY = Meter("money", "ada", "nanousd", "month", 5_000_000_000)


def a_call(turn: int = 0, cost: str | None = "0.25") -> Call:
    return Call(turn, CHANNEL, "ada", "openai", "gpt", 100, 50, None if cost is None else Decimal(cost))


def settled(prompt: int = 10, output: int = 5, cost: str | None = "0.01") -> Settlement:
    usage = Usage(prompt, output, cached=3, cache_written=2, reasoning=1)
    return Settlement(usage, None if cost is None else Decimal(cost), "stop", 321)


async def used(stores: Stores, meter: Meter, now: datetime) -> int:
    return (await stores.ledger.spent([meter], now))[0].used


async def reserve(stores: Stores, now: datetime, *charges: tuple[Meter, int]) -> int:
    return await stores.ledger.reserve(a_call(), [Charge(meter, amount) for meter, amount in charges], now)


async def rows(stores: Stores) -> list[dict[str, Any]]:
    async with stores.database.reading() as sql:
        return [dict(row) for row in (await sql.execute(select(calls).order_by(calls.c.id))).mappings()]


async def test_a_call_is_written_when_it_is_reserved_and_completed_when_it_is_settled(desk: Desk) -> None:
    asked = await desk.ask()
    ledger, start = desk.stores.ledger, desk.clock.now
    call = await ledger.reserve(a_call(asked, "0.000000000001"), [Charge(DAILY, 150)], start)
    (row,) = await rows(desk.stores)
    assert row["id"] == call and row["turn_id"] == asked and row["state"] == "open"
    assert row["reserved_tokens"] == 150 and row["reserved_cost"] == Decimal("0.000000000001")

    settlement = settled(cost="1234567.123456789012")
    await ledger.settle(call, [Charge(DAILY, 15)], settlement, desk.clock.advance(2))

    (row,) = await rows(desk.stores)
    assert row["state"] == "settled" and row["finish"] == "stop" and row["first_token_ms"] == 321
    assert row["cost"] == Decimal("1234567.123456789012")
    tokens = ("prompt_tokens", "output_tokens", "cached_tokens", "cache_written_tokens", "reasoning_tokens")
    assert [row[name] for name in tokens] == [10, 5, 3, 2, 1]
    assert (row["started_at"], row["settled_at"]) == (start, desk.clock.now)


async def test_a_call_of_a_turn_that_is_gone_is_written_all_the_same(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.ledger.reserve(a_call(turn=99, cost=None), [], clock.now)
    (row,) = await rows(stores)
    assert row["turn_id"] is None and row["reserved_cost"] is None


async def test_a_settlement_replaces_what_was_reserved(stores: Stores, clock: FakeClock) -> None:
    call = await reserve(stores, clock.now, (DAILY, 900), (MONTHLY, 70))
    assert await used(stores, DAILY, clock.now) == 900
    await stores.ledger.settle(call, [Charge(DAILY, 100), Charge(MONTHLY, 80)], settled(), clock.now)
    assert await used(stores, DAILY, clock.now) == 100
    assert await used(stores, MONTHLY, clock.now) == 80


async def test_a_second_settlement_changes_nothing(stores: Stores, clock: FakeClock) -> None:
    call = await reserve(stores, clock.now, (DAILY, 900))
    for amount in (100, 500):
        await stores.ledger.settle(call, [Charge(DAILY, amount)], settled(amount), clock.now)
    assert await used(stores, DAILY, clock.now) == 100
    assert (await rows(stores))[0]["prompt_tokens"] == 100


async def test_without_reported_usage_the_reservation_stands(stores: Stores, clock: FakeClock) -> None:
    call = await reserve(stores, clock.now, (DAILY, 900))
    await stores.ledger.settle(call, [Charge(DAILY, 0)], Settlement(None, None, "none", None), clock.now)
    assert await used(stores, DAILY, clock.now) == 900
    assert (await rows(stores))[0]["state"] == "settled"


async def test_what_exceeds_the_reservation_is_carried_as_debt(stores: Stores, clock: FakeClock) -> None:
    call = await reserve(stores, clock.now, (DAILY, 900))
    await stores.ledger.settle(call, [Charge(DAILY, 1300)], settled(), clock.now)
    with pytest.raises(LimitReached) as refusal:
        await reserve(stores, clock.now, (DAILY, 1))
    assert refusal.value.left == 0
    assert await used(stores, DAILY, clock.now) == 1300


async def test_a_settlement_books_in_the_window_it_was_taken_from(stores: Stores, clock: FakeClock) -> None:
    clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    call = await reserve(stores, clock.now, (DAILY, 900), (MONTHLY, 90))
    before = clock.now
    after = clock.advance(2)
    await reserve(stores, after, (DAILY, 5))
    await stores.ledger.settle(call, [Charge(DAILY, 100), Charge(MONTHLY, 10)], settled(), after)
    assert await used(stores, DAILY, before) == 100 and await used(stores, DAILY, after) == 5
    assert await used(stores, MONTHLY, before) == 10 and await used(stores, MONTHLY, after) == 0


async def test_a_refusal_takes_nothing_and_names_the_first_meter(stores: Stores, clock: FakeClock) -> None:
    await reserve(stores, clock.now, (DAILY, 950))
    with pytest.raises(LimitReached) as refusal:
        await reserve(stores, clock.now, (MINUTELY, 1), (MONTHLY, 7), (DAILY, 51), (MINUTELY, 9))
    reached = refusal.value
    assert (reached.limit, reached.allowed, reached.left) == ("tokens", 1000, 50)
    assert reached.retry_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert await used(stores, MONTHLY, clock.now) == 0 and await used(stores, MINUTELY, clock.now) == 0
    assert len(await rows(stores)) == 1
    await reserve(stores, clock.now, (DAILY, reached.left))


async def test_a_request_above_the_whole_limit_is_refused_with_what_is_left(
    stores: Stores, clock: FakeClock
) -> None:
    await reserve(stores, clock.now, (MONTHLY, 4_000_000_000))
    for meter, amount, left, retry_at in (
        (MONTHLY, 5_000_000_001, 1_000_000_000, datetime(2026, 12, 1, tzinfo=UTC)),
        (DAILY, 1001, 1000, datetime(2026, 11, 23, tzinfo=UTC)),
        (MINUTELY, 4, 3, clock.now + timedelta(minutes=1)),
    ):
        with pytest.raises(LimitReached) as refusal:
            await reserve(stores, clock.now, (meter, amount))
        assert (refusal.value.left, refusal.value.retry_at) == (left, retry_at)


async def test_nothing_is_allowed_by_a_limit_of_zero(stores: Stores, clock: FakeClock) -> None:
    for period in ("minute", "day"):
        with pytest.raises(LimitReached):
            await reserve(stores, clock.now, (Meter("m", "ada", "requests", period, 0), 1))


async def test_the_rate_allows_a_burst_and_then_one_each_interval(stores: Stores, clock: FakeClock) -> None:
    for _ in range(3):
        await reserve(stores, clock.now, (MINUTELY, 1))
    with pytest.raises(LimitReached) as refusal:
        await reserve(stores, clock.now, (MINUTELY, 1))
    assert refusal.value.left == 0
    wait = refusal.value.retry_at - clock.now
    assert timedelta(seconds=19.9) < wait <= timedelta(seconds=20)
    with pytest.raises(LimitReached):
        await reserve(stores, refusal.value.retry_at - timedelta(microseconds=1), (MINUTELY, 1))
    await reserve(stores, refusal.value.retry_at, (MINUTELY, 1))
    with pytest.raises(LimitReached):
        await reserve(stores, refusal.value.retry_at, (MINUTELY, 1))


async def test_a_rate_is_not_refunded(stores: Stores, clock: FakeClock) -> None:
    call = await reserve(stores, clock.now, (MINUTELY, 3))
    await stores.ledger.settle(call, [Charge(MINUTELY, 0)], settled(), clock.now)
    with pytest.raises(LimitReached):
        await reserve(stores, clock.now, (MINUTELY, 1))


async def test_spent_tells_what_is_used_and_when_it_comes_back(stores: Stores, clock: FakeClock) -> None:
    await reserve(stores, clock.now, (MINUTELY, 2), (DAILY, 10))
    minutely, daily, monthly = await stores.ledger.spent([MINUTELY, DAILY, MONTHLY], clock.now)
    assert (minutely.used, daily.used, monthly.used) == (2, 10, 0)
    assert minutely.resets_at == clock.now + timedelta(seconds=40)
    assert daily.resets_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert monthly.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    (rested,) = await stores.ledger.spent([MINUTELY], clock.advance(60))
    assert (rested.used, rested.resets_at) == (0, clock.now)


async def test_meters_of_different_subjects_and_units_are_apart(stores: Stores, clock: FakeClock) -> None:
    await reserve(stores, clock.now, (DAILY, 1000))
    await reserve(stores, clock.now, (Meter("tokens", "grace", "tokens", "day", 1000), 1000))
    await reserve(stores, clock.now, (Meter("requests", "ada", "requests", "day", 1000), 1000))


async def test_no_crowd_of_calls_ever_exceeds_the_budget(houses: list[Stores], clock: FakeClock) -> None:
    """Reserve and settle in a crowd: at no moment is more than allowed reserved, and in the end the books agree."""
    dice, spent, peak = random.Random(7), 0, 0

    async def one(number: int) -> None:
        nonlocal spent, peak
        stores, amount = houses[number % len(houses)], dice.randint(1, 40)
        try:
            call = await reserve(stores, clock.now, (DAILY, amount), (MONTHLY, amount))
        except LimitReached:
            return
        peak = max(peak, await used(stores, DAILY, clock.now))
        real = dice.randint(0, amount // 4)
        await stores.ledger.settle(call, [Charge(DAILY, real), Charge(MONTHLY, real)], settled(), clock.now)
        spent += real

    for wave in range(2):
        await asyncio.gather(*(one(wave * 150 + number) for number in range(150)))
    assert 0 < peak <= DAILY.allowed
    assert await used(houses[0], DAILY, clock.now) == spent == await used(houses[0], MONTHLY, clock.now)


async def test_a_crowd_gets_exactly_what_is_allowed(houses: list[Stores], clock: FakeClock) -> None:
    rate = Meter("rate", "crowd", "requests", "minute", 37)
    day = Meter("day", "crowd", "tokens", "day", 55)

    async def one(number: int, meter: Meter) -> bool:
        try:
            await reserve(houses[number % len(houses)], clock.now, (meter, 1))
        except LimitReached:
            return False
        return True

    for meter in (rate, day):
        outcomes = await asyncio.gather(*(one(number, meter) for number in range(150)))
        assert sum(outcomes) == meter.allowed


# The arithmetic.


@given(allowed=st.integers(1, 7000), amounts=st.lists(st.integers(1, 50), max_size=200))
def test_a_burst_from_rest_holds_exactly_what_is_allowed(allowed: int, amounts: list[int]) -> None:
    pace, tat, now, taken = Pace(allowed), 0, 0, 0
    for amount in amounts:
        fits = max(tat, now) + pace.cost(amount) - now <= pace.reach
        assert fits == (taken + amount <= allowed)
        assert pace.left(tat, now) == allowed - taken
        if fits:
            tat, taken = max(tat, now) + pace.cost(amount), taken + amount


@given(
    allowed=st.integers(1, 10**9),
    steps=st.lists(st.tuples(st.integers(0, MINUTE), st.integers(1, 10**9)), max_size=60),
)
def test_a_rate_is_never_exceeded_in_the_long_run(allowed: int, steps: list[tuple[int, int]]) -> None:
    pace, tat, now, taken = Pace(allowed), 0, 0, 0
    for wait, amount in steps:
        now += wait
        if max(tat, now) + pace.cost(amount) - now <= pace.reach:
            tat, taken = max(tat, now) + pace.cost(amount), taken + amount
        elif amount <= allowed:
            retry_at = pace.retry_at(tat, now, amount)
            assert retry_at > now and max(tat, retry_at) + pace.cost(amount) - retry_at <= pace.reach
    assert taken <= allowed + now * allowed // MINUTE + 1


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
