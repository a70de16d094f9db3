"""What a `Ledger` promises: all or nothing, exact refusals, one settlement, and never more than allowed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.chat import Place, Quota, Usage
from bot.errors import LimitReached
from bot.ports import Call, Charge, Level, Line, Meter, Settlement, Taken
from storage.database import Database
from storage.stores import Stores
from storage.tables import calls, meters
from tests.desk import Desk
from tests.fakes import CHANNEL, FakeClock

pytest_plugins = ["tests.databases"]

MINUTELY = Meter(Level.USER, "requests", "minute", "ada", 3, 3)
DAILY = Meter(Level.USER, "tokens", "day", "ada", 1000)
MONTHLY = Meter(Level.USER, "picousd", "month", "ada", 5_000_000_000)
A_CALL = Call(0, CHANNEL, False, "ada", "openai", "gpt", 100, 50, 50, 250, 2, "list 1")
NOTHING = Settlement(None, None, "none", None)


def settled(tokens: int = 15, cost: int | None = 10) -> Settlement:
    usage = Usage(tokens - 5, 5, cached=3, cache_written=2, reasoning=1)
    return Settlement(usage, None if cost is None else Decimal(cost).scaleb(-12), "stop", 321)


async def used(stores: Stores, meter: Meter, now: datetime) -> int:
    return (await stores.ledger.spent([meter], now))[0].used


async def reserve(stores: Stores, now: datetime, *charges: tuple[Meter, int]) -> Taken:
    taken = await stores.ledger.reserve(A_CALL, [Charge(meter, amount) for meter, amount in charges], now)
    assert isinstance(taken, Taken)
    return taken


async def rows(stores: Stores) -> list[dict[str, Any]]:
    async with stores.database.reading() as sql:
        return [dict(row) for row in (await sql.execute(select(calls).order_by(calls.c.id))).mappings()]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to the database in the meantime, the beginnings and ends of transactions included."""
    sent: list[str] = []

    def note(_: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement.strip())

    engines = {database._writer.sync_engine, database._reader.sync_engine, database._swift.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_call_is_written_when_it_is_reserved_and_completed_when_it_is_settled(desk: Desk) -> None:
    asked = await desk.ask()
    ledger, start = desk.stores.ledger, desk.clock.now
    call = replace(A_CALL, turn=asked, prompt_cost=1, token_cost=0)
    taken = await ledger.reserve(call, [Charge(DAILY, 100, 1)], start)
    assert isinstance(taken, Taken) and taken.output_cap == 50
    (row,) = await rows(desk.stores)
    assert row["id"] == taken.call and row["turn_id"] == asked and row["state"] == "open"
    assert row["reserved_tokens"] == 150 and row["reserved_cost"] == Decimal("0.000000000001")
    assert (row["person"], row["channel"], row["price"]) == ("ada", CHANNEL.channel, "list 1")

    await ledger.settle(taken, settled(cost=1_234_567_123_456_789_012), desk.clock.advance(2))

    (row,) = await rows(desk.stores)
    assert row["state"] == "settled" and row["finish"] == "stop" and row["first_token_ms"] == 321
    assert row["cost"] == Decimal("1234567.123456789012")
    tokens = ("prompt_tokens", "output_tokens", "cached_tokens", "cache_written_tokens", "reasoning_tokens")
    assert [row[name] for name in tokens] == [10, 5, 3, 2, 1]
    assert (row["started_at"], row["settled_at"]) == (start, desk.clock.now)


async def test_a_call_of_a_turn_that_is_gone_is_written_all_the_same(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.ledger.reserve(replace(A_CALL, turn=99, prompt_cost=None, token_cost=None), [], clock.now)
    (row,) = await rows(stores)
    assert row["turn_id"] is None and row["reserved_cost"] is None


async def test_an_admission_is_one_round_trip_and_so_is_a_settlement(
    stores: Stores, clock: FakeClock
) -> None:
    """On SQLite, where there is no network to cross, it is four statements, however many limits there are."""
    one = 1 if not stores.database.is_sqlite else 4
    charges = [
        Charge(replace(meter, subject=subject), 1)
        for subject in ("ada", "channel", "team", "all")
        for meter in (MINUTELY, DAILY, MONTHLY)
    ]
    for _ in range(2):  # as the first of the day, and later
        with statements(stores.database) as sent:
            taken = await stores.ledger.reserve(A_CALL, charges, clock.now)
            assert isinstance(taken, Taken)
            assert len(sent) <= one
            await stores.ledger.settle(taken, settled(), clock.now)
            assert len(sent) <= 2 * one


async def test_the_output_is_capped_to_what_is_left(stores: Stores, clock: FakeClock) -> None:
    call = replace(A_CALL, output_cap=500, least_output=64)
    for tokens_left, cap in ((1000, 500), (640, 500), (600, 500), (599, 499), (164, 64)):
        meter = replace(DAILY, subject=f"left {tokens_left}")
        await reserve(stores, clock.now, (meter, 1000 - tokens_left))
        taken = await stores.ledger.reserve(call, [Charge(meter, 100, 1), Charge(MONTHLY, 250, 2)], clock.now)
        assert isinstance(taken, Taken) and taken.output_cap == cap
        assert await used(stores, meter, clock.now) == 1000 - tokens_left + 100 + cap
        assert (await rows(stores))[-1]["reserved_tokens"] == 100 + cap
    scarce = replace(DAILY, subject="scarce")
    await reserve(stores, clock.now, (scarce, 1000 - 163))
    with pytest.raises(LimitReached) as refusal:
        await stores.ledger.reserve(call, [Charge(scarce, 100, 1)], clock.now)
    assert refusal.value.left == 163


async def test_a_settlement_replaces_what_was_reserved(stores: Stores, clock: FakeClock) -> None:
    taken = await reserve(stores, clock.now, (DAILY, 900), (MONTHLY, 70))
    assert await used(stores, DAILY, clock.now) == 900
    await stores.ledger.settle(taken, settled(100, 80), clock.now)
    assert await used(stores, DAILY, clock.now) == 100
    assert await used(stores, MONTHLY, clock.now) == 80


async def test_a_second_settlement_changes_nothing(stores: Stores, clock: FakeClock) -> None:
    taken = await reserve(stores, clock.now, (DAILY, 900))
    for amount in (100, 500):
        await stores.ledger.settle(taken, settled(amount), clock.now)
    assert await used(stores, DAILY, clock.now) == 100
    assert (await rows(stores))[0]["prompt_tokens"] == 95


async def test_without_reported_usage_the_reservation_stands(stores: Stores, clock: FakeClock) -> None:
    taken = await reserve(stores, clock.now, (DAILY, 900))
    await stores.ledger.settle(taken, NOTHING, clock.now)
    assert await used(stores, DAILY, clock.now) == 900
    (row,) = await rows(stores)
    assert row["state"] == "settled" and row["prompt_tokens"] is None
    assert row["cost"] == row["reserved_cost"] == Decimal(250 + 2 * 50).scaleb(-12)


async def test_a_call_that_nobody_settles_is_closed_once_at_its_full_reservation(
    stores: Stores, clock: FakeClock
) -> None:
    left_behind = await reserve(stores, clock.now, (DAILY, 900))
    late = clock.advance(60)
    running = await reserve(stores, late, (DAILY, 50))
    now = clock.advance(600)
    assert [await stores.ledger.close_lost(now, late) for _ in range(2)] == [1, 0]
    first, second = await rows(stores)
    assert (first["state"], first["cost"], first["settled_at"]) == ("lost", first["reserved_cost"], now)
    assert second["state"] == "open"
    await stores.ledger.settle(left_behind, settled(), now)
    await stores.ledger.settle(running, settled(20), now)
    assert await used(stores, DAILY, now) == 920


async def test_what_exceeds_the_reservation_is_carried_as_debt_into_the_next_window(
    stores: Stores, clock: FakeClock
) -> None:
    taken = await reserve(stores, clock.now, (DAILY, 900), (MINUTELY, 1))
    await stores.ledger.settle(taken, settled(1300), clock.now)
    with pytest.raises(LimitReached) as refusal:
        await reserve(stores, clock.now, (DAILY, 1))
    assert refusal.value.left == 0
    assert await used(stores, DAILY, clock.now) == 1300
    tomorrow = clock.advance(86_400)
    assert await used(stores, DAILY, tomorrow) == 300
    taken = await reserve(stores, tomorrow, (DAILY, 600))
    await stores.ledger.settle(taken, settled(650), tomorrow)
    assert await used(stores, DAILY, clock.advance(86_400)) == 0


async def test_a_settlement_books_in_the_window_it_was_taken_from(stores: Stores, clock: FakeClock) -> None:
    clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    taken = await reserve(stores, clock.now, (DAILY, 900), (MONTHLY, 90))
    before = clock.now
    after = clock.advance(2)
    await reserve(stores, after, (DAILY, 5))
    await stores.ledger.settle(taken, settled(100, 10), after)
    assert await used(stores, DAILY, before) == 100 and await used(stores, DAILY, after) == 5
    assert await used(stores, MONTHLY, before) == 10 and await used(stores, MONTHLY, after) == 0


async def test_a_refusal_takes_nothing_and_names_the_limit_to_come_back_latest_for(
    stores: Stores, clock: FakeClock
) -> None:
    await reserve(stores, clock.now, (DAILY, 950))
    with pytest.raises(LimitReached) as refusal:
        await reserve(stores, clock.now, (MINUTELY, 9), (MONTHLY, 7), (DAILY, 51))
    reached = refusal.value
    assert (reached.meter, reached.left, reached.limit) == (DAILY, 50, "user_tokens_day")
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
            await reserve(stores, clock.now, (replace(DAILY, period=period, allowed=0), 1))


async def test_the_rate_allows_a_burst_and_then_one_each_interval(stores: Stores, clock: FakeClock) -> None:
    for _ in range(3):
        await reserve(stores, clock.now, (MINUTELY, 1))
    with pytest.raises(LimitReached) as refusal:
        await reserve(stores, clock.now, (MINUTELY, 1))
    assert refusal.value.left == 0
    assert refusal.value.retry_at == clock.now + timedelta(seconds=20)
    with pytest.raises(LimitReached):
        await reserve(stores, refusal.value.retry_at - timedelta(microseconds=1), (MINUTELY, 1))
    await reserve(stores, refusal.value.retry_at, (MINUTELY, 1))
    with pytest.raises(LimitReached):
        await reserve(stores, refusal.value.retry_at, (MINUTELY, 1))


async def test_a_clock_that_is_behind_refills_nothing_twice(stores: Stores, clock: FakeClock) -> None:
    ahead = clock.now + timedelta(seconds=20)
    await reserve(stores, clock.now, (MINUTELY, 3))
    await reserve(stores, ahead, (MINUTELY, 1))
    for now in (clock.now, ahead):
        with pytest.raises(LimitReached):
            await reserve(stores, now, (MINUTELY, 1))
    later = clock.now + timedelta(seconds=60)
    await reserve(stores, later, (MINUTELY, 1))
    await reserve(stores, ahead, (MINUTELY, 1))
    with pytest.raises(LimitReached):
        await reserve(stores, later, (MINUTELY, 1))


async def test_a_rate_is_not_refunded(stores: Stores, clock: FakeClock) -> None:
    taken = await reserve(stores, clock.now, (MINUTELY, 3))
    await stores.ledger.settle(taken, settled(), clock.now)
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
    await reserve(stores, clock.now, (replace(DAILY, subject="grace"), 1000))
    await reserve(stores, clock.now, (replace(DAILY, unit="requests"), 1000))


async def test_a_budget_warns_once_at_80_and_once_at_100_percent_of_each_window(
    stores: Stores, clock: FakeClock
) -> None:
    async def use(tokens: int) -> list[int]:
        taken = await reserve(stores, clock.now, (DAILY, tokens + 5), (MINUTELY, 0))
        warned = await stores.ledger.settle(taken, settled(tokens), clock.now)
        assert all(one.meter == DAILY and one.used <= 1000 for one in warned)
        return [one.percent for one in warned]

    assert [await use(tokens) for tokens in (790, 9, 1, 50)] == [[], [], [80], []]
    assert not await stores.ledger.reached(MINUTELY, clock.now)
    assert [await stores.ledger.reached(DAILY, clock.now) for _ in range(2)] == [True, False]
    clock.advance(86_400)
    assert not await stores.ledger.reached(DAILY, clock.now)  # one too large a question leaves most of it
    taken = await reserve(stores, clock.now, (DAILY, 990))
    (warned,) = await stores.ledger.settle(taken, settled(1000), clock.now)
    assert (warned.percent, warned.resets_at) == (100, datetime(2026, 11, 24, tzinfo=UTC))


async def test_what_says_nothing_any_more_is_dropped(stores: Stores, clock: FakeClock) -> None:
    await reserve(stores, clock.now, (MINUTELY, 2), (DAILY, 10), (MONTHLY, 5))

    async def kept() -> list[str]:
        async with stores.database.reading() as sql:
            return sorted((await sql.execute(select(meters.c.kind))).scalars())

    assert await stores.ledger.tidy(clock.advance(86_400 * 2.5), 9) == 0
    assert await kept() == ["picousd/month", "requests/minute", "tokens/day"]
    assert await stores.ledger.tidy(clock.advance(86_400 * 2), 9) == 2
    assert await kept() == ["picousd/month"]
    assert await stores.ledger.tidy(clock.advance(86_400 * 10), 9) == 1
    assert await kept() == []


async def test_calls_are_kept_without_those_who_are_forgotten(stores: Stores, clock: FakeClock) -> None:
    for call in (
        A_CALL,
        replace(A_CALL, direct=True, place=Place("fake", "T1", "D1")),
        replace(A_CALL, person="grace"),
    ):
        await stores.ledger.reserve(call, [], clock.now)
    assert await stores.ledger.forget("ada") == 2
    kept = [(row["person"], row["channel"]) for row in await rows(stores)]
    assert kept == [(None, "C1"), (None, ""), ("grace", "C1")]


# The line before a provider's own limits.

LANE = Meter(Level.PROVIDER, "requests", "minute", A_CALL.lane, 6, 2)
LANE_TOKENS = Meter(Level.PROVIDER, "tokens", "minute", A_CALL.lane, 6000, 1500)


def share(person: str) -> Charge:
    return Charge(Meter(Level.SHARE, "requests", "minute", f"{person}@{A_CALL.lane}", 2, 2), 1)


async def test_the_line_lets_those_who_asked_little_go_first_and_nobody_starve(
    stores: Stores, clock: FakeClock
) -> None:
    ledger = stores.ledger
    await reserve(stores, clock.now, (LANE, 2))
    tickets = {}
    for name in ("ada1", "ada2", "ada3", "grace1"):
        clock.advance(0.001)
        tickets[name] = await ledger.queue(A_CALL, [share(name[:-1])], clock.now)
    served: list[str] = []
    while tickets:
        for name, ticket in list(tickets.items()):
            answer = await ledger.reserve(A_CALL, [Charge(LANE, 1)], clock.now, ticket)
            if isinstance(answer, Taken):
                served.append(name)
                del tickets[name]
                if len(served) == 2:  # somebody new, while one is waiting for long
                    clock.advance(61)
                    tickets["eve1"] = await ledger.queue(A_CALL, [share("eve")], clock.now)
            else:
                assert answer.position >= 1 and answer.until > clock.now
        clock.advance(1)
    assert served == ["ada1", "grace1", "ada2", "ada3", "eve1"]


async def test_the_line_tells_position_and_the_exact_time(stores: Stores, clock: FakeClock) -> None:
    ledger = stores.ledger
    charges = [Charge(LANE, 1), Charge(LANE_TOKENS, 150)]
    await reserve(stores, clock.now, (LANE, 1), (LANE_TOKENS, 1500))
    first = await ledger.queue(A_CALL, [], clock.now)
    second = await ledger.queue(A_CALL, [], clock.now)
    assert await ledger.reserve(A_CALL, charges, clock.now, first) == Line(
        1, clock.now + timedelta(seconds=1.5)
    )
    assert await ledger.reserve(A_CALL, charges, clock.now, second) == Line(
        2, clock.now + timedelta(seconds=10)
    )
    assert await ledger.reserve(A_CALL, charges, clock.now) == Line(3, clock.now + timedelta(seconds=20))
    await ledger.leave(first)
    line = await ledger.reserve(A_CALL, charges, clock.now, second)
    assert line == Line(1, clock.now + timedelta(seconds=1.5))
    assert isinstance(await ledger.reserve(A_CALL, charges, clock.advance(1.499999), second), Line)
    assert isinstance(await ledger.reserve(A_CALL, charges, clock.advance(0.000001), second), Taken)


async def test_who_does_not_show_a_ticket_for_long_has_left_the_line(
    stores: Stores, clock: FakeClock
) -> None:
    await reserve(stores, clock.now, (LANE, 1))
    dead = await stores.ledger.queue(A_CALL, [], clock.now)
    alive = await stores.ledger.queue(A_CALL, [], clock.now)
    assert isinstance(await stores.ledger.reserve(A_CALL, [Charge(LANE, 1)], clock.now), Line)
    line = await stores.ledger.reserve(A_CALL, [Charge(LANE, 1)], clock.advance(4), alive)
    assert line == Line(2, clock.now + timedelta(seconds=6))
    assert isinstance(await stores.ledger.reserve(A_CALL, [Charge(LANE, 1)], clock.advance(2), alive), Taken)
    assert dead.id < alive.id


async def test_a_provider_that_says_less_is_left_is_believed(stores: Stores, clock: FakeClock) -> None:
    taken = await reserve(stores, clock.now, (LANE_TOKENS, 100))
    quota = Quota(tokens_limit=6000, tokens_left=4800, at=clock.now)
    await stores.ledger.settle(taken, replace(NOTHING, quota=quota), clock.advance(2))
    assert await used(stores, LANE_TOKENS, clock.now) == 6000 - 4800 - 200


async def test_what_providers_say_of_their_limits_is_shared(houses: list[Stores], clock: FakeClock) -> None:
    quota = Quota(60, None, 4000, None, clock.now)
    await houses[0].ledger.learn("openai:gpt", quota)
    await houses[0].ledger.learn(
        "openai:gpt", replace(quota, requests_limit=9, at=clock.now - timedelta(seconds=1))
    )
    assert await houses[-1].ledger.learned() == {"openai:gpt": quota}


# Many at once.


async def test_no_crowd_of_calls_ever_exceeds_the_budget(houses: list[Stores], clock: FakeClock) -> None:
    """Reserve and settle in a crowd: at no moment is more than allowed reserved, and in the end the books agree."""
    dice, spent, peak = random.Random(7), 0, 0

    async def one(number: int) -> None:
        nonlocal spent, peak
        stores, amount = houses[number % len(houses)], dice.randint(20, 40)
        try:
            taken = await reserve(stores, clock.now, (DAILY, amount), (MONTHLY, amount))
        except LimitReached:
            return
        peak = max(peak, await used(stores, DAILY, clock.now))
        real = dice.randint(5, amount // 4)
        await stores.ledger.settle(taken, settled(real, real), clock.now)
        spent += real

    for wave in range(2):
        await asyncio.gather(*(one(wave * 150 + number) for number in range(150)))
    assert 0 < peak <= DAILY.allowed
    assert await used(houses[0], DAILY, clock.now) == spent == await used(houses[0], MONTHLY, clock.now)


async def test_a_crowd_gets_exactly_what_is_allowed(houses: list[Stores], clock: FakeClock) -> None:
    rate = Meter(Level.BOT, "requests", "minute", "crowd", 37, 37)
    day = Meter(Level.BOT, "tokens", "day", "crowd", 55)

    async def one(number: int, meter: Meter) -> bool:
        try:
            await reserve(houses[number % len(houses)], clock.now, (meter, 1))
        except LimitReached:
            return False
        return True

    for meter in (rate, day):
        outcomes = await asyncio.gather(*(one(number, meter) for number in range(150)))
        assert sum(outcomes) == (meter.burst or meter.allowed)
