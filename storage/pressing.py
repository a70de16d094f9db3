"""What buttons do with the answer of a turn: each press is one transaction, under the turn's lock, and does its work once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Result, Row, delete, select

from bot.chat import Cancel, Finish, State
from bot.ports import Effect, Press, Rated
from storage.cancelling import call_off
from storage.database import Database, Transaction, writing
from storage.sql import inserting
from storage.tables import ratings, turns
from storage.versions import ask_again, other_versions, rated_by, show_other, take_up


class SqlVersions:
    """The `Versions` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @writing
    async def stop(self, transaction: Transaction, press: Press, author: str | None, now: datetime) -> Effect:
        found = await _theirs(transaction, press, author)
        if isinstance(found, Effect):
            return found
        stopped = await call_off(transaction, turns.c.id == press.turn, Cancel.STOPPED, now)
        return Effect.DONE if stopped else Effect.GONE

    @writing
    async def ask_again(self, transaction: Transaction, press: Press, author: str | None) -> Effect:
        found = await _shown(transaction, press, author)
        if isinstance(found, Effect):
            return found
        await ask_again(transaction, press.turn, None if found.answer is None else found.version)
        return Effect.DONE

    @writing
    async def go_on(self, transaction: Transaction, press: Press, author: str | None) -> Effect:
        found = await _shown(transaction, press, author)
        if isinstance(found, Effect):
            return found
        if not found.answer or found.finish != Finish.LENGTH:
            return Effect.GONE
        await take_up(transaction, press.turn)
        return Effect.DONE

    @writing
    async def turn_over(
        self, transaction: Transaction, press: Press, author: str | None, step: int
    ) -> Effect:
        found = await _shown(transaction, press, author)
        if isinstance(found, Effect):
            return found
        numbers = sorted([found.version, *await other_versions(transaction.sql, press.turn)])
        place = numbers.index(found.version) + step
        if not 0 <= place < len(numbers):
            return Effect.GONE
        await show_other(transaction, press.turn, numbers[place])
        return Effect.DONE

    @writing
    async def rate(
        self,
        transaction: Transaction,
        press: Press,
        author: str | None,
        person: str,
        good: bool,
        now: datetime,
    ) -> Rated | Effect:
        found = await _shown(transaction, press, author)
        if isinstance(found, Effect):
            return found
        if found.answer is None:
            return Effect.GONE
        sql, about = transaction.sql, (press.turn, press.version)
        mine = None if await rated_by(sql, *about, person) is good else good
        await _write(transaction, press, person, mine, {"model": found.answer_model, "rated_at": now})
        return Rated(
            mine,
            await rated_by(sql, *about, found.author_id),
            found.version,
            await other_versions(sql, press.turn),
            Finish(found.finish) if found.finish else None,
            found.author_language,
        )


async def _write(
    transaction: Transaction, press: Press, person: str, good: bool | None, about: dict[str, Any]
) -> None:
    key = {"turn_id": press.turn, "version": press.version, "author_id": person}
    if good is None:
        theirs = (ratings.c[name] == value for name, value in key.items())
        await transaction.sql.execute(delete(ratings).where(*theirs))
        return
    values = {"good": good, **about}
    statement = inserting(transaction.sql, ratings).values(**key, **values)
    await transaction.sql.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


async def _theirs(transaction: Transaction, press: Press, author: str | None) -> Row[Any] | Effect:
    """The turn, locked, if it is there and `author`'s (None: anybody's)."""
    found: Result[Any] = await transaction.sql.execute(
        select(turns).where(turns.c.id == press.turn).with_for_update(key_share=True)
    )
    row = found.first()
    if row is None or row.cancel == Cancel.DELETED:
        return Effect.GONE
    return row if author is None or author == row.author_id else Effect.OTHERS


async def _shown(transaction: Transaction, press: Press, author: str | None) -> Row[Any] | Effect:
    """The turn, if that version of its answer is the one that is shown, and nobody is at it."""
    row = await _theirs(transaction, press, author)
    if isinstance(row, Effect):
        return row
    if row.state in (State.WAITING, State.RUNNING):
        ending = row.state == State.RUNNING and row.answer is not None and row.version == press.version
        return Effect.ENDING if ending else Effect.BUSY
    return row if row.version == press.version else Effect.OUTDATED
