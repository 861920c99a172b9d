"""Links, issuances, checks: what is in flight, and what is left of it afterwards.

Attribute values are sealed (controllers/sealing.py) and removed when they have served.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from controllers.store.base import Base
from controllers.store.types import UtcTime


class Link(Base):
    """A short link. Only digests of its token, its code and its claim are kept.

    `claim_digest` is set by the first acceptance, which binds the link to one wallet.
    """

    __tablename__ = "link"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    subject_id: Mapped[str] = mapped_column(String(36), index=True)
    code_digest: Mapped[str | None] = mapped_column(String(64))
    tries_left: Mapped[int] = mapped_column(Integer)
    claim_digest: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcTime)


class Issuance(Base):
    """One credential on its way to a wallet, and what it takes to revoke it.

    `claim_digest` is that of the link which led here: by the claim itself the same wallet can
    be offered the next one over the same connection (controllers/issuer/meeting.py), or ask
    for a move to another wallet (`move_asked_at`). `replaces` is the issuance that is revoked
    when this one is issued (moving.py). The organisation's own reference, which it searches by,
    is kept sealed and as a keyed digest; `place_id` is the desk's, for the numbers.
    """

    __tablename__ = "issuance"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    credential: Mapped[str] = mapped_column(String(64))
    definition_id: Mapped[str] = mapped_column(String(400))
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str | None] = mapped_column(String(64))
    sealed_values: Mapped[bytes | None] = mapped_column(LargeBinary)
    invitation_id: Mapped[str | None] = mapped_column(String(64), index=True)
    sealed_invitation: Mapped[bytes | None] = mapped_column(LargeBinary)
    connection_id: Mapped[str | None] = mapped_column(String(64), index=True)
    claim_digest: Mapped[str | None] = mapped_column(String(64), index=True)
    exchange_id: Mapped[str | None] = mapped_column(String(64), index=True)
    registry_id: Mapped[str | None] = mapped_column(String(400))
    registry_index: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    move_asked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    replaces: Mapped[str | None] = mapped_column(String(36))
    reference_pseudonym: Mapped[str | None] = mapped_column(String(64))
    sealed_reference: Mapped[bytes | None] = mapped_column(LargeBinary)
    withdrawn_because: Mapped[str | None] = mapped_column(String(32))
    place_id: Mapped[str | None] = mapped_column(String(36))

    __table_args__ = (
        Index("ix_issuance_listing", "organisation_id", "created_at", "id"),
        Index("ix_issuance_reference", "organisation_id", "reference_pseudonym"),
        Index(  # of the few that replace another: the sweep asks for them each time
            "ix_issuance_replaces",
            "state",
            "replaces",
            sqlite_where=text("replaces IS NOT NULL"),
            postgresql_where=text("replaces IS NOT NULL"),
        ),
        UniqueConstraint("registry_id", "registry_index", name="uq_issuance_registry_entry"),
    )


class Check(Base):
    """One check at a counter. `result` is the list of checks made, without any value shown.

    `forgotten_at` is set when the check is done and the agent keeps nothing of it any more.
    """

    __tablename__ = "check_made"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[dict[str, int | str]] = mapped_column(JSON)
    framework_version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16), index=True)
    verdict: Mapped[str | None] = mapped_column(String(16))
    variant: Mapped[str | None] = mapped_column(String(32))
    permission: Mapped[str | None] = mapped_column(String(64))
    result: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)
    sealed_disclosed: Mapped[bytes | None] = mapped_column(LargeBinary)
    disclosed_until: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    place_id: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_check_listing", "organisation_id", "created_at", "id"),)


class CheckRequest(Base):
    """The request of one variant of a check, made when a wallet first asks for it."""

    __tablename__ = "check_request"

    check_id: Mapped[str] = mapped_column(ForeignKey("check_made.id"), primary_key=True)
    variant: Mapped[str] = mapped_column(String(32), primary_key=True)
    exchange_id: Mapped[str] = mapped_column(String(64), index=True)
    as_of: Mapped[datetime] = mapped_column(UtcTime)
    invitation: Mapped[dict[str, object]] = mapped_column(JSON)
    statement: Mapped[dict[str, object]] = mapped_column(JSON)


class Reservation(Base):
    """An amount paid once per reference and period. The reference itself is not kept."""

    __tablename__ = "reservation"

    pseudonym: Mapped[str] = mapped_column(String(64), primary_key=True)
    period: Mapped[str] = mapped_column(String(32), primary_key=True)
    check_id: Mapped[str] = mapped_column(ForeignKey("check_made.id"), unique=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    period_ends: Mapped[datetime] = mapped_column(UtcTime)


class Event(Base):
    """What happened to an issuance or a check, for live pages to follow and replay."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    subject_id: Mapped[str] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcTime)
