"""What ends with a person, or with one of her duties: in the unit of work that ends it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, update

from controllers.staff.deeds import hold
from controllers.staff.kinds import RESTS_ON, Duty, Kind, State
from controllers.store.brief import Steps, table_of
from controllers.store.models import Passkey, Proposal, StaffEnrolment, StaffSession

_KEY, _SESSION = table_of(Passkey), table_of(StaffSession)
_INVITATION, _PROPOSAL = table_of(StaffEnrolment), table_of(Proposal)

_END_KEYS = update(_KEY).where(
    _KEY.c.member_id == bindparam("its_id"), _KEY.c.ended_at.is_(None)
)
_END_SESSIONS = update(_SESSION).where(
    _SESSION.c.member_id == bindparam("its_id"), _SESSION.c.ended_at.is_(None)
)
_END_INVITATIONS = update(_INVITATION).where(
    _INVITATION.c.member_id == bindparam("its_id"), _INVITATION.c.used_at.is_(None)
)
_LAPSE = (
    update(_PROPOSAL)
    .where(
        _PROPOSAL.c.proposed_by == bindparam("its_id"),
        _PROPOSAL.c.state == State.OPEN.value,
        _PROPOSAL.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .values(state=State.LAPSED.value, sealed_content=None)
)


def shut_out(steps: Steps, member_id: str, at: datetime) -> None:
    """Invitations, passkeys and sessions of one person end, and what she asked colleagues for
    lapses. In this order, and in line with whoever opens a session of hers: what one of them
    is just making is there to be ended, or is not made any more."""
    hold(steps, member_id)
    steps.change(_END_INVITATIONS, its_id=member_id, used_at=at)
    steps.change(_END_KEYS, its_id=member_id, ended_at=at)
    steps.change(_END_SESSIONS, its_id=member_id, ended_at=at)
    _lapse(steps, member_id, tuple(Kind))


def lapse_with_duty(steps: Steps, member_id: str, duty: Duty) -> None:
    """What she could ask for by this duty, she asks for no more."""
    _lapse(steps, member_id, [kind for kind, needed in RESTS_ON.items() if needed is duty])


def _lapse(steps: Steps, member_id: str, kinds: Collection[Kind]) -> None:
    steps.change(_LAPSE, its_id=member_id, kinds=[kind.value for kind in kinds])
