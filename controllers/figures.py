"""What is counted in the database for /metrics, at most every few seconds, by reading alone.

A scrape never waits for long and never fails: if the database does not answer, these figures
are left out, so that nobody takes old ones for new, and their age goes on growing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from controllers.issuer.rows import State as IssuanceState
from controllers.metrics import Metrics
from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.database import Database
from controllers.store.models import Check, InboxItem, Issuance
from controllers.verifier.service import State as CheckState
from controllers.verifier.service import Verdict

LOGGER = logging.getLogger(__name__)

STATES_EVERY, REGISTRIES_EVERY = 5.0, 30.0
_PATIENCE = 3.0
_DIGEST = 8
_CHECK_STATES = (
    CheckState.WAITING.value,
    CheckState.JUDGING.value,
    *(verdict.value for verdict in Verdict),
)


class Figures:
    """Counts, and remembers when it did."""

    def __init__(
        self, database: Database, metrics: Metrics, seal: Seal, sizes: Mapping[str, int]
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._seal = seal
        self._sizes = sizes
        self._turn = asyncio.Lock()
        self._states_at: float | None = None
        self._registries_at: float | None = None
        self._began = time.monotonic()

    async def refresh(self) -> None:
        """Count again what is old enough. One scrape counts; others wait for it."""
        async with self._turn:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._count()
            except (SQLAlchemyError, OSError, TimeoutError):
                LOGGER.warning("nothing could be counted for the metrics")
                self._leave_out()
            newest = self._states_at if self._states_at is not None else self._began
            self._metrics.figures_age.set(time.monotonic() - newest)

    async def _count(self) -> None:
        at = time.monotonic()
        if self._states_at is None or at - self._states_at >= STATES_EVERY:
            async with self._database.reading() as session:
                await self._exchanges(session)
                await self._inbox(session)
            self._states_at = at
        if self._registries_at is None or at - self._registries_at >= REGISTRIES_EVERY:
            async with self._database.reading() as session:
                await self._registries(session)
            self._registries_at = at

    def _leave_out(self) -> None:
        for gauge in (
            self._metrics.exchanges,
            self._metrics.inbox,
            self._metrics.registry_fill,
        ):
            gauge.clear()
        self._metrics.inbox_oldest.set(float("nan"))
        self._registries_at = None

    async def _exchanges(self, session: AsyncSession) -> None:
        issuances = await session.execute(
            select(Issuance.state, func.count()).group_by(Issuance.state)
        )
        checks = await session.execute(
            select(func.coalesce(Check.verdict, Check.state), func.count()).group_by(
                func.coalesce(Check.verdict, Check.state)
            )
        )
        for kind, states, rows in (
            ("issuance", [state.value for state in IssuanceState], issuances),
            ("check", _CHECK_STATES, checks),
        ):
            counted: dict[str, int] = {row[0]: row[1] for row in rows}
            for state in states:  # a state that nothing is in any more is 0, not gone
                self._metrics.exchanges.labels(kind, state).set(counted.get(state, 0))

    async def _inbox(self, session: AsyncSession) -> None:
        at = now()
        waiting = InboxItem.handled < InboxItem.heard
        is_due = waiting & (InboxItem.due_at <= at)
        open_ = await session.scalar(select(func.count()).where(waiting)) or 0
        due = await session.scalar(select(func.count()).where(is_due)) or 0
        oldest = await session.scalar(select(func.min(InboxItem.due_at)).where(is_due))
        self._metrics.inbox.labels("due").set(due)
        self._metrics.inbox.labels("later").set(open_ - due)
        waited = at - oldest if oldest else timedelta()
        self._metrics.inbox_oldest.set(waited.total_seconds())

    async def _registries(self, session: AsyncSession) -> None:
        """Of each definition, the registry of its newest credential; entries are given out in
        order, so its highest index says how full it is. A definition is named by its
        credential and a keyed digest, which says nothing of its organisation."""
        found = await session.execute(
            select(
                Issuance.definition_id,
                Issuance.credential,
                func.max(Issuance.registry_index),
            )
            .where(Issuance.registry_id.is_not(None))
            .group_by(Issuance.definition_id, Issuance.credential, Issuance.registry_id)
            .order_by(func.max(Issuance.created_at))
        )
        self._metrics.registry_fill.clear()
        for definition, credential, used in found:
            size = self._sizes.get(credential)
            if size:  # rows come in the order of time: the newest registry is set last
                name = self._seal.pseudonym(definition)[:_DIGEST]
                fill = min((used or 0) / size, 1.0)
                self._metrics.registry_fill.labels(credential, name).set(fill)
