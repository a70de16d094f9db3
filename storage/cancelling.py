"""Calling turns off: one of them, those of a place, or those of an installation that is gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, not_, select, update

from bot.chat import Cancel, State
from bot.ports import Signal
from storage.database import Transaction
from storage.sql import unfinished
from storage.tables import RUNNING, WAITING, conversations, memories, parts, pins, sources, turns, versions
from storage.vault import forget_sources

_shown = exists().where(parts.c.turn_id == turns.c.id)


def in_conversations(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """The turns of these conversations."""
    return turns.c.conversation_id.in_(select(conversations.c.id).where(which))


async def call_off(
    transaction: Transaction, which: ColumnElement[bool], reason: Cancel, now: datetime
) -> int:
    """Call off the unfinished turns among `which`; how many they were.

    A waiting turn that has shown nothing is over at once. Any other is left to its worker, or to the next one, which learns
    the reason with its claim or its next renewal and puts in order what people see. DELETED forgets the words at once, those
    of finished turns, too, whose answers a worker takes away; it gives way to no other reason. EDITED gives way to nothing else: what was
    said answers something that is asked no more, and the new answer is still to be begun.
    """
    if reason is not Cancel.DELETED:
        which = and_(which, turns.c.cancel.is_distinct_from(Cancel.EDITED))
    silent = and_(which, turns.c.state == WAITING, not_(_shown))
    over = {"state": State.CANCELLED, "finished_at": now}
    closed = await transaction.sql.execute(
        update(turns).where(silent).values(over | _because(reason)).returning(turns.c.id)
    )
    ended = len(closed.all())
    statement = update(turns).where(which, unfinished).values(_because(reason)).returning(turns.c.id)
    at_work = (await transaction.sql.execute(statement)).scalars().all()
    if reason is Cancel.DELETED:
        await transaction.sql.execute(update(turns).where(which).values(_because(reason)))
        await forget(transaction, which)
        await take_away(transaction, which, attempts=0)
    if ended or at_work:
        transaction.signal(*(Signal(turn_id, reason) for turn_id in at_work), Signal())
    return ended + len(at_work)


async def take_away(transaction: Transaction, which: ColumnElement[bool], **more: object) -> None:
    """Let a worker remove what is shown of finished turns that were deleted."""
    again = {"state": State.WAITING, "owner": None, "lease_until": None, "finished_at": None}
    finished = and_(which, not_(unfinished), turns.c.cancel == Cancel.DELETED, _shown)
    reopened = await transaction.sql.execute(update(turns).where(finished).values(again | more))
    if reopened.rowcount:
        transaction.signal(Signal())


async def close_all(transaction: Transaction, which: ColumnElement[bool], now: datetime) -> None:
    """End the unfinished turns among `which` without a word: nothing can be said there any more."""
    running = (
        (await transaction.sql.execute(select(turns.c.id).where(which, turns.c.state == RUNNING)))
        .scalars()
        .all()
    )
    over = {"state": State.CANCELLED, "finished_at": now, "owner": None, "lease_until": None}
    await transaction.sql.execute(
        update(turns).where(which, unfinished).values(over | _because(Cancel.STOPPED))
    )
    transaction.signal(*(Signal(turn_id, Cancel.STOPPED) for turn_id in running))


async def forget(transaction: Transaction, which: ColumnElement[bool]) -> None:
    """Clear the words of the question and of its answer, with the originals they hold; that there was one stays known."""
    silent = {"content": [], "masked": [], "question_tokens": 0, "question_shape": None}
    silent |= {"answer": None, "begun": None, "answer_tokens": 0, "answer_shape": None, "notes": None}
    await transaction.sql.execute(update(turns).where(which).values(silent))
    theirs = parts.c.turn_id.in_(select(turns.c.id).where(which))
    await transaction.sql.execute(update(parts).where(theirs).values(text=None))
    await transaction.sql.execute(delete(pins).where(pins.c.turn_id.in_(select(turns.c.id).where(which))))
    await forget_sources(transaction.sql, sources.c.key.in_(select(turns.c.key).where(which)))
    earlier = versions.c.turn_id.in_(select(turns.c.id).where(which))
    await transaction.sql.execute(delete(versions).where(earlier))
    await forget_summaries(transaction, which)


async def forget_summaries(transaction: Transaction, which: ColumnElement[bool]) -> None:
    """The gist of what stood before it may hold its words, also where a thread has it from its channel, or is just being made."""
    theirs, near = conversations.alias("theirs"), conversations.alias("near")
    same = (theirs.c[name] == near.c[name] for name in ("platform", "installation", "channel", "person"))
    told = select(near.c.id).join(theirs, and_(*same)).join(turns, turns.c.conversation_id == theirs.c.id)
    here = memories.c.conversation_id.in_(told.where(which))
    earliest = select(func.min(turns.c.sent_at)).where(which).scalar_subquery()
    nothing = {"summary": None, "until_at": None, "until_turn": None}
    await transaction.sql.execute(
        update(memories).where(here, memories.c.until_at >= earliest).values(nothing)
    )
    await transaction.sql.execute(update(memories).where(here).values(summing_until=None))


def _because(reason: Cancel) -> dict[str, object]:
    return {"cancel": case((turns.c.cancel == Cancel.DELETED, turns.c.cancel), else_=reason)}
