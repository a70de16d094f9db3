"""Runs migrations: on the connection that `storage.migrations` hands over, or from the command line on DATABASE_URL."""

import asyncio
import os
from typing import Literal

from alembic import context
from sqlalchemy import Connection, text

from storage.columns import Dollars, Instant, Words
from storage.database import Database
from storage.engines import complete
from storage.tables import metadata

PLAIN = {
    Instant: "sa.DateTime(timezone=True)",
    Words: "sa.Text()",
    Dollars: 'sa.Numeric(24, 12).with_variant(sa.BigInteger(), "sqlite")',
}
"""How a revision writes our types: what they are now, whatever their code becomes later."""

LOCK = 0x7265_6A6F
"""Names the migration among PostgreSQL's advisory locks."""


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    return PLAIN.get(type(item), False) if kind == "type" else False


def migrate(connection: Connection) -> None:
    """Run on a connection whose transaction somebody else commits."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_online(url: str) -> None:
    database = Database(url)
    try:
        async with database.migrating() as sql:
            await sql.run_sync(migrate)
    finally:
        await database.aclose()


def migrate_offline(url: str) -> None:
    """Print the SQL instead (`alembic upgrade head --sql`)."""
    context.configure(
        url=complete(url),
        target_metadata=metadata,
        render_as_batch=complete(url).get_backend_name() == "sqlite",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    connection = context.config.attributes.get("connection")
    url = os.environ.get("DATABASE_URL") or "sqlite:///./data/rejoinder.db"
    if connection is not None:
        migrate(connection)
    elif context.is_offline_mode():
        migrate_offline(url)
    else:
        asyncio.run(migrate_online(url))


main()
