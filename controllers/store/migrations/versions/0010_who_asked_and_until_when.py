"""Who made a plan and when it ends, beside the document: both are asked for often."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PLAN = sa.table(
    "dataspace_plan",
    sa.column("digest", sa.String),
    sa.column("document", sa.Text),
    sa.column("asker", sa.String),
    sa.column("expires", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    # a table with rows takes a column that must be filled only with something to fill it with
    op.add_column(
        "dataspace_plan",
        sa.Column("asker", sa.String(length=500), nullable=False, server_default=""),
    )
    op.add_column(
        "dataspace_plan",
        sa.Column(
            "expires",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default="1970-01-01 00:00:00+00:00",
        ),
    )
    connection = op.get_bind()
    for digest, document in connection.execute(sa.select(_PLAN.c.digest, _PLAN.c.document)):
        plan = json.loads(document)
        written = {"asker": plan["asker"], "expires": _in_utc(plan["expires"])}
        connection.execute(_PLAN.update().where(_PLAN.c.digest == digest).values(**written))


def _in_utc(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:  # of the year 1 or 9999: as far as can be said
        return datetime.fromisoformat(text).replace(tzinfo=UTC)


def downgrade() -> None:
    op.drop_column("dataspace_plan", "expires")
    op.drop_column("dataspace_plan", "asker")
