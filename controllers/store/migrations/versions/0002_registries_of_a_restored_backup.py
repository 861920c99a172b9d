"""Registries of a restored backup, until the installation is in order again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restored_registry",
        sa.Column("registry_id", sa.String(length=400), nullable=False),
        sa.Column("wallet_id", sa.String(length=64), nullable=False),
        sa.Column("definition_id", sa.String(length=400), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("registry_id", name=op.f("pk_restored_registry")),
    )


def downgrade() -> None:
    op.drop_table("restored_registry")
