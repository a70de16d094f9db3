"""When the bot was listening to which part of a platform, and the places where it still has to look for what it missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping

from bot.chat import Cancel, Place
from bot.ports import Gap, Heard, Page
from storage.database import Database, Transaction, writing
from storage.sql import inserting
from storage.tables import conversations, gaps, presences, turns
from storage.values import place_value

RECENT: Final = 2_000
"""Newest turns (and newest conversations) that are looked through for lively places."""
PLACE: Final = ("platform", "installation", "channel", "thread")
"""What names a place on its platform, whoever's conversation it is."""


class SqlAttendance:
    """The `Attendance` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def heard(self, platform: str, line: str) -> Heard | None:
        here = presences.c.platform == platform
        mine = select(presences.c.until, presences.c.owner).where(here, presences.c.line == line)
        others = select(func.min(presences.c.until)).where(here)
        spoken = select(func.min(conversations.c.created_at)).where(conversations.c.platform == platform)
        async with self.database.reading() as sql:
            if (row := (await sql.execute(mine)).first()) is not None:
                return Heard(row.until, row.owner)
            signs = [(await sql.execute(sign)).scalar() for sign in (others, spoken)]
        first = min((sign for sign in signs if sign is not None), default=None)
        return None if first is None else Heard(first, "")

    @writing
    async def listening(
        self,
        transaction: Transaction,
        platform: str,
        line: str,
        owner: str,
        now: datetime,
        *,
        unbroken: timedelta | None = None,
    ) -> bool:
        sql, mark = transaction.sql, {"until": now, "owner": owner}
        if unbroken is None:
            statement = inserting(sql, presences).values(platform=platform, line=line, **mark)
            await sql.execute(statement.on_conflict_do_update(index_elements=["platform", "line"], set_=mark))
            return True
        this = and_(presences.c.platform == platform, presences.c.line == line)
        fresh = update(presences).where(this, presences.c.until >= now - unbroken).values(mark)
        return (await sql.execute(fresh)).rowcount == 1

    @writing
    async def left(self, transaction: Transaction, platform: str, owner: str) -> None:
        mine = and_(presences.c.platform == platform, presences.c.owner == owner)
        await transaction.sql.execute(update(presences).where(mine).values(owner=""))

    @writing
    async def owe(self, transaction: Transaction, line: str, owed: Sequence[Gap]) -> None:
        for rank, gap in enumerate(owed):
            row = {**_named(gap.place), "line": line, "rank": rank, "since": gap.since}
            statement = inserting(transaction.sql, gaps).values(**row)
            await transaction.sql.execute(
                statement.on_conflict_do_update(index_elements=PLACE, set_={"line": line, "rank": rank})
            )

    async def owed(self, platform: str, line: str) -> Sequence[Gap]:
        mine = and_(gaps.c.platform == platform, gaps.c.line == line)
        async with self.database.reading() as sql:
            rows = (await sql.execute(select(gaps).where(mine).order_by(gaps.c.rank))).mappings().all()
        return [Gap(Place(*(row[name] for name in PLACE)), row["since"]) for row in rows]

    @writing
    async def looked(self, transaction: Transaction, place: Place) -> None:
        here = and_(*(gaps.c[name] == value for name, value in _named(place).items()))
        await transaction.sql.execute(delete(gaps).where(here))

    async def known(self, platform: str, since: datetime, most: int) -> Sequence[Place]:
        newest = select(turns.c.conversation_id, turns.c.created_at).order_by(turns.c.id.desc()).limit(RECENT)
        recent = newest.subquery()
        spoken = (
            select(recent.c.conversation_id, func.max(recent.c.created_at).label("at"))
            .group_by(recent.c.conversation_id)
            .subquery()
        )
        young = select(conversations.c.id).order_by(conversations.c.id.desc()).limit(RECENT)
        at = func.coalesce(spoken.c.at, conversations.c.created_at)
        begun = and_(conversations.c.following, conversations.c.id.in_(young))
        statement = (
            select(conversations)
            .outerjoin(spoken, spoken.c.conversation_id == conversations.c.id)
            .where(conversations.c.platform == platform, or_(spoken.c.at.is_not(None), begun), at >= since)
            .order_by(at.desc())
            .limit(most)
        )
        async with self.database.reading() as sql:
            rows: Sequence[RowMapping] = (await sql.execute(statement)).mappings().all()
        return list(dict.fromkeys(place_value(row).shared for row in rows))

    async def asked(self, place: Place, page: Page, before: datetime) -> Sequence[str]:
        here = and_(*(conversations.c[name] == value for name, value in _named(place).items()))
        which: list[Any] = [
            turns.c.conversation_id.in_(select(conversations.c.id).where(here)),
            turns.c.sent_at > page.since,
            turns.c.sent_at <= page.until,
            turns.c.created_at < before,
            or_(turns.c.cancel.is_(None), turns.c.cancel != Cancel.DELETED),
        ]
        async with self.database.reading() as sql:
            return (await sql.execute(select(turns.c.message).where(*which))).scalars().all()


def _named(place: Place) -> dict[str, str]:
    return {name: getattr(place, name) for name in PLACE}
