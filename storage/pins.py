"""What people pinned: exchanges, and notes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, exists, func, insert, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import Exchange, Note, Pin
from bot.ports import Stretch
from storage.sql import opted_out
from storage.tables import parts, pins, turns
from storage.values import EXCHANGE, exchange_value, note_value, shape_json


async def read_pins(sql: AsyncConnection, stretches: Sequence[Stretch]) -> tuple[Pin, ...]:
    """The pins of these conversations, oldest first; of exchanges that still have words."""
    mine = pins.alias("mine")
    there = or_(
        *(
            and_(
                mine.c.conversation_id == stretch.conversation,
                mine.c.epoch == stretch.epoch,
                mine.c.author_id.not_in(opted_out(stretch.conversation)),
                or_(turns.c.id.is_(None), turns.c.author_id.not_in(opted_out(stretch.conversation))),
            )
            for stretch in stretches
        )
    )
    columns = (
        mine.c.id.label("pin"),
        mine.c.note,
        mine.c.tokens,
        mine.c.shape,
        mine.c.counter.label("noted"),
    )
    statement = (
        select(*columns, *EXCHANGE)
        .select_from(mine)
        .outerjoin(turns, and_(turns.c.id == mine.c.turn_id, turns.c.answer.is_not(None)))
        .where(there, or_(mine.c.note.is_not(None), turns.c.id.is_not(None)))
        .order_by(mine.c.id)
    )
    return tuple(_pin(row) for row in (await sql.execute(statement)).mappings())


async def add_pin(
    sql: AsyncConnection, stretch: Stretch, author: str, what: Note | str, now: datetime, most: int
) -> Pin | None:
    """Pin a note, or the answered turn with that message (empty: the newest), though its answer may still be on its way to the screen."""
    here = and_(pins.c.conversation_id == stretch.conversation, pins.c.epoch == stretch.epoch)
    if (await sql.execute(select(func.count()).where(here))).scalar_one() >= most:
        return None
    values = {
        "conversation_id": stretch.conversation,
        "epoch": stretch.epoch,
        "author_id": author,
        "created_at": now,
    }
    if isinstance(what, Note):
        size = {"tokens": what.size.tokens, "shape": shape_json(what.size), "counter": what.counter}
        made = insert(pins).values(**values, note=what.text, **size)
        return Pin((await sql.execute(made.returning(pins.c.id))).scalar_one(), what)
    exchange = await _exchange(sql, stretch, what)
    if exchange is None:
        return None
    known = select(pins.c.id).where(here, pins.c.turn_id == exchange.turn)
    number = (await sql.execute(known)).scalar()
    if number is None:
        made = insert(pins).values(**values, turn_id=exchange.turn)
        number = (await sql.execute(made.returning(pins.c.id))).scalar_one()
    return Pin(number, exchange)


async def remove_pin(sql: AsyncConnection, pin: int) -> None:
    await sql.execute(delete(pins).where(pins.c.id == pin))


async def _exchange(sql: AsyncConnection, stretch: Stretch, message: str) -> Exchange | None:
    said = [
        turns.c.conversation_id == stretch.conversation,
        turns.c.epoch == stretch.epoch,
        turns.c.answer.is_not(None),
        turns.c.author_id.not_in(opted_out(stretch.conversation)),
    ]
    if message:
        answer = exists().where(parts.c.turn_id == turns.c.id, parts.c.message == message)
        said.append(or_(turns.c.message == message, answer))
    newest_first = (turns.c.sent_at.desc(), turns.c.id.desc())
    found = await sql.execute(select(*EXCHANGE).where(*said).order_by(*newest_first).limit(1))
    row = found.mappings().first()
    return None if row is None else exchange_value(row)


def _pin(row: RowMapping) -> Pin:
    if row["note"] is None:
        return Pin(row["pin"], exchange_value(row))
    return Pin(row["pin"], note_value(row["note"], row["tokens"], row["shape"], row["noted"]))
