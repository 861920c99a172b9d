"""Four eyes: one person proposes, another one agrees, and only then it is done.

What will be done rests sealed until it is decided. Nobody agrees to her own proposal. It is
done in one unit of work with the agreement; or, where that cannot be (a withdrawal asks an
agent), it is agreeing meanwhile: nobody declines it any more, it does not lapse, and whoever
may agree goes on with what broke off. So what is done twice must change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, Row, and_, bindparam, or_, select, update

from controllers.moment import now
from controllers.sealing import Seal
from controllers.staff.deeds import hold, note
from controllers.staff.kinds import RESTS_ON, Kind, State
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import Passkey, Proposal, StaffDuty, StaffMember
from core.errors import Conflict, Forbidden, NotFound

__all__ = ["STANDS", "Kind", "Proposals", "Proposed", "State", "agree_within"]

STANDS = timedelta(days=3)

_ROW, _MEMBER = table_of(Proposal), table_of(StaffMember)
_DUTY, _KEY = table_of(StaffDuty), table_of(Passkey)


_AGREEING = _ROW.c.state == State.AGREEING.value
_WAITS = and_(_ROW.c.state == State.OPEN.value, _ROW.c.expires_at > bindparam("at"))
_OPEN = (
    select(_ROW)
    .where(
        _ROW.c.organisation_id == bindparam("organisation"),
        or_(_AGREEING, _WAITS),
    )
    .order_by(_ROW.c.created_at, _ROW.c.id)
)
_ONE = select(_ROW).where(
    _ROW.c.id == bindparam("its_id"), _ROW.c.organisation_id == bindparam("organisation")
)
# who can sign in and has the duty, both since before a moment
_STANDING = (
    select(_MEMBER.c.id)
    .join(_DUTY, _DUTY.c.member_id == _MEMBER.c.id)
    .join(_KEY, _KEY.c.member_id == _MEMBER.c.id)
    .where(
        _MEMBER.c.id == bindparam("its_member"),
        _MEMBER.c.dismissed_at.is_(None),
        _DUTY.c.duty == bindparam("its_duty"),
        _DUTY.c.ended_at.is_(None),
        _DUTY.c.given_at <= bindparam("before"),
        _KEY.c.ended_at.is_(None),
        _KEY.c.created_at <= bindparam("before"),
    )
)
_DECLINE = update(_ROW).where(_ROW.c.id == bindparam("its_id"), _WAITS)
_AGREE = update(_ROW).where(_ROW.c.id == bindparam("its_id"), or_(_AGREEING, _WAITS))
_PAST = (
    update(_ROW)
    .where(_ROW.c.state == State.OPEN.value, _ROW.c.expires_at <= bindparam("at"))
    .values(state=State.LAPSED.value, sealed_content=None)
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal; `content` is None once it was decided."""

    id: str
    kind: Kind
    subject_id: str | None
    content: dict[str, Any] | None
    state: State
    proposed_by: str
    decided_by: str | None
    created_at: datetime
    expires_at: datetime


