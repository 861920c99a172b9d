"""People who work at desks: how they sign in, what they may do, what they did.

Names are sealed (controllers/sealing.py). A passkey's public key is no secret; what a browser
holds, or a link carries, is kept as a digest alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from controllers.store.base import Base
from controllers.store.types import UtcTime

_ORGANISATION, _MEMBER = "organisation.id", "staff_member.id"


class DeskPlace(Base):
    """A place of work as the organisation's own people call it, for the numbers."""

    __tablename__ = "desk_place"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey(_ORGANISATION), index=True)
    sealed_name: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class DeskOption(Base):
    """Something that an organisation asks of its own desks; its row is there while it does."""

    __tablename__ = "desk_option"

    organisation_id: Mapped[str] = mapped_column(ForeignKey(_ORGANISATION), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcTime)


class StaffMember(Base):
    """One person of one organisation."""

    __tablename__ = "staff_member"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey(_ORGANISATION), index=True)
    sealed_name: Mapped[bytes] = mapped_column(LargeBinary)
    place_id: Mapped[str | None] = mapped_column(ForeignKey("desk_place.id"))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    dismissed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class StaffDuty(Base):
    """What a person may do, from when until when. What has ended is kept: it answers who
    could have done something on a day."""

    __tablename__ = "staff_duty"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    member_id: Mapped[str] = mapped_column(ForeignKey(_MEMBER), index=True)
    duty: Mapped[str] = mapped_column(String(16))
    given_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class StaffEnrolment(Base):
    """A link with which a person makes a passkey, once."""

    __tablename__ = "staff_enrolment"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey(_MEMBER), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class StaffCeremony(Base):
    """A question to a passkey that waits for its one answer (WebAuthn's challenge)."""

    __tablename__ = "staff_ceremony"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    enrolment_digest: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class Passkey(Base):
    """A public key that a person's device or security key made for this installation."""

    __tablename__ = "passkey"

    credential_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey(_MEMBER), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class StaffSession(Base):
    """That a browser is signed in. `kiosk` names the one check of a counter that nobody is
    signed in at; such a session can do nothing else."""

    __tablename__ = "staff_session"

    session_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey(_MEMBER), index=True)
    browser_digest: Mapped[str] = mapped_column(String(64))
    network_digest: Mapped[str] = mapped_column(String(64))
    kiosk: Mapped[str | None] = mapped_column(String(64))
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Deed(Base):
    """Who did what, and when: words of ours and ids, and nothing about a person served."""

    __tablename__ = "deed"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    organisation_id: Mapped[str] = mapped_column(ForeignKey(_ORGANISATION))
    member_id: Mapped[str | None] = mapped_column(String(36))
    what: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)

    __table_args__ = (
        Index("ix_deed_listing", "organisation_id", "id"),
        Index("ix_deed_of_member", "member_id", "what", "at"),
    )


class Proposal(Base):
    """What one person asks for and another one has to agree to (four eyes).

    `sealed_content` is what will be done, exactly; it goes when the proposal is decided.
    """

    __tablename__ = "proposal"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey(_ORGANISATION))
    kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str | None] = mapped_column(String(36))
    sealed_content: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16))
    proposed_by: Mapped[str] = mapped_column(ForeignKey(_MEMBER))
    decided_by: Mapped[str | None] = mapped_column(ForeignKey(_MEMBER))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_proposal_listing", "organisation_id", "state", "created_at"),)
