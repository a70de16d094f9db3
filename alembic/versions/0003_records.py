"""Why a message was not taken as a question, and whether a turn named the bot.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-25
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def instant() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True)


def text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def upgrade() -> None:
    op.add_column(
        "turn", sa.Column("mentioned", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    create_verdicts()


def create_verdicts() -> None:
    op.create_table(
        "verdict",
        text("key"),
        text("platform"),
        text("installation"),
        text("channel"),
        text("thread", ""),
        text("author_id"),
        text("outcome"),
        sa.Column("times", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("seen_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_seen_at"), "verdict", ["seen_at"])
    op.create_index(
        "ix_verdict_author", "verdict", ["platform", "installation", "channel", "author_id", "seen_at"]
    )


def downgrade() -> None:
    op.drop_table("verdict")
    op.drop_column("turn", "mentioned")
