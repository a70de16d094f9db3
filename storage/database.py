"""One database, SQLite or PostgreSQL, and the two ways to use it: a reading, and a writing transaction per store verb.

SQLite has one writer, so one connection writes, always under BEGIN IMMEDIATE (a transaction that read first could otherwise
fail at its first write, whatever its time-out), while a few others read without taking the write lock. On PostgreSQL all
share a pool. All that means "the database does not answer now" becomes `StoreUnavailable` here and nowhere else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Executable, Row, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from bot.errors import ConfigError, StoreUnavailable, Unwieldy
from bot.ports import Signal
from storage.engines import (
    BUSY,
    Threads,
    broken,
    cause,
    collided,
    complete,
    disconnected,
    duplicate,
    in_memory,
    interrupt_when,
    interrupted,
    postgres_engine,
    sqlite_engine,
    unavailable,
)
from storage.signals import Bell, PostgresBell

PATIENCE = 20.0
"""Seconds that a verb may take, waiting for a connection or a lock included; then the database counts as not answering."""
LONG = 120.0
"""Seconds that a sum over all that was used may take, waiting for others' included."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a verb writes with: the connection, and the signals that go out when, and only when, it is committed."""

    sql: AsyncConnection
    signals: list[Signal] = field(default_factory=list)

    def signal(self, *signals: Signal) -> None:
        self.signals.extend(signals)


class Database:
    """Holds no connection between two verbs."""

    def __init__(self, url: str, *, patience: float = PATIENCE, long: float = LONG) -> None:
        self.url, self.patience, self.long = complete(url), patience, long
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._threads = Threads()
        self._verbs, self._closed, self._idle = 0, False, asyncio.Event()
        self._summed_by = float("inf")
        self._writings: set[asyncio.Task[Any]] = set()
        self.bell: Bell
        if self.is_sqlite:
            self._writer = sqlite_engine(self.url, self._threads, writes=True, patience=patience)
            memory = in_memory(self.url)
            self._reader = (
                self._writer
                if memory
                else sqlite_engine(self.url, self._threads, writes=False, patience=patience)
            )
            self._swift = self._summer = self._writer
            if not memory:
                self._summer = sqlite_engine(self.url, self._threads, writes=False, patience=long, readers=1)
                interrupt_when(self._summer, self._late)
            self.bell = Bell()
        else:
            self._writer = postgres_engine(self.url, patience=patience)
            self._swift = postgres_engine(self.url, patience=patience, swift=True)
            self._summer = postgres_engine(self.url, patience=long, alone=True)
            self._reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")
            self.bell = PostgresBell(self._writer)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that stand alone. On SQLite it can't write."""
        with self._answering():
            async with asyncio.timeout(self.patience), self._reader.connect() as sql:
                yield sql

    @asynccontextmanager
    async def summing(self) -> AsyncIterator[AsyncConnection]:
        """A connection for sums over ever so many rows, one after another: it is the only one for them, so that all others stay free
        for those who talk to the bot. Raises `Unwieldy` for what takes too long, and ends it."""
        with self._answering():
            try:
                async with asyncio.timeout(self.long), self._summer.connect() as sql:
                    self._summed_by = time.monotonic() + self.long
                    yield sql
            except (TimeoutError, PoolTimeout):
                raise Unwieldy("it took too long") from None
            except DBAPIError as error:
                if not interrupted(error):
                    raise
                raise Unwieldy("it took too long") from None

    def _late(self) -> bool:
        return self._closed or time.monotonic() > self._summed_by

    async def instant(self, statement: Executable, bound: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Run one statement that is a transaction by itself, on PostgreSQL: one round trip, and no other.

        From its beginning again when another was in the way, or when the connection was found dead: it may then have taken effect
        once already.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(
                lambda error: collided(error) or duplicate(error) or disconnected(error)
            ),
            stop=stop_after_attempt(8),
            wait=wait_random_exponential(multiplier=0.01, max=0.5),
            reraise=True,
        )
        with self._answering():
            async with asyncio.timeout(self.patience):
                return await retrying(self._instant_once, statement, bound)

    async def _instant_once(self, statement: Executable, bound: Mapping[str, Any]) -> Sequence[Row[Any]]:
        async with self._swift.connect() as sql:
            return (await sql.execute(statement, bound)).all()

    async def write(self, verb: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `verb` in one transaction; from its beginning again when another transaction was in the way.

        Once begun it is brought to its end, even when the caller is cancelled: a connection that is torn off in the middle may hold
        SQLite's only lock for ever.
        """
        writing = asyncio.create_task(self._write(verb))
        self._writings.add(writing)
        writing.add_done_callback(self._written)
        return await asyncio.shield(writing)

    def _written(self, writing: asyncio.Task[Any]) -> None:
        self._writings.discard(writing)
        if not writing.cancelled():
            writing.exception()  # whoever waited has been told; nobody else is to be

    async def _write(self, verb: Callable[[Transaction], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception(collided),
            stop=stop_after_attempt(5),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            reraise=True,
        )
        with self._answering():
            async with asyncio.timeout(self.patience):
                return await retrying(self._write_once, verb)

    async def _write_once(self, verb: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._writer.begin() as sql:
            transaction = Transaction(sql)
            result = await verb(transaction)
            await self.bell.announce(sql, transaction.signals)
        self.bell.ring(transaction.signals)
        return result

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """One transaction for a migration: no deadline, and no foreign keys enforced on SQLite while tables are replaced."""
        if not self.is_sqlite or in_memory(self.url):
            with self._answering():
                async with self._writer.begin() as sql:
                    yield sql
            return
        engine = sqlite_engine(self.url, self._threads, writes=True, foreign_keys=False)
        try:
            with self._answering():
                async with engine.begin() as sql:
                    yield sql
        finally:
            await engine.dispose()

    async def scrub(self) -> None:
        """Leave nothing in SQLite's log of what was deleted: as soon as nobody reads, it is emptied into the file, where deleting
        overwrites. PostgreSQL's own VACUUM does as much there."""
        if self.is_sqlite and not in_memory(self.url):
            async with self.reading() as sql:
                await sql.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    async def ping(self) -> None:
        """Return when the database answers, else raise `StoreUnavailable`."""
        async with self.reading() as sql:
            await sql.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Take no more verbs, let those under way finish, and close every connection."""
        self._closed = True
        await self.bell.aclose()
        if self._verbs:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), BUSY)
        await self._reader.dispose()
        await self._writer.dispose()
        await self._swift.dispose()
        await self._summer.dispose()
        await self._threads.ended()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Count what is under way, and say in the house's words that the database does not answer."""
        if self._closed:
            raise StoreUnavailable("closed")
        self._verbs += 1
        try:
            yield
        except DBAPIError as error:
            if broken(error):
                cure = "Name another file, or put a backup in its place"
                raise ConfigError("DATABASE_URL", cause(error), cure) from error
            if not unavailable(error):
                raise
            raise StoreUnavailable(cause(error)) from error
        except (PoolTimeout, DisconnectionError, TimeoutError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error
        finally:
            self._verbs -= 1
            if not self._verbs:
                self._idle.set()


class Store(Protocol):
    """Whatever has a database can have verbs."""

    @property
    def database(self) -> Database: ...


S = TypeVar("S", bound=Store)


def writing(
    verb: Callable[Concatenate[S, Transaction, P], Awaitable[T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Turn a method that takes a transaction into a store verb, which is one."""

    @wraps(verb)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return await self.database.write(lambda transaction: verb(self, transaction, *args, **kwargs))

    return run
