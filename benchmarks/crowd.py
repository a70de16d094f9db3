"""A database as a bot has it after a year with a million people: their budgets, and ten million calls in the ledger.

All of it is copied from one call that was really made and settled, so that no row is of another shape than those of the bot; the
databases multiply it themselves, and build what they look things up by in the end.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

import psycopg
from psycopg import sql

from bot.ports import Meter
from storage.meters import kind, microseconds, span_of
from storage.tables import calls

APART = 3
"""Seconds between two calls of the ledger: ten million of them fill a year."""
COPIED = [column.name for column in calls.columns if column.name not in ("id", "person", "started_at")]

Row = tuple[str, str, str, int, int, str]


def meter_row(meter: Meter, now: datetime) -> Row:
    """A counter that something was taken of already."""
    return (meter.subject, kind(meter), span_of(meter.period, now), 1, microseconds(now), "2027-12-31")


def fill(url: str, meters: Iterable[Row], people: Sequence[str], ledger: int) -> None:
    """Write these counters, and multiply the one call that is in the ledger to so many, of all the people in turn."""
    (_fill_sqlite if url.startswith("sqlite") else _fill_postgres)(url, meters, people, ledger)


def _fill_sqlite(url: str, meters: Iterable[Row], people: Sequence[str], ledger: int) -> None:
    names = ", ".join(COPIED)
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA synchronous = off")
    connection.execute("PRAGMA cache_size = -400000")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'call' AND sql IS NOT NULL"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    connection.executemany(
        "INSERT OR REPLACE INTO meter (subject, kind, span, value, as_of, keep_until) VALUES (?, ?, ?, ?, ?, ?)",
        sorted(meters),
    )
    connection.execute("CREATE TEMP TABLE crowd (n INTEGER PRIMARY KEY, person TEXT)")
    connection.executemany("INSERT INTO crowd VALUES (?, ?)", enumerate(people))
    connection.execute(
        f"""INSERT INTO call (person, started_at, {names})
        WITH RECURSIVE step(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM step WHERE n < ?)
        SELECT crowd.person, strftime('%Y-%m-%d %H:%M:%S.000000', one.started_at, '-' || (step.n * {APART}) || ' seconds'), {names}
        FROM step CROSS JOIN (SELECT * FROM call LIMIT 1) AS one JOIN crowd ON crowd.n = step.n % ?""",
        (ledger, len(people)),
    )
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _fill_postgres(url: str, meters: Iterable[Row], people: Sequence[str], ledger: int) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, COPIED))
    with psycopg.connect(re.sub(r"^postgresql\+\w+", "postgresql", url), autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'call' AND indexdef NOT LIKE 'CREATE UNIQUE%'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE meter")
            into = "COPY meter (subject, kind, span, value, as_of, keep_until) FROM STDIN"
            with cursor.copy(into) as copy:
                for row in meters:
                    copy.write_row(row)
            cursor.execute("CREATE TEMP TABLE crowd (n bigint, person text)")
            with cursor.copy("COPY crowd FROM STDIN") as copy:
                for row in enumerate(people):
                    copy.write_row(row)
            cursor.execute("CREATE UNIQUE INDEX ON crowd (n)")
        for first in range(0, ledger, 1_000_000):
            connection.execute(
                sql.SQL(
                    """INSERT INTO call (person, started_at, {names})
                    SELECT crowd.person, one.started_at - step.n * {apart} * interval '1 second', {names}
                    FROM generate_series(%s::bigint, %s::bigint) AS step(n)
                    JOIN crowd ON crowd.n = step.n %% %s
                    CROSS JOIN (SELECT * FROM call ORDER BY id LIMIT 1) AS one"""
                ).format(names=names, apart=sql.Literal(APART)),
                (first + 1, min(first + 1_000_000, ledger), len(people)),
            )
        for _, statement in indexes:
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
