"""When a conversation was reset: what was said before and comes later is of the epoch that ended.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("reset_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("conversation", "reset_at")
