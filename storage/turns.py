"""Accepted turns and who is answering them.

A turn is written once per message, and claimed under a lease. Who has lost the lease to another worker writes nothing more:
`LeaseLost`. A running turn that is edited stays with its worker until that lets go of it, whichever way; then it waits anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from bot.chat import Cancel, Content, Finish, Incoming, Place, Size, State, Turn
from bot.errors import LeaseLost
from bot.ports import Accepted, Clock, Journal, Pulse, Renewal, Signal, Waiting, Warned
from storage.accepting import accept, position, running_before
from storage.cancelling import call_off, forget, in_conversations, take_away
from storage.claims import Again, Claim, read_turn, take_next
from storage.database import Database, Transaction, writing
from storage.journal import TurnJournal
from storage.sql import GONE, STANDING, held, insert_new, unfinished, within
from storage.tables import RUNNING, receipts, turns
from storage.values import as_said, content_json, shape_json, waiting_value, warned_json
from storage.versions import begin_anew, put_back


class Turns:
    """The `Inbox` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    @writing
    async def accept(
        self,
        transaction: Transaction,
        incoming: Incoming,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
        now: datetime,
        queue: int,
    ) -> Accepted | None:
        return await accept(transaction, incoming, _question(content, masked, size, counter), now, queue)

    @writing
    async def amend(
        self,
        transaction: Transaction,
        incoming: Incoming,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
        now: datetime,
    ) -> Accepted | None:
        columns = (turns.c.id, turns.c.revision, turns.c.state, turns.c.cancel, turns.c.content)
        known = select(*columns).where(turns.c.key == incoming.key).with_for_update(key_share=True)
        found = (await transaction.sql.execute(known)).first()
        if found is None:
            return None
        if incoming.revision <= found.revision or found.cancel == Cancel.DELETED:
            return Accepted(found.id, False)
        question = _question(content, masked, size, counter)
        news: dict[str, Any] = {"revision": incoming.revision}
        created = question["content"] != as_said(found.content)
        if created:
            news |= question
        if created and found.state == State.RUNNING:  # its worker is still at its messages
            news["cancel"] = Cancel.EDITED
            transaction.signal(Signal(found.id, Cancel.EDITED))
        elif created:
            await begin_anew(transaction, found.id)
        await transaction.sql.execute(update(turns).where(turns.c.id == found.id).values(news))
        return Accepted(found.id, created, await position(transaction.sql, found.id))

    async def claim(
        self,
        owner: str,
        now: datetime,
        lease: timedelta,
        *,
        platforms: Collection[str],
        abreast: int,
        attempts: int,
        tried: int | None = None,
    ) -> Turn | None:
        claim = Claim(owner, now, lease, tuple(platforms), abreast, attempts, tried)
        while isinstance(taken := await self._take_next(claim), Again):
            pass
        return taken

    @writing
    async def _take_next(self, transaction: Transaction, claim: Claim) -> Turn | Again | None:
        return await take_next(transaction, claim)

    @writing
    async def renew(self, transaction: Transaction, turn: int, owner: str, until: datetime) -> Renewal:
        statement = update(turns).where(held(turn, owner)).values(lease_until=until).returning(turns.c.cancel)
        found = (await transaction.sql.execute(statement)).first()
        if found is None:
            return Renewal(Pulse.LOST)
        return Renewal(Pulse.MINE, None if found.cancel is None else Cancel(found.cancel))

    @writing
    async def release(self, transaction: Transaction, turn: int, owner: str) -> None:
        back = {"state": State.WAITING, "attempts": turns.c.attempts - 1, "owner": None, "lease_until": None}
        if await self._write(transaction, turn, owner, back) is Cancel.EDITED:
            await begin_anew(transaction, turn)
        transaction.signal(Signal())

    @writing
    async def read(
        self,
        transaction: Transaction,
        turn: int,
        owner: str,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
    ) -> None:
        question = _question(content, masked, size, counter)
        as_asked = and_(
            held(turn, owner), turns.c.cancel.is_(None)
        )  # else it was edited, deleted or stopped meanwhile
        await transaction.sql.execute(update(turns).where(as_asked).values(question))

    @writing
    async def answered(
        self,
        transaction: Transaction,
        turn: int,
        owner: str,
        answer: str,
        size: Size,
        counter: str,
        finish: Finish,
        model: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        whole = {
            "answer": answer,
            "begun": None,
            "former": None,
            "answer_tokens": size.tokens,
            "answer_shape": shape_json(size),
            "answer_counter": counter,
            "answer_model": model or turns.c.answer_model,
            "finish": finish,
            "notes": list(notes),
        }
        await self._write(transaction, turn, owner, whole)

    @writing
    async def warned(self, transaction: Transaction, turn: int, owner: str, warned: Sequence[Warned]) -> None:
        await self._write(transaction, turn, owner, {"warned": [warned_json(one) for one in warned]})

    @writing
    async def put_back(self, transaction: Transaction, turn: int, owner: str) -> Turn | None:
        mine = select(turns.c.former).where(held(turn, owner)).with_for_update(key_share=True)
        found = (await transaction.sql.execute(mine)).first()
        if found is None:
            raise LeaseLost(f"turn {turn}")
        if found.former is None or await put_back(transaction, turn, found.former) is None:
            return None
        return await read_turn(transaction, turn)

    @writing
    async def close(
        self,
        transaction: Transaction,
        turn: int,
        owner: str,
        state: State,
        *,
        error: str = "",
        reference: str = "",
        now: datetime,
    ) -> None:
        over = {"state": state, "error": error, "reference": reference, "finished_at": now}
        over |= {"owner": None, "lease_until": None, "notes": None, "warned": None}
        cancel = await self._write(transaction, turn, owner, over)
        if cancel is Cancel.EDITED:
            await begin_anew(transaction, turn)  # what was answered is asked no more
        elif cancel is Cancel.DELETED:
            await take_away(transaction, turns.c.id == turn)  # where its worker did not know
        transaction.signal(Signal())

    async def _write(
        self, transaction: Transaction, turn_id: int, owner: str, values: dict[str, Any]
    ) -> Cancel | None:
        """Change the turn if `owner` still has it, and say how it was called off, if it was. What was deleted meanwhile gets
        no words again."""
        statement = update(turns).where(held(turn_id, owner)).values(values).returning(turns.c.cancel)
        found = (await transaction.sql.execute(statement)).first()
        if found is None:
            raise LeaseLost(f"turn {turn_id}")
        if found.cancel == Cancel.DELETED:
            await forget(transaction, turns.c.id == turn_id)
        return None if found.cancel is None else Cancel(found.cancel)

    def journal(self, turn: Turn, owner: str) -> Journal:
        return TurnJournal(self.database, turn, owner)

    async def cancel(
        self,
        reason: Cancel,
        *,
        turn: int | None = None,
        place: Place | None = None,
        message: str | None = None,
        author: str | None = None,
        until: datetime | None = None,
    ) -> int:
        which = []
        if turn is not None:
            which.append(turns.c.id == turn)
        if place is not None and message is not None:  # a message's id is its channel's, whatever its thread
            which += [turns.c.message == message, in_conversations(within(place.trunk))]
        elif place is not None:
            which.append(in_conversations(within(place)))
        if not which:
            raise ValueError("to cancel takes a turn or a place")
        if author is not None:
            which.append(turns.c.author_id == author)
        if until is not None:
            which.append(turns.c.sent_at <= until)
        ended = await self._call_off(and_(*which), reason)
        if reason is Cancel.DELETED:
            await self.database.scrub()
        return ended

    @writing
    async def _call_off(self, transaction: Transaction, which: ColumnElement[bool], reason: Cancel) -> int:
        return await call_off(transaction, which, reason, self._clock())

    @writing
    async def interrupt(self, transaction: Transaction, turn: int) -> int:
        return await call_off(transaction, running_before(turn), Cancel.INTERRUPTED, self._clock())

    @writing
    async def once(self, transaction: Transaction, key: str, now: datetime) -> bool:
        return await insert_new(transaction.sql, receipts, {"key": key, "seen_at": now}, "key")

    async def seen(self, key: str) -> bool:
        async with self.database.reading() as sql:
            return (
                await sql.execute(select(receipts.c.key).where(receipts.c.key == key))
            ).first() is not None

    async def known(self, keys: Sequence[str]) -> Collection[str]:
        asked = select(turns.c.key).where(turns.c.key.in_(keys))
        gone = [GONE + key for key in keys]
        done = select(receipts.c.key).where(receipts.c.key.in_([*keys, *gone]))
        async with self.database.reading() as sql:
            found = (await sql.execute(asked.union(done))).scalars()
            return {key.removeprefix(GONE) for key in found}

    @writing
    async def void_leases(self, transaction: Transaction) -> int:
        ended = {"owner": None, "lease_until": self._clock()}
        statement = update(turns).where(turns.c.state == RUNNING).values(ended)
        transaction.signal(Signal())
        return (await transaction.sql.execute(statement)).rowcount

    async def unfinished(self) -> Sequence[Waiting]:
        statement = STANDING.where(unfinished).order_by(turns.c.sent_at, turns.c.id)
        async with self.database.reading() as sql:
            rows = (await sql.execute(statement)).mappings().all()
        return [waiting_value(row, self._clock()) for row in rows]

    def signals(self) -> AsyncIterator[Signal]:
        return self.database.bell.subscribe()


def _question(content: Content, masked: Sequence[str], size: Size, counter: str) -> dict[str, Any]:
    return {
        "content": content_json(content),
        "masked": list(masked),
        "question_tokens": size.tokens,
        "question_shape": shape_json(size),
        "counter": counter,
    }
