"""The first tables: conversations, turns and their parts, budgets and the ledger.

Revision ID: 0001
Revises:
Create Date: 2026-11-22
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def identity() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def dollars() -> sa.types.TypeEngine[Any]:
    return sa.Numeric(24, 12).with_variant(sa.BigInteger(), "sqlite")


def instant() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True)


def text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def flag(name: str, default: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text(default))


def where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    create_conversations()
    create_turns()
    create_budgets()
    create_calls()


def create_conversations() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", identity(), nullable=False),
        text("platform"),
        text("installation"),
        text("channel"),
        text("thread", ""),
        text("person", ""),
        count("epoch"),
        flag("inherits", "true"),
        sa.Column("branched_at", instant()),
        flag("following", "false"),
        sa.Column("trim_told_epoch", sa.Integer()),
        sa.Column("trim_told_turn", sa.BigInteger()),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.UniqueConstraint(
            "platform",
            "installation",
            "channel",
            "thread",
            "person",
            name="uq_conversation_platform_installation_channel_thread_person",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "installation",
        text("platform"),
        text("installation"),
        sa.Column("revoked_at", instant()),
        sa.PrimaryKeyConstraint("platform", "installation", name="pk_installation"),
    )
    op.create_table(
        "person",
        text("platform"),
        text("installation"),
        text("author_id"),
        sa.Column("met_at", instant(), nullable=False),
        sa.Column("met_turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "installation", "author_id", name="pk_person"),
    )
    op.create_table(
        "receipt",
        text("key"),
        sa.Column("seen_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_receipt"),
    )
    op.create_index("ix_receipt_seen_at", "receipt", ["seen_at"])


def create_turns() -> None:
    op.create_table(
        "turn",
        sa.Column("id", identity(), nullable=False),
        text("key"),
        text("revision", ""),
        sa.Column("conversation_id", identity(), nullable=False),
        count("epoch"),
        text("message"),
        text("author_id"),
        text("author_name"),
        text("author_language", ""),
        flag("author_admin", "false"),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("masked", sa.JSON(), nullable=False),
        count("question_tokens"),
        text("counter", ""),
        sa.Column("address", sa.JSON(), nullable=False),
        flag("direct", "false"),
        sa.Column("sent_at", instant(), nullable=False),
        text("state"),
        count("attempts"),
        count("version"),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", instant()),
        sa.Column("cancel", sa.Text()),
        sa.Column("answer", sa.Text()),
        count("answer_tokens"),
        text("answer_counter", ""),
        text("finish", ""),
        text("error", ""),
        text("reference", ""),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("started_at", instant()),
        sa.Column("finished_at", instant()),
        sa.PrimaryKeyConstraint("id", name="pk_turn"),
        sa.UniqueConstraint("key", name="uq_turn_key"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_turn_conversation_id"),
        sqlite_autoincrement=True,
    )
    unfinished = where("state IN ('waiting', 'running')")
    op.create_index("ix_turn_unfinished", "turn", ["sent_at", "id"], **unfinished)
    op.create_index("ix_turn_order", "turn", ["conversation_id", "author_id", "sent_at", "id"], **unfinished)
    op.create_index("ix_turn_running", "turn", ["conversation_id", "author_id"], **where("state = 'running'"))
    op.create_index("ix_turn_history", "turn", ["conversation_id", "epoch", "sent_at", "id"])
    op.create_index("ix_turn_message", "turn", ["message"])
    op.create_table(
        "part",
        sa.Column("turn_id", identity(), nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        text("nonce"),
        sa.Column("message", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.PrimaryKeyConstraint("turn_id", "index", name="pk_part"),
        sa.UniqueConstraint("nonce", name="uq_part_nonce"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_part_turn_id", ondelete="CASCADE"),
    )


def create_budgets() -> None:
    op.create_table(
        "budget",
        text("subject"),
        text("unit"),
        text("period"),
        sa.Column("window_start", instant(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "unit", "period", "window_start", name="pk_budget"),
    )
    op.create_table(
        "pace",
        text("subject"),
        text("unit"),
        sa.Column("tat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "unit", name="pk_pace"),
    )


def create_calls() -> None:
    op.create_table(
        "call",
        sa.Column("id", identity(), nullable=False),
        sa.Column("turn_id", identity()),
        text("platform"),
        text("installation"),
        text("channel"),
        text("thread", ""),
        sa.Column("person", sa.Text()),
        text("provider"),
        text("model"),
        text("state"),
        sa.Column("reserved_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reserved_cost", dollars()),
        sa.Column("reserved", sa.JSON(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger()),
        sa.Column("cached_tokens", sa.BigInteger()),
        sa.Column("cache_written_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("cost", dollars()),
        text("finish", ""),
        sa.Column("first_token_ms", sa.Integer()),
        sa.Column("started_at", instant(), nullable=False),
        sa.Column("settled_at", instant()),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_call_turn_id", ondelete="SET NULL"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_turn_id", "call", ["turn_id"])
    op.create_index("ix_call_started_at", "call", ["started_at"])


def downgrade() -> None:
    for table in (
        "part",
        "call",
        "turn",
        "receipt",
        "person",
        "pace",
        "installation",
        "conversation",
        "budget",
    ):
        op.drop_table(table)
