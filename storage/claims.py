"""Which turn may run next.

A turn may run when it waits, or when the lease of whoever ran it has ended; when whoever asks speaks to its platform; when no
earlier unfinished turn of the same person stands in its conversation and none of theirs is running there; when fewer than `abreast`
run in that conversation; and when it was not tried more often before than whoever asks will have. One that
was called off waits for nobody: all there is to do is to put in order what people see. This is decided under
a lock of the conversation, so that two workers can't both find the last free place. Locks are always taken
conversation first, then turn, and of one conversation only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Integer,
    Result,
    Select,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine import RowMapping

from bot.chat import Cancel, Place, State, Turn
from bot.errors import GaveUp
from bot.ports import Signal
from storage.columns import Instant
from storage.database import Transaction
from storage.tables import RUNNING, WAITING, conversations, installations, parts, turns
from storage.values import place_value, posted_value, turn_value
from storage.versions import begin_anew, other_versions, put_back, rated_by

EVER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for a turn of which platforms, when, for how long, and the bounds. None that was tried more than `tried` times before is
    wanted; None: any."""

    owner: str
    now: datetime
    lease: timedelta
    platforms: tuple[str, ...]
    abreast: int
    attempts: int
    tried: int | None

    def bound(self, **more: Any) -> dict[str, Any]:
        tried = EVER if self.tried is None else self.tried
        return {"now": self.now, "abreast": self.abreast, "tried": tried, **more}


class Again:
    """What was found is gone, or was put in order: look once more, in a new transaction."""


AGAIN: Final = Again()


async def take_next(transaction: Transaction, claim: Claim) -> Turn | Again | None:
    """Lease the oldest turn that may run; None when there is none."""
    found = await _find(transaction, OLDEST, claim)
    if found is None and transaction.sql.dialect.name != "sqlite":
        found = await _find(transaction, OLDEST_WHEN_FREE, claim)
    if found is None:
        return None
    edited, worn_out = found["cancel"] == Cancel.EDITED, found["attempts"] > claim.attempts
    if (edited or worn_out) and not await _stands(transaction, found, claim):
        return AGAIN
    if edited:  # its worker died before it could let go
        await begin_anew(transaction, found["turn_id"])
    elif worn_out:
        await _give_up(transaction, found["turn_id"], claim)
        return AGAIN
    taken = await _take(transaction, found["turn_id"], claim)
    if taken is None:  # somebody was faster: the search saw the state before their commit
        return AGAIN
    return await _whole(transaction, taken, place_value(found))


async def read_turn(transaction: Transaction, turn_id: int) -> Turn:
    """The turn as it stands now."""
    row: Result[Any] = await transaction.sql.execute(select(turns).where(turns.c.id == turn_id))
    taken = row.mappings().one()
    here: Result[Any] = await transaction.sql.execute(
        select(conversations).where(conversations.c.id == taken["conversation_id"])
    )
    return await _whole(transaction, taken, place_value(here.mappings().one()))


async def _whole(transaction: Transaction, taken: RowMapping, place: Place) -> Turn:
    """The turn with its messages and, where it has been answered before, with what there is beside that answer."""
    sql, turn_id = transaction.sql, taken["id"]
    posted = await sql.execute(select(parts).where(parts.c.turn_id == turn_id).order_by(parts.c.index))
    turn = turn_value(taken, place, [posted_value(row) for row in posted.mappings()])
    if not (turn.latest or turn.begun or turn.answer):
        return turn
    others = await other_versions(sql, turn_id)
    return replace(turn, others=others, rated=await rated_by(sql, turn_id, turn.version, turn.author.id))


async def _find(transaction: Transaction, statement: Select[Any], claim: Claim) -> RowMapping | None:
    bound = claim.bound(platforms=claim.platforms)
    found: Result[Any] = await transaction.sql.execute(statement, bound)
    return found.mappings().first()


async def _stands(transaction: Transaction, found: RowMapping, claim: Claim) -> bool:
    """Whether it still is as it was found: the search may have waited for somebody who has taken it, and saw the state before."""
    now: Result[Any] = await transaction.sql.execute(STANDS, claim.bound(this=found["turn_id"]))
    row = now.mappings().first()
    return row is not None and all(row[name] == found[name] for name in ("attempts", "cancel"))


