"""Which turn may run next.

A turn may run when it waits, or when the lease of whoever ran it has ended; when no earlier unfinished turn of the same person
stands in its conversation and none of theirs is running there; and when fewer than `abreast` run in that conversation. This is
decided under a lock of the conversation, so that two workers can't both find the last free place. Locks are always taken
conversation first, then turn, and of one conversation only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Result, and_, exists, func, not_, or_, select, update
from sqlalchemy.engine import RowMapping

from bot.chat import State, Turn
from bot.ports import Signal
from storage.database import Transaction
from storage.sql import unfinished
from storage.tables import RUNNING, WAITING, conversations, installations, parts, turns
from storage.values import place_value, posted_value, turn_value

other = turns.alias("other")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for a turn, when, for how long, and the two bounds."""

    owner: str
    now: datetime
    lease: timedelta
    abreast: int
    attempts: int


class Again:
    """What was found is gone or given up: look once more, in a new transaction."""


AGAIN: Final = Again()


async def take_next(transaction: Transaction, claim: Claim) -> Turn | Again | None:
    """Lease the oldest turn that may run; None when there is none."""
    found = await _oldest(transaction, claim, wait=False)
    if found is None and transaction.sql.dialect.name != "sqlite":
        found = await _oldest(transaction, claim, wait=True)  # what others are just busy with
    if found is None:
        return None
    if found["attempts"] > claim.attempts:
        await _give_up(transaction, found["turn_id"], claim)
        return AGAIN
    taken = await _take(transaction, found["turn_id"], claim)
    if taken is None:  # somebody was faster: the search saw the state before their commit
        return AGAIN
    posted = await transaction.sql.execute(
        select(parts).where(parts.c.turn_id == taken["id"]).order_by(parts.c.index)
    )
    return turn_value(taken, place_value(found), [posted_value(row) for row in posted.mappings()])


async def _oldest(transaction: Transaction, claim: Claim, *, wait: bool) -> RowMapping | None:
    statement = (
        select(turns.c.id.label("turn_id"), turns.c.attempts, conversations)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .where(may_run(claim), not_(_revoked))
        .order_by(turns.c.sent_at, turns.c.id)
        .limit(1)
        .with_for_update(of=conversations, key_share=True, skip_locked=not wait)
    )
    rows = await transaction.sql.execute(statement)
    return rows.mappings().first()


async def _take(transaction: Transaction, turn_id: int, claim: Claim) -> RowMapping | None:
    statement = (
        update(turns)
        .where(turns.c.id == turn_id, may_run(claim))
        .values(
            state=State.RUNNING,
            owner=claim.owner,
            lease_until=claim.now + claim.lease,
            attempts=turns.c.attempts + 1,
            started_at=func.coalesce(turns.c.started_at, claim.now),
        )
        .returning(turns)
    )
    rows: Result[Any] = await transaction.sql.execute(statement)
    return rows.mappings().one_or_none()


async def _give_up(transaction: Transaction, turn_id: int, claim: Claim) -> None:
    """It was handed out to be failed already, and that never happened: it must not bring down a worker for ever."""
    statement = (
        update(turns)
        .where(turns.c.id == turn_id, may_run(claim))
        .values(state=State.FAILED, owner=None, lease_until=None, error="attempts", finished_at=claim.now)
    )
    await transaction.sql.execute(statement)
    transaction.signal(Signal())


def may_run(claim: Claim) -> ColumnElement[bool]:
    alive = and_(other.c.state == RUNNING, other.c.lease_until > claim.now)
    neighbours = and_(
        other.c.conversation_id == turns.c.conversation_id, other.c.id != turns.c.id, _unfinished_other
    )
    earlier = or_(
        other.c.sent_at < turns.c.sent_at, and_(other.c.sent_at == turns.c.sent_at, other.c.id < turns.c.id)
    )
    in_the_way = exists().where(neighbours, other.c.author_id == turns.c.author_id, or_(earlier, alive))
    running = (
        select(func.count()).select_from(other).where(neighbours, alive).correlate(turns).scalar_subquery()
    )
    return and_(
        unfinished,
        or_(turns.c.state == WAITING, turns.c.lease_until <= claim.now),
        not_(in_the_way.correlate(turns)),
        running < claim.abreast,
    )


_unfinished_other = other.c.state.in_([WAITING, RUNNING])
_revoked = exists().where(
    installations.c.platform == conversations.c.platform,
    installations.c.installation == conversations.c.installation,
    installations.c.revoked_at.is_not(None),
)
