"""Processes on one PostgreSQL agree on the time, however wrong their machines' clocks are."""

from __future__ import annotations

from datetime import UTC, timedelta

from storage.clock import SharedClock
from storage.stores import Stores, open_stores
from tests.desk import LEASE, Desk
from tests.fakes import HERE, FakeClock

pytest_plugins = ["tests.databases"]


async def claim(stores: Stores, later: timedelta = timedelta()) -> int | None:
    when = stores.clock() + later
    turn = await stores.inbox.claim("w", when, LEASE, platforms=HERE, abreast=1, attempts=3)
    return None if turn is None else turn.id


async def test_a_lease_lasts_as_long_for_one_whose_clock_is_fast(postgres_store: str) -> None:
    right, fast = FakeClock(), FakeClock()
    fast.advance((LEASE * 2).total_seconds())
    here, there = open_stores(postgres_store, right), open_stores(postgres_store, fast)
    for one in (here, there):
        await one.clock.adjust()
    asked = await Desk(here, right).ask()
    assert await claim(here) == asked
    assert await claim(there) is None
    assert await claim(there, LEASE * 1.5) == asked
    for one in (here, there):
        await one.aclose()


async def test_the_shared_clock_goes_by_ticks_that_nobody_sets(postgres_store: str) -> None:
    clock, seconds = FakeClock(), [100.0]
    stores = open_stores(postgres_store, clock)
    shared = SharedClock(stores.database, clock, lambda: seconds[0])
    assert shared() == clock.now
    await shared.adjust()
    told = shared()
    assert told.tzinfo is UTC and told != clock.now
    clock.advance(-3600)
    seconds[0] += 90
    assert shared() == told + timedelta(seconds=90)
    await stores.aclose()


async def test_sqlite_has_the_clock_of_its_only_process(sqlite_store: str) -> None:
    clock = FakeClock()
    stores = open_stores(sqlite_store, clock)
    await stores.clock.adjust()
    assert stores.clock() == clock.now
    await stores.aclose()
