"""What admins allowed by command: a row for each number, read together and remembered until somebody changes one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, bindparam, delete, or_, select

from bot.chat import Place
from bot.ports import Change, Clock, Level, Ruling, Signal, Topic
from storage.audit import newest, record
from storage.database import Database, Transaction, writing
from storage.sql import inserting
from storage.tables import rulings

KEPT: Final = timedelta(seconds=30)
"""How long a reading is remembered at most. A change is told at once; this bounds what a lost connection could hide."""
MOST: Final = 10_000
KEY: Final = tuple(column.name for column in rulings.primary_key)

_here = and_(
    rulings.c.platform == bindparam("platform"),
    rulings.c.installation == bindparam("installation"),
    rulings.c.channel.in_(["", bindparam("channel")]),
)
_READ: Final = select(rulings).where(or_(_here, rulings.c.platform == ""))


class SqlRulings:
    """The `Rulings` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock
        self._known: OrderedDict[Place, tuple[datetime, Sequence[Ruling]]] = OrderedDict()
        self._changes = 0
        self._hearing = False

    async def of(self, place: Place) -> Sequence[Ruling]:
        if not self._hearing:
            self._hearing = True
            self.database.bell.hear(self._heard)
        trunk = place.trunk
        if (known := self._known.get(trunk)) is not None and self._clock() < known[0]:
            return known[1]
        changes = self._changes
        found = await self._read(trunk)
        if changes == self._changes:  # else it may have been read just before the change
            self._known[trunk] = (self._clock() + KEPT, found)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    async def _read(self, place: Place) -> Sequence[Ruling]:
        where = {
            "platform": place.platform,
            "installation": place.installation,
            "channel": place.channel,
        }
        async with self.database.reading() as sql:
            rows = (await sql.execute(_READ, where)).all()
        return [
            Ruling(Level(row.level), row.metric, row.value, bool(row.channel), row.role, row.model)
            for row in rows
        ]

    @writing
    async def rule(self, transaction: Transaction, ruling: Ruling, change: Change, now: datetime) -> bool:
        sql, key = transaction.sql, _key(ruling, change.place)
        mine = and_(*(rulings.c[name] == key[name] for name in KEY))
        old = (await sql.execute(select(rulings.c.value).where(mine).with_for_update())).scalar()
        if old == change.new:
            return False
        if change.new is None:
            await sql.execute(delete(rulings).where(mine))
        else:
            statement = inserting(sql, rulings).values(**key, value=change.new)
            await sql.execute(statement.on_conflict_do_update(index_elements=KEY, set_={"value": change.new}))
        await record(transaction, replace(change, old=old), now)
        transaction.signal(Signal(topic=Topic.LIMITS))
        return True

    async def changes(self, place: Place, most: int) -> Sequence[Change]:
        return await newest(self.database, place, "limits", most)

    def _heard(self, signal: Signal) -> None:
        if signal.topic is Topic.LIMITS:
            self._changes += 1
            self._known.clear()


def _key(ruling: Ruling, place: Place) -> Mapping[str, str]:
    of_bot = ruling.level is Level.BOT
    return {
        "platform": "" if of_bot else place.platform,
        "installation": "" if of_bot else place.installation,
        "channel": place.channel if ruling.here else "",
        "level": ruling.level,
        "role": ruling.role,
        "model": ruling.model,
        "metric": ruling.metric,
    }
