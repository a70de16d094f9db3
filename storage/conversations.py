"""Who takes part where: which threads are followed, the epochs of a place, and what people were told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, literal, or_, select, tuple_, update

from bot.chat import Cancel, Place, Turn
from bot.ports import Clock, Forgotten
from storage.accepting import open_conversation
from storage.cancelling import call_off, close_all, in_conversations
from storage.columns import Instant
from storage.database import Database, Transaction, writing
from storage.sql import AT, insert_new, inserting, place_columns, within
from storage.tables import conversations, installations, memories, people, pins, sources, turns
from storage.vault import forget_sources, said_at

FOLLOWING = select(conversations.c.following, conversations.c.created_at).where(AT)


class SqlConversations:
    """The `Conversations` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    async def following(self, place: Place, since: datetime | None = None) -> bool:
        async with self.database.reading() as sql:
            known = (await sql.execute(FOLLOWING, place_columns(place.shared))).first()
        return known is not None and known.following and (since is None or known.created_at <= since)

    @writing
    async def follow(self, transaction: Transaction, place: Place, on: bool) -> bool:
        sql = transaction.sql
        known = await open_conversation(sql, place.shared, self._clock(), branched_at=None, following=on)
        if not on and known.following:
            await sql.execute(
                update(conversations).where(conversations.c.id == known.id).values(following=False)
            )
        return bool(known.following) is not on

    @writing
    async def reset(
        self, transaction: Transaction, place: Place, now: datetime, given_at: datetime | None = None
    ) -> Forgotten:
        sql = transaction.sql
        await open_conversation(sql, place, now, branched_at=None, following=False)
        begins, known = literal(given_at or now, Instant), conversations.c.reset_at
        latest = case((known > begins, known), else_=begins)  # one that was given later may have come first
        news: dict[str, Any] = {"epoch": conversations.c.epoch + 1, "reset_at": latest}
        if place.thread:
            news["inherits"] = False
        begun = update(conversations).where(within(place)).values(news)
        now_in = (await sql.execute(begun.returning(conversations.c.id, conversations.c.epoch))).all()
        ended = tuple_(turns.c.conversation_id, turns.c.epoch).in_(
            [(row.id, row.epoch - 1) for row in now_in]
        )
        running, forgotten = in_conversations(within(place)), said_at(place)
        if given_at is not None:  # it may come later than what was said after it
            await sql.execute(
                update(turns).where(ended, turns.c.sent_at > given_at).values(epoch=turns.c.epoch + 1)
            )
            running = and_(running, turns.c.sent_at <= given_at)
            forgotten = and_(forgotten, sources.c.said_at <= given_at)
        await call_off(transaction, running, Cancel.RESET, now)
        for told in (memories, pins):
            await sql.execute(delete(told).where(told.c.conversation_id.in_([row.id for row in now_in])))
        await forget_sources(sql, forgotten)
        count = select(func.count()).where(ended, turns.c.answer.is_not(None))
        return Forgotten((await sql.execute(count)).scalar_one())

    @writing
    async def told_trimmed(self, transaction: Transaction, turn: Turn) -> bool:
        epoch, by = conversations.c.trim_told_epoch, conversations.c.trim_told_turn
        first = or_(epoch.is_(None), epoch < turn.epoch, and_(epoch == turn.epoch, by == turn.id))
        statement = update(conversations).where(conversations.c.id == turn.conversation, first)
        told = await transaction.sql.execute(
            statement.values(trim_told_epoch=turn.epoch, trim_told_turn=turn.id)
        )
        return told.rowcount == 1

    @writing
    async def met(self, transaction: Transaction, turn: Turn, now: datetime) -> bool:
        key = {
            "platform": turn.place.platform,
            "installation": turn.place.installation,
            "author_id": turn.author.id,
        }
        await insert_new(transaction.sql, people, {**key, "met_at": now, "met_turn": turn.id}, *key)
        first = select(people.c.met_turn).where(*(people.c[name] == value for name, value in key.items()))
        return bool((await transaction.sql.execute(first)).scalar_one() == turn.id)

    @writing
    async def revoke(self, transaction: Transaction, platform: str, installation: str, now: datetime) -> None:
        sql = transaction.sql
        statement = inserting(sql, installations).values(
            platform=platform, installation=installation, revoked_at=now
        )
        await sql.execute(
            statement.on_conflict_do_update(
                index_elements=["platform", "installation"], set_={"revoked_at": now}
            )
        )
        there = and_(conversations.c.platform == platform, conversations.c.installation == installation)
        await close_all(transaction, in_conversations(there), now)
