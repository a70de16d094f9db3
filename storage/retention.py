"""Whose time is over: words that a place keeps no longer, and those that a reset forgot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, delete, func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.columns import Instant
from storage.database import Database, Transaction, writing
from storage.erasing import erase_turns
from storage.sql import unfinished
from storage.tables import conversations, pins, preferences, sources, turns, vault
from storage.vault import forget_sources

OPTION: Final = "retention"
"""What admins decide for their places."""


class SqlRetention:
    """The `Retention` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def decided(self) -> Sequence[str]:
        values = select(preferences.c.value).where(preferences.c.name == OPTION).distinct()
        async with self.database.reading() as sql:
            return (await sql.execute(values)).scalars().all()

    async def purge(
        self,
        limits: Mapping[str, datetime | None],
        usual: datetime | None,
        reset_before: datetime,
        now: datetime,
        most: int,
    ) -> int:
        removed = await self._purge(limits, usual, now, most) if usual or any(limits.values()) else 0
        removed += await self._purge_reset(reset_before, now, most)
        if removed:
            await self.database.scrub()
        return removed

    @writing
    async def _purge(
        self,
        transaction: Transaction,
        limits: Mapping[str, datetime | None],
        usual: datetime | None,
        now: datetime,
        most: int,
    ) -> int:
        sql = transaction.sql
        due = _due(_limit(limits, usual), most)
        old = and_(turns.c.conversation_id == due.c.id, turns.c.sent_at < due.c.limit, ~unfinished)
        columns = (turns.c.id, turns.c.key, turns.c.direct, turns.c.conversation_id)
        found = select(*columns).join(due, old).limit(most).with_for_update(of=turns, skip_locked=True)
        rows = (await sql.execute(found)).all()
        await erase_turns(transaction, rows, now)
        await self._forget_originals(sql, _limit(limits, usual), most)
        notes = select(pins.c.id).join(conversations, conversations.c.id == pins.c.conversation_id)
        notes = _with_decisions(notes).where(pins.c.created_at < _limit(limits, usual)).limit(most)
        return len(rows) + (await sql.execute(delete(pins).where(pins.c.id.in_(notes)))).rowcount

    async def _forget_originals(
        self, sql: AsyncConnection, limit: ColumnElement[datetime], most: int
    ) -> None:
        """Those that came from pinned words, or from what was never asked after all."""
        kept = select(sources.c.key).join(vault, vault.c.id == sources.c.vault_id)
        there = kept.join(conversations, conversations.c.id == vault.c.conversation_id)
        old = _with_decisions(there).where(sources.c.said_at < limit).limit(most)
        keys = (await sql.execute(old)).scalars().all()
        await forget_sources(sql, sources.c.key.in_(keys))

    @writing
    async def _purge_reset(self, transaction: Transaction, before: datetime, now: datetime, most: int) -> int:
        """The gist and the pins of an epoch ended with it."""
        columns = (turns.c.id, turns.c.key, turns.c.direct, turns.c.conversation_id)
        ended = and_(turns.c.conversation_id == conversations.c.id, turns.c.epoch < conversations.c.epoch)
        found = select(*columns).join(conversations, ended)
        old = found.where(conversations.c.epoch > 0, turns.c.finished_at < before, ~unfinished)
        locked = old.limit(most).with_for_update(of=turns, skip_locked=True)
        rows = (await transaction.sql.execute(locked)).all()
        await erase_turns(transaction, rows, now, gists=False)
        return len(rows)


_here, _everywhere = preferences.alias("here"), preferences.alias("everywhere")


def _with_decisions(statement: Select[Any]) -> Select[Any]:
    """Joined with what admins decided for a conversation's channel, and for everywhere."""
    for table, channel in ((_here, conversations.c.channel), (_everywhere, literal(""))):
        same = and_(
            table.c.platform == conversations.c.platform,
            table.c.installation == conversations.c.installation,
            table.c.channel == channel,
            table.c.name == OPTION,
        )
        statement = statement.outerjoin(table, same)
    return statement


def _limit(limits: Mapping[str, datetime | None], usual: datetime | None) -> ColumnElement[datetime]:
    """Up to when what was said in a conversation is kept no longer; NULL: all is kept."""
    decided = func.coalesce(_here.c.value, _everywhere.c.value)
    cases = [(decided == text, literal(at, Instant) if at else null()) for text, at in limits.items()]
    otherwise = literal(usual, Instant) if usual else null()
    return case((decided.is_(None), otherwise), *cases, else_=otherwise)


def _due(limit: ColumnElement[datetime], most: int) -> Subquery:
    """Conversations that begin before their limit, which one look into the index tells: their earliest turn comes first in it."""
    earliest = (
        select(turns.c.sent_at)
        .where(turns.c.conversation_id == conversations.c.id)
        .order_by(turns.c.epoch, turns.c.sent_at)
        .limit(1)
        .correlate(conversations)
        .scalar_subquery()
    )
    statement = _with_decisions(select(conversations.c.id, limit.label("limit")))
    return statement.where(earliest < limit).limit(most).subquery("due")
