"""Writing down a question: its conversation, its place in the queue, the turn. One transaction, once per message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Result, Row, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Incoming, Place, State
from bot.ports import Accepted, Signal
from storage.database import Transaction
from storage.sql import at, insert_new, inserting, unfinished
from storage.tables import conversations, installations, turns

PLACE_KEY = ("platform", "installation", "channel", "thread", "person")


async def accept(
    transaction: Transaction, incoming: Incoming, question: Mapping[str, Any], now: datetime, queue: int
) -> Accepted | None:
    """Write the turn of `incoming`, whose `question` columns are filtered and counted."""
    sql, place = transaction.sql, incoming.place
    talk = await open_conversation(
        sql, place, now, branched_at=_root(incoming), following=bool(place.thread and incoming.mentioned)
    )
    known = (await sql.execute(select(turns.c.id).where(turns.c.key == incoming.key))).scalar()
    if known is not None:
        return Accepted(known, False, await position(sql, known))
    theirs = await sql.execute(
        select(func.count()).where(
            unfinished, turns.c.conversation_id == talk.id, turns.c.author_id == incoming.author.id
        )
    )
    if theirs.scalar_one() >= queue:
        return None
    if opened := incoming.address.get("opens_thread"):
        # The answer will stand in that thread: who asks on there need not mention the bot.
        thread = Place(place.platform, place.installation, place.channel, str(opened))
        await open_conversation(sql, thread, now, branched_at=incoming.sent_at, following=True)
    await _reinstalled(sql, incoming)
    values = {
        **_columns(incoming),
        **question,
        "conversation_id": talk.id,
        "epoch": talk.epoch,
        "created_at": now,
    }
    statement = (
        inserting(sql, turns)
        .values(values)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(turns.c.id)
    )
    written = (await sql.execute(statement)).scalar()
    if written is None:  # the same message, accepted just now as one of another thread
        known = (await sql.execute(select(turns.c.id).where(turns.c.key == incoming.key))).scalar_one()
        return Accepted(known, False, await position(sql, known))
    transaction.signal(Signal())
    return Accepted(written, True, await position(sql, written))


async def position(sql: AsyncConnection, turn_id: int) -> int:
    """How many unfinished turns of the same person in the same conversation stand before it."""
    mine = turns.alias("mine")
    earlier = or_(
        turns.c.sent_at < mine.c.sent_at, (turns.c.sent_at == mine.c.sent_at) & (turns.c.id < mine.c.id)
    )
    statement = select(func.count()).where(
        mine.c.id == turn_id,
        unfinished,
        turns.c.conversation_id == mine.c.conversation_id,
        turns.c.author_id == mine.c.author_id,
        earlier,
    )
    return (await sql.execute(statement)).scalar_one()


async def open_conversation(
    sql: AsyncConnection, place: Place, now: datetime, *, branched_at: datetime | None, following: bool
) -> Row[Any]:
    """The conversation of a place (its `id` and `epoch`), made if it is new, and locked until the transaction ends."""
    found = await _locked(sql, place)
    if found is None:
        if place.thread:
            await insert_new(sql, conversations, _new(place.trunk, now), *PLACE_KEY)
        await insert_new(sql, conversations, _new(place, now), *PLACE_KEY)
        found = await _locked(sql, place)
    if found is None:
        raise LookupError("a conversation is gone that was just there")
    news: dict[str, Any] = {}
    if following and not found.following:
        news["following"] = True
    if branched_at and not found.branched_at:
        news["branched_at"] = branched_at
    if news:
        await sql.execute(update(conversations).where(conversations.c.id == found.id).values(news))
    return found


async def _locked(sql: AsyncConnection, place: Place) -> Row[Any] | None:
    columns = (
        conversations.c.id,
        conversations.c.epoch,
        conversations.c.following,
        conversations.c.branched_at,
    )
    found: Result[Any] = await sql.execute(select(*columns).where(at(place)).with_for_update(key_share=True))
    return found.first()


def _new(place: Place, now: datetime) -> dict[str, Any]:
    return {
        "platform": place.platform,
        "installation": place.installation,
        "channel": place.channel,
        "thread": place.thread,
        "person": "",
        "created_at": now,
    }


def _root(incoming: Incoming) -> datetime | None:
    """When the message's thread branched off, as far as we know: at the latest with this message."""
    return (incoming.branched_at or incoming.sent_at) if incoming.place.thread else None


def _columns(incoming: Incoming) -> dict[str, Any]:
    author = incoming.author
    return {
        "key": incoming.key,
        "revision": incoming.revision,
        "message": incoming.message,
        "author_id": author.id,
        "author_name": author.name,
        "author_language": author.language,
        "author_admin": author.admin,
        "address": dict(incoming.address),
        "direct": incoming.direct,
        "sent_at": incoming.sent_at,
        "state": State.WAITING,
    }


async def _reinstalled(sql: AsyncConnection, incoming: Incoming) -> None:
    """Something said after the bot was removed means that it was installed again."""
    place = incoming.place
    await sql.execute(
        update(installations)
        .where(
            installations.c.platform == place.platform,
            installations.c.installation == place.installation,
            installations.c.revoked_at < incoming.sent_at,
        )
        .values(revoked_at=None)
    )
