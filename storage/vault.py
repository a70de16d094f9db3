"""The originals that placeholders stand for, encrypted, by conversation, each with the messages that it came from.

An original goes when the last of its messages goes: that was deleted, its person or place forgotten, or it was too old. Of the numbers
given in a conversation the highest stays known, empty, so that no later original ever gets the placeholder of an earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Result,
    and_,
    delete,
    exists,
    func,
    insert,
    not_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Place
from bot.ports import Clock, Numbered, Original, Source
from storage.accepting import open_conversation
from storage.database import Database, Transaction, writing
from storage.sealing import Seal
from storage.sql import AT, inserting, place_columns, within
from storage.tables import conversations, sources, vault

T = TypeVar("T")

BATCH: Final = 100
"""Rows or values that one statement names."""

HOME = select(conversations.c.id).where(AT)


class SqlVault:
    """The `Vault` in SQL."""

    def __init__(self, database: Database, clock: Clock, seal: Seal) -> None:
        self.database = database
        self._clock, self._seal = clock, seal

    @property
    def open(self) -> bool:
        return bool(self._seal)

    @writing
    async def number(
        self, transaction: Transaction, place: Place, wanted: Sequence[Original], source: Source
    ) -> Mapping[Original, Numbered]:
        sql, now = transaction.sql, self._clock()
        # Locked till the end: no two processes number the originals of one conversation at a time.
        home = await open_conversation(sql, place.trunk, now, branched_at=None, following=False)
        digests = {one: self._digest(home.id, one) for one in wanted}
        known = await _known(sql, home.id, digests.values())
        fresh = [one for one in digests if digests[one] not in known]
        last = await _last_numbers(sql, home.id, {one.kind for one in fresh})
        for one in fresh:
            last[one.kind] = last.get(one.kind, 0) + 1
            values = {"digest": digests[one], "original": self._seal.close(one.words), "created_at": now}
            made = insert(vault).values(
                conversation_id=home.id, kind=one.kind, number=last[one.kind], **values
            )
            number = Numbered(one.kind, last[one.kind])
            known[digests[one]] = ((await sql.execute(made.returning(vault.c.id))).scalar_one(), number)
        rows = {known[digest][0] for digest in digests.values()}
        await _remember_source(sql, rows, place, source)
        return {one: known[digests[one]][1] for one in wanted}

    async def originals(self, place: Place, wanted: Collection[Numbered]) -> Mapping[Numbered, str]:
        found: dict[Numbered, str] = {}
        if not self._seal:
            return found
        here = vault.c.conversation_id.in_(HOME)
        async with self.database.reading() as sql:
            for some in _batched(wanted):
                named = tuple_(vault.c.kind, vault.c.number).in_([(one.kind, one.number) for one in some])
                statement = select(vault).where(here, named, vault.c.original.is_not(None))
                rows: Result[Any] = await sql.execute(statement, place_columns(place.trunk))
                for row in rows:
                    if (words := self._seal.open(row.original)) is not None:
                        found[Numbered(row.kind, row.number)] = words
        return found

    @writing
    async def forget_message(self, transaction: Transaction, key: str) -> int:
        return await forget_sources(transaction.sql, sources.c.key == key)

    def _digest(self, conversation: int, one: Original) -> str:
        return self._seal.fingerprint(str(conversation), one.kind, one.words)


def kept_for(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Sources of originals that those conversations have."""
    theirs = select(vault.c.id).join(conversations, conversations.c.id == vault.c.conversation_id)
    return sources.c.vault_id.in_(theirs.where(which))


def said_at(place: Place) -> ColumnElement[bool]:
    """Sources in a channel and its threads, or in the one thread."""
    there = kept_for(within(place.trunk))
    return and_(there, sources.c.thread == place.thread) if place.thread else there


async def forget_sources(sql: AsyncConnection, which: ColumnElement[bool]) -> int:
    """Forget that originals came from there, and those that came from nowhere else; how many are gone."""
    gone = await sql.execute(delete(sources).where(which).returning(sources.c.vault_id))
    forgotten = 0
    for some in _batched(sorted(set(gone.scalars()))):
        forgotten += await _empty(sql, some)
    return forgotten


async def _empty(sql: AsyncConnection, rows: Sequence[int]) -> int:
    """Of these originals, empty those without a source; only the highest number of a kind stays, without its words."""
    sourceless = not_(exists().where(sources.c.vault_id == vault.c.id))
    emptied = await sql.execute(
        update(vault).where(vault.c.id.in_(rows), sourceless).values(original=None, digest=None)
    )
    later = vault.alias("later")
    higher = exists().where(
        later.c.conversation_id == vault.c.conversation_id,
        later.c.kind == vault.c.kind,
        later.c.number > vault.c.number,
    )
    await sql.execute(delete(vault).where(vault.c.id.in_(rows), vault.c.original.is_(None), higher))
    return emptied.rowcount


async def _known(
    sql: AsyncConnection, conversation: int, digests: Collection[str]
) -> dict[str, tuple[int, Numbered]]:
    """Those of the originals that are there already, by digest."""
    known: dict[str, tuple[int, Numbered]] = {}
    for some in _batched(digests):
        here = (vault.c.conversation_id == conversation, vault.c.digest.in_(some))
        for row in await sql.execute(select(vault).where(*here)):
            known[row.digest] = (row.id, Numbered(row.kind, row.number))
    return known


async def _last_numbers(sql: AsyncConnection, conversation: int, kinds: Collection[str]) -> dict[str, int]:
    highest = select(vault.c.kind, func.max(vault.c.number).label("last")).group_by(vault.c.kind)
    here = (vault.c.conversation_id == conversation, vault.c.kind.in_(kinds))
    return {row.kind: row.last for row in await sql.execute(highest.where(*here))} if kinds else {}


async def _remember_source(sql: AsyncConnection, rows: Collection[int], place: Place, source: Source) -> None:
    said = {
        "key": source.key,
        "thread": place.thread,
        "person": source.person,
        "said_at": source.said_at,
    }
    for some in _batched(rows):
        values = [{"vault_id": row, **said} for row in some]
        statement = inserting(sql, sources).values(values)
        await sql.execute(statement.on_conflict_do_nothing(index_elements=["vault_id", "key"]))


def _batched(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, BATCH)):
        yield some
