"""The node's log: chained, signed entries (dataspace.recording.log), kept in the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from controllers.dataspace.identity import Identity
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import DataspaceLogEntry, DataspaceWitness
from core.canonical import Json, canonicalize
from core.clock import Clock
from core.errors import Conflict
from dataspace.agreeing.agreement import Participant
from dataspace.agreeing.signatures import read
from dataspace.recording.heads import Head, entries_of, sign_head, verify_head
from dataspace.recording.log import BEGINNING, Kind, LogEntry, append

MOST_SHOWN = 2_000  # entries in one answer
_LOG, _WITNESS = table_of(DataspaceLogEntry), table_of(DataspaceWitness)
_LAST = select(_LOG.c.number, _LOG.c.digest).order_by(_LOG.c.number.desc()).limit(1)
_AFTER = (
    select(_LOG.c.document)
    .where(_LOG.c.number > bindparam("after"))
    .order_by(_LOG.c.number)
    .limit(bindparam("most"))
)
_AT = select(_LOG.c.document).where(_LOG.c.number == bindparam("wanted"))
_REMEMBERED = select(_WITNESS.c.document).where(_WITNESS.c.did == bindparam("wanted"))


class Journal:
    """One node's own log, and the heads of the others' that it remembers."""

    def __init__(self, database: Database, identity: Identity, clock: Clock) -> None:
        self._database, self._identity, self._clock = database, identity, clock
        self._line = asyncio.Lock()  # each entry names the one before it

    async def append(self, kind: Kind, **body: str | int) -> Json:
        """Write the next entry; it is in the database when this returns."""
        async with self._line:
            document, row = self._next(await self._last(), kind, body)
            if not await self._database.write(lambda steps: steps.add_unless_there(row)):
                raise _busy()
            return document

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A unit of work with entries about it (`add`): all of it is committed, or nothing.

        The log's line is taken first, as in `append`: who had the database already and waited
        for the line would wait for somebody who waits for the database.
        """
        async with self._line, self._database.transaction() as session:
            yield session

    async def add(self, session: AsyncSession, kind: Kind, **body: str | int) -> Json:
        """The next entry, in the unit of work that `transaction` has begun."""

        def added(plain: Connection) -> Json:
            steps = Steps(plain)
            document, row = self._next(_end(steps.row(_LAST)), kind, body)
            if not steps.add_unless_there(row):
                raise _busy()
            return document

        return await (await session.connection()).run_sync(added)

    def _next(
        self, last: tuple[int, str], kind: Kind, body: Mapping[str, str | int]
    ) -> tuple[Json, DataspaceLogEntry]:
        document = append(
            last,
            kind,
            body,
            signer=self._identity.signer,
            did=self._identity.did,
            at=self._clock.now(),
        )
        entry = read(LogEntry, document)
        text = canonicalize(document, step="log").decode()
        return document, DataspaceLogEntry(
            number=entry.number, digest=entry.digest, document=text
        )

    async def _last(self) -> tuple[int, str]:
        return _end(await self._database.row(_LAST))

    async def head(self) -> Json | None:
        """How far the log is, signed; None while it is empty."""
        last = await self._last()
        if last[0] == 0:
            return None
        return sign_head(last, self._identity.signer, self._identity.did, self._clock.now())

    async def entries(self, after: int = 0, most: int = MOST_SHOWN) -> Sequence[Json]:
        """Signed entries after a number, at most so many."""
        rows = await self._database.rows(_AFTER, after=after, most=most)
        return [json.loads(row.document) for row in rows]

    async def entry(self, number: int) -> Json | None:
        """The signed entry of a number."""
        row = await self._database.row(_AT, wanted=number)
        found: Json | None = json.loads(row.document) if row is not None else None
        return found

    async def about(self, tag: str) -> list[Json]:
        """The entries about one run, for its comparison."""
        # a tag is 32 hex digits and stands nowhere else in an entry
        like = select(_LOG.c.document).where(_LOG.c.document.contains(f'"{tag}"'))
        rows = await self._database.rows(like.order_by(_LOG.c.number))
        return entries_of(tag, [json.loads(row.document) for row in rows])

    # --- the others' heads ---------------------------------------------------------------

    async def remembered(self, did: str) -> Head | None:
        """The last head of a peer that was verified here."""
        text: Any = await self._database.value(_REMEMBERED, wanted=did)
        return read(Head, json.loads(text)) if text is not None else None

    async def remember(self, member: Participant, document: Json) -> None:
        """Keep a peer's head. Raises VerificationError: it is not signed by the peer."""
        head = verify_head(document, member.did, member.key)
        row = DataspaceWitness(
            did=head.log,
            entries=head.number,
            head=head.hash,
            document=canonicalize(document, step="head").decode(),
            at=head.at,
        )
        async with self._database.transaction() as session:
            await session.merge(row)


def _end(row: Row[Any] | None) -> tuple[int, str]:
    return (row.number, row.digest) if row is not None else (0, BEGINNING)


def _busy() -> Conflict:
    return Conflict("Another process writes this node's log", code="log-busy")
