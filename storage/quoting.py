"""Somebody's words where others quoted them: they go with the person, though the turn is another's."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, cast, select, update

from bot.ports import Who
from storage.cancelling import forget_summaries, in_conversations
from storage.database import Transaction
from storage.tables import conversations, turns


async def unquote(transaction: Transaction, who: Who, before: datetime, most: int) -> int:
    """Take that person's words and files out of at most so many turns of others that were taken in up to then; how many there were.

    No index tells who is quoted, so that all turns are looked through. What is left of a question is measured anew.
    """
    columns = select(turns.c.id, turns.c.content).where(_quotes(who), turns.c.created_at <= before)
    found = (await transaction.sql.execute(columns.order_by(turns.c.id).limit(most).with_for_update())).all()
    for row in found:
        left = [part for part in row.content if part.get("quotes") != who.id]
        changed = update(turns).where(turns.c.id == row.id)
        await transaction.sql.execute(changed.values(content=left, question_shape=None))
    if found:
        await forget_summaries(transaction, turns.c.id.in_([row.id for row in found]))
    return len(found)


def _quotes(who: Who) -> ColumnElement[bool]:
    there = and_(conversations.c.platform == who.platform, conversations.c.installation == who.installation)
    mark = json.dumps({"quotes": who.id}).strip("{}")
    return and_(in_conversations(there), cast(turns.c.content, Text).contains(mark, autoescape=True))
