"""How far a plan is: what each organisation decided, and what becomes of the plan by that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controllers.dataspace.plans import read_decision
from controllers.dataspace.runs import OPEN, Run, RunState
from core.canonical import Json
from core.errors import HavenError
from dataspace.agreeing.negotiating import SignedAgreement
from dataspace.planning.approvals import Documents, verified_ends, verify_approval
from dataspace.planning.plan import Plan
from dataspace.planning.statements import Approval, Duty, Refusal, Withdrawal


class Decided(StrEnum):
    """What an organisation has decided for one duty."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class PlanState(StrEnum):
    """How far a plan is, as people are told."""

    REFUSED = "refused"
    WAITING = "waiting"
    APPROVED = "approved"
    RUNNING = "running"
    ANSWERED = "answered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"  # this node does not know its question (any more)


@dataclass(frozen=True, slots=True)
class Standing:
    """One organisation's decision for one duty; `until` is when an approval ends."""

    did: str
    name: str
    duty: Duty
    state: Decided
    until: datetime | None


def last_word(
    yes: Approval | None, no: Withdrawal | Refusal | None, holds: Callable[[Approval], bool]
) -> tuple[Decided, datetime | None]:
    """What counts of an organisation's last yes and last no for one duty, and until when. A yes
    counts if it is the newer one; whether it holds now is asked of that one alone."""
    if yes is not None and (no is None or no.made < yes.made):
        return (Decided.APPROVED if holds(yes) else Decided.EXPIRED), yes.until
    if no is None:
        return Decided.WAITING, None
    return (Decided.WITHDRAWN if isinstance(no, Withdrawal) else Decided.REFUSED), None


def standings(
    plan: Plan,
    signed: SignedAgreement,
    documents: Documents,
    duties: Sequence[Duty],
    now: datetime,
) -> list[Standing]:
    """Each holder's decision for each duty, by the signatures that hold now."""
    deciding = _Deciding(plan, signed, documents, now)
    return [
        Standing(each.did, each.name, duty, *deciding.state(each.did, duty))
        for duty in duties
        for each in signed.terms.holders
    ]


class _Deciding:
    """What was decided about one plan."""

    def __init__(
        self, plan: Plan, signed: SignedAgreement, documents: Documents, now: datetime
    ) -> None:
        self._plan, self._signed, self._now = plan, signed, now
        self._ends = verified_ends(plan, signed, documents)
        self._approvals = [(read_decision(each), each) for each in documents.approvals]

    def state(self, did: str, duty: Duty) -> tuple[Decided, datetime | None]:
        """By whatever the organisation said last."""
        none = (None, None)
        yes, document = max(self._of(did, duty), key=lambda each: each[0].made, default=none)
        own = [e for e in self._ends if e.organisation == did and _is_of(e, duty)]
        no = max(own, key=lambda each: each.made, default=None)
        return last_word(yes, no, lambda _: document is not None and self._holds(document))

    def _of(self, did: str, duty: Duty) -> list[tuple[Approval, Json]]:
        return [
            (said, document)
            for said, document in self._approvals
            if isinstance(said, Approval) and (said.organisation, said.duty) == (did, duty)
        ]

    def _holds(self, document: Json) -> bool:
        try:
            verify_approval(document, self._plan, self._signed, now=self._now, ended=self._ends)
        except HavenError:
            return False
        return True


def _is_of(end: Withdrawal | Refusal, duty: Duty) -> bool:
    return isinstance(end, Withdrawal) or end.duty is duty


def plan_state(
    expires: datetime,
    *,
    refused: bool,
    decided: Sequence[Standing],
    runs: Sequence[Run],
    now: datetime,
) -> PlanState:
    """What people are told of a plan; the first of these that is so."""
    states = {each.state for each in decided}
    told = (
        (any(run.state in OPEN for run in runs), PlanState.RUNNING),
        (any(run.state is RunState.RELEASED for run in runs), PlanState.ANSWERED),
        (refused or Decided.REFUSED in states, PlanState.REFUSED),
        (now >= expires, PlanState.EXPIRED),
        (Decided.WITHDRAWN in states, PlanState.WITHDRAWN),
        (states == {Decided.APPROVED}, PlanState.APPROVED),
    )
    return next((state for holds, state in told if holds), PlanState.WAITING)
