"""What happened, for live pages: written with the change itself, replayable, without content.

An event says *that* an issuance or a check moved; what it is now is read from its resource,
with the reader's own authority. So a stream holds nothing that could leak.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Header
from sqlalchemy import Row, bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from controllers.moment import now
from controllers.store.brief import Steps, table_of
from controllers.store.database import SUBJECTS, Database
from controllers.store.models import Event

LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0, le=2**63 - 1)]

_POLL_SECONDS = 0.5  # for what another replica wrote; our own rings the bell
_KEEP_ALIVE_EVERY = 20  # polls: a comment each 10 s keeps proxies from closing the stream
_KEPT = timedelta(days=1)

_EVENT = table_of(Event)
_NOTE = insert(_EVENT).inline()
_SINCE = (
    select(_EVENT.c.id, _EVENT.c.kind, _EVENT.c.at)
    .where(_EVENT.c.subject_id == bindparam("subject"), _EVENT.c.id > bindparam("after"))
    .order_by(_EVENT.c.id)
)
_PAST = delete(_EVENT).where(_EVENT.c.at < bindparam("until"))
_LAST = select(func.max(_EVENT.c.id)).where(_EVENT.c.subject_id == bindparam("subject"))
_SEEN = select(_EVENT.c.kind).where(
    _EVENT.c.subject_id == bindparam("subject"), _EVENT.c.id <= bindparam("until")
)


def note_event(session: AsyncSession, subject_id: str, kind: str) -> None:
    """Write an event in the transaction that makes it true."""
    session.add(Event(subject_id=subject_id, kind=kind, at=now()))
    session.info.setdefault(SUBJECTS, set()).add(subject_id)


def tell(steps: Steps, subject_id: str, kind: str) -> None:
    """The same in a brief unit of work."""
    steps.change(_NOTE, subject_id=subject_id, kind=kind, at=now())
    steps.subjects.add(subject_id)


class EventStream:
    """Follows one subject; every replica can serve every stream, from the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(
        self, subject_id: str, after: int, last_kinds: frozenset[str]
    ) -> AsyncIterator[str]:
        """Server-sent events after id `after`, until one of `last_kinds` was sent."""
        # whoever has seen the end is not kept waiting for more
        if after and await self._seen_the_end(subject_id, after, last_kinds):
            return
        with self._database.bell.listening(subject_id) as rung:
            async for sent in self._sending(subject_id, after, last_kinds, rung):
                yield sent

    async def _sending(
        self, subject_id: str, after: int, last_kinds: frozenset[str], rung: asyncio.Event
    ) -> AsyncIterator[str]:
        polls = 0
        while True:
            for event in await self._since(subject_id, after):
                after = event.id
                data = json.dumps({"kind": event.kind, "at": event.at.isoformat()})
                yield f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"
                if event.kind in last_kinds:
                    return
            await self._database.bell.wait(rung, _POLL_SECONDS)
            polls += 1
            if polls % _KEEP_ALIVE_EVERY == 0:
                yield ": still here\n\n"

    async def last(self, subject_id: str) -> int:
        """The id of the newest event of a subject; 0 if there is none (any more)."""
        return int(await self._database.value(_LAST, subject=subject_id) or 0)

    async def purge(self) -> None:
        """Forget old events."""
        await self._database.change(_PAST, until=now() - _KEPT)

    async def _seen_the_end(
        self, subject_id: str, after: int, last_kinds: frozenset[str]
    ) -> bool:
        seen = await self._database.rows(_SEEN, subject=subject_id, until=after)
        return any(event.kind in last_kinds for event in seen)

    async def _since(self, subject_id: str, after: int) -> Sequence[Row[Any]]:
        return await self._database.rows(_SINCE, subject=subject_id, after=after)
