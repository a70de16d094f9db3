"""A question to be answered anew: edited, or asked again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from bot.chat import State
from bot.ports import Signal
from storage.database import Transaction
from storage.tables import parts, turns

NEW_VERSION: dict[str, Any] = {
    "state": State.WAITING,
    "version": turns.c.version + 1,
    "attempts": 0,
    "owner": None,
    "lease_until": None,
    "cancel": None,
    "answer": None,
    "begun": None,
    "answer_tokens": 0,
    "answer_shape": None,
    "answer_counter": "",
    "finish": "",
    "error": "",
    "reference": "",
    "started_at": None,
    "finished_at": None,
}


async def begin_anew(transaction: Transaction, turn_id: int) -> None:
    """Let the turn wait again. Its messages stay, to be rewritten: only their texts are void."""
    await _wait_again(transaction, turn_id, NEW_VERSION)


async def take_up(transaction: Transaction, turn_id: int) -> None:
    """Let the turn wait again, to go on with its answer, in its messages."""
    await _wait_again(
        transaction, turn_id, NEW_VERSION | {"version": turns.c.version, "begun": turns.c.answer}
    )


async def _wait_again(transaction: Transaction, turn_id: int, values: dict[str, Any]) -> None:
    await transaction.sql.execute(update(turns).where(turns.c.id == turn_id).values(values))
    await transaction.sql.execute(update(parts).where(parts.c.turn_id == turn_id).values(text=None))
    transaction.signal(Signal())
