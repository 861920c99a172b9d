"""Organisations, their keys to our API, and the versions of the governance framework."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controllers.store.base import Base
from controllers.store.types import UtcTime


class Organisation(Base):
    """A tenant of the organisations' agent. `label` is what invitations show."""

    __tablename__ = "organisation"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    wallet_id: Mapped[str] = mapped_column(String(64))
    token_issued_at: Mapped[int] = mapped_column(Integer)
    did: Mapped[str | None] = mapped_column(String(300), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class ApiKey(Base):
    """A machine's or a desk's key: only the digest of its secret is kept."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    organisation_id: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[str] = mapped_column(String(16))
    secret_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class FrameworkVersion(Base):
    """One version of the framework document; versions only go up."""

    __tablename__ = "framework_version"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    document: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class FrameworkDraft(Base):
    """A whole next version of the framework that waits for signatures, and what was asked for.

    `organisation_id` made it, through `member_id` or, without one, the operator or a machine.
    """

    __tablename__ = "framework_draft"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    operation: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    base_sequence: Mapped[int] = mapped_column(Integer)
    base_digest: Mapped[str] = mapped_column(String(64))
    proofs: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    member_id: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_framework_draft_listing", "state", "created_at"),)
