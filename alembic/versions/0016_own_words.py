"""The bot's own words about an answer, kept until they are shown.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("notes", sa.JSON(none_as_null=True)))
    op.add_column("turn", sa.Column("warned", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    op.drop_column("turn", "warned")
    op.drop_column("turn", "notes")
