"""Taking turns out of the store for good, with all that hangs on them. That a message was known is remembered for a while, without
anybody's name or words, so that it is not taken for a new one when it is delivered again or found in a history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cancelling import forget_summaries
from storage.database import Transaction
from storage.sql import GONE, inserting
from storage.tables import conversations, gaps, receipts, sources, turns
from storage.vault import forget_sources


async def erase_turns(
    transaction: Transaction, found: Sequence[Row[Any, Any, Any, Any]], now: datetime, *, gists: bool = True
) -> None:
    """Remove these finished turns (`id`, `key`): answers, parts, versions and pins go with them, calls stay in the ledger. `gists`: what
    was summed up may hold their words, and is made anew."""
    if not found:
        return
    sql = transaction.sql
    which = turns.c.id.in_([row.id for row in found])
    if gists:
        await forget_summaries(transaction, which)
    await forget_sources(sql, sources.c.key.in_([row.key for row in found]))
    known = [{"key": GONE + row.key, "seen_at": now} for row in found]
    await sql.execute(inserting(sql, receipts).on_conflict_do_nothing(index_elements=["key"]), known)
    await sql.execute(delete(turns).where(which))


async def erase_places(sql: AsyncConnection, channels: ColumnElement[bool]) -> int:
    """Remove the conversations of somebody's own channels as soon as no turn is left in them, and what is still to be looked up
    there. Locked first: whoever is about to ask there waits, and begins a new conversation."""
    empty = and_(channels, ~exists().where(turns.c.conversation_id == conversations.c.id))
    place = [conversations.c[name] for name in ("platform", "installation", "channel", "thread")]
    locked = select(conversations.c.id, *place).where(empty).with_for_update(skip_locked=True)
    rows = (await sql.execute(locked)).all()
    still = and_(conversations.c.id.in_([row.id for row in rows]), empty)
    removed = 0
    for row in (await sql.execute(select(conversations.c.id, *place).where(still))).all():
        at = (
            gaps.c[name] == getattr(row, name) for name in ("platform", "installation", "channel", "thread")
        )
        await sql.execute(delete(gaps).where(*at))
        removed += (await sql.execute(delete(conversations).where(conversations.c.id == row.id))).rowcount
    return removed
