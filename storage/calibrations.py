"""What providers reported of whole prompts: the newest few for each way of counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Observation, Size
from storage.database import Database, Transaction, writing
from storage.tables import calibrations

KEPT: Final = 64
PARTS: Final = len(astuple(Size()))
"""Of a size; what an old version measured has others, and teaches nothing."""


class SqlCalibrations:
    """The `Calibrations` in SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def observations(self, counter: str) -> Sequence[Observation]:
        async with self.database.reading() as sql:
            return await _newest(sql, counter)

    @writing
    async def observe(
        self, transaction: Transaction, counter: str, observation: Observation
    ) -> Sequence[Observation]:
        sql, size = transaction.sql, list(astuple(observation.size))
        await sql.execute(
            insert(calibrations).values(counter=counter, size=size, reported=observation.reported)
        )
        oldest_kept = (
            select(calibrations.c.id)
            .where(calibrations.c.counter == counter)
            .order_by(calibrations.c.id.desc())
            .offset(KEPT - 1)
            .limit(1)
            .scalar_subquery()
        )
        await sql.execute(
            delete(calibrations).where(calibrations.c.counter == counter, calibrations.c.id < oldest_kept)
        )
        return await _newest(sql, counter)


async def _newest(sql: AsyncConnection, counter: str) -> Sequence[Observation]:
    statement = (
        select(calibrations.c.size, calibrations.c.reported)
        .where(calibrations.c.counter == counter)
        .order_by(calibrations.c.id.desc())
        .limit(KEPT)
    )
    rows = await sql.execute(statement)
    return [Observation(Size(*row.size), row.reported) for row in rows if len(row.size) == PARTS]
