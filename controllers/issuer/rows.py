"""The stored issuances: their states, and every change of one as a compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update

from controllers.events import tell
from controllers.moment import now
from controllers.organisations.service import OrganisationService
from controllers.store.brief import Beside, Steps, filled, nothing_beside, table_of
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


_ROW, _EVENT = table_of(Issuance), table_of(Event)
_BY_ID = select(_ROW).where(_ROW.c.id == bindparam("its_id"))
_SET = update(_ROW).where(_ROW.c.id == bindparam("its_id"))
_MOVE = _SET.where(_ROW.c.state.in_(bindparam("sources", expanding=True)))
_MOVE_UNCHANGED = _MOVE.where(_ROW.c.updated_at == bindparam("seen"))
_CAME = select(func.max(_EVENT.c.at)).where(
    _EVENT.c.subject_id == bindparam("subject"), _EVENT.c.kind == bindparam("kind")
)
_BY_CLAIM = (
    select(_ROW.c.connection_id)
    .where(_ROW.c.claim_digest == bindparam("claim"))
    .where(_ROW.c.organisation_id == bindparam("organisation"))
    .where(_ROW.c.state == State.ISSUED.value)
    .limit(1)
)
_BY_INVITATION = select(_ROW.c.id).where(_ROW.c.invitation_id == bindparam("it"))
_BY_EXCHANGE = select(_ROW.c.id).where(_ROW.c.exchange_id == bindparam("it"))
_BY_REFERENCE = (
    select(_ROW)
    .where(_ROW.c.organisation_id == bindparam("organisation"))
    .where(_ROW.c.reference_pseudonym == bindparam("pseudonym"))
    .order_by(_ROW.c.created_at.desc(), _ROW.c.id.desc())
    .limit(100)
)
_REPLACED = _ROW.alias("replaced")
_NOT_WITHDRAWN = (
    select(_ROW.c.id)
    .join(_REPLACED, _REPLACED.c.id == _ROW.c.replaces)
    .where(_ROW.c.replaces.is_not(None), _ROW.c.state == State.ISSUED.value)
    .where(_REPLACED.c.revoked_at.is_(None), _ROW.c.updated_at < bindparam("quiet_since"))
)
_UNFINISHED = select(_ROW.c.id).where(
    or_(
        _ROW.c.state.in_([state.value for state in OPEN]),
        # ended, and not cleared on the agent
        and_(_ROW.c.state.in_(sorted(ENDED)), _ROW.c.exchange_id.is_not(None)),
    ),
    _ROW.c.updated_at < bindparam("quiet_since"),
)


def by_reference(steps: Steps, organisation_id: str, pseudonym: str) -> list[Issuance]:
    """Those that the organisation gave this reference, newest first."""
    found = steps.rows(_BY_REFERENCE, organisation=organisation_id, pseudonym=pseudonym)
    return [filled(Issuance, row) for row in found]


class IssuanceRows:
    """Reading and moving issuances; of several at once, one succeeds."""

    def __init__(self, database: Database, organisations: OrganisationService) -> None:
        self._database = database
        self._organisations = organisations

    async def read(self, issuance_id: str) -> tuple[Issuance, Organisation]:
        """An issuance and whose it is. Raises NotFound."""
        row = await self._database.row(_BY_ID, its_id=issuance_id)
        if row is None:
            raise NotFound("There is no such issuance")
        issuance = filled(Issuance, row)
        return issuance, await self._organisations.get(issuance.organisation_id)

    async def move(
        self,
        issuance: Issuance,
        sources: tuple[State, ...],
        target: State,
        *,
        unchanged: bool = False,
        changes: Mapping[str, Any] = MappingProxyType({}),
        beside: Beside = nothing_beside,
    ) -> bool:
        """Compare and set; False if somebody else moved it first (or, with `unchanged`,
        so much as touched it). What ends keeps no value and no invitation. `beside` is
        written if it was moved."""
        kept = NOTHING_KEPT if target in ENDED else {}
        wanted: dict[str, Any] = {"its_id": issuance.id, "sources": [*map(str, sources)]}
        wanted |= {"seen": issuance.updated_at} if unchanged else {}
        statement = _MOVE_UNCHANGED if unchanged else _MOVE
        values = {"state": target.value, "updated_at": now(), **changes, **kept}

        def move(steps: Steps) -> bool:
            changed = bool(steps.change(statement, **wanted, **values))
            if changed and issuance.state != target:
                tell(steps, issuance.id, target.value)
            if changed:
                beside(steps, issuance.id)
            return changed

        return await self._database.write(move)

    async def touch(self, issuance: Issuance) -> None:
        """Somebody looked, and nothing had happened."""
        await self._set(issuance, updated_at=now())

    async def came_before(self, issuance: Issuance, state: State, moment: datetime) -> bool:
        """Whether it last came into a state before that moment."""
        at: datetime | None = await self._database.value(
            _CAME, subject=issuance.id, kind=state.value
        )
        return at is not None and at < moment

    async def forgot_exchange(self, issuance: Issuance) -> None:
        """The agent keeps nothing of it any more."""
        await self._set(issuance, exchange_id=None)

    async def _set(self, issuance: Issuance, **changes: Any) -> None:
        await self._database.change(_SET, its_id=issuance.id, **changes)

    async def by_invitation(self, invitation_id: str) -> str | None:
        """The issuance that an invitation belongs to."""
        found: str | None = await self._database.value(_BY_INVITATION, it=invitation_id)
        return found

    async def by_exchange(self, exchange_id: str) -> str | None:
        """The issuance that an exchange belongs to."""
        found: str | None = await self._database.value(_BY_EXCHANGE, it=exchange_id)
        return found

    async def connection_by_claim(self, organisation_id: str, claim_digest: str) -> str | None:
        """The connection over which this organisation issued to whoever made that claim."""
        found: str | None = await self._database.value(
            _BY_CLAIM, organisation=organisation_id, claim=claim_digest
        )
        return found

    async def unfinished(self, quiet_for: timedelta) -> list[str]:
        """Those in flight, or ended and not cleared on the agent, or issued while the one
        that they replace is not withdrawn; and quiet for so long."""
        since = now() - quiet_for

        def find(steps: Steps) -> list[str]:
            found = [
                *steps.rows(_UNFINISHED, quiet_since=since),
                *steps.rows(_NOT_WITHDRAWN, quiet_since=since),
            ]
            return list(dict.fromkeys(row.id for row in found))

        return await self._database.read(find)
