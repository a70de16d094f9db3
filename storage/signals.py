"""Wake-ups: that there may be work, or that a turn was called off. They are hints; the tables hold the truth.

Within a process they go straight to every subscriber. On PostgreSQL they also travel to the other processes by NOTIFY, given
in the transaction they tell of and heard on a connection kept for that. A PgBouncer in transaction mode can't pass LISTEN on:
other processes' signals are then missing, and their work is found at the next claim.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Sequence

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.chat import Cancel
from bot.ports import Signal, Topic

CHANNEL = "rejoinder"
PER_NOTICE = 100
"""Signals in one NOTIFY, whose payload may have 8,000 bytes."""

SILENCE = 30.0
"""Seconds without a word after which the listening connection is tried: a dead one is silent, too."""

EVERYTHING = tuple(Signal(topic=topic) for topic in Topic)
"""Anything may have changed."""

log = logging.getLogger(__name__)


class Subscription(AsyncIterator[Signal]):
    """Different signals in order; one that waits already says all that its like would."""

    def __init__(self) -> None:
        self._waiting: dict[Signal, None] = {}
        self._woken = asyncio.Event()
        self._closed = False

    def put(self, signals: Sequence[Signal]) -> None:
        if signals:
            self._waiting.update(dict.fromkeys(signals))
            self._woken.set()

    async def __anext__(self) -> Signal:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        signal = next(iter(self._waiting))
        del self._waiting[signal]
        return signal

    async def aclose(self) -> None:
        self._waiting.clear()
        self._closed = True
        self._woken.set()


class Bell:
    """Passes signals to the subscribers of this process."""

    def __init__(self) -> None:
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._listeners: list[Callable[[Signal], None]] = []

    def subscribe(self) -> Subscription:
        """All signals about turns from now on, until either side is closed."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def hear(self, listener: Callable[[Signal], None]) -> None:
        """Have every signal told to `listener` as it rings, until the end: for what is remembered only until it changes."""
        self._listeners.append(listener)

    def ring(self, signals: Sequence[Signal]) -> None:
        for listener in self._listeners:
            for signal in signals:
                listener(signal)
        about_turns = [signal for signal in signals if signal.topic is Topic.TURNS]
        for subscription in list(self._subscriptions):
            subscription.put(about_turns)

    async def announce(self, connection: AsyncConnection, signals: Sequence[Signal]) -> None:
        """Tell other processes once the connection's transaction is committed. Here: there are none."""

    async def aclose(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.aclose()


class PostgresBell(Bell):
    """Passes signals to and from other processes, too. Listens from the first subscriber or listener on."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._engine = engine
        self._name = uuid.uuid4().hex
        self._listener: asyncio.Task[None] | None = None

    def subscribe(self) -> Subscription:
        self._begin()
        return super().subscribe()

    def hear(self, listener: Callable[[Signal], None]) -> None:
        self._begin()
        super().hear(listener)

    def _begin(self) -> None:
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen_always(), name="signals")

    async def announce(self, connection: AsyncConnection, signals: Sequence[Signal]) -> None:
        said = [(signal.turn, signal.cancel, signal.topic) for signal in dict.fromkeys(signals)]
        for start in range(0, len(said), PER_NOTICE):
            payload = json.dumps([self._name, said[start : start + PER_NOTICE]])
            await connection.execute(
                text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": payload}
            )

    async def aclose(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        await super().aclose()

    async def _listen_always(self) -> None:
        wait = 0.1
        while True:
            try:
                async with await self._connect() as connection:
                    wait = 0.1
                    await self._listen(connection)
            except (psycopg.Error, OSError) as error:
                log.warning(
                    "signals of other processes are not heard",
                    extra={"error": type(error).__name__, "retry_in": wait},
                )
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, 10.0)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        _, parameters = self._engine.dialect.create_connect_args(self._engine.url)
        parameters.setdefault("connect_timeout", 5)
        return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)

    async def _listen(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        self.ring(EVERYTHING)  # whatever happened meanwhile was not heard
        while True:
            async for notice in connection.notifies(timeout=SILENCE):
                self.ring(self._heard(notice.payload))
            await asyncio.wait_for(connection.execute("SELECT 1"), timeout=SILENCE)

    def _heard(self, payload: str) -> Sequence[Signal]:
        """What another process said. What a newer version says that is not understood still means: look."""
        try:
            name, said = json.loads(payload)
            signals = [
                Signal(turn, None if cancel is None else Cancel(cancel), Topic(topic))
                for turn, cancel, topic in said
            ]
        except (ValueError, TypeError):
            return EVERYTHING
        return [] if name == self._name else signals
