"""Writing down a question: its conversation, its place in the queue, the turn. One transaction, once per message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Result, Row, and_, bindparam, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Incoming, Place, State
from bot.ports import Accepted, Signal
from storage.columns import Instant
from storage.database import Transaction
from storage.sql import AT, GONE, insert_new, inserting, place_columns, unfinished
from storage.tables import RUNNING, conversations, installations, receipts, turns

NO_MORE = 0
"""The number of a turn that was erased, and of one that never came to be: its author was told why."""
PLACE_KEY = ("platform", "installation", "channel", "thread", "person")


_theirs = and_(
    unfinished,
    turns.c.conversation_id == bindparam("conversation"),
    turns.c.author_id == bindparam("author"),
)
_earlier = turns.c.sent_at <= bindparam("sent_at", type_=Instant)
_installation = and_(
    installations.c.platform == bindparam("platform"),
    installations.c.installation == bindparam("installation"),
)

SEEN = select(
    select(turns.c.id).where(turns.c.key == bindparam("key")).scalar_subquery().label("known"),
    exists().where(receipts.c.key.in_([bindparam("gone"), bindparam("told")])).label("past"),
    select(func.count()).where(_theirs).scalar_subquery().label("theirs"),
    select(func.count()).where(_theirs, _earlier).scalar_subquery().label("before"),
    select(installations.c.revoked_at).where(_installation).scalar_subquery().label("revoked_at"),
)
"""Whether the turn is known, or was erased or turned away, how many unfinished ones are the same person's, how many of those stand
before it, and when the installation was revoked."""

LOCKED = (
    select(*(conversations.c[name] for name in ("id", "epoch", "reset_at", "following", "branched_at")))
    .where(AT)
    .with_for_update(key_share=True)
)


async def accept(
    transaction: Transaction, incoming: Incoming, question: Mapping[str, Any], now: datetime, queue: int
) -> Accepted | None:
    """Write the turn of `incoming`, whose `question` columns are filtered and counted."""
    sql, place = transaction.sql, incoming.place
    if place.person and place.thread:  # the bot takes part in a thread, whoever it speaks with
        await _join(sql, incoming, now)
    following = bool(place.thread and incoming.mentioned)
    talk = await open_conversation(sql, place, now, branched_at=_root(incoming), following=following)
    seen = await _look(sql, incoming, talk.id)
    if seen.known is not None:
        return Accepted(seen.known, False, await position(sql, seen.known))
    if seen.past:
        return Accepted(NO_MORE, False)
    if seen.theirs >= queue:
        return None
    if opened := incoming.address.get("opens_thread"):
        # The answer will stand in that thread: who asks on there need not mention the bot.
        thread = replace(place.shared, thread=str(opened))
        await open_conversation(sql, thread, now, branched_at=incoming.sent_at, following=True)
    if seen.revoked_at is not None and seen.revoked_at < incoming.sent_at:
        await _reinstall(sql, place)
    values = {
        **_columns(incoming),
        **question,
        "conversation_id": talk.id,
        "epoch": _epoch(talk, incoming.sent_at),
        "created_at": now,
    }
    written = await _insert(sql, values)
    if written is None:  # the same message, accepted at this moment as one of another thread
        known = (await sql.execute(select(turns.c.id).where(turns.c.key == incoming.key))).scalar_one()
        return Accepted(known, False, await position(sql, known))
    transaction.signal(Signal())
    return Accepted(written, True, seen.before)


def _epoch(talk: Row[Any], sent_at: datetime) -> int:
    """What was said before the last reset, and is heard of only now, is of the epoch that ended with it."""
    return int(talk.epoch) - (talk.reset_at is not None and sent_at < talk.reset_at)


async def _look(sql: AsyncConnection, incoming: Incoming, conversation_id: int) -> Row[Any]:
    """All that decides what becomes of a question, at one glance."""
    seen: Result[Any] = await sql.execute(
        SEEN,
        {
            "key": incoming.key,
            "gone": GONE + incoming.key,
            "told": incoming.told,
            "conversation": conversation_id,
            "author": incoming.author.id,
            "sent_at": incoming.sent_at,
            "platform": incoming.place.platform,
            "installation": incoming.place.installation,
        },
    )
    return seen.one()


async def _insert(sql: AsyncConnection, values: Mapping[str, Any]) -> int | None:
    """The new turn's id; None where its key is taken."""
    statement = inserting(sql, turns).values(**values).on_conflict_do_nothing(index_elements=["key"])
    written: int | None = (await sql.execute(statement.returning(turns.c.id))).scalar()
    return written


async def position(sql: AsyncConnection, turn_id: int) -> int:
    """How many unfinished turns of the same person in the same conversation stand before it."""
    mine = turns.alias("mine")
    earlier = tuple_(turns.c.sent_at, turns.c.id) < tuple_(mine.c.sent_at, mine.c.id)
    statement = select(func.count()).where(
        mine.c.id == turn_id,
        unfinished,
        turns.c.conversation_id == mine.c.conversation_id,
        turns.c.author_id == mine.c.author_id,
        earlier,
    )
    return (await sql.execute(statement)).scalar_one()


def running_before(turn_id: int) -> ColumnElement[bool]:
    """What is being answered of the same person in the same conversation that was said before that turn."""
    mine, other = turns.alias("mine"), turns.alias("other")
    ahead = select(other.c.id).where(
        mine.c.id == turn_id,
        other.c.state == RUNNING,
        other.c.conversation_id == mine.c.conversation_id,
        other.c.author_id == mine.c.author_id,
        tuple_(other.c.sent_at, other.c.id) < tuple_(mine.c.sent_at, mine.c.id),
    )
    return turns.c.id.in_(ahead)


async def open_conversation(
    sql: AsyncConnection, place: Place, now: datetime, *, branched_at: datetime | None, following: bool
) -> Row[Any]:
    """The conversation of a place (its `id` and `epoch`), made if it is new, and locked until the transaction ends."""
    found = await _locked(sql, place)
    if found is None:
        new: dict[str, Any] = {"created_at": now}
        if place.thread:
            trunk = place_columns(place.trunk)
            await insert_new(sql, conversations, trunk | new, *PLACE_KEY)
            new["reset_at"] = (await sql.execute(select(conversations.c.reset_at).where(AT), trunk)).scalar()
        await insert_new(sql, conversations, place_columns(place) | new, *PLACE_KEY)
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
    found: Result[Any] = await sql.execute(LOCKED, place_columns(place))
    return found.first()


async def _join(sql: AsyncConnection, incoming: Incoming, now: datetime) -> None:
    place = incoming.place.shared
    await open_conversation(sql, place, now, branched_at=_root(incoming), following=incoming.mentioned)


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
        "author_standing": author.standing,
        "address": dict(incoming.address),
        "direct": incoming.direct,
        "mentioned": incoming.mentioned,
        "sent_at": incoming.sent_at,
        "state": State.WAITING,
    }


async def _reinstall(sql: AsyncConnection, place: Place) -> None:
    """Something said after the bot was removed means that it was installed again."""
    here = (installations.c.platform == place.platform, installations.c.installation == place.installation)
    await sql.execute(update(installations).where(*here).values(revoked_at=None))
