"""What it costs to admit a call: on SQLite and on PostgreSQL, for ten people and for a million with ten million calls behind them, beside
`pyrate-limiter` on the same database.

    python -m benchmarks.admission [PEOPLE LEDGER]

Ours holds somebody to a rate and to budgets of tokens and of money, and writes the ledger's row, all at once. Theirs holds to a rate. It
has a table for each bucket, so one for each person; those of the people who ask are made before, and no others.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from benchmarks.crowd import Row, fill, meter_row
from bot.chat import Author, Message, Place, Prompt, Role, Turn, Usage
from bot.limits.admission import Limits
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.models.prices import Price
from bot.ports import Level
from storage.stores import Stores, open_stores
from tests.limits_rig import open_limits

PLACE = Place("slack", "T1", "C1")
MODEL = Model("openai", "gpt", price=Price(Decimal("0.15"), Decimal("0.6")))
PROMPT = Prompt(MODEL.name, "", (Message(Role.USER, "hello"),), 500)
RATE = 1_000
"""Requests a minute: more than are asked for here, so that nobody is refused."""
LIMITS = Rulebook(
    filed={
        Scope(Level.USER): {
            "requests_per_minute": RATE,
            "tokens_per_day": 50_000_000,
            "usd_per_month": Decimal(500),
        }
    }
)
ASKED, WARM = 1_500, 100
ABREAST = (1, 16)


@dataclass(frozen=True, slots=True)
class Case:
    """How much there is already."""

    people: int
    ledger: int

    def chosen(self) -> Sequence[int]:
        """Who asks, one after another, by no order."""
        return Random(5).choices(range(self.people), k=(ASKED + WARM) * len(ABREAST))


def now() -> datetime:
    return datetime.now(UTC)


def turn_of(number: int) -> Turn:
    return Turn(0, PLACE, 0, 0, "m", Author(f"U{number}", "x"), (), {}, now(), attempts=1)


async def prepared(url: str, case: Case) -> None:
    """A migrated database with one call, and then with as many as the case has."""
    stores = open_stores(url)
    await stores.upgrade()
    limits = open_limits(stores, LIMITS, now)
    held = await limits.reserve(turn_of(0), MODEL, PROMPT, 900, now())
    await limits.settle(held, Usage(900, 200, cached=300), finish="stop", first_token_ms=700, now=now())
    people = [limits.person(PLACE, Author(f"U{number}", "x")) for number in range(case.people)]
    template = await limits.meters(PLACE, Author("U0", "x"), MODEL.names)
    await stores.aclose()

    def meters() -> Iterator[Row]:
        for meter in template:
            row = meter_row(meter, now())
            for person in people:
                yield (person, *row[1:])

    await asyncio.to_thread(fill, url, meters(), people, case.ledger)


async def timed(
    work: Callable[[int], Awaitable[object]], who: Sequence[int], abreast: int
) -> tuple[float, list[float]]:
    """Seconds for all, and for each; what is needed to warm up is not counted."""
    took: list[float] = []

    async def one(number: int) -> None:
        async with free:
            began = time.perf_counter()
            await work(number)
            took.append(time.perf_counter() - began)

    free = asyncio.Semaphore(abreast)
    await asyncio.gather(*(one(number) for number in who[:WARM]))
    took.clear()
    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in who[WARM:]))
    return time.perf_counter() - began, sorted(took)


async def ours(url: str, case: Case) -> list[list[str]]:
    stores: Stores = open_stores(url)
    limits: Limits = open_limits(stores, LIMITS, now)
    rows = []
    for number, abreast in enumerate(ABREAST):
        who = case.chosen()[number * (ASKED + WARM) :][: ASKED + WARM]
        result = await timed(
            lambda one: limits.reserve(turn_of(one), MODEL, PROMPT, 900, now()), who, abreast
        )
        rows.append(row("Rejoinder", url, case, abreast, *result))
    await stores.aclose()
    return rows


async def theirs(url: str, case: Case) -> list[list[str]]:
    """The same number of people asks; the database is the same."""
    with _buckets(url, set(case.chosen())) as put:
        rows = []
        for number, abreast in enumerate(ABREAST):
            who = case.chosen()[number * (ASKED + WARM) :][: ASKED + WARM]
            with ThreadPoolExecutor(abreast) as threads:
                loop = asyncio.get_running_loop()
                result = await timed(lambda one: loop.run_in_executor(threads, put, one), who, abreast)  # noqa: B023
            rows.append(row("pyrate-limiter", url, case, abreast, *result))
        return rows


@contextmanager
def _buckets(url: str, people: set[int]) -> Iterator[Callable[[int], bool]]:
    from pyrate_limiter import Duration, Rate, RateItem

    def put_into(buckets: dict[int, object]) -> Callable[[int], bool]:
        def put(number: int) -> bool:
            # Refused is also who finds the bucket locked by somebody else (PostgreSQL): it is asked until it answers.
            item = RateItem(f"U{number}", time.time_ns() // 1_000_000)
            while not buckets[number].put(item):  # type: ignore[attr-defined]
                time.sleep(0.001)
            return True

        return put

    rates = [Rate(RATE, Duration.MINUTE)]
    if url.startswith("sqlite"):
        from threading import RLock

        from pyrate_limiter import SQLiteBucket

        connection = sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # as ours is opened
        for number in people:
            connection.execute(f"CREATE TABLE bucket{number} (name VARCHAR, item_timestamp INTEGER)")
            connection.execute(f"CREATE INDEX of_bucket{number} ON bucket{number} (item_timestamp)")
        connection.commit()
        lock = RLock()  # they share a connection
        yield put_into(
            {number: SQLiteBucket(rates, connection, f"bucket{number}", lock) for number in people}
        )
        connection.close()
        return
    from psycopg_pool import ConnectionPool
    from pyrate_limiter import PostgresBucket

    with ConnectionPool(url, min_size=5, max_size=5, timeout=60) as pool:
        yield put_into({number: PostgresBucket(pool, f"u{number}", rates) for number in people})


def row(what: str, url: str, case: Case, abreast: int, seconds: float, took: Sequence[float]) -> list[str]:
    middle, late = took[len(took) // 2], took[len(took) * 95 // 100]
    return [
        url.partition(":")[0].partition("+")[0],
        f"{case.people:,}",
        f"{case.ledger:,}",
        str(abreast),
        what,
        f"{len(took) / seconds:,.0f}",
        f"{middle * 1000:.1f}",
        f"{late * 1000:.1f}",
    ]


HEAD = ("database", "people", "ledger rows", "at once", "", "admissions/s", "p50 ms", "p95 ms")


async def measured(url: str, case: Case) -> None:
    began = time.perf_counter()
    await prepared(url, case)
    print(f"<!-- filled in {time.perf_counter() - began:.0f} s -->", flush=True)
    for line in [*await ours(url, case), *await theirs(url, case)]:
        print(f"| {' | '.join(line)} |", flush=True)


def _durably(address: str) -> None:
    """Have it wait for the disk, as it does where nobody tells it not to."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = on".encode())
        connection.execute("SELECT pg_reload_conf()")


def main() -> None:
    people, ledger = (int(one) for one in sys.argv[1:3]) if len(sys.argv) > 2 else (1_000_000, 10_000_000)
    from tests.postgres import postgres_server

    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
    for case in (Case(10, 0), Case(people, ledger)):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measured(f"sqlite:///{Path(folder) / 'bench.db'}", case))
        with postgres_server() as server:
            _durably(server.address("postgres"))
            asyncio.run(measured(server.create(), case))


if __name__ == "__main__":
    main()
