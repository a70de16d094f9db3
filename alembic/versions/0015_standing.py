"""Whose the asker of a question was: a member, a guest, or from elsewhere.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("author_standing", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("turn", "author_standing")
