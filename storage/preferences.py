"""What admins decided for places: a row for each option at each level, read together and remembered until somebody changes one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, select

from bot.chat import Place
from bot.ports import Change, Clock, Levels, Signal, Topic
from storage.audit import newest, record
from storage.database import Database, Transaction, writing
from storage.sql import inserting
from storage.tables import preferences

KEPT = timedelta(seconds=30)
"""How long a reading is remembered at most. A change is told at once; this bounds what a lost connection could hide."""
MOST = 10_000
KEY = ("platform", "installation", "channel", "name")

LEVELS = select(preferences.c.channel, preferences.c.name, preferences.c.value).where(
    preferences.c.platform == bindparam("platform"),
    preferences.c.installation == bindparam("installation"),
    preferences.c.channel.in_(["", bindparam("channel")]),
)


class SqlPreferences:
    """The `PreferenceStore` in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock
        self._known: OrderedDict[tuple[str, str, str], tuple[datetime, Levels]] = OrderedDict()
        self._changes = 0
        self._hearing = False

    async def levels(self, place: Place) -> Levels:
        if not self._hearing:
            self._hearing = True
            self.database.bell.hear(self._heard)
        key = (place.platform, place.installation, place.channel)
        if (known := self._known.get(key)) is not None and self._clock() < known[0]:
            return known[1]
        changes = self._changes
        levels = await self._read(place)
        if changes == self._changes:  # else it may have been read just before the change
            self._known[key] = (self._clock() + KEPT, levels)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return levels

    async def _read(self, place: Place) -> Levels:
        where = {
            "platform": place.platform,
            "installation": place.installation,
            "channel": place.channel,
        }
        async with self.database.reading() as sql:
            rows = (await sql.execute(LEVELS, where)).all()
        return Levels(
            channel={row.name: row.value for row in rows if row.channel},
            installation={row.name: row.value for row in rows if not row.channel},
        )

    @writing
    async def change(self, transaction: Transaction, change: Change, now: datetime) -> bool:
        sql, row = transaction.sql, _row(change)
        here = and_(*(preferences.c[name] == row[name] for name in KEY))
        found = select(preferences.c.value).where(here).with_for_update()
        old = (await sql.execute(found)).scalar()
        if old == change.new:
            return False
        if change.new is None:
            await sql.execute(delete(preferences).where(here))
        else:
            statement = inserting(sql, preferences).values(**row, value=change.new)
            await sql.execute(statement.on_conflict_do_update(index_elements=KEY, set_={"value": change.new}))
        await record(transaction, replace(change, old=old), now)
        transaction.signal(Signal(topic=Topic.PREFERENCES))
        return True

    async def changes(self, place: Place, most: int) -> Sequence[Change]:
        return await newest(self.database, place, "settings", most)

    def _heard(self, signal: Signal) -> None:
        if signal.topic is Topic.PREFERENCES:
            self._changes += 1
            self._known.clear()


def _row(change: Change) -> dict[str, Any]:
    place = change.place
    return {
        "platform": place.platform,
        "installation": place.installation,
        "channel": "" if change.everywhere else place.channel,
        "name": change.subject,
    }
