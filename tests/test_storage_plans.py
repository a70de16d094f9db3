"""What the databases do with the busiest statements: they look turns up in an index, however many are finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from bot.chat import Author, Cancel, State
from storage.database import Database, Transaction
from storage.stores import Stores
from storage.tables import conversations, turns
from tests.desk import Desk
from tests.fakes import CHANNEL, FakeClock

pytest_plugins = ["tests.databases"]

FINISHED, CHANNELS = 5000, 50


@pytest.fixture
async def grown(stores: Stores, clock: FakeClock) -> Desk:
    """Stores with thousands of finished turns, and statistics about them."""
    places = [
        {"platform": "fake", "installation": "T1", "channel": f"C{number}", "created_at": clock.now}
        for number in range(1, CHANNELS + 1)
    ]
    said = [
        {
            "key": f"old{number}",
            "conversation_id": 1 + number % CHANNELS,
            "message": f"old{number}",
            "author_id": f"U{number % 97}",
            "author_name": "x",
            "content": [{"type": "text", "text": "why?" * 20}],
            "masked": [],
            "address": {},
            "sent_at": clock.now + timedelta(seconds=number),
            "state": State.DONE,
            "answer": "because" * 40,
            "created_at": clock.now,
        }
        for number in range(FINISHED)
    ]

    async def grow(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(conversations), places)
        for start in range(0, FINISHED, 1000):
            await transaction.sql.execute(insert(turns), said[start : start + 1000])
        await transaction.sql.execute(text("ANALYZE"))

    await stores.database.write(grow)
    clock.advance(FINISHED)
    return Desk(stores, clock)


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """The plans of all statements on `turn` in the meantime, as the database explains them."""
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    found: list[str] = []

    def note(_: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT")) and " turn" in statement:
            cursor.execute(explain + statement, parameters)
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

    engines = {database._writer.sync_engine}
    if database.is_sqlite:  # on PostgreSQL both are one
        engines.add(database._reader.sync_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def reads_all(plan: str) -> bool:
    """Does it look at every turn there is?"""
    whole = ("SCAN turn", "SCAN other", "Seq Scan on turn")
    return any(
        line.strip().removeprefix("->  ").startswith(whole) and "USING" not in line
        for line in plan.splitlines()
    )


async def test_a_claim_reads_only_what_is_unfinished(grown: Desk) -> None:
    for number in range(3):
        await grown.ask(author=Author(f"U{number}", "x"))
    with plans(grown.stores.database) as found:
        turn = await grown.claim()
    assert turn is not None and len(found) == 2
    assert not any(reads_all(plan) for plan in found)
    assert "ix_turn_unfinished" in found[0] or "ix_turn_order" in found[0]
    assert "SCAN conversation" not in found[0]


async def test_a_page_of_history_is_read_from_its_index(grown: Desk) -> None:
    await grown.ask()
    turn = await grown.claimed()
    with plans(grown.stores.database) as found:
        assert len(await grown.history(before=turn)) == FINISHED // CHANNELS
    pinned, *pages = found
    assert "ix_pin_conversation_id" in pinned or "Seq Scan on pin" in pinned
    assert not reads_all(pinned) and len(pages) == 3
    for plan in pages:
        assert "ix_turn_history" in plan and not reads_all(plan)
        assert "TEMP B-TREE" not in plan  # PostgreSQL may rather sort the few dozen of one conversation


async def test_accepting_renewing_and_closing_look_nothing_up_twice(grown: Desk) -> None:
    said = grown.question()
    with plans(grown.stores.database) as found:
        await grown.accept(said)
        turn = await grown.claimed()
        await grown.amend(said, "else", "1")
        await grown.finish(turn, "answer")
        await grown.stores.inbox.unfinished()
    assert len(found) > 8
    assert not any(reads_all(plan) for plan in found)


async def test_a_message_is_found_by_its_id(grown: Desk) -> None:
    with plans(grown.stores.database) as found:
        await grown.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message="old50")
    assert found and not any(reads_all(plan) for plan in found)
    assert any("ix_turn_message" in plan for plan in found)
