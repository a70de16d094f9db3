"""What was said where: who follows which thread, the history of a place, and its epochs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, tuple_, update
from sqlalchemy.engine import RowMapping

from bot.chat import Author, Cancel, Exchange, Place, Turn
from bot.ports import Clock, Forgotten
from storage.accepting import open_conversation
from storage.cancelling import call_off, close_all, in_conversations
from storage.database import Database, Transaction, writing
from storage.sql import at, insert_new, inserting, sorts_before, within
from storage.tables import DONE, conversations, installations, people, turns
from storage.values import exchange_value

PAGE = 50
"""Turns read at a time: more than most prompts hold, few enough to be read at once."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Turns of one conversation in one epoch, up to a moment (None: to the end)."""

    conversation: int
    epoch: int
    until: datetime | None = None


class SqlConversations:
    """The `Conversations` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    async def following(self, place: Place) -> bool:
        async with self.database.reading() as sql:
            return bool((await sql.execute(select(conversations.c.following).where(at(place)))).scalar())

    @writing
    async def follow(self, transaction: Transaction, place: Place, on: bool) -> bool:
        sql = transaction.sql
        known = await open_conversation(sql, place, self._clock(), branched_at=None, following=on)
        if not on and known.following:
            await sql.execute(
                update(conversations).where(conversations.c.id == known.id).values(following=False)
            )
        return bool(known.following) is not on

    async def history(
        self, place: Place, *, before: Turn | None = None, most: int = 200
    ) -> AsyncIterator[Exchange]:
        left = most
        for stretch in await self._stretches(place, before):
            mark = None if before is None else (before.sent_at, before.id)
            while left > 0:
                size = min(PAGE, left)
                page = await self._page(stretch, mark, size)
                for row in page:
                    yield exchange_value(row)
                left -= len(page)
                if len(page) < size:
                    break
                mark = (page[-1]["sent_at"], page[-1]["id"])

    async def _stretches(self, place: Place, before: Turn | None) -> list[Stretch]:
        """What a place can look back upon: its own turns, then its channel's up to the thread's root.

        A reset of the channel moves its threads along, so that for an earlier epoch of a thread that inherits, the channel's
        is as much earlier.
        """
        async with self.database.reading() as sql:
            found = await sql.execute(select(conversations).where(or_(at(place), at(place.trunk))))
        known = {row.thread: row for row in found}
        if (own := known.get(place.thread)) is None:
            return []
        epoch = own.epoch if before is None else before.epoch
        stretches = [Stretch(own.id, epoch)]
        trunk = known.get("")
        if place.thread and trunk is not None and own.inherits and own.branched_at is not None:
            stretches.append(Stretch(trunk.id, trunk.epoch - (own.epoch - epoch), own.branched_at))
        return stretches

    async def _page(
        self, stretch: Stretch, mark: tuple[datetime, int] | None, size: int
    ) -> Sequence[RowMapping]:
        """One page, newest first, of what was said before `mark`."""
        which = [
            turns.c.conversation_id == stretch.conversation,
            turns.c.epoch == stretch.epoch,
            turns.c.state == DONE,
            turns.c.answer.is_not(None),
        ]
        if stretch.until is not None:
            which.append(turns.c.sent_at <= stretch.until)
        if mark is not None:
            which.append(sorts_before(*mark))
        statement = (
            select(*_EXCHANGE).where(*which).order_by(turns.c.sent_at.desc(), turns.c.id.desc()).limit(size)
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
        count = select(func.count()).where(ended, turns.c.state == DONE)
        return Forgotten((await sql.execute(count)).scalar_one())

    @writing
    async def told_trimmed(self, transaction: Transaction, conversation: int, epoch: int) -> bool:
        told = conversations.c.trim_told_epoch
        statement = (
            update(conversations)
            .where(conversations.c.id == conversation, or_(told.is_(None), told < epoch))
            .values(trim_told_epoch=epoch)
        )
        return (await transaction.sql.execute(statement)).rowcount == 1

    @writing
    async def met(self, transaction: Transaction, place: Place, author: Author, now: datetime) -> bool:
        values = {
            "platform": place.platform,
            "installation": place.installation,
            "author_id": author.id,
            "met_at": now,
        }
        return await insert_new(transaction.sql, people, values, "platform", "installation", "author_id")

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
    turns.c.answer_tokens,
    turns.c.counter,
    turns.c.answer_counter,
)
