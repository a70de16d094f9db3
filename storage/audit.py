"""The record of what admins changed: who, when, what, from what to what. Written in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, or_, select

from bot.chat import Place
from bot.ports import Change
from storage.database import Database, Transaction
from storage.tables import audit


async def record(transaction: Transaction, change: Change, now: datetime) -> None:
    place = change.place
    await transaction.sql.execute(
        insert(audit).values(
            at=now,
            platform=place.platform,
            installation=place.installation,
            channel="" if change.everywhere else place.channel,
            actor=change.actor,
            action=change.action,
            subject=change.subject,
            old=change.old,
            new=change.new,
        )
    )


async def newest(database: Database, place: Place, action: str, most: int) -> Sequence[Change]:
    """The newest changes by that command that concern a channel, newest first."""
    statement = (
        select(audit)
        .where(
            audit.c.platform == place.platform,
            audit.c.installation == place.installation,
            or_(audit.c.channel == place.channel, audit.c.channel == ""),
            audit.c.action == action,
        )
        .order_by(audit.c.id.desc())
        .limit(most)
    )
    async with database.reading() as sql:
        rows = (await sql.execute(statement)).all()
    return [
        Change(
            place=Place(row.platform, row.installation, row.channel),
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            new=row.new,
            old=row.old,
            everywhere=not row.channel,
            at=row.at,
        )
        for row in rows
    ]
