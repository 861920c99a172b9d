"""The durable inbox (docs/adr/0013).

1. A webhook is written down before it is acknowledged; of its body only ids are kept.
2. Hearing of the same record again adds one to `heard`; a worker handles the record until it
   has caught up. So twice, late and out of order are all the same.
3. Handling reads the truth from the agent. A failure is tried again, later each time.
4. Whatever was never announced is found by the sweep.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from agent.announcements import Announcement
from controllers.moment import now
from controllers.store.database import Database
from controllers.store.models import InboxItem

LOGGER = logging.getLogger(__name__)

_RETRY_STEP, _LONGEST_RETRY = timedelta(seconds=1), timedelta(minutes=1)
_MOST_DOUBLINGS = 6  # then the longest wait is reached; without an end the sum overflows
_CLAIM = timedelta(seconds=30)
_KEPT = timedelta(hours=1)
_BATCH = 32


class Inbox:
    """Takes announcements in and hands them out for handling."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, announcement: Announcement) -> None:
        """Write an announcement down; returns when it is safe."""
        if await self._heard_again(announcement):
            return
        try:
            async with self._database.transaction() as session:
                session.add(
                    InboxItem(
                        kind=announcement.kind.value,
                        record_id=announcement.record_id,
                        invitation_id=announcement.invitation_id,
                        due_at=now(),
                    )
                )
        except IntegrityError:
            await self._heard_again(announcement)

    async def due(self) -> list[InboxItem]:
        """Claim what is due, for half a minute each; another worker gets other items."""
        async with self._database.transaction() as session:
            found = await session.scalars(
                select(InboxItem)
                .where(InboxItem.handled < InboxItem.heard, InboxItem.due_at <= now())
                .order_by(InboxItem.due_at)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            items = list(found)
            for item in items:
                item.due_at = now() + _CLAIM
        return items

    async def handled(self, item: InboxItem) -> None:
        """Caught up with what was heard when the item was claimed."""
        async with self._database.transaction() as session:
            await session.execute(
                update(InboxItem)
                .where(InboxItem.id == item.id)
                .values(handled=item.heard, tries=0, due_at=now())
            )

    async def failed(self, item: InboxItem) -> None:
        """Try again later, each time a little later."""
        wait = min(_RETRY_STEP * 2 ** min(item.tries, _MOST_DOUBLINGS), _LONGEST_RETRY)
        async with self._database.transaction() as session:
            await session.execute(
                update(InboxItem)
                .where(InboxItem.id == item.id)
                .values(tries=item.tries + 1, due_at=now() + wait)
            )

    async def purge(self) -> None:
        """Forget what was handled an hour ago."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(InboxItem).where(
                    InboxItem.handled >= InboxItem.heard, InboxItem.due_at < now() - _KEPT
                )
            )

    async def _heard_again(self, announcement: Announcement) -> bool:
        async with self._database.transaction() as session:
            found = await session.execute(
                update(InboxItem)
                .where(
                    InboxItem.kind == announcement.kind.value,
                    InboxItem.record_id == announcement.record_id,
                )
                .values(heard=InboxItem.heard + 1, due_at=now())
            )
            return bool(found.rowcount)  # type: ignore[attr-defined] # an UPDATE has one
