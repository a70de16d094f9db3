"""Find the turns that failed lately without going through all.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-25
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    failed = sa.text("state = 'failed'")
    op.create_index("ix_turn_failed", "turn", ["finished_at"], postgresql_where=failed, sqlite_where=failed)


def downgrade() -> None:
    op.drop_index("ix_turn_failed", "turn")
