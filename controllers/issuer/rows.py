"""The stored issuances: their states, and every change of one as a compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import and_, func, or_, select, true, update

from controllers.events import note_event
from controllers.moment import now
from controllers.organisations.service import OrganisationService
from controllers.store.database import Database
from controllers.store.models import Event, Issuance, Organisation
from core.errors import NotFound


class State(StrEnum):
    """Where an issuance stands."""

    WAITING = "waiting"
    INVITED = "invited"
    CONNECTED = "connected"
    OFFERING = "offering"
    OFFERED = "offered"
    ISSUING = "issuing"
    SENT = "sent"
    ISSUED = "issued"
    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN = (
    State.WAITING,
    State.INVITED,
    State.CONNECTED,
    State.OFFERING,
    State.OFFERED,
    State.ISSUING,
    State.SENT,
)
ENDED = frozenset(state.value for state in State if state not in OPEN)
NOTHING_KEPT: Mapping[str, Any] = MappingProxyType(
    {"sealed_values": None, "sealed_invitation": None}
)


class IssuanceRows:
    """Reading and moving issuances; of several at once, one succeeds."""

    def __init__(self, database: Database, organisations: OrganisationService) -> None:
        self._database = database
        self._organisations = organisations

    async def read(self, issuance_id: str) -> tuple[Issuance, Organisation]:
        """An issuance and whose it is. Raises NotFound."""
        async with self._database.reading() as session:
            issuance = await session.get(Issuance, issuance_id)
        if issuance is None:
            raise NotFound("There is no such issuance")
        return issuance, await self._organisations.get(issuance.organisation_id)

    async def move(
        self,
        issuance: Issuance,
        sources: tuple[State, ...],
        target: State,
        *,
        unchanged: bool = False,
        changes: Mapping[str, Any] = MappingProxyType({}),
    ) -> bool:
        """Compare and set; False if somebody else moved it first (or, with `unchanged`,
        so much as touched it). What ends keeps no value and no invitation."""
        kept = NOTHING_KEPT if target in ENDED else {}
        async with self._database.transaction() as session:
            moved = await session.execute(
                update(Issuance)
                .where(
                    Issuance.id == issuance.id,
                    Issuance.state.in_([state.value for state in sources]),
                    Issuance.updated_at == issuance.updated_at if unchanged else true(),
                )
                .values(state=target.value, updated_at=now(), **changes, **kept)
            )
            changed = bool(moved.rowcount)  # type: ignore[attr-defined] # an UPDATE has one
            if changed and issuance.state != target:
                note_event(session, issuance.id, target.value)
        return changed

    async def touch(self, issuance: Issuance) -> None:
        """Somebody looked, and nothing had happened."""
        await self._set(issuance, updated_at=now())

    async def came_before(self, issuance: Issuance, state: State, moment: datetime) -> bool:
        """Whether it last came into a state before that moment."""
        last = select(func.max(Event.at)).where(
            Event.subject_id == issuance.id, Event.kind == state.value
        )
        async with self._database.reading() as session:
            at: datetime | None = await session.scalar(last)
        return at is not None and at < moment

    async def forgot_exchange(self, issuance: Issuance) -> None:
        """The agent keeps nothing of it any more."""
        await self._set(issuance, exchange_id=None)

    async def _set(self, issuance: Issuance, **changes: Any) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                update(Issuance).where(Issuance.id == issuance.id).values(**changes)
            )

    async def one_id(self, condition: Any) -> str | None:
        """The issuance that meets a condition."""
        async with self._database.reading() as session:
            found: str | None = await session.scalar(select(Issuance.id).where(condition))
            return found

    async def connection_by_claim(self, organisation_id: str, claim_digest: str) -> str | None:
        """The connection over which this organisation issued to whoever made that claim."""
        issued = (
            select(Issuance.connection_id)
            .where(Issuance.claim_digest == claim_digest)
            .where(Issuance.organisation_id == organisation_id)
            .where(Issuance.state == State.ISSUED.value)
        )
        async with self._database.reading() as session:
            found: str | None = await session.scalar(issued.limit(1))
        return found

    async def unfinished(self, quiet_for: timedelta) -> list[str]:
        """Those in flight, or ended and not cleared on the agent, and quiet for so long."""
        ended_on_agent = and_(
            Issuance.state.in_(sorted(ENDED)), Issuance.exchange_id.is_not(None)
        )
        async with self._database.reading() as session:
            found = await session.scalars(
                select(Issuance.id).where(
                    or_(Issuance.state.in_([state.value for state in OPEN]), ended_on_agent),
                    Issuance.updated_at < now() - quiet_for,
                )
            )
            return list(found)