class Proposals:
    """Proposes, agrees, declines."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def propose(
        self,
        organisation_id: str,
        kind: Kind,
        content: Mapping[str, Any],
        *,
        by: str,
        subject_id: str | None = None,
    ) -> Proposed:
        """Ask for something; it lapses after three days. Raises Forbidden."""
        proposal_id, at = str(uuid.uuid4()), now()

        def propose(steps: Steps) -> Proposed:
            hold(steps, by)  # what ends with a person ends in line with this
            if not _stands(steps, by, kind, at):
                raise Forbidden("This is not one of your tasks here", code="duty-needed")
            steps.add(
                Proposal(
                    id=proposal_id,
                    organisation_id=organisation_id,
                    kind=kind.value,
                    subject_id=subject_id,
                    sealed_content=self._seal.seal(dict(content), proposal_id),
                    state=State.OPEN.value,
                    proposed_by=by,
                    created_at=at,
                    expires_at=at + STANDS,
                )
            )
            note(steps, organisation_id, by, f"proposed-{kind}", proposal_id)
            return self._proposed(_found(steps, organisation_id, proposal_id))

        return await self._database.write(propose)

    async def open(self, organisation_id: str) -> list[Proposed]:
        """What waits for somebody's agreement, oldest first."""
        rows = await self._database.rows(_OPEN, organisation=organisation_id, at=now())
        return [self._proposed(row) for row in rows]

    async def one(self, organisation_id: str, proposal_id: str) -> Proposed:
        """One of them. Raises NotFound."""
        return await self._database.read(
            lambda steps: self._proposed(_found(steps, organisation_id, proposal_id))
        )

    async def to_agree(self, organisation_id: str, proposal_id: str, *, by: str) -> Proposed:
        """What somebody may agree to now, with its content.

        Raises NotFound, Forbidden (one's own, or the duty or the passkey is newer than it),
        Conflict (decided, or its time is over).
        """

        def look(steps: Steps) -> Proposed:
            proposed = self._proposed(_found(steps, organisation_id, proposal_id))
            if proposed.proposed_by == by:
                raise Forbidden("A colleague has to agree to this", code="own-proposal")
            if proposed.state is State.AGREEING:
                return proposed  # a colleague who was there has agreed
            if proposed.content is None or proposed.expires_at <= now():
                raise _decided()
            if not _stands(steps, by, proposed.kind, proposed.created_at):
                raise Forbidden("Somebody who was there has to agree", code="too-new-to-agree")
            return proposed

        return await self._database.read(look)

    async def begin(self, proposed: Proposed) -> None:
        """Agree before it is done, where it is not done in one unit of work with that; what
        was begun already is gone on with. Raises Conflict (declined or lapsed meanwhile)."""
        values = {"its_id": proposed.id, "at": now(), "state": State.AGREEING.value}
        if not await self._database.change(_AGREE, **values):
            raise _decided()

    async def agree(self, organisation_id: str, proposal_id: str, *, by: str) -> None:
        """It was done, and counts as agreed. Raises as `to_agree`."""
        proposed = await self.to_agree(organisation_id, proposal_id, by=by)
        await self._database.write(
            lambda steps: agree_within(steps, organisation_id, proposed, by=by)
        )

    async def decline(self, organisation_id: str, proposal_id: str, *, by: str) -> None:
        """Do not do it; one may take one's own back. Raises NotFound, Conflict."""

        def decline(steps: Steps) -> None:
            proposed = self._proposed(_found(steps, organisation_id, proposal_id))
            _decide(steps, _DECLINE, proposal_id, State.DECLINED, by)
            note(steps, organisation_id, by, f"declined-{proposed.kind}", proposal_id)

        await self._database.write(decline)

    async def purge(self) -> None:
        """What nobody agreed to in time lapses, and its content is gone."""
        await self._database.change(_PAST, at=now())

    def _proposed(self, row: Row[Any]) -> Proposed:
        content = self._seal.open(row.sealed_content, row.id) if row.sealed_content else None
        return Proposed(
            id=row.id,
            kind=Kind(row.kind),
            subject_id=row.subject_id,
            content=content,
            state=State(row.state),
            proposed_by=row.proposed_by,
            decided_by=row.decided_by,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )


def agree_within(steps: Steps, organisation_id: str, proposed: Proposed, *, by: str) -> None:
    """Agree in the unit of work that does it: of two at once, one does. Raises Conflict."""
    _decide(steps, _AGREE, proposed.id, State.AGREED, by)
    note(steps, organisation_id, by, f"agreed-{proposed.kind}", proposed.id)


def _stands(steps: Steps, member_id: str, kind: Kind, before: datetime) -> bool:
    """Whether somebody could have done this alone at that moment, and can now: a second self
    that is made for an agreement, or a device taken for it, agrees to nothing."""
    duty = RESTS_ON[kind].value
    return steps.row(_STANDING, its_member=member_id, its_duty=duty, before=before) is not None


def _decided() -> Conflict:
    return Conflict("This was decided already, or its time is over", code="decided")


def _found(steps: Steps, organisation_id: str, proposal_id: str) -> Row[Any]:
    row = steps.row(_ONE, its_id=proposal_id, organisation=organisation_id)
    if row is None:
        raise NotFound("There is no such task here", code="no-such-proposal")
    return row


def _decide(
    steps: Steps, statement: Executable, proposal_id: str, state: State, by: str
) -> None:
    decided = steps.change(
        statement,
        its_id=proposal_id,
        at=now(),
        state=state.value,
        decided_by=by,
        decided_at=now(),
        sealed_content=None,
    )
    if not decided:
        raise _decided()
