"""Keep originals of pseudonyms, encrypted, with who said them where.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def identity() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "vault",
        sa.Column("id", identity(), nullable=False),
        sa.Column("conversation_id", identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("original", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_vault_conversation_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("conversation_id", "kind", "number", name="uq_vault_conversation_id_kind_number"),
        sa.UniqueConstraint("conversation_id", "digest", name="uq_vault_conversation_id_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "vault_source",
        sa.Column("vault_id", identity(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False, server_default=""),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "key", name="pk_vault_source"),
        sa.ForeignKeyConstraint(
            ["vault_id"], ["vault.id"], name="fk_vault_source_vault_id", ondelete="CASCADE"
        ),
    )
    for column in ("key", "person", "said_at"):
        op.create_index(f"ix_vault_source_{column}", "vault_source", [column])


def downgrade() -> None:
    op.drop_table("vault_source")
    op.drop_table("vault")
