"""Bring a database to the newest revision, from within the program or from alembic's command line.

alembic is slow to import, and most starts find nothing to do: which revisions there are is read off the names of their files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from bot.errors import ConfigError
from storage.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).resolve().parent.parent / "alembic"
"""Beside the packages, not in them: it is copied along with the sources, never installed."""


def configuration() -> Config:
    """Alembic's settings as `[tool.alembic]` has them, from whatever folder the program was started."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def revisions() -> list[str]:
    """All revisions that this code knows, the oldest first."""
    known = sorted(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*_*.py"))
    if not known:
        raise ConfigError("alembic", f"{FOLDER} has no migrations", "Start from a copy of the whole project")
    return known


def head() -> str:
    """The newest revision that this code knows."""
    return revisions()[-1]


async def current(database: Database) -> str | None:
    """The revision of the database; None when it is empty."""

    def look(connection: Connection) -> str | None:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision

    async with database.reading() as sql:
        return await sql.run_sync(look)


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
    if revision is not None and revision not in revisions():
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
    revision = await current(database)
    refuse_newer(revision)
    if revision == head():
        return
    from alembic import command

    config = configuration()

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.migrating() as sql:
        await sql.run_sync(run)
