"""What PINs and recovery codes of wallets release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_device",
        sa.Column("device_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("device_digest", name=op.f("pk_wallet_device")),
    )
    op.create_index(op.f("ix_wallet_device_forget_at"), "wallet_device", ["forget_at"])
    op.create_table(
        "wallet_recovery",
        sa.Column("lookup_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lookup_digest", name=op.f("pk_wallet_recovery")),
    )


def downgrade() -> None:
    op.drop_table("wallet_recovery")
    op.drop_index(op.f("ix_wallet_device_forget_at"), table_name="wallet_device")
    op.drop_table("wallet_device")
