"""The claim of the wallet that an issuance went to, to meet it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("issuance", sa.Column("claim_digest", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_issuance_claim_digest"), "issuance", ["claim_digest"])


def downgrade() -> None:
    op.drop_index(op.f("ix_issuance_claim_digest"), table_name="issuance")
    op.drop_column("issuance", "claim_digest")
