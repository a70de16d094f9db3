"""Pieces of SQL that several stores share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, literal, not_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Mark, Place
from storage.tables import RUNNING, WAITING, conversations, optouts, turns

unfinished = turns.c.state.in_([WAITING, RUNNING])
finished = (not_(unfinished), turns.c.answer.is_not(None))
"""Turns that have an answer, if only a partial one."""


GONE = "gone:"
"""Before a message's key in the receipts: its turn was erased."""

STANDING = select(
    turns.c.id.label("turn_id"),
    turns.c.state,
    turns.c.created_at,
    turns.c.owner,
    turns.c.attempts,
    turns.c.error,
    turns.c.reference,
    conversations.c.platform,
    conversations.c.installation,
    conversations.c.channel,
    conversations.c.thread,
    conversations.c.person,
).join(conversations, conversations.c.id == turns.c.conversation_id)
"""Turns as an operator wants to see them."""


def inserting(sql: AsyncConnection, table: Table) -> postgresql.Insert:
    """An INSERT that knows ON CONFLICT: the same on both databases, in two classes with the same methods."""
    if sql.dialect.name == "sqlite":
        return sqlite.insert(table)  # type: ignore[return-value]  # see above
    return postgresql.insert(table)


async def insert_new(sql: AsyncConnection, table: Table, values: Mapping[str, Any], *unique: str) -> bool:
    """Insert a row unless there is one with the same `unique` columns. True when it was new."""
    statement = inserting(sql, table).values(**values).on_conflict_do_nothing(index_elements=list(unique))
    return (await sql.execute(statement.returning(table.c[unique[0]]))).first() is not None


def held(turn_id: int, owner: str) -> ColumnElement[bool]:
    """The turn, as long as `owner` answers it."""
    return and_(turns.c.id == turn_id, turns.c.owner == owner, turns.c.state == RUNNING)


def place_columns(place: Place) -> dict[str, str]:
    """The columns of a conversation that say where it is; also what `AT` is to be bound to."""
    return {
        "platform": place.platform,
        "installation": place.installation,
        "channel": place.channel,
        "thread": place.thread,
        "person": place.person,
    }


# Bound when executed: building a condition takes longer than running it.
CHANNEL = and_(
    conversations.c.platform == bindparam("platform"),
    conversations.c.installation == bindparam("installation"),
    conversations.c.channel == bindparam("channel"),
    conversations.c.person == bindparam("person"),
)
AT = and_(CHANNEL, conversations.c.thread == bindparam("thread"))
"""The conversation of exactly one place."""


def within(place: Place) -> ColumnElement[bool]:
    """The conversations of this place and, for a channel, of its threads; everybody's, unless it is one person's."""
    which = [
        conversations.c.platform == place.platform,
        conversations.c.installation == place.installation,
        conversations.c.channel == place.channel,
    ]
    if place.thread:
        which.append(conversations.c.thread == place.thread)
    if place.person:
        which.append(conversations.c.person == place.person)
    return and_(*which)


def opted_out(conversation: int) -> Select[tuple[str]]:
    """Those who want nothing of theirs told, of the installation that conversation is in."""
    same = (optouts.c[name] == conversations.c[name] for name in ("platform", "installation"))
    return (
        select(optouts.c.author_id).join(conversations, and_(*same)).where(conversations.c.id == conversation)
    )


def sorts_before(mark: Mark) -> ColumnElement[bool]:
    """Turns said earlier than that one: a row value, which both databases find in an index."""
    return tuple_(turns.c.sent_at, turns.c.id) < _position(mark)


def sorts_from(mark: Mark) -> ColumnElement[bool]:
    """Turns said at that position or later."""
    return tuple_(turns.c.sent_at, turns.c.id) >= _position(mark)


def _position(mark: Mark) -> ColumnElement[Any]:
    return tuple_(literal(mark.at, turns.c.sent_at.type), literal(mark.turn, turns.c.id.type))
