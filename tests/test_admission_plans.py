"""What admission costs the database: the same few rows, however many people, calls and days there are. (That it is one round trip
is a matter of `test_storage_ledger.py`.)"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from bot.ports import Call, Charge, Level, Meter, Settlement, Taken
from storage.admission import ADMIT, Asked
from storage.database import Transaction
from storage.ledger import LAST
from storage.meters import kind, microseconds, span_of
from storage.stores import Stores
from storage.tables import calls
from storage.tables import meters as meter_table
from tests.fakes import CHANNEL, FakeClock

pytest_plugins = ["tests.databases"]

CALL = Call(0, CHANNEL, False, "person7", "openai", "gpt", 100, 50, 10)
SCANNED = re.compile(r"\bSCAN (meter|call|ticket)\b")


def metered(person: str) -> list[Meter]:
    return [
        Meter(Level.USER, "requests", "minute", person, 60, 10),
        Meter(Level.USER, "tokens", "day", person, 100_000),
        Meter(Level.USER, "picousd", "month", person, 10**13),
    ]


CHARGES = [Charge(meter, 1, int(meter.unit == "tokens")) for meter in metered("person7")]


async def grow(stores: Stores, clock: FakeClock, people: int, days: int) -> None:
    """Counters of so many people on so many days, and a call of each of them on each of those."""
    counted = [
        {
            "subject": meter.subject,
            "kind": kind(meter),
            "span": span_of(meter.period, clock.now - timedelta(days=day)),
            "value": 1,
            "as_of": microseconds(clock.now),
            "keep_until": "2027-12-31",
        }
        for number in range(people)
        for meter in metered(f"person{number}")
        for day in range(days if meter.period == "day" else 1)
    ]
    called = [
        {
            "platform": "fake",
            "installation": "T1",
            "channel": "C1",
            "person": f"person{number}",
            "provider": "openai",
            "model": "gpt",
            "direct": False,
            "state": "settled",
            "reserved_tokens": 150,
            "started_at": clock.now - timedelta(days=day),
        }
        for number in range(people)
        for day in range(days)
    ]

    async def write(transaction: Transaction) -> None:
        for table, rows in ((meter_table, counted), (calls, called)):
            for start in range(0, len(rows), 2000):
                await transaction.sql.execute(insert(table), rows[start : start + 2000])
        await transaction.sql.execute(text("ANALYZE"))

    await stores.database.write(write)


async def admitted(stores: Stores, clock: FakeClock) -> Taken:
    taken = await stores.ledger.reserve(CALL, CHARGES, clock.now)
    assert isinstance(taken, Taken)
    return taken


async def explained(stores: Stores, clock: FakeClock, first: str) -> dict[str, Any]:
    """How an admission ran, as the database tells."""
    bound = Asked(CALL, tuple(CHARGES), clock.now, LAST).bound()
    types = ADMIT._bindparams.values()
    explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {ADMIT.text}").bindparams(*types)

    async def run(transaction: Transaction) -> Any:
        await transaction.sql.execute(text(first))
        return (await transaction.sql.execute(explain, bound)).scalar_one()

    (plan,) = await stores.database.write(run)
    return dict(plan["Plan"])


def rows_read(plan: dict[str, Any]) -> tuple[int, list[str]]:
    """Rows of tables that a plan looked at as it ran, and what it read whole."""
    read, whole = 0, []
    if table := plan.get("Relation Name"):
        read += (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
        if plan["Node Type"] == "Seq Scan":
            whole.append(table)
    for inner in plan.get("Plans", ()):
        more, also = rows_read(inner)
        read, whole = read + more, whole + also
    return read, whole


async def test_on_postgresql_it_reads_the_same_few_rows_however_many_there_are(
    stores: Stores, clock: FakeClock
) -> None:
    if stores.database.is_sqlite:
        pytest.skip("told by its own plan, below")
    await grow(stores, clock, 20, 1)
    # A table of one page is best read whole: this asks what is read where that is no choice.
    few, _ = rows_read(await explained(stores, clock, "SET LOCAL enable_seqscan = off"))
    await stores.database.write(lambda one: one.sql.execute(text("TRUNCATE meter, call")))
    await grow(stores, clock, 600, 10)
    many, whole = rows_read(await explained(stores, clock, "SET LOCAL enable_seqscan = on"))
    assert few == many <= 4 * len(CHARGES)
    assert not {"meter", "call"} & set(whole)


async def test_on_sqlite_everything_is_found_by_its_key(stores: Stores, clock: FakeClock) -> None:
    if not stores.database.is_sqlite:
        pytest.skip("told by what it reads, above")
    await grow(stores, clock, 200, 5)
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(str(line[-1]) for line in cursor.fetchall())

    writer = stores.database._writer.sync_engine
    event.listen(writer, "before_cursor_execute", explain)
    taken = await admitted(stores, clock)
    await stores.ledger.settle(taken, Settlement(None, None, "stop", 5), clock.now)
    event.remove(writer, "before_cursor_execute", explain)
    assert any("SEARCH meter USING PRIMARY KEY" in plan for plan in plans)
    assert any("SEARCH call USING INTEGER PRIMARY KEY" in plan for plan in plans)
    assert not [plan for plan in plans if SCANNED.search(plan)]
