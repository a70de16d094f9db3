"""When the bot was listening, and where it still has to look for what it missed.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def instant() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True)


def text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def upgrade() -> None:
    op.create_table(
        "presence",
        text("platform"),
        text("line"),
        sa.Column("until", instant(), nullable=False),
        text("owner", ""),
        sa.PrimaryKeyConstraint("platform", "line", name=op.f("pk_presence")),
    )
    op.create_table(
        "gap",
        text("platform"),
        text("installation"),
        text("channel"),
        text("thread"),
        text("line"),
        sa.Column("rank", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("since", instant(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "installation", "channel", "thread", name=op.f("pk_gap")),
    )


def downgrade() -> None:
    op.drop_table("gap")
    op.drop_table("presence")
