"""What became of what was said: the turns as they stand, and short-lived verdicts on everything that became none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, and_, delete, exists, select
from sqlalchemy.engine import RowMapping

from bot.chat import Cancel, Place, State, message_key
from bot.ports import Clock, Fate, Outcome, Story, Verdict, Waiting
from storage.accepting import position
from storage.cancelling import in_conversations
from storage.database import Database, Transaction, writing
from storage.sql import STANDING, inserting, within
from storage.tables import FAILED, optouts, parts, receipts, turns, verdicts
from storage.values import waiting_value

RECEIPTS_KEPT: Final = timedelta(days=7)
"""Longer than any platform delivers something again: Slack gives up after some minutes."""
VERDICTS_KEPT: Final = timedelta(days=3)


class SqlRecords:
    """The `Records` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    @writing
    async def note(self, transaction: Transaction, noted: Sequence[Verdict]) -> None:
        """But nothing of those who want nothing kept."""
        people = {verdict.author for verdict in noted}
        columns = (optouts.c.platform, optouts.c.installation, optouts.c.author_id)
        out = (await transaction.sql.execute(select(*columns).where(optouts.c.author_id.in_(people)))).all()
        wanting_nothing = {tuple(row) for row in out}
        for verdict in noted:
            place = verdict.place
            if (place.platform, place.installation, verdict.author) not in wanting_nothing:
                await transaction.sql.execute(_upsert(transaction, verdict))

    async def story(self, place: Place, message: str) -> Story | None:
        here = in_conversations(within(place.shared.trunk))
        noted = verdicts.c.key == message_key(place, message)
        asked = await self._story(and_(here, turns.c.message == message), noted)
        return asked or await self._story(and_(here, _part_of_the_answer(message)), noted)

    async def latest(self, place: Place, author: str) -> Story | None:
        here = [
            verdicts.c.platform == place.platform,
            verdicts.c.installation == place.installation,
            verdicts.c.channel == place.channel,
        ]
        if place.thread:
            here.append(verdicts.c.thread == place.thread)
        theirs = and_(
            *here,
            verdicts.c.author_id == author,
            verdicts.c.outcome.not_in([Outcome.COMMAND, Outcome.DUPLICATE]),
        )
        turn = and_(turns.c.author_id == author, in_conversations(within(place.shared)))
        return await self._story(turn, theirs)

    async def _story(self, turn: ColumnElement[bool], verdict: ColumnElement[bool]) -> Story | None:
        """The newer of both; for one message, whose turn may have come more than once, both in one."""
        async with self.database.reading() as sql:
            asked = (await sql.execute(_newest(turns, turn, turns.c.id))).mappings().first()
            noted = (await sql.execute(_newest(verdicts, verdict, verdicts.c.seen_at))).mappings().first()
            if asked is None:
                return None if noted is None else _untaken(noted)
            if noted is not None and noted["key"] != asked["key"] and noted["seen_at"] > asked["created_at"]:
                return _untaken(noted)
            repeated = select(verdicts.c.times).where(verdicts.c.key == asked["key"])
            times = (await sql.execute(repeated)).scalar() or 0
            fate = _fate(asked, await position(sql, asked["id"]))
            return Story(asked["author_id"], asked["created_at"], fate, times=times)

    async def failed(self, since: datetime, most: int) -> Sequence[Waiting]:
        lately = and_(turns.c.state == FAILED, turns.c.finished_at >= since)
        statement = STANDING.where(lately).order_by(turns.c.id.desc()).limit(most)
        async with self.database.reading() as sql:
            rows = (await sql.execute(statement)).mappings().all()
        return [waiting_value(row, self._clock()) for row in rows]

    @writing
    async def sweep(self, transaction: Transaction, now: datetime, most: int) -> int:
        removed = 0
        for table, kept in ((receipts, RECEIPTS_KEPT), (verdicts, VERDICTS_KEPT)):
            old = select(table.c.key).where(table.c.seen_at < now - kept).limit(most)
            swept = delete(table).where(table.c.key.in_(old.with_for_update(skip_locked=True)))
            removed += (await transaction.sql.execute(swept)).rowcount
        return removed


def _part_of_the_answer(message: str) -> ColumnElement[bool]:
    return exists().where(parts.c.turn_id == turns.c.id, parts.c.message == message)


def _upsert(transaction: Transaction, verdict: Verdict) -> Any:
    """A repeated delivery is counted, and changes nothing that is known of the message."""
    place, again = verdict.place, verdict.outcome is Outcome.DUPLICATE
    fresh = {
        "platform": place.platform,
        "installation": place.installation,
        "channel": place.channel,
        "thread": place.thread,
        "author_id": verdict.author,
        "outcome": verdict.outcome,
        "times": int(again),
        "seen_at": verdict.at,
    }
    statement = inserting(transaction.sql, verdicts).values(key=message_key(place, verdict.message), **fresh)
    news = {"times": verdicts.c.times + 1} if again else {"outcome": verdict.outcome}
    return statement.on_conflict_do_update(index_elements=["key"], set_=news | {"seen_at": verdict.at})


def _newest(table: Table, which: ColumnElement[bool], order: ColumnElement[Any]) -> Select[Any]:
    return select(table).where(which).order_by(order.desc()).limit(1)


def _untaken(row: RowMapping) -> Story:
    return Story(row["author_id"], row["seen_at"], outcome=Outcome(row["outcome"]), times=row["times"])


def _fate(row: RowMapping, before: int) -> Fate:
    return Fate(
        state=State(row["state"]),
        asked_at=row["created_at"],
        mentioned=row["mentioned"],
        direct=row["direct"],
        masked=tuple(row["masked"]),
        before=before,
        attempts=row["attempts"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        cancel=None if row["cancel"] is None else Cancel(row["cancel"]),
        error=row["error"],
        reference=row["reference"],
    )
