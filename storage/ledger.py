"""Budgets, rates, the line before a provider's limits, and the record of every call to a model.

All that a call may cost is taken at once, together with its row in the ledger, or nothing is. On PostgreSQL that is one statement
(`storage/admission.py`); on SQLite it is a transaction of the one writer. Both compute as `storage/meters.py` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Result, and_, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Quota
from bot.ports import Call, Charge, Line, Meter, Settlement, Spent, Taken, Ticket, Warned
from storage import levels
from storage.admission import ADMIT, LIVE, OPEN, SETTLE, Asked, corrections_json, settled_columns
from storage.database import Database, Transaction, writing
from storage.meters import (
    Ahead,
    Correction,
    correction,
    kind,
    left,
    line,
    microseconds,
    refusal,
    resets_at,
    room,
    span_of,
    waiting,
    want,
    warning_at,
    window,
)
from storage.sql import inserting
from storage.tables import OPEN_STATE, calls, lanes, meters, tickets

LAST: Final = Ticket(0, 2**63 - 1)
"""Stands behind all others: who has no ticket."""
LOST: Final = timedelta(minutes=15)
"""A call that is open for so long is settled by nobody any more: no answer may take that long."""


class SqlLedger:
    """The `Ledger` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def reserve(
        self, call: Call, charges: Sequence[Charge], now: datetime, ticket: Ticket | None = None
    ) -> Taken | Line:
        asked = Asked(call, tuple(charges), now, ticket or LAST)
        answer = await (self._admit_here(asked) if self.database.is_sqlite else self._admit(asked))
        if answer.call is not None:
            return Taken(answer.call, answer.cap, asked.charges, now)
        refused = refusal(asked.wants, answer.levels, call.least_output, now)
        if refused is not None:
            if ticket is not None:
                await self.leave(ticket)
            raise refused[1]
        return line(asked.wants, answer.levels, answer.ahead, now)

    async def _admit(self, asked: Asked) -> _Answer:
        (found,) = await self.database.instant(ADMIT, asked.bound())
        ahead = Ahead(found.ahead_count, int(found.ahead_tokens))
        return _Answer(found.call, found.cap, found.levels or [], ahead)

    @writing
    async def _admit_here(self, transaction: Transaction, asked: Asked) -> _Answer:
        sql, wants, now = transaction.sql, asked.wants, microseconds(asked.now)
        states = await levels.read(sql, (one.key for one in wants))
        found = [states[one.key].level(one.rate, now) for one in wants]
        ahead = await _ahead(sql, asked) if any(one.queued for one in wants) else Ahead()
        cap = room(wants, found, ahead, asked.call.output_cap, asked.call.least_output)
        if asked.ticket is not LAST:
            mine = tickets.c.id == asked.ticket.id
            live = {"live_until": microseconds(asked.now + LIVE)}
            await sql.execute(
                update(tickets).where(mine).values(live) if cap is None else delete(tickets).where(mine)
            )
        if cap is None:
            return _Answer(None, 0, found, ahead)
        rows = [
            states[one.key].grown(one.key, one.after(level, cap), now, one.keep_until)
            for one, level in zip(wants, found, strict=True)
        ]
        await levels.write(sql, rows)
        written: Result[Any] = await sql.execute(OPEN, asked.row(cap))
        return _Answer(int(written.scalar_one()), cap, found, ahead)

    @writing
    async def queue(
        self, transaction: Transaction, call: Call, shares: Sequence[Charge], now: datetime
    ) -> Ticket:
        sql, wants, time = transaction.sql, [want(share, now) for share in shares], microseconds(now)
        await levels.make(sql, [levels.REST.grown(one.key, 0, time, one.keep_until) for one in wants])
        states = await levels.read(sql, (one.key for one in wants), lock=True)
        found = [states[one.key].level(one.rate, time) for one in wants]
        rows = [
            states[one.key].grown(one.key, one.after(level, call.output_cap), time, one.keep_until)
            for one, level in zip(wants, found, strict=True)
        ]
        await levels.write(sql, rows)
        delays = [waiting(level, one.rate) for one, level in zip(wants, found, strict=True)]
        rank = microseconds(now + max(delays, default=timedelta(0)))
        values = {
            "lane": call.lane,
            "rank": rank,
            "tokens": call.prompt_tokens + call.output_cap,
            "live_until": microseconds(now + LIVE),
        }
        written: Result[Any] = await sql.execute(insert(tickets).values(values).returning(tickets.c.id))
        return Ticket(int(written.scalar_one()), rank)

    @writing
    async def leave(self, transaction: Transaction, ticket: Ticket) -> None:
        await transaction.sql.execute(delete(tickets).where(tickets.c.id == ticket.id))

    async def settle(self, taken: Taken, settlement: Settlement, now: datetime) -> Sequence[Warned]:
        found = [correction(taken, charge, settlement, now) for charge in taken.charges]
        corrections = [one for one in found if one is not None]
        if self.database.is_sqlite:
            told = await self._settle_here(taken.call, corrections, settlement, now)
        else:
            bound = {
                **settled_columns(settlement, now),
                "call": taken.call,
                "now": microseconds(now),
                "wants": corrections_json(corrections),
                "many": len(corrections),
            }
            rows = await self.database.instant(SETTLE, bound)
            told = {row.n: _Told(row.told_before, row.told, row.value) for row in rows}
        return [
            Warned(
                corrections[n].want.meter,
                one.now,
                one.value,
                window(corrections[n].want.meter.period, taken.at)[1],
            )
            for n, one in sorted(told.items())
            if one.now > one.before
        ]

    @writing
    async def _settle_here(
        self,
        transaction: Transaction,
        call: int,
        corrections: Sequence[Correction],
        settlement: Settlement,
        now: datetime,
    ) -> dict[int, _Told]:
        sql, time = transaction.sql, microseconds(now)
        columns = settled_columns(settlement, now)
        if settlement.usage is None:
            columns["cost"] = calls.c.reserved_cost
        closed = (
            update(calls)
            .where(calls.c.id == call, calls.c.state == "open")
            .values({**columns, "state": "settled"})
        )
        if (await sql.execute(closed.returning(calls.c.id))).first() is None:
            return {}
        keys = [one.want.key for one in corrections]
        states = await levels.read(sql, keys + [one.next_key for one in corrections])
        told, rows = {}, []
        for number, one in enumerate(corrections):
            state, later = states[one.want.key], states[one.next_key]
            if not state.known:
                continue
            level = state.level(one.want.rate, time)
            told[number] = _Told(state.told, one.told(state.told, level), one.after(level))
            rows.append(
                levels.row(
                    one.want.key,
                    one.after(level),
                    max(state.as_of, time),
                    told[number].now,
                    one.want.keep_until,
                )
            )
            if carried := one.carried(level):
                rows.append(levels.row(one.next_key, later.value + carried, time, later.told, one.next_until))
        await levels.write(sql, rows)
        return told

    @writing
    async def reached(self, transaction: Transaction, meter: Meter, now: datetime) -> bool:
        if meter.period == "minute":
            return False
        key = zip(levels.KEY, (meter.subject, kind(meter), span_of(meter.period, now)), strict=True)
        here = and_(*(meters.c[name] == value for name, value in key))
        first = and_(here, meters.c.told < 100, meters.c.value >= warning_at(meter.allowed))
        statement = update(meters).where(first).values(told=100).returning(meters.c.told)
        return (await transaction.sql.execute(statement)).first() is not None

    async def spent(self, meters: Sequence[Meter], now: datetime) -> Sequence[Spent]:
        keys = [(meter.subject, kind(meter), span_of(meter.period, now)) for meter in meters]
        async with self.database.reading() as sql:
            states = await levels.read(sql, keys)
        found = []
        for meter, key in zip(meters, keys, strict=True):
            rate = meter.allowed if meter.period == "minute" else 0
            level = states[key].level(rate, microseconds(now))
            used = meter.burst - left(meter, level) if rate else level
            found.append(Spent(meter, used, resets_at(meter, level, now)))
        return found

    async def tidy(self, now: datetime, most: int) -> int:
        await self.close_lost(now, now - LOST)
        return await self._drop(now, most)

    @writing
    async def close_lost(self, transaction: Transaction, now: datetime, before: datetime) -> int:
        values = {"state": "lost", "cost": calls.c.reserved_cost, "finish": "lost", "settled_at": now}
        old = and_(calls.c.state == OPEN_STATE, calls.c.started_at < before)
        return (await transaction.sql.execute(update(calls).where(old).values(values))).rowcount

    @writing
    async def _drop(self, transaction: Transaction, now: datetime, most: int) -> int:
        key = [meters.c[name] for name in levels.KEY]
        over = meters.c.keep_until < span_of("day", now)
        old = select(*key).where(over).order_by(meters.c.keep_until).limit(most)
        dropped = await transaction.sql.execute(delete(meters).where(tuple_(*key).in_(old)))
        void = tickets.c.live_until < microseconds(now - LOST)
        await transaction.sql.execute(delete(tickets).where(void))
        return dropped.rowcount

    @writing
    async def forget(self, transaction: Transaction, person: str) -> int:
        mine = update(calls).where(calls.c.person == person)
        await transaction.sql.execute(mine.where(calls.c.direct).values(channel="", thread=""))
        return (await transaction.sql.execute(mine.values(person=None, turn_id=None))).rowcount

    async def learned(self) -> Mapping[str, Quota]:
        async with self.database.reading() as sql:
            rows = (await sql.execute(select(lanes))).all()
        return {
            row.lane: Quota(row.requests_per_minute, None, row.tokens_per_minute, None, row.seen_at)
            for row in rows
        }

    @writing
    async def learn(self, transaction: Transaction, lane: str, quota: Quota) -> None:
        values = {
            "requests_per_minute": quota.requests_limit,
            "tokens_per_minute": quota.tokens_limit,
            "seen_at": quota.at,
        }
        statement = inserting(transaction.sql, lanes).values(lane=lane, **values)
        await transaction.sql.execute(
            statement.on_conflict_do_update(
                index_elements=["lane"], set_=values, where=lanes.c.seen_at < quota.at
            )
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of an attempt: the call's id and its output cap, or None and what stood in the way."""

    call: int | None
    cap: int
    levels: Sequence[int]
    ahead: Ahead


@dataclass(frozen=True, slots=True)
class _Told:
    before: int
    now: int
    value: int


async def _ahead(sql: AsyncConnection, asked: Asked) -> Ahead:
    where = (
        tickets.c.lane == asked.call.lane,
        tickets.c.live_until > microseconds(asked.now),
        tuple_(tickets.c.rank, tickets.c.id) < (asked.ticket.rank, asked.ticket.id),
    )
    columns = (func.count(), func.coalesce(func.sum(tickets.c.tokens), 0))
    count, tokens = (await sql.execute(select(*columns).where(*where))).one()
    return Ahead(count, tokens)
