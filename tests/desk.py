"""A desk before the stores: asks, claims and answers in one line.

Tests that use it speak only the ports' language, so that other stores could stand behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.chat import Author, Exchange, Finish, Incoming, Place, Size, State, Text, Turn
from bot.inbox import Answering, Workers
from bot.ports import Accepted, Button, Effect, Inbox, Press
from storage.stores import Stores
from storage.tables import turns
from tests.fakes import ADA, CHANNEL, HERE, FakeClock, incoming

LEASE = timedelta(seconds=30)
THREAD = replace(CHANNEL, thread="t1")


def workers_of(
    inbox: Inbox,
    engine: Answering,
    clock: FakeClock,
    *,
    owner: str = "w",
    lease: timedelta = LEASE,
    most: int = 2,
    abreast: int = 2,
    attempts: int = 3,
) -> Workers:
    """Those of one process."""
    return Workers(
        inbox,
        engine,
        owner=owner,
        platforms=HERE,
        lease=lease,
        most=most,
        abreast=abreast,
        attempts=attempts,
        clock=clock,
    )


@dataclass
class Desk:
    """Asks, claims and answers. Every question comes one second after the one before."""

    stores: Stores
    clock: FakeClock
    platforms: Sequence[str] = HERE
    _messages: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def question(
        self,
        text: str = "what?",
        *,
        author: Author = ADA,
        place: Place = CHANNEL,
        message: str | None = None,
        sent_at: datetime | None = None,
        opens_thread: str = "",
        **more: Any,
    ) -> Incoming:
        message = message or f"m{next(self._messages)}"
        sent_at = sent_at or self.clock.advance(1)
        said = incoming(text, message=message, author=author, place=place, sent_at=sent_at, **more)
        return replace(said, address={**said.address, "opens_thread": opens_thread}) if opens_thread else said

    async def accept(self, said: Incoming, *, queue: int = 100) -> Accepted | None:
        return await self.stores.inbox.accept(
            said,
            said.content,
            masked=("email",),
            size=Size(7),
            counter="o200k",
            now=self.clock.now,
            queue=queue,
        )

    async def ask(self, text: str = "what?", **more: Any) -> int:
        """The id of the new turn."""
        accepted = await self.accept(self.question(text, **more))
        assert accepted is not None and accepted.created
        return accepted.turn

    async def amend(self, said: Incoming, text: str, revision: str) -> Accepted | None:
        edited = replace(said, content=(Text(text),), revision=revision)
        return await self.stores.inbox.amend(
            edited, edited.content, masked=(), size=Size(9), counter="o200k", now=self.clock.now
        )

    async def claim(self, owner: str = "w1", *, abreast: int = 4, attempts: int = 3) -> Turn | None:
        return await self.stores.inbox.claim(
            owner, self.clock.now, LEASE, platforms=self.platforms, abreast=abreast, attempts=attempts
        )

    async def claimed(self, owner: str = "w1") -> Turn:
        turn = await self.claim(owner)
        assert turn is not None
        return turn

    async def close(self, turn: int, owner: str = "w1", state: State = State.DONE) -> None:
        await self.stores.inbox.close(turn, owner, state, now=self.clock.now)

    async def finish(self, turn: Turn, answer: str, owner: str = "w1") -> None:
        await self.stores.inbox.answered(turn.id, owner, answer, Size(11), "o200k", Finish.STOP)
        await self.close(turn.id, owner)

    async def press(
        self, button: Button, turn: int, author: str | None = None, version: int | None = None
    ) -> Effect:
        """Press a button under the answer (as the one who may press all, unless `author` is named)."""
        versions = self.stores.versions
        if version is None:
            async with self.stores.database.reading() as sql:
                version = (await sql.execute(select(turns.c.version).where(turns.c.id == turn))).scalar() or 0
        press = Press(button, turn, version)
        match button:
            case Button.STOP:
                return await versions.stop(press, author, self.clock.now)
            case Button.CONTINUE:
                return await versions.go_on(press, author)
            case Button.EARLIER | Button.LATER:
                return await versions.turn_over(press, author, 1 if button is Button.LATER else -1)
            case _:
                return await versions.ask_again(press, author)

    async def again(self, turn: int, author: str | None = None) -> bool:
        """Ask a finished turn again."""
        return await self.press(Button.RETRY, turn, author) is Effect.DONE

    async def go_on(self, turn: int, author: str | None = None) -> bool:
        return await self.press(Button.CONTINUE, turn, author) is Effect.DONE

    async def converse(self, text: str, answer: str, **more: Any) -> Turn:
        """A question and its answer, done."""
        asked = await self.ask(text, **more)
        turn = await self.claimed()
        assert turn.id == asked
        await self.finish(turn, answer)
        return turn

    async def history(self, place: Place = CHANNEL, **more: Any) -> Sequence[Exchange]:
        memory = self.stores.memory
        return [exchange async for exchange in memory.history(await memory.beginning(place, **more))]

    async def questions(self, place: Place = CHANNEL, **more: Any) -> list[str]:
        return [exchange.question for exchange in await self.history(place, **more)]

    async def states(self) -> dict[int, State]:
        """The unfinished turns."""
        return {waiting.turn: waiting.state for waiting in await self.stores.inbox.unfinished()}
