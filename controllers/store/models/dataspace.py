"""A node of the data space: agreement, plans, decisions, runs, log, results and cases.

Documents are kept as canonical JSON text, exactly as they were signed. Cases and results are
sealed (controllers/sealing.py); of a case there is a keyed digest beside it, so that a new
import can tell what stayed without opening anything.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controllers.store.base import Base
from controllers.store.types import UtcTime

_PLAN, _RUN = "dataspace_plan.digest", "dataspace_run.tag"
_COUNTING = BigInteger().with_variant(Integer, "sqlite")


class DataspaceAgreement(Base):
    """The signed terms of a space, with its participants' certificates; one is in force."""

    __tablename__ = "dataspace_agreement"

    digest: Mapped[str] = mapped_column(String(100), primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class DataspacePlan(Base):
    """A plan as its asker signed it, and what this node's gate said of it. `sealed_stated` is
    which cases a plan of this node's own is about, where it commits to them."""

    __tablename__ = "dataspace_plan"

    digest: Mapped[str] = mapped_column(String(100), primary_key=True)
    agreement: Mapped[str] = mapped_column(String(100), index=True)
    asker: Mapped[str] = mapped_column(String(500))
    expires: Mapped[datetime] = mapped_column(UtcTime)
    document: Mapped[str] = mapped_column(Text)
    gate: Mapped[str] = mapped_column(Text)
    refused: Mapped[str | None] = mapped_column(String(64))
    sealed_stated: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class DataspaceDecision(Base):
    """An approval, a refusal or a withdrawal, as it was signed. None is ever changed."""

    __tablename__ = "dataspace_decision"

    id: Mapped[int] = mapped_column(_COUNTING, primary_key=True, autoincrement=True)
    plan: Mapped[str] = mapped_column(ForeignKey(_PLAN), index=True)
    did: Mapped[str] = mapped_column(String(500))
    digest: Mapped[str] = mapped_column(String(100), unique=True)
    document: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class DataspaceRun(Base):
    """One run of a plan. `epsilon_milli` is spent when computing begins, whatever becomes of
    it: what was opened inside was opened. `sealed_selection` says which of the organisation's
    own row versions the plan selected, so that later plans can be held against it."""

    __tablename__ = "dataspace_run"

    tag: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan: Mapped[str] = mapped_column(ForeignKey(_PLAN), index=True)
    agreement: Mapped[str] = mapped_column(String(100))  # its id: a new version is no new purse
    coordinator: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(16), index=True)
    open_slot: Mapped[int | None] = mapped_column(Integer, unique=True)  # 1 while it is open
    phase: Mapped[str] = mapped_column(String(16))
    failure: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(String(400))
    parties: Mapped[int] = mapped_column(Integer)
    threshold: Mapped[int] = mapped_column(Integer)
    epsilon_milli: Mapped[int] = mapped_column(Integer)
    sealed_selection: Mapped[bytes | None] = mapped_column(LargeBinary)
    result_digest: Mapped[str | None] = mapped_column(String(100))
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class DataspaceResult(Base):
    """What came out of a run, sealed, and the report that all signed. `released_at` is when
    this organisation's people may see it."""

    __tablename__ = "dataspace_result"

    tag: Mapped[str] = mapped_column(ForeignKey(_RUN), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    report: Mapped[str | None] = mapped_column(Text)
    released_at: Mapped[datetime | None] = mapped_column(UtcTime)


class DataspaceLogEntry(Base):
    """One entry of this node's hash-chained log, in its canonical form."""

    __tablename__ = "dataspace_log"

    number: Mapped[int] = mapped_column(_COUNTING, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(100))
    document: Mapped[str] = mapped_column(Text)


class DataspaceWitness(Base):
    """How another node's log stood when it was last compared, as that node signed it."""

    __tablename__ = "dataspace_witness"

    did: Mapped[str] = mapped_column(String(500), primary_key=True)
    entries: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[str] = mapped_column(String(100))
    document: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime)


class DataspaceImport(Base):
    """One import of cases: how many rows there were, and how many stayed as they were."""

    __tablename__ = "dataspace_import"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cases: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class DataspaceCase(Base):
    """A case of this organisation as it was from import `since` to before `until`, sealed; then
    what it held is gone. `case_pseudonym` is the same in all versions of one case."""

    __tablename__ = "dataspace_case"

    id: Mapped[int] = mapped_column(_COUNTING, primary_key=True, autoincrement=True)
    pseudonym: Mapped[str] = mapped_column(String(64))
    case_pseudonym: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    since: Mapped[int] = mapped_column(Integer)
    until: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (Index("ix_dataspace_case_current", "until", "pseudonym"),)


class DataspaceOfficer(Base):
    """Somebody who may act for the organisation; only the digest of their key is kept."""

    __tablename__ = "dataspace_officer"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    duties: Mapped[str] = mapped_column(String(64))
    key_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
