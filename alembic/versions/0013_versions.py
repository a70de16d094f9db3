"""Earlier answers to a question, and what people thought of them.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("turn") as turn:
        turn.add_column(sa.Column("latest", sa.Integer(), server_default="0", nullable=False))
        turn.add_column(sa.Column("former", sa.Integer()))
        turn.add_column(sa.Column("answer_model", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE turn SET latest = version")
    with op.batch_alter_table("part") as part:
        part.add_column(sa.Column("stale", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "version",
        sa.Column("turn_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answer_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer_shape", sa.JSON()),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("answer_counter", "answer_model", "finish")
        ),
        sa.Column("finished_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turn.id"], name=op.f("fk_version_turn_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turn_id", "number", name=op.f("pk_version")),
    )
    op.create_table(
        "rating",
        sa.Column("turn_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("rated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name=op.f("fk_rating_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", "version", "author_id", name=op.f("pk_rating")),
    )
    op.create_index(op.f("ix_rating_rated_at"), "rating", ["rated_at"])


def downgrade() -> None:
    op.drop_table("rating")
    op.drop_table("version")
    with op.batch_alter_table("part") as part:
        part.drop_column("stale")
    with op.batch_alter_table("turn") as turn:
        turn.drop_column("answer_model")
        turn.drop_column("former")
        turn.drop_column("latest")
