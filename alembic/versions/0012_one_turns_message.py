"""Let each message of a channel be one turn's.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("part", sa.Column("room", sa.Text()))
    op.create_index("ix_part_message", "part", ["room", "message"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_part_message", "part")
    with op.batch_alter_table("part") as batch:
        batch.drop_column("room")
