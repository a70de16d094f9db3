"""The world's file: one JSON record a line, written as it happens, and rewritten shorter now and then.

The playground stands in for an outside platform, so its messages are in this file and not in the bot's
database.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from adapters.playground.state import Record
from adapters.playground.world import World
from bot.errors import ConfigError

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)


class WorldFile:
    """Keeps a world in `path`. After `slack` bytes of records the file is rewritten as a snapshot.

    A record is handed to the operating system at once, so it outlives a killed process. A last line that was
    cut short is left out; a broken line before it is an error.
    """

    def __init__(self, path: Path, world: World, *, slack: int = 8_000_000) -> None:
        self._path, self._world, self._slack = path, world, slack
        self._file: IO[str] | None = None
        self._lock: IO[str] | None = None
        self._grown = 0

    def open(self) -> bool:
        """Read what is there, shorten the file, follow the world from now on. False when there was
        nothing."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self._path.with_suffix(".lock"))
        known = self._path.exists()
        if known:
            self._world.restore(self._read())
        self._compact()
        self._world.listeners.insert(0, self._write)
        return known

    def close(self) -> None:
        if self._file is not None:
            self._world.listeners.remove(self._write)
            self._file.close()
            self._file = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _read(self) -> Iterator[Record]:
        lines = self._path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                cause = f"line {number} of {self._path} is no record of the playground's"
                raise ConfigError("REJOINDER_DATA", cause, "Move the file away to start anew") from error
        if lines[-1]:
            _log.warning("%s: left out an unfinished last record", self._path)

    def _write(self, record: Record) -> None:
        if self._file is None:
            raise ValueError("the file is closed")
        line = _line(record)
        self._file.write(line)
        self._file.flush()
        self._grown += len(line)
        if self._grown > self._slack:
            self._compact()

    def _compact(self) -> None:
        """Write the snapshot beside the file, then put it in the file's place at one stroke."""
        fresh = self._path.with_suffix(".new")
        with open(fresh, "w", encoding="utf-8", opener=_mine) as file:
            file.writelines(_line(record) for record in self._world.snapshot())
            file.flush()
            os.fsync(file.fileno())
        if self._file is not None:
            self._file.close()
        fresh.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")
        self._grown = 0


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def _mine(path: str, flags: int) -> int:
    """Open a file that only its owner can read: it holds what people said."""
    return os.open(path, flags, 0o600)


def _locked(path: Path) -> IO[str]:
    """Keep a second process off the same world (where the system has such locks); it ends with this one."""
    lock = path.open("w")
    if sys.platform != "win32":
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            cause = "another process keeps the playground of this data folder"
            raise ConfigError("REJOINDER_DATA", cause, "Stop it, or choose another folder") from error
    return lock
