"""What was said where: who follows which thread, the history of a place, and its epochs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, bindparam, func, not_, or_, select, tuple_, update
from sqlalchemy.engine import RowMapping

from bot.chat import Cancel, Exchange, Place, Turn
from bot.ports import Clock, Forgotten
from storage.accepting import open_conversation
from storage.cancelling import call_off, close_all, in_conversations
from storage.database import Database, Transaction, writing
from storage.sql import AT, CHANNEL, insert_new, inserting, place_columns, sorts_before, unfinished, within
from storage.tables import conversations, installations, people, turns
from storage.values import exchange_value

PAGE = 50
"""Turns read at a time: more than most prompts hold, few enough to be read at once."""


FOLLOWING = select(conversations.c.following).where(AT)
WITH_TRUNK = select(conversations).where(
    CHANNEL, conversations.c.thread.in_(["", bindparam("thread", type_=Text)])
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Turns of one conversation in one epoch, up to a moment (None: to the end); of these only that `message`'s, if one is named."""

    conversation: int
    epoch: int
    until: datetime | None = None
    message: str | None = None


class SqlConversations:
    """The `Conversations` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    async def following(self, place: Place) -> bool:
        async with self.database.reading() as sql:
            return bool((await sql.execute(FOLLOWING, place_columns(place.shared))).scalar())

    @writing
    async def follow(self, transaction: Transaction, place: Place, on: bool) -> bool:
        sql = transaction.sql
        known = await open_conversation(sql, place.shared, self._clock(), branched_at=None, following=on)
        if not on and known.following:
            await sql.execute(
                update(conversations).where(conversations.c.id == known.id).values(following=False)
            )
        return bool(known.following) is not on

    async def history(
        self, place: Place, *, before: Turn | None = None, alone: bool = False
    ) -> AsyncIterator[Exchange]:
        for stretch in await self._stretches(place, before, alone):
            mark = None if before is None else (before.sent_at, before.id)
            while True:
                page = await self._page(stretch, mark)
                for row in page:
                    yield exchange_value(row)
                if len(page) < PAGE:
                    break
                mark = (page[-1]["sent_at"], page[-1]["id"])

    async def _stretches(self, place: Place, before: Turn | None, alone: bool) -> list[Stretch]:
        """What a place can look back upon: its own turns, then its channel's up to the thread's root.

        A reset of the channel moves its threads along, so that for an earlier epoch of a thread that inherits, the channel's
        is as much earlier.
        """
        async with self.database.reading() as sql:
            found = await sql.execute(WITH_TRUNK, place_columns(place))
        known = {row.thread: row for row in found}
        if (own := known.get(place.thread)) is None:
            return []
        epoch = own.epoch if before is None else before.epoch
        stretches = [Stretch(own.id, epoch)]
        trunk = known.get("")
        if place.thread and trunk is not None and own.inherits and own.branched_at is not None:
            root = place.thread if alone else None
            stretches.append(Stretch(trunk.id, trunk.epoch - (own.epoch - epoch), own.branched_at, root))
        return stretches

    async def _page(self, stretch: Stretch, mark: tuple[datetime, int] | None) -> Sequence[RowMapping]:
        """One page, newest first, of what was said before `mark`."""
        which = [
            turns.c.conversation_id == stretch.conversation,
            turns.c.epoch == stretch.epoch,
            not_(unfinished),
            turns.c.answer.is_not(None),
        ]
        if stretch.until is not None:
            which.append(turns.c.sent_at <= stretch.until)
        if stretch.message is not None:
            which.append(turns.c.message == stretch.message)
        if mark is not None:
            which.append(sorts_before(*mark))
        statement = (
            select(*_EXCHANGE).where(*which).order_by(turns.c.sent_at.desc(), turns.c.id.desc()).limit(PAGE)
        )
        async with self.database.reading() as sql:
            return (await sql.execute(statement)).mappings().all()

    @writing
    async def reset(self, transaction: Transaction, place: Place, now: datetime) -> Forgotten:
        sql = transaction.sql
        await open_conversation(sql, place, now, branched_at=None, following=False)
        news: dict[str, Any] = {"epoch": conversations.c.epoch + 1}
        if place.thread:
            news["inherits"] = False
        begun = update(conversations).where(within(place)).values(news)
        now_in = (await sql.execute(begun.returning(conversations.c.id, conversations.c.epoch))).all()
        await call_off(transaction, in_conversations(within(place)), Cancel.RESET, now)
        ended = tuple_(turns.c.conversation_id, turns.c.epoch).in_(
            [(row.id, row.epoch - 1) for row in now_in]
        )
        count = select(func.count()).where(ended, not_(unfinished), turns.c.answer.is_not(None))
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


_EXCHANGE = (
    turns.c.id,
    turns.c.sent_at,
    turns.c.author_name,
    turns.c.content,
    turns.c.answer,
    turns.c.question_tokens,
    turns.c.question_shape,
    turns.c.answer_tokens,
    turns.c.answer_shape,
    turns.c.counter,
    turns.c.answer_counter,
)
