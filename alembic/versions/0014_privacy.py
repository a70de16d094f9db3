"""What people decided about their own data, and whose is being erased.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-26
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHO = ("platform", "installation", "author_id")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "optout",
        *(sa.Column(name, sa.Text(), nullable=False) for name in WHO),
        sa.Column("decided_at", moment, nullable=False),
        sa.PrimaryKeyConstraint(*WHO, name=op.f("pk_optout")),
    )
    op.create_table(
        "erasure",
        *(sa.Column(name, sa.Text(), nullable=False) for name in WHO),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.PrimaryKeyConstraint(*WHO, name=op.f("pk_erasure")),
    )
    op.create_index("ix_turn_author", "turn", ["author_id", "created_at"])
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_pin_author_id", "pin", ["author_id"])


def downgrade() -> None:
    op.drop_index("ix_pin_author_id", "pin")
    op.drop_index("ix_audit_actor", "audit")
    op.drop_index("ix_turn_author", "turn")
    op.drop_table("erasure")
    op.drop_table("optout")
