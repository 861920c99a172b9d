"""Finding a record costs the same however many there are (why it did not: agent/planner.py).

1. A new SQLite store has the statistics that let SQLite begin with the tag.
2. A connection is looked for by the request's id alone: nearly all have the same role, which
   would be listed whole for each question. The role is compared afterwards, in the record.
3. Every store of ours was made for AnonCreds. ACA-Py asks before each call, by going through
   the whole store, whether it is being turned into one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from acapy_agent.admin import server
from acapy_agent.askar.store import AskarStoreConfig
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import ProfileSession
from aries_askar import Store

from agent.planner import begin_store


class _Every:
    """All names."""

    def __contains__(self, name: object) -> bool:
        return True


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    if not getattr(AskarStoreConfig._attempt_store_open, "has_statistics", False):
        AskarStoreConfig._attempt_store_open = _with_statistics(
            AskarStoreConfig._attempt_store_open
        )
    ConnRecord.retrieve_by_request_id = classmethod(_retrieve_by_request_id)
    server.anoncreds_wallets = _Every()


def _with_statistics(own: Any) -> Any:
    async def attempt_store_open(self: AskarStoreConfig, uri: str, provision: bool) -> Store:
        file = _file(uri)
        if not provision or file is None or file.exists():
            return await own(self, uri, provision)
        begin_store(file)
        # the connection that makes the tables had read the statistics before there were any
        made = await own(self, uri, provision)
        await made.close()
        return await own(self, uri, False)

    attempt_store_open.has_statistics = True  # type: ignore[attr-defined] # installed once
    return attempt_store_open


def _file(uri: str) -> Path | None:
    """The file of a SQLite store, unless it is in memory."""
    parts = urlsplit(uri)
    if parts.scheme != "sqlite" or not parts.path.startswith("/"):
        return None
    return Path(unquote(parts.path))


async def _retrieve_by_request_id(
    cls: type[ConnRecord],
    session: ProfileSession,
    request_id: str,
    their_role: str | None = None,
) -> ConnRecord:
    role = {"their_role": their_role} if their_role else None
    return await cls.retrieve_by_tag_filter(session, {"request_id": request_id}, role)
