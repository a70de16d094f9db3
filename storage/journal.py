"""The record of one turn's messages: who posted what, from the intent to the finished text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from bot.chat import Cancel, Posted, Turn
from bot.errors import LeaseLost
from storage.database import Database, Transaction, writing
from storage.sql import held, inserting
from storage.tables import parts, turns


class TurnJournal:
    """Writes under the turn's lock: whoever takes the turn over afterwards reads all that was written before.

    A later claim of the same turn is told apart even if its owner bears the same name.
    """

    def __init__(self, database: Database, asked: Turn, owner: str) -> None:
        self.database = database
        self._turn, self._owner = asked, owner
        place = asked.place
        self._room = f"{place.platform}:{place.installation}:{place.channel}"
        self.parts: Sequence[Posted] = asked.parts

    def check(self) -> None:
        """Knows of no time: each of its verbs asks the database."""

    async def intend(self, index: int, nonce: str) -> None:
        await self._insert(index, nonce)
        self._note(Posted(index, nonce))

    async def posted(self, index: int, message: str) -> bool:
        try:
            await self._update(index, {"message": message})
        except IntegrityError:  # the room's one row with that message is another turn's
            return False
        self._change(index, lambda known: replace(known, message=message))
        return True

    async def finished(self, index: int, text: str) -> None:
        await self._update(index, {"text": text})
        self._change(index, lambda known: replace(known, text=text))

    async def removed(self, index: int) -> None:
        await self._delete(index)
        self.parts = tuple(known for known in self.parts if known.index != index)

    @writing
    async def _insert(self, transaction: Transaction, index: int, nonce: str) -> None:
        await self._hold(transaction)
        fresh = {"nonce": nonce, "room": self._room, "message": None, "text": None, "stale": False}
        statement = inserting(transaction.sql, parts).values(turn_id=self._turn.id, index=index, **fresh)
        await transaction.sql.execute(
            statement.on_conflict_do_update(index_elements=["turn_id", "index"], set_=fresh)
        )

    @writing
    async def _update(self, transaction: Transaction, index: int, values: dict[str, Any]) -> None:
        if await self._hold(transaction) == Cancel.DELETED and "text" in values:
            return  # what was deleted meanwhile gets no words again
        statement = (
            update(parts).where(parts.c.turn_id == self._turn.id, parts.c.index == index).values(values)
        )
        if (await transaction.sql.execute(statement)).rowcount == 0:
            raise LookupError(f"part {index} of turn {self._turn.id} was never intended")

    @writing
    async def _delete(self, transaction: Transaction, index: int) -> None:
        await self._hold(transaction)
        await transaction.sql.execute(
            delete(parts).where(parts.c.turn_id == self._turn.id, parts.c.index == index)
        )

    async def _hold(self, transaction: Transaction) -> str | None:
        """Make sure that it is still ours to write; why it was called off, if it was."""
        same_claim = (turns.c.latest == self._turn.latest, turns.c.attempts == self._turn.attempts)
        mine = select(turns.c.cancel).where(held(self._turn.id, self._owner), *same_claim)
        found = (await transaction.sql.execute(mine.with_for_update(key_share=True))).first()
        if found is None:
            raise LeaseLost(f"turn {self._turn.id}")
        return found.cancel  # type: ignore[no-any-return]

    def _note(self, posted: Posted) -> None:
        others = (known for known in self.parts if known.index != posted.index)
        self.parts = tuple(sorted((*others, posted), key=lambda known: known.index))

    def _change(self, index: int, change: Callable[[Posted], Posted]) -> None:
        self.parts = tuple(change(known) if known.index == index else known for known in self.parts)
