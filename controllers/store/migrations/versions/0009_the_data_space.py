"""The node of a data space: agreement, plans, runs, log, results and cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataspace_agreement",
        sa.Column("digest", sa.String(length=100), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dataspace_agreement")),
    )
    op.create_table(
        "dataspace_case",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("pseudonym", sa.String(length=64), nullable=False),
        sa.Column("case_pseudonym", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataspace_case")),
    )
    op.create_index(
        "ix_dataspace_case_current", "dataspace_case", ["until", "pseudonym"], unique=False
    )
    op.create_table(
        "dataspace_import",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dataspace_import")),
    )
    op.create_table(
        "dataspace_log",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("digest", sa.String(length=100), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dataspace_log")),
    )
    op.create_table(
        "dataspace_officer",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("duties", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataspace_officer")),
    )
    op.create_table(
        "dataspace_plan",
        sa.Column("digest", sa.String(length=100), nullable=False),
        sa.Column("agreement", sa.String(length=100), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("refused", sa.String(length=64), nullable=True),
        sa.Column("sealed_stated", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dataspace_plan")),
    )
    op.create_index(
        op.f("ix_dataspace_plan_agreement"), "dataspace_plan", ["agreement"], unique=False
    )
    op.create_table(
        "dataspace_witness",
        sa.Column("did", sa.String(length=500), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=100), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("did", name=op.f("pk_dataspace_witness")),
    )
    op.create_table(
        "dataspace_decision",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("plan", sa.String(length=100), nullable=False),
        sa.Column("did", sa.String(length=500), nullable=False),
        sa.Column("digest", sa.String(length=100), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan"],
            ["dataspace_plan.digest"],
            name=op.f("fk_dataspace_decision_plan_dataspace_plan"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataspace_decision")),
        sa.UniqueConstraint("digest", name=op.f("uq_dataspace_decision_digest")),
    )
    op.create_index(
        op.f("ix_dataspace_decision_plan"), "dataspace_decision", ["plan"], unique=False
    )
    op.create_table(
        "dataspace_run",
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.String(length=100), nullable=False),
        sa.Column("agreement", sa.String(length=100), nullable=False),
        sa.Column("coordinator", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("open_slot", sa.Integer(), nullable=True),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("failure", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=400), nullable=True),
        sa.Column("parties", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("epsilon_milli", sa.Integer(), nullable=False),
        sa.Column("sealed_selection", sa.LargeBinary(), nullable=True),
        sa.Column("result_digest", sa.String(length=100), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan"],
            ["dataspace_plan.digest"],
            name=op.f("fk_dataspace_run_plan_dataspace_plan"),
        ),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_dataspace_run")),
        sa.UniqueConstraint("open_slot", name=op.f("uq_dataspace_run_open_slot")),
    )
    op.create_index(op.f("ix_dataspace_run_plan"), "dataspace_run", ["plan"], unique=False)
    op.create_index(op.f("ix_dataspace_run_state"), "dataspace_run", ["state"], unique=False)
    op.create_table(
        "dataspace_result",
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tag"], ["dataspace_run.tag"], name=op.f("fk_dataspace_result_tag_dataspace_run")
        ),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_dataspace_result")),
    )


def downgrade() -> None:
    op.drop_table("dataspace_result")
    op.drop_index(op.f("ix_dataspace_run_state"), table_name="dataspace_run")
    op.drop_index(op.f("ix_dataspace_run_plan"), table_name="dataspace_run")
    op.drop_table("dataspace_run")
    op.drop_index(op.f("ix_dataspace_decision_plan"), table_name="dataspace_decision")
    op.drop_table("dataspace_decision")
    op.drop_table("dataspace_witness")
    op.drop_index(op.f("ix_dataspace_plan_agreement"), table_name="dataspace_plan")
    op.drop_table("dataspace_plan")
    op.drop_table("dataspace_officer")
    op.drop_table("dataspace_log")
    op.drop_table("dataspace_import")
    op.drop_index("ix_dataspace_case_current", table_name="dataspace_case")
    op.drop_table("dataspace_case")
    op.drop_table("dataspace_agreement")
