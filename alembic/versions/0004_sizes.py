"""The size of what is said beyond its tokens, and what providers report of whole prompts.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("turn") as turn:
        turn.add_column(sa.Column("question_shape", sa.JSON(none_as_null=True)))
        turn.add_column(sa.Column("answer_shape", sa.JSON(none_as_null=True)))
    op.create_table(
        "calibration",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("size", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
    )
    op.create_index(op.f("ix_calibration_counter_id"), "calibration", ["counter", "id"])


def downgrade() -> None:
    op.drop_table("calibration")
    with op.batch_alter_table("turn") as turn:
        turn.drop_column("answer_shape")
        turn.drop_column("question_shape")