async def _take(transaction: Transaction, turn_id: int, claim: Claim) -> RowMapping | None:
    bound = claim.bound(this=turn_id, by=claim.owner, until=claim.now + claim.lease)
    taken: Result[Any] = await transaction.sql.execute(TAKE, bound)
    return taken.mappings().first()


async def _give_up(transaction: Transaction, turn_id: int, claim: Claim) -> None:
    """It was handed out to be failed, and not even that was done: it must not bring down workers for ever."""
    former = select(turns.c.former).where(turns.c.id == turn_id)
    if (number := (await transaction.sql.execute(former)).scalar()) is not None:
        await put_back(transaction, turn_id, number)
    over = {
        "state": State.FAILED,
        "error": GaveUp.code,
        "answer": func.coalesce(turns.c.answer, turns.c.begun),
        "finished_at": claim.now,
        "owner": None,
        "lease_until": None,
        "notes": None,
        "warned": None,
    }
    await transaction.sql.execute(update(turns).where(turns.c.id == turn_id).values(over))
    transaction.signal(Signal())


# Built once: building these takes longer than running them.

_other = turns.alias("other")
_now = bindparam("now", type_=Instant)
_same_conversation = _other.c.conversation_id == turns.c.conversation_id
_same_person = and_(_same_conversation, _other.c.author_id == turns.c.author_id)
_said_earlier = and_(
    _other.c.state.in_([WAITING, RUNNING]),
    tuple_(_other.c.sent_at, _other.c.id) < tuple_(turns.c.sent_at, turns.c.id),
)
_running = and_(_other.c.state == RUNNING, _other.c.lease_until > _now, _other.c.id != turns.c.id)
_abreast = select(func.count()).select_from(_other).where(_same_conversation, _running).correlate(turns)
_revoked = exists().where(
    installations.c.platform == conversations.c.platform,
    installations.c.installation == conversations.c.installation,
    installations.c.revoked_at.is_not(None),
)

_in_order = and_(
    not_(exists().where(_same_person, _said_earlier).correlate(turns)),
    not_(exists().where(_same_person, _running).correlate(turns)),
    _abreast.scalar_subquery() < bindparam("abreast", type_=Integer),
    turns.c.attempts <= bindparam("tried", type_=Integer),
)
_called_off = and_(turns.c.cancel.is_not(None), turns.c.cancel != Cancel.EDITED)

MAY_RUN = and_(
    turns.c.state.in_([WAITING, RUNNING]),
    or_(turns.c.state == WAITING, turns.c.lease_until <= _now),
    or_(_called_off, _in_order),
)

# The `+ 0` keeps SQLite from going through all conversations first, to look for turns in each.
_CANDIDATES = (
    select(turns.c.id.label("turn_id"), turns.c.attempts, turns.c.cancel, conversations)
    .join(conversations, conversations.c.id == turns.c.conversation_id + 0)
    .where(MAY_RUN, not_(_revoked), conversations.c.platform.in_(bindparam("platforms", expanding=True)))
    .order_by(turns.c.sent_at, turns.c.id)
    .limit(1)
)
OLDEST = _CANDIDATES.with_for_update(of=conversations, key_share=True, skip_locked=True)
"""Among the conversations that nobody is busy with."""

OLDEST_WHEN_FREE = _CANDIDATES.with_for_update(of=conversations, key_share=True)
"""Also in one that somebody is just busy with: waits for them, so that nothing is overlooked."""

STANDS = (
    select(turns.c.attempts, turns.c.cancel)
    .where(turns.c.id == bindparam("this"), MAY_RUN)
    .with_for_update(of=turns, key_share=True)
)
"""That turn, if it still may run; nobody changes it until the transaction ends."""

TAKE = (
    update(turns)
    .where(turns.c.id == bindparam("this"), MAY_RUN)
    .values(
        state=State.RUNNING,
        owner=bindparam("by"),
        lease_until=bindparam("until", type_=Instant),
        attempts=turns.c.attempts + 1,
        started_at=func.coalesce(turns.c.started_at, _now),
    )
    .returning(turns)
)
