"""People at desks, what they may do and did; an issuance"s own reference and place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_ceremony",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("enrolment_digest", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_ceremony")),
    )
    op.create_index(op.f("ix_staff_ceremony_expires_at"), "staff_ceremony", ["expires_at"])
    op.create_table(
        "deed",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("member_id", sa.String(length=36), nullable=True),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_deed_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deed")),
    )
    op.create_index(op.f("ix_deed_at"), "deed", ["at"])
    op.create_index("ix_deed_listing", "deed", ["organisation_id", "id"])
    op.create_index("ix_deed_of_member", "deed", ["member_id", "what", "at"])
    op.create_table(
        "desk_option",
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_desk_option_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "name", name=op.f("pk_desk_option")),
    )
    op.create_table(
        "desk_place",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_desk_place_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_place")),
    )
    op.create_index(op.f("ix_desk_place_organisation_id"), "desk_place", ["organisation_id"])
    op.create_table(
        "staff_member",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_staff_member_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["desk_place.id"], name=op.f("fk_staff_member_place_id_desk_place")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
    )
    op.create_index(
        op.f("ix_staff_member_organisation_id"), "staff_member", ["organisation_id"]
    )
    op.create_table(
        "passkey",
        sa.Column("credential_digest", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=36), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_member.id"], name=op.f("fk_passkey_member_id_staff_member")
        ),
        sa.PrimaryKeyConstraint("credential_digest", name=op.f("pk_passkey")),
    )
    op.create_index(op.f("ix_passkey_member_id"), "passkey", ["member_id"])
    op.create_table(
        "proposal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", sa.String(length=36), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["staff_member.id"],
            name=op.f("fk_proposal_decided_by_staff_member"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_proposal_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"],
            ["staff_member.id"],
            name=op.f("fk_proposal_proposed_by_staff_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index(
        "ix_proposal_listing", "proposal", ["organisation_id", "state", "created_at"]
    )
    op.create_table(
        "staff_duty",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("member_id", sa.String(length=36), nullable=False),
        sa.Column("duty", sa.String(length=16), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["staff_member.id"],
            name=op.f("fk_staff_duty_member_id_staff_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_duty")),
    )
    op.create_index(op.f("ix_staff_duty_member_id"), "staff_duty", ["member_id"])
    op.create_table(
        "staff_enrolment",
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["staff_member.id"],
            name=op.f("fk_staff_enrolment_member_id_staff_member"),
        ),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_staff_enrolment")),
    )
    op.create_index(op.f("ix_staff_enrolment_expires_at"), "staff_enrolment", ["expires_at"])
    op.create_index(op.f("ix_staff_enrolment_member_id"), "staff_enrolment", ["member_id"])
    op.create_table(
        "staff_session",
        sa.Column("session_digest", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=36), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("network_digest", sa.String(length=64), nullable=False),
        sa.Column("kiosk", sa.String(length=64), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["staff_member.id"],
            name=op.f("fk_staff_session_member_id_staff_member"),
        ),
        sa.PrimaryKeyConstraint("session_digest", name=op.f("pk_staff_session")),
    )
    op.create_index(op.f("ix_staff_session_expires_at"), "staff_session", ["expires_at"])
    op.create_index(op.f("ix_staff_session_member_id"), "staff_session", ["member_id"])
    op.add_column("check_made", sa.Column("place_id", sa.String(length=36), nullable=True))
    op.add_column(
        "issuance", sa.Column("reference_pseudonym", sa.String(length=64), nullable=True)
    )
    op.add_column("issuance", sa.Column("sealed_reference", sa.LargeBinary(), nullable=True))
    op.add_column(
        "issuance", sa.Column("withdrawn_because", sa.String(length=32), nullable=True)
    )
    op.add_column("issuance", sa.Column("place_id", sa.String(length=36), nullable=True))
    op.create_index(
        "ix_issuance_reference", "issuance", ["organisation_id", "reference_pseudonym"]
    )


def downgrade() -> None:
    op.drop_index("ix_issuance_reference", table_name="issuance")
    op.drop_column("issuance", "place_id")
    op.drop_column("issuance", "withdrawn_because")
    op.drop_column("issuance", "sealed_reference")
    op.drop_column("issuance", "reference_pseudonym")
    op.drop_column("check_made", "place_id")
    op.drop_index(op.f("ix_staff_session_member_id"), table_name="staff_session")
    op.drop_index(op.f("ix_staff_session_expires_at"), table_name="staff_session")
    op.drop_table("staff_session")
    op.drop_index(op.f("ix_staff_enrolment_member_id"), table_name="staff_enrolment")
    op.drop_index(op.f("ix_staff_enrolment_expires_at"), table_name="staff_enrolment")
    op.drop_table("staff_enrolment")
    op.drop_index(op.f("ix_staff_duty_member_id"), table_name="staff_duty")
    op.drop_table("staff_duty")
    op.drop_index("ix_proposal_listing", table_name="proposal")
    op.drop_table("proposal")
    op.drop_index(op.f("ix_passkey_member_id"), table_name="passkey")
    op.drop_table("passkey")
    op.drop_index(op.f("ix_staff_member_organisation_id"), table_name="staff_member")
    op.drop_table("staff_member")
    op.drop_index(op.f("ix_desk_place_organisation_id"), table_name="desk_place")
    op.drop_table("desk_place")
    op.drop_table("desk_option")
    op.drop_index("ix_deed_of_member", table_name="deed")
    op.drop_index("ix_deed_listing", table_name="deed")
    op.drop_index(op.f("ix_deed_at"), table_name="deed")
    op.drop_table("deed")
    op.drop_index(op.f("ix_staff_ceremony_expires_at"), table_name="staff_ceremony")
    op.drop_table("staff_ceremony")
