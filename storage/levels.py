"""The rows of meters: read, and written back by whoever holds their locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Insert, Select, and_, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.meters import sunk
from storage.tables import meters

Key = tuple[str, str, str]
KEY: Final = ("subject", "kind", "span")


@dataclass(frozen=True, slots=True)
class State:
    """A meter's row; one that is not there is at rest."""

    value: int = 0
    as_of: int = 0
    told: int = 0
    known: bool = False

    def level(self, rate: int, now: int) -> int:
        return sunk(self.value, self.as_of, rate, now)

    def grown(self, key: Key, value: int, now: int, keep_until: str) -> dict[str, Any]:
        """Its next row. Whose clock is behind must not turn it back: the level would sink twice in the same time."""
        return row(key, value, max(self.as_of, now), self.told, keep_until)


REST: Final = State()


@cache
def _reading(many: int, lock: bool) -> Select[Any]:
    """The rows of so many keys. Each key is a condition of its own: SQLite reads the whole table for a list of them. Built once, since
    building it takes longer than running it."""
    keys = [and_(*(meters.c[name] == bindparam(f"{name}{number}") for name in KEY)) for number in range(many)]
    statement = select(meters).where(or_(*keys))
    return statement.order_by(*(meters.c[name] for name in KEY)).with_for_update() if lock else statement


async def read(sql: AsyncConnection, keys: Iterable[Key], *, lock: bool = False) -> Mapping[Key, State]:
    """The rows of these keys, all of them; those that are there are locked if asked, in the order of their keys."""
    wanted = list(dict.fromkeys(keys))
    bound = {
        f"{name}{number}": part
        for number, key in enumerate(wanted)
        for name, part in zip(KEY, key, strict=True)
    }
    found = {
        (row.subject, row.kind, row.span): State(row.value, row.as_of, row.told, True)
        for row in (await sql.execute(_reading(len(wanted), lock), bound) if wanted else ())
    }
    return {key: found.get(key, REST) for key in wanted}


def row(key: Key, value: int, as_of: int, told: int, keep_until: str) -> dict[str, Any]:
    subject, kind, span = key
    return {
        "subject": subject,
        "kind": kind,
        "span": span,
        "value": value,
        "as_of": as_of,
        "told": told,
        "keep_until": keep_until,
    }


async def write(sql: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as they are now, one after another."""
    if rows:
        await sql.execute(_WRITES[sql.dialect.name], rows)


async def make(sql: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Have these rows there, unless they are."""
    if rows:
        await sql.execute(_MAKES[sql.dialect.name], rows)


def _upsert(statement: postgresql.Insert | sqlite.Insert) -> Insert:
    new = {name: statement.excluded[name] for name in ("value", "as_of", "told", "keep_until")}
    return statement.on_conflict_do_update(index_elements=KEY, set_=new)


_MAKES: Final = {
    "sqlite": sqlite.insert(meters).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(meters).on_conflict_do_nothing(),
}
_WRITES: Final = {
    "sqlite": _upsert(sqlite.insert(meters)),
    "postgresql": _upsert(postgresql.insert(meters)),
}
