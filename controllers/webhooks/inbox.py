"""The durable inbox (docs/adr/0013).

1. A webhook is written down before it is acknowledged; of its body only ids are kept. A worker
   with room claims it in the same transaction, and handles it at once.
2. Hearing of the same record again adds one to `heard`; a worker handles the record until it
   has caught up. So twice, late and out of order are all the same.
3. Handling reads the truth from the agent. A failure is tried again, later each time.
4. Whatever was never announced is found by the sweep.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.announcements import Announcement
from controllers.moment import now
from controllers.store.brief import Steps, filled, table_of
from controllers.store.database import Database
from controllers.store.models import InboxItem

LOGGER = logging.getLogger(__name__)

_RETRY_STEP, _LONGEST_RETRY = timedelta(seconds=1), timedelta(minutes=1)
_MOST_DOUBLINGS = 6  # then the longest wait is reached; without an end the sum overflows
_CLAIMED_FOR = timedelta(seconds=30)
_KEPT = timedelta(hours=1)
_BATCH = 32

_ROW = table_of(InboxItem)
_DUE = (
    select(_ROW)
    .where(_ROW.c.handled < _ROW.c.heard, _ROW.c.due_at <= bindparam("at"))
    .order_by(_ROW.c.due_at)
    .limit(_BATCH)
)
_CLAIMED = _DUE.with_for_update(skip_locked=True)
_CLAIM = update(_ROW).where(_ROW.c.id.in_(bindparam("ids", expanding=True)))
_SET = update(_ROW).where(_ROW.c.id == bindparam("its_id"))
_PAST = delete(_ROW).where(_ROW.c.handled >= _ROW.c.heard, _ROW.c.due_at < bindparam("until"))
_HEARD_AGAIN = (
    update(_ROW)
    .where(_ROW.c.kind == bindparam("its_kind"), _ROW.c.record_id == bindparam("its_record"))
    .values(heard=_ROW.c.heard + 1, due_at=bindparam("at"))
    .returning(*_ROW.c)
)
_NEW = insert(_ROW).returning(*_ROW.c)


class Inbox:
    """Takes announcements in and hands them out for handling."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, announcement: Announcement) -> None:
        """Write an announcement down; returns when it is safe."""
        await self._note(announcement, timedelta())

    async def take(self, announcement: Announcement) -> InboxItem:
        """The same, and claim it: whoever hears of it handles it at once. Should that break
        off, it is due for everybody after half a minute, as any other claim."""
        return await self._note(announcement, _CLAIMED_FOR)

    async def due(self) -> list[InboxItem]:
        """Claim what is due, for half a minute each; another worker gets other items."""
        # most of the time there is nothing, and then nobody waits for us to write
        if await self._database.row(_DUE, at=now()) is None:
            return []
        return await self._database.write(_claim)

    async def handled(self, item: InboxItem) -> None:
        """Caught up with what was heard when the item was claimed."""
        await self._database.change(
            _SET, its_id=item.id, handled=item.heard, tries=0, due_at=now()
        )

    async def failed(self, item: InboxItem) -> None:
        """Try again later, each time a little later."""
        wait = min(_RETRY_STEP * 2 ** min(item.tries, _MOST_DOUBLINGS), _LONGEST_RETRY)
        await self._database.change(
            _SET, its_id=item.id, tries=item.tries + 1, due_at=now() + wait
        )

    async def _note(self, announcement: Announcement, due_in: timedelta) -> InboxItem:
        def note(steps: Steps) -> InboxItem:
            return _noted(steps, announcement, due_in)

        try:
            return await self._database.write(note)
        except IntegrityError:  # another replica heard of it first, at the same moment
            return await self._database.write(note)

    async def purge(self) -> None:
        """Forget what was handled an hour ago."""
        await self._database.change(_PAST, until=now() - _KEPT)


def _noted(steps: Steps, announcement: Announcement, due_in: timedelta) -> InboxItem:
    kind, record_id, at = announcement.kind.value, announcement.record_id, now() + due_in
    found = steps.rows(_HEARD_AGAIN, its_kind=kind, its_record=record_id, at=at)
    if not found:
        invitation_id = announcement.invitation_id
        new = {"kind": kind, "record_id": record_id, "invitation_id": invitation_id}
        found = steps.rows(_NEW, **new, due_at=at)
    return filled(InboxItem, found[0])


def _claim(steps: Steps) -> list[InboxItem]:
    items = [filled(InboxItem, row) for row in steps.rows(_CLAIMED, at=now())]
    if items:
        until = now() + _CLAIMED_FOR
        steps.change(_CLAIM, ids=[item.id for item in items], due_at=until)
    return items
