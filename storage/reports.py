"""What was spent, by whom, where, on which model and when: sums over the ledger, for those who run the bot.

A period is read by the index on the time of the calls. People are hashes in the ledger; a name comes from the turn a call was made for,
and is gone with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, tuple_
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import OTHERS, By, Health, Row, Whose
from storage.database import Database
from storage.tables import FAILED, calls, conversations, ratings, turns

PACES: Final = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
"""Milliseconds to the first token: upper bounds of the steps by which latency is reported."""


class SqlReports:
    """The `Reports` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def rows(
        self, by: By, since: datetime, until: datetime, whose: Whose, *, most: int = 1000
    ) -> Sequence[Row]:
        key = self._key(by)
        names = func.max(turns.c.author_name) if by is By.USER else literal("")
        source = calls.outerjoin(turns, turns.c.id == calls.c.turn_id) if by is By.USER else calls
        order = (key,) if by is By.DAY else (_COST.desc(), _TOKENS.desc(), key)
        statement = (
            select(key.label("key"), names.label("name"), *_SUMS)
            .select_from(source)
            .where(_within(since, until, whose))
            .group_by(key)
            .order_by(*order)
            .limit(most + 1)
        )
        # One's own sum is a few rows, and waits for nobody's report.
        connected = self.database.reading() if whose.person else self.database.summing()
        async with connected as sql:
            rows = [_row(one) for one in (await sql.execute(statement)).mappings()]
            if len(rows) > most:
                all_of_it = select(literal(OTHERS).label("key"), literal("").label("name"), *_SUMS)
                total = (await sql.execute(all_of_it.where(_within(since, until, whose)))).mappings().one()
                rows = [*rows[:most], _rest(_row(total), rows[:most])]
            return await self._judged(sql, rows, since, until, whose) if by is By.MODEL else rows

    async def _judged(
        self, sql: AsyncConnection, rows: Sequence[Row], since: datetime, until: datetime, whose: Whose
    ) -> Sequence[Row]:
        """The rows of models, with what people thought of their answers in that time."""
        good, bad = (_total(case((ratings.c.good.is_(value), 1), else_=0)) for value in (True, False))
        statement = (
            select(ratings.c.model, good.label("good"), bad.label("bad"))
            .join(turns, turns.c.id == ratings.c.turn_id)
            .join(conversations, conversations.c.id == turns.c.conversation_id)
            .where(ratings.c.rated_at >= since, ratings.c.rated_at < until)
            .group_by(ratings.c.model)
            .order_by(ratings.c.model)
        )
        if whose.platform:
            here = (conversations.c.platform, conversations.c.installation)
            statement = statement.where(tuple_(*here) == (whose.platform, whose.installation))
        judged = {one.model: one for one in (await sql.execute(statement)).all()}
        known = {row.key for row in rows}
        uncalled = [
            Row(model, "", 0, 0, 0, 0, 0, 0, None, 0)
            for model in judged
            if model not in known and OTHERS not in known
        ]
        return [
            replace(row, good=int(judged[row.key].good), bad=int(judged[row.key].bad))
            if row.key in judged
            else row
            for row in [*rows, *uncalled]
        ]

    async def health(self, since: datetime, until: datetime, whose: Whose) -> Health:
        within = _within(since, until, whose)
        step = case(  # 0: longer than all
            (calls.c.first_token_ms.is_(None), None),
            *((calls.c.first_token_ms <= most, most) for most in PACES),
            else_=literal(0),
        )
        ended = case((calls.c.state != "open", calls.c.finish))
        went = select(step.label("step"), ended.label("ending"), func.count().label("calls")).where(within)
        failed = select(turns.c.error, func.count().label("turns")).where(
            turns.c.state == FAILED, turns.c.finished_at >= since, turns.c.finished_at < until
        )
        if whose.platform:
            failed = failed.join(conversations, conversations.c.id == turns.c.conversation_id).where(
                conversations.c.platform == whose.platform, conversations.c.installation == whose.installation
            )
        steps: Counter[int | None] = Counter()
        finishes: Counter[str | None] = Counter()
        async with self.database.summing() as sql:
            for row in (await sql.execute(went.group_by("step", "ending"))).all():
                steps[row.step] += row.calls
                finishes[row.ending] += row.calls
            errors = (await sql.execute(failed.group_by(turns.c.error))).all()
        return Health(
            [(most, steps[most]) for most in PACES] + [(None, steps[0])],
            {finish: count for finish, count in finishes.items() if finish is not None},
            {row.error: row.turns for row in errors},
        )

    def _key(self, by: By) -> ColumnElement[Any]:
        match by:
            case By.USER:
                return calls.c.person
            case By.CHANNEL:  # a direct message is one person's: they stand as one
                return (
                    calls.c.platform
                    + ":"
                    + calls.c.installation
                    + ":"
                    + case((or_(calls.c.direct, calls.c.channel == ""), ""), else_=calls.c.channel)
                )
            case By.MODEL:
                return calls.c.provider + ":" + calls.c.model
            case By.DAY:
                if self.database.is_sqlite:
                    return func.strftime("%Y-%m-%d", calls.c.started_at)
                return func.to_char(func.timezone("UTC", calls.c.started_at), "YYYY-MM-DD")


def _within(since: datetime, until: datetime, whose: Whose) -> ColumnElement[bool]:
    which = [calls.c.started_at >= since, calls.c.started_at < until]
    if whose.platform:
        which += [calls.c.platform == whose.platform, calls.c.installation == whose.installation]
    if whose.person:
        which.append(calls.c.person == whose.person)
    return and_(*which)


def _total(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(column), 0)


_unreported = calls.c.prompt_tokens.is_(None)
_reserved = _total(case((_unreported, calls.c.reserved_tokens), else_=0))
_TOKENS = _total(calls.c.prompt_tokens) + _total(calls.c.output_tokens) + _reserved
_cost = case((calls.c.state == "open", calls.c.reserved_cost), else_=calls.c.cost)
_COST = _total(_cost)
_SUMS: Final = (
    func.count().label("calls"),
    _total(calls.c.prompt_tokens).label("prompt"),
    _total(calls.c.cached_tokens).label("cached"),
    _total(calls.c.output_tokens).label("output"),
    _total(calls.c.reasoning_tokens).label("reasoning"),
    _reserved.label("reserved"),
    func.sum(_cost).label("cost"),
    _total(case((_cost.is_(None), 1), else_=0)).label("unpriced"),
)


def _rest(total: Row, named: Sequence[Row]) -> Row:
    """What is left of the total without those that are named."""
    known = sum((row.cost for row in named if row.cost is not None), Decimal(0))
    return replace(
        total,
        calls=total.calls - sum(row.calls for row in named),
        prompt=total.prompt - sum(row.prompt for row in named),
        cached=total.cached - sum(row.cached for row in named),
        output=total.output - sum(row.output for row in named),
        reasoning=total.reasoning - sum(row.reasoning for row in named),
        reserved=total.reserved - sum(row.reserved for row in named),
        cost=None if total.cost is None else total.cost - known,
        unpriced=total.unpriced - sum(row.unpriced for row in named),
    )


def _row(row: RowMapping) -> Row:
    return Row(
        key=row["key"] or "",
        name=row["name"] or "",
        calls=row["calls"],
        prompt=int(row["prompt"]),
        cached=int(row["cached"]),
        output=int(row["output"]),
        reasoning=int(row["reasoning"]),
        reserved=int(row["reserved"]),
        cost=row["cost"],
        unpriced=int(row["unpriced"]),
    )
