"""Engines for SQLite and PostgreSQL from a URL, and which of their errors mean "not now"."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import WeakSet

import aiosqlite
from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.errors import ConfigError

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
READERS = 4
STEPS = 100_000
"""Of SQLite's own machine, between two looks at the time: some milliseconds."""

BUSY = 5.0
"""Seconds that a SQLite connection waits for another's lock."""

# Primary result codes, https://www.sqlite.org/rescode.html
_SQLITE_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_SQLITE_UNAVAILABLE = _SQLITE_LOCKED | {
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
# SQLSTATEs, appendix A of PostgreSQL's manual. Whole classes: connection (08), resources (53), an operator or a restart (57),
# the system (58); then a server that is only a standby now, and a transaction ended for idling.
_POSTGRES_COLLISIONS = {"40001", "40P01", "55P03"}
_POSTGRES_RACES = {"23503", "23505"}
_POSTGRES_UNAVAILABLE = ("08", "53", "57", "58", "40", "25006", "25P03", "55P03")


def complete(url: str) -> URL:
    """The URL with the driver that this project uses, where it names none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(
            "DATABASE_URL", "not a database URL", "Write sqlite:///./data/rejoinder.db, for example"
        ) from None
    parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in DRIVERS.values():
        raise ConfigError(
            "DATABASE_URL", f"{parsed.drivername} is not supported", "Use sqlite:// or postgresql://"
        )
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database that has one of its own."""
    if url.get_backend_name() != "sqlite" or in_memory(url):
        return None
    return None if url.database is None or url.database.startswith("file:") else Path(url.database)


def in_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


class Threads:
    """aiosqlite's threads, one for each connection. It leaves a connection whose opening failed or was cancelled to end by itself,
    which may be after the event loop was closed, to which its thread reports: whoever closes the database waits for them."""

    def __init__(self) -> None:
        self._started: WeakSet[Thread] = WeakSet()

    def connect(self, *arguments: Any, **parameters: Any) -> aiosqlite.Connection:
        """What aiosqlite's `connect` does, with the thread noted."""
        connection = aiosqlite.connect(*arguments, **parameters)
        thread = connection._thread
        thread.daemon = True
        self._started.add(thread)
        return connection

    async def ended(self) -> None:
        """Return when all have ended, or when one goes on for longer than any of its statements could."""
        await asyncio.to_thread(self._join, BUSY + 1)

    def _join(self, patience: float) -> None:
        until = time.monotonic() + patience
        for thread in list(self._started):
            if thread.ident is not None:
                thread.join(max(until - time.monotonic(), 0))


def sqlite_engine(
    url: URL,
    threads: Threads,
    *,
    writes: bool,
    foreign_keys: bool = True,
    patience: float = 20.0,
    readers: int = READERS,
) -> AsyncEngine:
    """An engine whose transactions are BEGIN IMMEDIATE, on one connection; or one of several that can only read.

    `foreign_keys` is off for migrations alone: replacing a table would otherwise delete what refers to its rows.
    WAL with synchronous NORMAL survives the death of the process at any point; a power cut may cost the last moments.
    """
    if (file := sqlite_file(url)) is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                "DATABASE_URL",
                f"{file.parent} can't be made ({error.strerror})",
                "Name a file in a folder this user may write to",
            ) from None
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writes else readers,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
    )
    pragmas = [f"busy_timeout = {BUSY * 1000:.0f}", "journal_mode = WAL", "synchronous = NORMAL"]
    pragmas += [
        f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        f"query_only = {'OFF' if writes else 'ON'}",
        "secure_delete = ON",  # what is deleted is overwritten in the file
    ]

    @event.listens_for(engine.sync_engine, "do_connect")
    def start(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["async_creator_fn"] = threads.connect

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # or the sqlite3 module begins transactions of its own
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    if writes:

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def postgres_engine(
    url: URL, *, patience: float = 20.0, swift: bool = False, alone: bool = False
) -> AsyncEngine:
    """A pool that finds out dead connections before use; a `swift` one in use, since to ask is a round trip of its own, and each of its
    statements is a transaction; one that is `alone` has a single connection. `prepare_threshold` None: a PgBouncer in transaction mode
    hands the next statement to another server, which knows nothing of what was prepared."""
    defaults: dict[str, Any] = {
        "connect_timeout": 5,
        "application_name": "rejoinder",
        "prepare_threshold": None,
    }
    return create_async_engine(
        url,
        isolation_level="AUTOCOMMIT" if swift or alone else "READ COMMITTED",
        pool_size=1 if alone else 5,
        max_overflow=0 if swift or alone else 10,
        pool_timeout=patience,
        pool_recycle=1800,
        pool_pre_ping=not swift,
        hide_parameters=True,
        connect_args={name: value for name, value in defaults.items() if name not in url.query},
    )


def cause(error: DBAPIError) -> str:
    """Why it does not answer, as the database itself or the way to it says: never a value of anybody's."""
    if _sqlite_code(error) is not None:
        return str(error.orig)
    if _sqlstate(error) is None:
        return str(error.orig).partition("\n")[0].rpartition("failed: ")[2]
    return type(error.orig).__name__


def interrupt_when(engine: AsyncEngine, late: Callable[[], bool]) -> None:
    """Have SQLite look now and then, in the middle of a statement, whether it is too late to go on: nobody else can stop it."""

    @event.listens_for(engine.sync_engine, "connect")
    def watch(connection: Any, _record: Any) -> None:
        connection.run_async(lambda driver: driver.set_progress_handler(late, STEPS))


def interrupted(error: DBAPIError) -> bool:
    return _sqlite_code(error) == sqlite3.SQLITE_INTERRUPT


def broken(error: DBAPIError) -> bool:
    """The file is no SQLite database, or a damaged one."""
    return _sqlite_code(error) in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


def collided(error: BaseException) -> bool:
    """Another transaction was in the way: worth an immediate second try."""
    return isinstance(error, DBAPIError) and (
        _sqlite_code(error) in _SQLITE_LOCKED or _sqlstate(error) in _POSTGRES_COLLISIONS
    )


def duplicate(error: BaseException) -> bool:
    """Another has just made the same row."""
    return isinstance(error, DBAPIError) and _sqlstate(error) in _POSTGRES_RACES


def disconnected(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def unavailable(error: DBAPIError) -> bool:
    """The database is away, full, locked or restarting: nothing is wrong with the statement."""
    if error.connection_invalidated or _sqlite_code(error) in _SQLITE_UNAVAILABLE:
        return True
    state = _sqlstate(error)
    if state is None:  # libpq itself says so: no connection, or it broke
        return (
            type(error.orig).__module__.startswith("psycopg")
            and type(error.orig).__name__ == "OperationalError"
        )
    return state.startswith(_POSTGRES_UNAVAILABLE)


def _sqlite_code(error: DBAPIError) -> int | None:
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _sqlstate(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
