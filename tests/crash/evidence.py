"""What is known in the end besides what people see: the turns in the database, and what the bots logged."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.stores import open_stores
from storage.tables import calls, parts, turns, versions

COMPLAINT = re.compile(
    r"(?: ERROR +(?:bot|adapters|storage|asyncio)\b|Task exception was never retrieved).*(?:\n(?!\d\d:\d\d:\d\d ).*){0,80}"
)
"""An error of the bot's own, with its traceback: all lines until the next that bears a time."""
EXPECTED = re.compile(
    r"could not be taken in \(StoreUnavailable\)|failed: (?:delivery thread_not_found|content_filtered)"
)
"""A database that is away; a thread whose root was deleted, of which the bot is told a moment later; what the model is to refuse."""


@dataclass(frozen=True)
class Row:
    """A turn as the database has it, with its messages, the answers that were set aside, and the number of its calls.
    `words` are its question's."""

    id: int
    message: str
    state: str
    cancel: str
    words: str
    answer: str
    aside: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    messages: tuple[str, ...]
    calls: int
    unsettled: int


async def rows(url: str) -> list[Row]:
    """Every turn there is."""
    stores = open_stores(url)
    try:
        async with stores.database.reading() as sql:
            posted: dict[int, list[str]] = defaultdict(list)
            for part in await sql.execute(select(parts).order_by(parts.c.turn_id, parts.c.index)):
                posted[part.turn_id].append(part.message or "")
            aside: dict[int, list[str]] = defaultdict(list)
            for version in await sql.execute(select(versions.c.turn_id, versions.c.answer)):
                aside[version.turn_id].append(version.answer)
            states: dict[int, list[str]] = defaultdict(list)
            for call in await sql.execute(select(calls.c.turn_id, calls.c.state)):
                states[call.turn_id].append(call.state)
            return [
                Row(
                    turn.id,
                    turn.message,
                    turn.state,
                    turn.cancel or "",
                    str(turn.content or ""),
                    turn.answer or "",
                    tuple(aside[turn.id]),
                    turn.created_at,
                    turn.started_at,
                    tuple(posted[turn.id]),
                    len(states[turn.id]),
                    states[turn.id].count("open"),
                )
                for turn in await sql.execute(select(turns))
            ]
    finally:
        await stores.aclose()


def complaints(log: str) -> list[str]:
    """Errors of the bot's own in its log."""
    found = (match[0].strip() for match in COMPLAINT.finditer(log))
    return [line for line in found if not EXPECTED.search(line)]
