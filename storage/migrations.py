"""Bring a database to the newest revision, from within the program or from alembic's command line."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import ConfigError
from storage.database import Database

FOLDER = Path(__file__).resolve().parent.parent / "alembic"
"""Beside the packages, not in them: it is copied along with the sources, never installed."""


def configuration() -> Config:
    """Alembic's settings as `[tool.alembic]` has them, from whatever folder the program was started."""
    if not (FOLDER / "env.py").is_file():
        raise ConfigError("alembic", f"{FOLDER} has no migrations", "Start from a copy of the whole project")
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision that this code knows."""
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    if newest is None:
        raise ConfigError(
            "alembic", f"{FOLDER / 'versions'} is empty", "Start from a copy of the whole project"
        )
    return newest


async def current(database: Database) -> str | None:
    """The revision of the database; None when it is empty."""
    async with database.reading() as sql:
        return await sql.run_sync(
            lambda connection: MigrationContext.configure(connection).get_current_revision()
        )


async def require_newest(database: Database) -> None:
    """Raise `ConfigError` unless the tables are this version's."""
    revision, newest = await current(database), head()
    refuse_newer(revision)
    if revision != newest:
        raise ConfigError(
            "DATABASE_URL",
            f"the database {at(revision)}, this version needs {newest}",
            "Run `python -m bot migrate`",
        )


def refuse_newer(revision: str | None) -> None:
    """Raise `ConfigError` for a revision that this code does not know: it does not undo what a newer version did."""
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if revision is not None and revision not in known:
        raise ConfigError(
            "DATABASE_URL",
            f"a newer version brought the database to revision {revision}",
            "Start that version, or restore a backup that was made before",
        )


def at(revision: str | None) -> str:
    return "has no tables yet" if revision is None else f"is at revision {revision}"


async def upgrade(database: Database) -> None:
    """Apply what is missing, in one transaction. Processes that start together wait for each other. Raises `ConfigError` where
    a newer version has been at work."""
    refuse_newer(await current(database))
    config = configuration()

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.migrating() as sql:
        await sql.run_sync(run)
