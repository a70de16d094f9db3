"""One table for all limits, a line before a provider's own, and more said of each call.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OPEN = {"postgresql_where": sa.text("state = 'open'"), "sqlite_where": sa.text("state = 'open'")}


def upgrade() -> None:
    create_meters()
    carried = (
        "INSERT INTO meter (subject, kind, span, value, as_of, keep_until) "
        "SELECT subject, CASE unit WHEN 'nanousd' THEN 'picousd' ELSE unit END || '/' || period, "
        "substr(WINDOW_START, 1, CASE period WHEN 'day' THEN 10 ELSE 7 END), "
        "used * CASE unit WHEN 'nanousd' THEN 1000 ELSE 1 END, 0, '2027-02-01' FROM budget"
    )
    sqlite = op.get_context().dialect.name == "sqlite"
    start = "window_start" if sqlite else "CAST(window_start AT TIME ZONE 'UTC' AS text)"
    op.execute(carried.replace("WINDOW_START", start))
    op.drop_table("budget")
    op.drop_table("pace")
    op.add_column("call", sa.Column("direct", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("call", sa.Column("price", sa.Text(), nullable=False, server_default=""))
    op.drop_column("call", "reserved")
    op.create_index("ix_call_open", "call", ["started_at"], **OPEN)
    op.create_index("ix_call_person", "call", ["person", "started_at"])


def create_meters() -> None:
    op.create_table(
        "meter",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("keep_until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "kind", "span", name="pk_meter"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_meter_keep_until", "meter", ["keep_until"])
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("live_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ticket_line", "ticket", ["lane", "rank", "id"])
    op.create_table(
        "lane",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger()),
        sa.Column("tokens_per_minute", sa.BigInteger()),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lane", name="pk_lane"),
    )


def downgrade() -> None:
    """The counters begin at nothing again: what they hold now can't be told in the old tables."""
    op.drop_index("ix_call_person", "call")
    op.drop_index("ix_call_open", "call", **OPEN)
    op.add_column("call", sa.Column("reserved", sa.JSON(), nullable=False, server_default="[]"))
    op.drop_column("call", "price")
    op.drop_column("call", "direct")
    for table_name in ("lane", "ticket", "meter"):
        op.drop_table(table_name)
    op.create_table(
        "pace",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("tat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "unit", name="pk_pace"),
    )
    op.create_table(
        "budget",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "unit", "period", "window_start", name="pk_budget"),
    )
