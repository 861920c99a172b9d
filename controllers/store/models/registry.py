"""What this installation publishes: DID logs, attested resources, tails files.

All of it is public and signed by its owner; nothing here is secret or about a person.
"""

from __future__ import annotations

from sqlalchemy import Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controllers.store.base import Base


class DidLogEntry(Base):
    """One line of a `did.jsonl`. The primary key lets one writer append each version."""

    __tablename__ = "registry_did_log"

    opaque: Mapped[str] = mapped_column(String(64), primary_key=True)
    version_number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version_id: Mapped[str] = mapped_column(String(128))
    entry: Mapped[str] = mapped_column(Text)


class PublishedResource(Base):
    """An attested resource as it is served.

    Only a registry definition's document ever changes (its `links` grow); `links_count` makes
    that change a compare-and-set on every database.
    """

    __tablename__ = "registry_resource"

    opaque: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    resource_type: Mapped[str] = mapped_column(String(32))
    links_count: Mapped[int] = mapped_column(Integer, default=0)
    document: Mapped[str] = mapped_column(Text)


class TailsFile(Base):
    """The public points that holders of a registry's credentials compute with."""

    __tablename__ = "registry_tails"

    tails_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class RestoredRegistry(Base):
    """A revocation registry that a restore used up, until what is left to do is done.

    `entries` counts from 0, which no credential has. While there is a row, nobody may use the
    API (controllers/backup/settling.py).
    """

    __tablename__ = "restored_registry"

    registry_id: Mapped[str] = mapped_column(String(400), primary_key=True)
    wallet_id: Mapped[str] = mapped_column(String(64))
    definition_id: Mapped[str] = mapped_column(String(400))
    size: Mapped[int] = mapped_column(Integer)
    entries: Mapped[int] = mapped_column(Integer)
