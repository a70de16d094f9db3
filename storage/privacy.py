"""What is kept of a person: counted, told row by row, and erased in rounds; and who wants nothing of theirs kept at all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Cancel, plain_text
from bot.ports import Clock, Erased, Json, Kept, Signal, Topic, Who
from storage.cancelling import call_off, forget_summaries, in_conversations
from storage.database import Database, Transaction, writing
from storage.erasing import erase_places, erase_turns
from storage.quoting import unquote
from storage.sealing import Seal
from storage.sql import insert_new, inserting, unfinished
from storage.tables import (
    audit,
    calls,
    conversations,
    erasures,
    optouts,
    people,
    pins,
    ratings,
    sources,
    turns,
    vault,
    verdicts,
    versions,
)
from storage.values import content_value
from storage.vault import forget_sources, kept_for

KEPT: Final = timedelta(seconds=30)
"""How long a decision is remembered at most; a change is told at once."""
MOST: Final = 10_000
PAGE: Final = 500
KEY: Final = ("platform", "installation", "author_id")
WORK: Final = (
    "owner",
    "lease_until",
    "address",
    "question_shape",
    "answer_shape",
    "shape",
    "notes",
    "warned",
)
"""Columns about the work on a turn, which say nothing of the person."""


class SqlPrivacy:
    """The `Privacy` in SQL."""

    def __init__(self, database: Database, clock: Clock, seal: Seal) -> None:
        self.database = database
        self._clock, self._seal = clock, seal
        self._known: OrderedDict[Who, tuple[datetime, bool]] = OrderedDict()
        self._changes = 0
        self._hearing = False

    async def opted_out(self, who: Who) -> bool:
        if not self._hearing:
            self._hearing = True
            self.database.bell.hear(self._heard)
        if (known := self._known.get(who)) is not None and self._clock() < known[0]:
            return known[1]
        changes = self._changes
        async with self.database.reading() as sql:
            out = (
                await sql.execute(select(optouts.c.author_id).where(_is(optouts, who)))
            ).first() is not None
        if changes == self._changes:  # else it may have been read just before the change
            self._known[who] = (self._clock() + KEPT, out)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return out

    @writing
    async def opt_out(self, transaction: Transaction, who: Who, now: datetime) -> bool:
        changed = await insert_new(transaction.sql, optouts, {**_key(who), "decided_at": now}, *KEY)
        if changed:
            transaction.signal(Signal(topic=Topic.PRIVACY))
            await _call_off(transaction, who, now)
            await forget_summaries(transaction, _said_by(who))
            while await unquote(transaction, who, now, PAGE):
                pass
        return changed

    @writing
    async def opt_in(self, transaction: Transaction, who: Who) -> bool:
        gone = await transaction.sql.execute(delete(optouts).where(_is(optouts, who)))
        if gone.rowcount:
            transaction.signal(Signal(topic=Topic.PRIVACY))
        return gone.rowcount > 0

    def _heard(self, signal: Signal) -> None:
        if signal.topic is Topic.PRIVACY:
            self._changes += 1
            self._known.clear()

    async def kept(self, who: Who, person: str) -> Kept:
        async with self.database.reading() as sql:
            said = await sql.execute(select(func.count(), func.min(turns.c.sent_at)).where(_said_by(who)))
            messages, since = said.one()
            return Kept(
                messages=messages,
                since=since,
                originals=await _count(sql, _original_of(who)),
                pins=await _count(sql, _pinned_by(who)),
                calls=await _count(sql, calls.c.person == person),
                changes=await _count(sql, _changed_by(who)),
                verdicts=await _count(sql, _is(verdicts, who)),
                opted_out=await _count(sql, _is(optouts, who)) > 0,
                erasing=await _count(sql, _is(erasures, who)) > 0,
            )

    async def export(self, who: Who, person: str) -> AsyncIterator[tuple[str, Json]]:
        sources: tuple[tuple[str, Table, ColumnElement[bool]], ...] = (
            ("messages", turns, _said_by(who)),
            ("pins", pins, _pinned_by(who)),
            ("usage", calls, calls.c.person == person),
            ("settings_changed", audit, _changed_by(who)),
        )
        for kind, table, mine in sources:
            last = 0
            while page := await self._page(table, and_(mine, table.c.id > last)):
                earlier = await self._earlier(page) if table is turns else {}
                for row in page:
                    yield kind, _told(kind, row) | earlier.get(row["id"], {})
                last = page[-1]["id"]
        async for original in self._originals(who):
            yield "originals", original
        async with self.database.reading() as sql:
            for kind, table in (("verdicts", verdicts), ("first_met", people), ("opted_out", optouts)):
                for row in (await sql.execute(select(table).where(_is(table, who)))).mappings():
                    yield kind, _plain(row)
            for row in (await sql.execute(select(ratings).where(_rated_by(who)))).mappings():
                yield "thumbs", _plain(row)

    async def _earlier(self, page: Sequence[RowMapping]) -> dict[int, dict[str, list[str]]]:
        """Answers that were set aside, by turn."""
        which = versions.c.turn_id.in_([row["id"] for row in page])
        ordered = select(versions.c.turn_id, versions.c.answer).where(which).order_by(versions.c.number)
        found: dict[int, dict[str, list[str]]] = {}
        async with self.database.reading() as sql:
            for row in await sql.execute(ordered):
                found.setdefault(row.turn_id, {"earlier_answers": []})["earlier_answers"].append(row.answer)
        return found

    async def _originals(self, who: Who) -> AsyncIterator[Json]:
        """What placeholders stand for, as far as the key opens it."""
        columns = (vault.c.id, vault.c.kind, vault.c.number, vault.c.original)
        last = 0
        while True:
            mine = (
                select(*columns).where(_original_of(who), vault.c.id > last).order_by(vault.c.id).limit(PAGE)
            )
            async with self.database.reading() as sql:
                rows = (await sql.execute(mine)).all()
            for row in rows:
                yield {"kind": row.kind, "number": row.number, "words": self._seal.open(row.original)}
            if len(rows) < PAGE:
                return
            last = rows[-1].id

    async def _page(self, table: Table, which: ColumnElement[bool]) -> list[RowMapping]:
        columns: list[Any] = list(table.c)
        source: Any = table
        if "conversation_id" in table.c:
            columns += [conversations.c.channel, conversations.c.thread]
            source = table.join(conversations, conversations.c.id == table.c.conversation_id)
        statement = select(*columns).select_from(source).where(which).order_by(table.c.id).limit(PAGE)
        async with self.database.reading() as sql:
            return list((await sql.execute(statement)).mappings().all())

    @writing
    async def begin_erasing(self, transaction: Transaction, who: Who, person: str, now: datetime) -> None:
        sql = transaction.sql
        asked = {"person": person, "asked_at": now}
        begun = inserting(sql, erasures).values(**_key(who), **asked)
        await sql.execute(begun.on_conflict_do_update(index_elements=KEY, set_=asked))
        await _call_off(transaction, who, now)

    async def erase(self, now: datetime, most: int) -> Erased:
        async with self.database.reading() as sql:
            wanted = (await sql.execute(select(erasures).order_by(erasures.c.asked_at))).mappings().all()
        rows = left = 0
        for one in wanted:
            removed, more = await self._erase(one, now, most)
            rows, left = rows + removed, left + more
        if rows:
            await self.database.scrub()
        return Erased(rows, left)

    @writing
    async def _erase(
        self, transaction: Transaction, wanted: RowMapping, now: datetime, most: int
    ) -> tuple[int, bool]:
        """A round for one person: their turns first, then, when none is left, all else. True while there is more."""
        sql, who = transaction.sql, Who(wanted["platform"], wanted["installation"], wanted["author_id"])
        old = and_(_said_by(who), turns.c.created_at <= wanted["asked_at"])
        columns = (turns.c.id, turns.c.key, turns.c.direct, conversations.c.channel)
        found = (
            await sql.execute(
                select(*columns)
                .join(conversations, conversations.c.id == turns.c.conversation_id)
                .where(old, ~unfinished)
                .order_by(turns.c.id)
                .limit(most)
                .with_for_update(of=turns, skip_locked=True)
            )
        ).all()
        await erase_turns(transaction, found, now)
        removed = len(found) + await _erase_own_places(sql, who, {row.channel for row in found if row.direct})
        removed += await self._erase_rest(sql, who, wanted, most)
        at_work = (await sql.execute(select(turns.c.id).where(old).limit(1))).first() is not None
        if not removed and not at_work:
            removed = await unquote(transaction, who, wanted["asked_at"], most)
        if removed or at_work:
            return removed, True
        done = and_(_is(erasures, who), erasures.c.asked_at == wanted["asked_at"])
        await sql.execute(delete(erasures).where(done))
        return 0, False

    async def _erase_rest(self, sql: AsyncConnection, who: Who, wanted: RowMapping, most: int) -> int:
        before = wanted["asked_at"]
        some = select(sources.c.vault_id).where(_source_of(who), sources.c.said_at <= before).limit(most)
        removed = await forget_sources(sql, and_(_source_of(who), sources.c.vault_id.in_(some)))
        for key, mine in (
            (pins.c.id, and_(_pinned_by(who), pins.c.created_at <= before)),
            (verdicts.c.key, and_(_is(verdicts, who), verdicts.c.seen_at <= before)),
            (ratings.c.turn_id, and_(_rated_by(who), ratings.c.rated_at <= before)),
            (people.c.author_id, and_(_is(people, who), people.c.met_at <= before)),
        ):
            some = select(key).where(mine).limit(most)
            removed += (await sql.execute(delete(key.table).where(mine, key.in_(some)))).rowcount
        some = select(audit.c.id).where(_changed_by(who), audit.c.at <= before).limit(most)
        removed += (await sql.execute(update(audit).where(audit.c.id.in_(some)).values(actor=""))).rowcount
        theirs = and_(calls.c.person == wanted["person"], calls.c.started_at <= before)
        some = select(calls.c.id).where(theirs).limit(most)
        nameless = update(calls).where(calls.c.id.in_(some))
        await sql.execute(nameless.where(calls.c.direct).values(channel="", thread=""))
        removed += (await sql.execute(nameless.values(person=None, turn_id=None))).rowcount
        return removed


async def _call_off(transaction: Transaction, who: Who, now: datetime) -> None:
    """End what is being answered of theirs, and take away what is shown of it."""
    found = await transaction.sql.execute(select(turns.c.id).where(_said_by(who), unfinished))
    await call_off(transaction, turns.c.id.in_(found.scalars().all()), Cancel.DELETED, now)


async def _erase_own_places(sql: AsyncConnection, who: Who, channels: set[str]) -> int:
    """Their direct messages, and conversations of their own in a channel."""
    here = and_(conversations.c.platform == who.platform, conversations.c.installation == who.installation)
    own = or_(conversations.c.person == who.id, conversations.c.channel.in_(channels))
    return await erase_places(sql, and_(here, own))


async def _count(sql: AsyncConnection, which: ColumnElement[bool]) -> int:
    return (await sql.execute(select(func.count()).where(which))).scalar_one()


def _key(who: Who) -> dict[str, str]:
    return dict(zip(KEY, (who.platform, who.installation, who.id), strict=True))


def _is(table: Table, who: Who) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _key(who).items()))


def _there(who: Who) -> ColumnElement[bool]:
    return and_(conversations.c.platform == who.platform, conversations.c.installation == who.installation)


def _said_by(who: Who) -> ColumnElement[bool]:
    return and_(turns.c.author_id == who.id, in_conversations(_there(who)))


def _pinned_by(who: Who) -> ColumnElement[bool]:
    there = select(conversations.c.id).where(_there(who))
    return and_(pins.c.author_id == who.id, pins.c.conversation_id.in_(there))


def _rated_by(who: Who) -> ColumnElement[bool]:
    return and_(
        ratings.c.author_id == who.id,
        ratings.c.turn_id.in_(select(turns.c.id).where(in_conversations(_there(who)))),
    )


def _source_of(who: Who) -> ColumnElement[bool]:
    return and_(sources.c.person == who.id, kept_for(_there(who)))


def _original_of(who: Who) -> ColumnElement[bool]:
    return and_(
        vault.c.original.is_not(None), vault.c.id.in_(select(sources.c.vault_id).where(_source_of(who)))
    )


def _changed_by(who: Who) -> ColumnElement[bool]:
    return and_(
        audit.c.platform == who.platform, audit.c.installation == who.installation, audit.c.actor == who.id
    )


def _told(kind: str, row: RowMapping) -> dict[str, Any]:
    """A row as its person reads it."""
    told = _plain(row)
    if kind == "messages":
        told["content"] = plain_text(content_value(row["content"]))
    for inner in WORK:
        told.pop(inner, None)
    return told


def _plain(row: RowMapping) -> dict[str, Any]:
    """What JSON takes."""
    return {name: _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
