"""Budgets, and the record of every call to a model.

All charges of a call are taken in one transaction with its row, in one order for everybody (so that no two wait for each
other), or none are. Each is a single conditional statement, which the database decides on the row as it is then, not as it was
read before: nobody can slip between looking and taking.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Result, and_, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import LimitReached
from bot.ports import Call, Charge, Meter, Settlement, Spent
from storage.database import Database, Transaction, writing
from storage.meters import MINUTE, Pace, microseconds, moment, window
from storage.sql import inserting
from storage.tables import budgets, calls, paces, turns


class SqlLedger:
    """The `Ledger` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @writing
    async def reserve(
        self, transaction: Transaction, call: Call, charges: Sequence[Charge], now: datetime
    ) -> int:
        sql = transaction.sql
        refusals: dict[int, LimitReached] = {}
        for number, charge in sorted(enumerate(charges), key=lambda item: _lock_order(item[1].meter)):
            refusal = await _take(sql, charge, now)
            if refusal is not None:
                refusals[number] = refusal
        if refusals:
            raise refusals[min(refusals)]  # undoes what was taken
        values = _call_columns(call, charges, now)
        written: Result[Any] = await sql.execute(insert(calls).values(values).returning(calls.c.id))
        return int(written.scalar_one())

    @writing
    async def settle(
        self,
        transaction: Transaction,
        call: int,
        charges: Sequence[Charge],
        settlement: Settlement,
        now: datetime,
    ) -> None:
        sql = transaction.sql
        open_call = and_(calls.c.id == call, calls.c.state == "open")
        statement = update(calls).where(open_call).values(_settled_columns(settlement, now))
        found = (await sql.execute(statement.returning(calls.c.reserved, calls.c.started_at))).first()
        if found is None or settlement.usage is None:
            return
        reserved = {tuple(taken[:3]): taken[3] for taken in found.reserved}
        for charge in sorted(charges, key=lambda charge: _lock_order(charge.meter)):
            if charge.meter.period != "minute":
                more = charge.amount - reserved.get(_lock_order(charge.meter), 0)
                await _adjust(sql, charge.meter, found.started_at, more)

    async def spent(self, meters: Sequence[Meter], now: datetime) -> Sequence[Spent]:
        async with self.database.reading() as sql:
            return [await _spent(sql, meter, now) for meter in meters]


async def _take(sql: AsyncConnection, charge: Charge, now: datetime) -> LimitReached | None:
    """Take one charge, or say why not."""
    if charge.meter.period == "minute":
        return await _take_pace(sql, charge, now)
    return await _take_budget(sql, charge, now)


async def _take_budget(sql: AsyncConnection, charge: Charge, now: datetime) -> LimitReached | None:
    meter, amount = charge.meter, charge.amount
    start, end = window(meter.period, now)
    if amount <= meter.allowed:
        sum_of_both = budgets.c.used + amount
        statement = inserting(sql, budgets).values(**_budget_key(meter, start), used=amount)
        statement = statement.on_conflict_do_update(
            index_elements=list(_budget_key(meter, start)),
            set_={"used": sum_of_both},
            where=sum_of_both <= meter.allowed,
        )
        if (await sql.execute(statement.returning(budgets.c.used))).first() is not None:
            return None
    used = await _used(sql, meter, start)
    return LimitReached(meter.name, meter.allowed, max(meter.allowed - used, 0), end)


async def _take_pace(sql: AsyncConnection, charge: Charge, now: datetime) -> LimitReached | None:
    meter, amount, time = charge.meter, charge.amount, microseconds(now)
    if meter.allowed < 1:
        return LimitReached(meter.name, meter.allowed, 0, moment(time + MINUTE))
    pace = Pace(meter.allowed)
    cost = pace.cost(amount)
    if amount <= meter.allowed:
        statement = inserting(sql, paces).values(subject=meter.subject, unit=meter.unit, tat=time + cost)
        statement = statement.on_conflict_do_update(
            index_elements=["subject", "unit"],
            set_={"tat": case((paces.c.tat > time, paces.c.tat), else_=time) + cost},
            where=paces.c.tat <= time + pace.reach - cost,
        )
        if (await sql.execute(statement.returning(paces.c.tat))).first() is not None:
            return None
    tat = await _tat(sql, meter, time)
    retry_at = moment(pace.retry_at(tat, time, amount))
    return LimitReached(meter.name, meter.allowed, pace.left(tat, time), retry_at)


async def _adjust(sql: AsyncConnection, meter: Meter, taken_at: datetime, more: int) -> None:
    """Correct what was used in the window of `taken_at`, even beyond what is allowed: it was spent."""
    key = _budget_key(meter, window(meter.period, taken_at)[0])
    corrected = budgets.c.used + more
    statement = inserting(sql, budgets).values(**key, used=max(more, 0))
    await sql.execute(
        statement.on_conflict_do_update(
            index_elements=list(key), set_={"used": case((corrected > 0, corrected), else_=0)}
        )
    )


async def _spent(sql: AsyncConnection, meter: Meter, now: datetime) -> Spent:
    if meter.period != "minute":
        start, end = window(meter.period, now)
        return Spent(meter, await _used(sql, meter, start), end)
    time = microseconds(now)
    tat = await _tat(sql, meter, time)
    left = Pace(meter.allowed).left(tat, time) if meter.allowed > 0 else 0
    return Spent(meter, meter.allowed - left, moment(max(tat, time)))


async def _used(sql: AsyncConnection, meter: Meter, start: datetime) -> int:
    key = [budgets.c[name] == value for name, value in _budget_key(meter, start).items()]
    return (await sql.execute(select(budgets.c.used).where(*key))).scalar() or 0


async def _tat(sql: AsyncConnection, meter: Meter, otherwise: int) -> int:
    mine = and_(paces.c.subject == meter.subject, paces.c.unit == meter.unit)
    found = (await sql.execute(select(paces.c.tat).where(mine))).scalar()
    return otherwise if found is None else found


def _budget_key(meter: Meter, start: datetime) -> dict[str, Any]:
    return {"subject": meter.subject, "unit": meter.unit, "period": meter.period, "window_start": start}


def _lock_order(meter: Meter) -> tuple[str, str, str]:
    return meter.subject, meter.unit, meter.period


def _call_columns(call: Call, charges: Sequence[Charge], now: datetime) -> dict[str, Any]:
    place = call.place
    return {
        "turn_id": select(turns.c.id).where(turns.c.id == call.turn).scalar_subquery(),
        "platform": place.platform,
        "installation": place.installation,
        "channel": place.channel,
        "thread": place.thread,
        "person": call.person or None,
        "provider": call.provider,
        "model": call.model,
        "state": "open",
        "reserved_tokens": call.prompt_tokens + call.output_cap,
        "reserved_cost": call.cost_cap,
        "reserved": [[*_lock_order(charge.meter), charge.amount] for charge in charges],
        "started_at": now,
    }


def _settled_columns(settlement: Settlement, now: datetime) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "state": "settled",
        "cost": settlement.cost,
        "finish": settlement.finish,
        "first_token_ms": settlement.first_token_ms,
        "settled_at": now,
    }
    if settlement.usage is not None:
        columns |= {
            "prompt_tokens": settlement.usage.prompt,
            "cached_tokens": settlement.usage.cached,
            "cache_written_tokens": settlement.usage.cache_written,
            "output_tokens": settlement.usage.output,
            "reasoning_tokens": settlement.usage.reasoning,
        }
    return columns
