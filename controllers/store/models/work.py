"""The durable inbox of webhooks, repeatable requests; sessions and locks of wallets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from controllers.store.base import Base
from controllers.store.types import UtcTime


class InboxItem(Base):
    """A webhook that wakes a worker. Of its body only ids are kept; the truth is asked for.

    One row for each record: hearing of it twice changes `heard` and nothing else.
    """

    __tablename__ = "inbox"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    record_id: Mapped[str] = mapped_column(String(64))
    invitation_id: Mapped[str | None] = mapped_column(String(64))
    heard: Mapped[int] = mapped_column(Integer, default=1)
    handled: Mapped[int] = mapped_column(Integer, default=0)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(UtcTime, index=True)

    __table_args__ = (UniqueConstraint("kind", "record_id"),)


class RepeatableRequest(Base):
    """The answer to a request that carried an Idempotency-Key, sealed; kept for a day."""

    __tablename__ = "repeatable_request"

    caller: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    sealed_answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class WalletSession(Base):
    """That a session exists and until when; its key and token are on the holder's device."""

    __tablename__ = "wallet_session"

    session_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    wallet_id: Mapped[str] = mapped_column(String(64), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class WalletDevice(Base):
    """What a device's PINs release (controllers/wallet/locks). It does not say whose it is.

    `forget_at` is two days after the last wrong try; nothing else tells when it was used.
    """

    __tablename__ = "wallet_device"

    device_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    forget_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)


class WalletRecovery(Base):
    """What a recovery code releases. It does not say whose it is."""

    __tablename__ = "wallet_recovery"

    lookup_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
