"""Migrations: from nothing to the newest tables, from any folder, on both databases, and never hiding alembic itself."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import alembic
import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, inspect, text

from bot.errors import ConfigError
from storage import migrations
from storage.database import Database, Transaction
from storage.engines import complete
from storage.stores import open_stores
from storage.tables import metadata, parts
from tests.desk import Desk
from tests.fakes import FakeClock

ROOT = Path(__file__).parent.parent


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'rejoinder.db'}"
        return
    url = str(request.getfixturevalue("postgres_url"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    yield url


async def test_an_empty_database_becomes_the_newest_and_stays_so(empty_url: str) -> None:
    stores = open_stores(empty_url)
    assert await stores.revision() is None
    for _ in range(2):
        await stores.upgrade()
        assert await stores.revision() == migrations.head()
    await Desk(stores, FakeClock()).ask()
    await stores.aclose()


def test_processes_that_start_together_wait_for_each_other(empty_url: str) -> None:
    with ThreadPoolExecutor() as processes:
        for _ in processes.map(lambda _: alembic_line(empty_url, "upgrade", "head"), range(3)):
            pass
    assert migrations.head() in alembic_line(empty_url, "current").stdout


async def test_the_migrated_tables_are_the_declared_ones(empty_url: str) -> None:
    database = Database(empty_url)
    await migrations.upgrade(database)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    def names(connection: Connection) -> dict[str, set[str | None]]:
        found = inspect(connection)
        return {
            table.name: {index["name"] for index in found.get_indexes(table.name)}
            | {found.get_pk_constraint(table.name)["name"]}
            | {key["name"] for key in found.get_foreign_keys(table.name)}
            | {unique["name"] for unique in found.get_unique_constraints(table.name)}
            for table in metadata.sorted_tables
        }

    async with database.reading() as sql:
        assert await sql.run_sync(differences) == []
        migrated = await sql.run_sync(names)
    async with database.migrating() as sql:
        await sql.run_sync(metadata.drop_all)
        await sql.run_sync(metadata.create_all)
    async with database.reading() as sql:
        assert await sql.run_sync(names) == migrated
    await database.aclose()


def alembic_line(url: str, *words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python -m alembic …` as an operator types it."""
    environment = {**os.environ, "DATABASE_URL": url}
    line = [sys.executable, "-m", "alembic", *words]
    return subprocess.run(
        line, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60
    )


def alembic_lines(url: str, *lines: str) -> list[str]:
    """What each of these says, one after another in one process, which reads all modules only once."""
    program = "import sys; from alembic.config import main\nfor line in sys.argv[1:]: main(line.split()); print('-' * 9)"
    ran = subprocess.run(
        [sys.executable, "-c", program, *lines],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout.split("-" * 9 + "\n")[:-1]


def test_the_command_line_upgrades_checks_and_goes_back(empty_url: str) -> None:
    _, checked, upgraded, _, back = alembic_lines(
        empty_url, "upgrade head", "check", "current", "downgrade base", "current"
    )
    assert "No new upgrade operations detected" in checked
    assert migrations.head() in upgraded
    assert back.strip() == ""


def test_what_people_have_used_is_carried_over(empty_url: str) -> None:
    alembic_line(empty_url, "upgrade", "0004")
    run_sql(
        empty_url,
        "INSERT INTO budget (subject, unit, period, window_start, used) VALUES "
        "('ada', 'nanousd', 'month', '2026-11-01 00:00:00+00:00', 7), ('ada', 'tokens', 'day', '2026-11-30 00:00:00+00:00', 9)",
    )
    alembic_line(empty_url, "upgrade", "head")
    carried = run_sql(empty_url, "SELECT kind, span, value FROM meter ORDER BY kind")
    assert carried == [("picousd/month", "2026-11", 7000), ("tokens/day", "2026-11-30", 9)]


def run_sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = create_engine(url if url.startswith("sqlite") else complete(url))
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


def test_the_command_line_prints_the_sql_for_those_who_want_to_read_it() -> None:
    printed = alembic_line("postgresql://nobody@nowhere/x", "upgrade", "head", "--sql").stdout
    assert "CREATE TABLE turn" in printed and "WHERE state IN ('waiting', 'running')" in printed


def test_the_command_line_works_from_another_folder(tmp_path: Path) -> None:
    pyproject = str(ROOT / "pyproject.toml")
    alembic_line(f"sqlite:///{tmp_path / 'a.db'}", "-c", pyproject, "upgrade", "head", folder=tmp_path)
    assert (tmp_path / "a.db").is_file()


async def test_an_upgrade_works_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    await migrations.upgrade(database)
    await database.aclose()


def test_missing_migrations_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "FOLDER", tmp_path)
    with pytest.raises(ConfigError, match="no migrations"):
        migrations.head()


async def test_a_failed_migration_changes_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(empty_url)

    def half(config: object, revision: str) -> None:
        real(config, revision)  # type: ignore[arg-type]
        raise RuntimeError("in the middle")

    real = command.upgrade
    monkeypatch.setattr(command, "upgrade", half)
    with pytest.raises(RuntimeError):
        await migrations.upgrade(database)
    assert await migrations.current(database) is None
    async with database.reading() as sql:
        assert await sql.run_sync(lambda connection: inspect(connection).has_table("turn")) is False
    await database.aclose()


async def test_replacing_a_table_deletes_nothing_that_refers_to_it(tmp_path: Path) -> None:
    """SQLite can't alter much: alembic copies a table, drops it and renames the copy. With foreign keys enforced, dropping
    would delete all that refers to its rows."""
    stores = open_stores(f"sqlite:///{tmp_path / 'a.db'}", FakeClock())
    await stores.upgrade()
    desk = Desk(stores, FakeClock())
    await desk.ask()
    turn = await desk.claimed()
    await stores.inbox.journal(turn, "w1").intend(0, "n0")

    def replace_turn(connection: Connection) -> None:
        with Operations(MigrationContext.configure(connection)).batch_alter_table("turn", recreate="always"):
            pass

    async with stores.database.migrating() as sql:
        await sql.run_sync(replace_turn)
    desk.clock.advance(31)
    assert [part.nonce for part in (await desk.claimed("w2")).parts] == ["n0"]
    await stores.aclose()


async def test_foreign_keys_are_enforced(empty_url: str) -> None:
    database = Database(empty_url)
    await migrations.upgrade(database)

    async def orphan(transaction: Transaction) -> None:
        await transaction.sql.execute(insert(parts).values(turn_id=99, index=0, nonce="n"))

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await database.write(orphan)
    await database.aclose()


def test_there_is_one_line_of_revisions() -> None:
    scripts = ScriptDirectory.from_config(migrations.configuration())
    assert len(scripts.get_heads()) == 1 and len(scripts.get_bases()) == 1
    assert scripts.get_current_head() == migrations.head()
    assert [script.revision for script in scripts.walk_revisions()] == migrations.revisions()[::-1]


def test_no_package_hides_the_installed_alembic() -> None:
    assert list((ROOT / "alembic").rglob("__init__.py")) == []
    assert alembic.__version__ == importlib.metadata.version("alembic")
    assert not Path(alembic.__file__ or "").is_relative_to(ROOT / "alembic")


def test_revisions_stand_on_their_own() -> None:
    """What a revision does must not change with the code: it imports nothing of ours."""
    for revision in (ROOT / "alembic" / "versions").glob("*.py"):
        assert (
            re.search(r"^(from|import) (storage|bot|adapters)\b", revision.read_text(), re.MULTILINE) is None
        )
