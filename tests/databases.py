"""Fixtures: stores on SQLite and on PostgreSQL alike. Loaded with `pytest_plugins = ["tests.databases"]`."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from storage.stores import Stores, open_stores
from storage.tables import metadata
from tests.desk import Desk
from tests.fakes import FakeClock
from tests.postgres import Postgres

# To empty one table costs as much as to ask all of them.
FILLED = " UNION ALL ".join(
    f"""SELECT '"{table}"' WHERE EXISTS (SELECT FROM "{table}")"""  # noqa: S608 - names of ours
    for table in metadata.tables
).encode()
COUNT_ANEW = b"""
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""


async def _migrate(url: str) -> None:
    stores = open_stores(url)
    await stores.upgrade()
    await stores.aclose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> str:
    """`sqlite://…` of a migrated, empty database."""
    shutil.copy(sqlite_template, tmp_path / "rejoinder.db")
    return f"sqlite:///{tmp_path / 'rejoinder.db'}"


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """A migrated, empty database, to be copied."""
    url = postgres.create()
    asyncio.run(_migrate(url))
    return url


@pytest.fixture(scope="module")
def migrated_postgres(postgres: Postgres, postgres_template: str) -> str:
    return postgres.create(like=postgres_template)


@pytest.fixture
def postgres_store(migrated_postgres: str) -> str:
    """`postgresql://…` of a migrated, emptied database."""
    with psycopg.connect(migrated_postgres, autocommit=True) as connection:
        if filled := [name for [name] in connection.execute(FILLED)]:
            connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE".encode())
        connection.execute(COUNT_ANEW)
    return migrated_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind."""
    return str(request.getfixturevalue("sqlite_store" if request.param == "sqlite" else "postgres_store"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def stores(store_url: str, clock: FakeClock) -> AsyncIterator[Stores]:
    opened = open_stores(store_url, clock)
    yield opened
    await opened.aclose()


@pytest.fixture
def desk(stores: Stores, clock: FakeClock) -> Desk:
    return Desk(stores, clock)


@pytest.fixture
async def houses(store_url: str, clock: FakeClock) -> AsyncIterator[list[Stores]]:
    """What would be several processes on one PostgreSQL; on SQLite the only one there may be."""
    opened = [open_stores(store_url, clock) for _ in range(1 if store_url.startswith("sqlite") else 3)]
    yield opened
    for one in opened:
        await one.aclose()
