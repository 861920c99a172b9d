"""That a move to another wallet was asked for, and which issuance a new one replaces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "issuance", sa.Column("move_asked_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("issuance", sa.Column("replaces", sa.String(length=36), nullable=True))
    op.create_index(
        "ix_issuance_replaces",
        "issuance",
        ["state", "replaces"],
        sqlite_where=sa.text("replaces IS NOT NULL"),
        postgresql_where=sa.text("replaces IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_issuance_replaces", table_name="issuance")
    op.drop_column("issuance", "replaces")
    op.drop_column("issuance", "move_asked_at")
