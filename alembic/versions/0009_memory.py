"""Where prompts begin in a conversation, the gist of what was left behind, and what is pinned.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-25
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def identity() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def instant() -> sa.types.TypeEngine[object]:
    return sa.DateTime(timezone=True)


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def upgrade() -> None:
    op.create_table(
        "memory",
        sa.Column("conversation_id", identity(), nullable=False),
        count("epoch"),
        sa.Column("since_at", instant()),
        sa.Column("since_turn", sa.BigInteger()),
        sa.Column("summary", sa.Text()),
        count("summary_tokens"),
        sa.Column("summary_shape", sa.JSON()),
        text("counter"),
        sa.Column("until_at", instant()),
        sa.Column("until_turn", sa.BigInteger()),
        sa.Column("summing_until", instant()),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_memory"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_memory_conversation_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "pin",
        sa.Column("id", identity(), nullable=False),
        sa.Column("conversation_id", identity(), nullable=False),
        count("epoch"),
        sa.Column("turn_id", identity()),
        sa.Column("note", sa.Text()),
        count("tokens"),
        sa.Column("shape", sa.JSON()),
        text("counter"),
        text("author_id"),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pin"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_pin_conversation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_pin_turn_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pin_conversation_id", "pin", ["conversation_id"])
    op.create_index("ix_pin_turn_id", "pin", ["turn_id"])


def downgrade() -> None:
    op.drop_table("pin")
    op.drop_table("memory")
