"""Answers to one question, one after another: the one that is shown stands with its turn, the others are set aside."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import State
from bot.ports import Signal
from storage.cancelling import forget_summaries
from storage.database import Transaction
from storage.tables import parts, ratings, turns, versions

WAITS: dict[str, Any] = {
    "state": State.WAITING,
    "attempts": 0,
    "owner": None,
    "lease_until": None,
    "cancel": None,
    "former": None,
    "begun": None,
    "notes": None,
    "error": "",
    "reference": "",
    "started_at": None,
    "finished_at": None,
}
UNANSWERED: dict[str, Any] = {
    "answer": None,
    "answer_tokens": 0,
    "answer_shape": None,
    "answer_counter": "",
    "answer_model": "",
    "finish": "",
}
ANSWER = tuple(UNANSWERED)
"""The columns of an answer, wherever it stands."""
NEXT: dict[str, Any] = {"version": turns.c.latest + 1, "latest": turns.c.latest + 1}


async def begin_anew(transaction: Transaction, turn_id: int) -> None:
    """Let the turn wait again, its question being another one: what was answered before, answered something else. Its messages stay,
    to be rewritten."""
    await transaction.sql.execute(delete(versions).where(versions.c.turn_id == turn_id))
    await _wait_again(transaction, turn_id, WAITS | UNANSWERED | NEXT)


async def ask_again(transaction: Transaction, turn_id: int, former: int | None) -> None:
    """Let the turn wait for another answer to the same question; the `former` one is set aside until then."""
    await _set_aside(transaction, turn_id)
    await _wait_again(transaction, turn_id, WAITS | UNANSWERED | NEXT | {"former": former})


async def take_up(transaction: Transaction, turn_id: int) -> None:
    """Let the turn wait again, to go on with its answer, in its messages."""
    await _wait_again(
        transaction,
        turn_id,
        WAITS | UNANSWERED | {"begun": turns.c.answer, "answer_model": turns.c.answer_model},
    )


async def show_other(transaction: Transaction, turn_id: int, number: int) -> None:
    """Let the turn wait for another version to be shown: it is the answer from now on."""
    await _set_aside(transaction, turn_id)
    answer = await _fetch(transaction, turn_id, number)
    if answer is None:
        raise LookupError(f"turn {turn_id} has no version {number}")
    await _wait_again(transaction, turn_id, WAITS | {"version": number} | answer)


async def put_back(transaction: Transaction, turn_id: int, former: int) -> dict[str, Any] | None:
    """Make the former version the answer again, whoever works on the turn; its columns, or None where it is no more."""
    answer = await _fetch(transaction, turn_id, former)
    if answer is not None:
        back = {"version": former, "former": None, "begun": None} | answer
        await transaction.sql.execute(update(turns).where(turns.c.id == turn_id).values(back))
    return answer


async def other_versions(sql: AsyncConnection, turn_id: int) -> tuple[int, ...]:
    """The numbers of what is set aside."""
    numbers = select(versions.c.number).where(versions.c.turn_id == turn_id).order_by(versions.c.number)
    return tuple((await sql.execute(numbers)).scalars())


async def rated_by(sql: AsyncConnection, turn_id: int, version: int, author: str) -> bool | None:
    """What that person thinks of that version, if anything."""
    theirs = (ratings.c.turn_id == turn_id, ratings.c.version == version, ratings.c.author_id == author)
    good: bool | None = (await sql.execute(select(ratings.c.good).where(*theirs))).scalar()
    return good


async def _set_aside(transaction: Transaction, turn_id: int) -> None:
    columns = ("turn_id", "number", *ANSWER, "finished_at")
    told = select(turns.c.id, turns.c.version, *(turns.c[name] for name in ANSWER), turns.c.finished_at)
    shown = told.where(turns.c.id == turn_id, turns.c.answer.is_not(None))
    await transaction.sql.execute(insert(versions).from_select(columns, shown))


async def _fetch(transaction: Transaction, turn_id: int, number: int) -> dict[str, Any] | None:
    """Take a version out of what is set aside."""
    which = (versions.c.turn_id == turn_id, versions.c.number == number)
    taken = delete(versions).where(*which).returning(*(versions.c[name] for name in ANSWER))
    row: Row[Any] | None = (await transaction.sql.execute(taken)).first()
    return None if row is None else dict(row._mapping)


async def _wait_again(transaction: Transaction, turn_id: int, values: dict[str, Any]) -> None:
    await transaction.sql.execute(update(turns).where(turns.c.id == turn_id).values(values))
    void = {"text": None, "stale": True}
    await transaction.sql.execute(update(parts).where(parts.c.turn_id == turn_id).values(void))
    await forget_summaries(transaction, turns.c.id == turn_id)
    transaction.signal(Signal())
