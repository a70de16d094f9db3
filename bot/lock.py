"""One process per SQLite file: a second one is turned away, so that the first may take every lease it finds for abandoned."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import ConfigError


@contextmanager
def only_process(database: str | None, data: Path) -> Iterator[None]:
    """Hold the lock beside this SQLite file; `ConfigError` when another process holds it. The system frees it when we die."""
    file = Path(database) if database and database != ":memory:" else data / "rejoinder.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(file.name + ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cure = "Stop the other one, or use PostgreSQL (DATABASE_URL) for several processes"
            raise ConfigError("DATABASE_URL", f"{file.name} is in use by another Rejoinder", cure) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
