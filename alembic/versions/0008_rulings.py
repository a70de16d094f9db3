"""What admins allow by command.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-25
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = ("platform", "installation", "channel", "level", "role", "model", "metric")


def upgrade() -> None:
    op.create_table(
        "ruling",
        *(sa.Column(name, sa.Text(), nullable=False) for name in KEY),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*KEY, name=op.f("pk_ruling")),
    )


def downgrade() -> None:
    op.drop_table("ruling")
