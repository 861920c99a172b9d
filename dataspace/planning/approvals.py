"""Whether a run of a plan may begin: people's signatures, each checked by every node itself.

`require_approved` checks, in this order, and names the first that fails as `step`:

 1. form          each document is of its format, whole, and says nothing else;
 2. digest        it names exactly this plan, and the plan this version of the agreement;
 3. holder        it is by an organisation that holds data under the agreement;
 4. signature     that organisation's key, as the terms name it, signed it;
 5. time          it is not from the future, not older than the agreement's version, not
                  expired, and not longer than the agreement lets an approval last;
 6. withdrawn     the organisation has neither withdrawn nor refused since;
 7. approved      every holder has approved for its data;
 8. legal         for a plan that reveals links, every holder has approved for the law too;
 9. analyst       the plan's analyst asked for this run, and lately;
10. tag           its tag was never used before;
11. runs          its number is the next at most, within the plan and the agreement;
12. plan-expired  the plan has not expired;
13. agreement     the agreement covers this moment.

An approval that fails counts for nobody and does not spoil the others: of each organisation the
one that gets furthest is taken, and its failure is what is told. A withdrawal or refusal counts
only with the organisation's own signature, or anybody could stop everything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.canonical import Json, content_digest
from core.errors import Conflict, Gone, HavenError, VerificationError
from dataspace.agreeing.agreement import Participant
from dataspace.agreeing.negotiating import SignedAgreement
from dataspace.agreeing.signatures import Statement, did_of_key, holds, read, require_proof
from dataspace.planning.plan import Plan
from dataspace.planning.statements import (
    Approval,
    Duty,
    Refusal,
    RunRequest,
    Withdrawal,
)
from dataspace.questions.base import ColumnUse, Use

SKEW: Final = timedelta(minutes=5)  # by which organisations' clocks may differ
REQUEST_LASTS: Final = timedelta(minutes=15)

STEPS: Final = (
    "form",
    "digest",
    "holder",
    "signature",
    "time",
    "withdrawn",
    "approved",
    "legal",
    "analyst",
    "tag",
    "runs",
    "plan-expired",
    "agreement",
)
CODES: Final = tuple(f"approval-{step}" for step in STEPS)


@dataclass(frozen=True, slots=True)
class Documents:
    """What a node has at hand for one run: signed documents as they came (JSON).

    `used_tags` and `runs_done` are what this node remembers: every tag it has seen begin under
    this agreement, and the runs of this plan that count (dataspace.gating.ledger).
    """

    approvals: Sequence[Json]
    request: Json
    withdrawals: Sequence[Json] = ()
    refusals: Sequence[Json] = ()
    used_tags: Collection[str] = frozenset()
    runs_done: int = 0


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """A plan whose next run may begin now; made by `require_approved` alone.

    `approvals` are those that counted, in the order of the terms' holders; `approvals_digest`
    is what every node writes to its log for this run.
    """

    plan: Plan
    agreement: SignedAgreement
    approvals: tuple[Approval, ...]
    request: RunRequest

    @property
    def approvals_digest(self) -> str:
        return content_digest([each.document() for each in self.approvals])


def duties_of(uses: Sequence[ColumnUse]) -> tuple[Duty, ...]:
    """For what every holder has to approve: its data, and the law where links are revealed."""
    reveals = any(each.use is Use.LINK_REVEAL for each in uses)
    return (Duty.DATA, Duty.LEGAL) if reveals else (Duty.DATA,)


def require_approved(
    plan: Plan,
    agreement: SignedAgreement,
    documents: Documents,
    *,
    uses: Sequence[ColumnUse],
    now: datetime,
) -> ApprovedPlan:
    """The plan with its approvals, if this run of it may begin now.

    `uses` is what the plan's question says of it (`Question.uses`).

    Raises:
        VerificationError, Conflict (not yet, or a tag used twice) or Gone (expired, withdrawn,
        no run left), each with `step`, one of `STEPS`, and the code `approval-<step>`.
    """
    if plan.agreement != agreement.digest:
        raise _failed("digest", "the plan was made under another agreement or version")
    approvals = _approvals(plan, agreement, documents, duties_of(uses), now)
    request = _requested(plan, documents, now)
    _require_runs(plan, agreement, request, documents)
    if now >= plan.expires:
        raise _gone("plan-expired", "the plan has expired")
    if not agreement.terms.is_in_force(now):
        raise _gone("agreement", "the agreement does not cover this moment")
    return ApprovedPlan(plan, agreement, approvals, request)


def require_not_withdrawn(approved: ApprovedPlan, documents: Documents) -> None:
    """Check 6 again, for a run that has begun: whoever lends cases may stop until its result is
    agreed on. Raises Gone, step `withdrawn`."""
    ended = verified_ends(approved.plan, approved.agreement, documents)
    if any(_ends(end, each) for end in ended for each in approved.approvals):
        raise _gone("withdrawn", "an organisation withdrew its approval")


# --- one approval -------------------------------------------------------------------------


def verify_approval(
    document: Json,
    plan: Plan,
    agreement: SignedAgreement,
    *,
    now: datetime,
    ended: Sequence[Withdrawal | Refusal] = (),
) -> Approval:
    """Checks 1 to 6 for one approval; `ended` are withdrawals and refusals that were verified.

    Raises as `require_approved` does.
    """
    try:
        return _verified(document, plan, agreement, now, ended)
    except _Stopped as stopped:
        raise stopped.error from None


class _Stopped(Exception):
    """How far an approval came, for choosing what to tell."""

    def __init__(self, step: str, error: HavenError, said: Approval | None) -> None:
        super().__init__(step)
        self.reached, self.error, self.said = STEPS.index(step), error, said

    def is_of(self, did: str, duty: Duty) -> bool:
        return self.said is not None and (self.said.organisation, self.said.duty) == (did, duty)

    def is_of_a_holder(self, agreement: SignedAgreement) -> bool:
        said = self.said
        return said is not None and _holder(agreement, said.organisation) is not None


def _verified(
    document: Json,
    plan: Plan,
    agreement: SignedAgreement,
    now: datetime,
    ended: Sequence[Withdrawal | Refusal],
) -> Approval:
    approval: Approval | None = None

    def stop(step: str, error: HavenError) -> _Stopped:
        return _Stopped(step, error, approval)

    try:
        approval = read(Approval, document)
    except VerificationError as err:
        raise stop("form", _failed("form", err.detail)) from err
    if approval.plan != plan.digest or plan.agreement != agreement.digest:
        raise stop("digest", _failed("digest", "this approval is of another plan"))
    member = _holder(agreement, approval.organisation)
    if member is None:
        raise stop("holder", _failed("holder", "this is by nobody who holds data here"))
    if not holds(approval.digest, document.get("proof"), member.did, member.key):
        raise stop(
            "signature", _failed("signature", "the organisation's key did not sign this")
        )
    wrong = _wrong_time(approval, agreement, now)
    if wrong:
        raise stop("time", wrong)
    if any(_ends(each, approval) for each in ended):
        raise stop("withdrawn", _gone("withdrawn", "an organisation withdrew its approval"))
    return approval


def _holder(agreement: SignedAgreement, did: str) -> Participant | None:
    return next((each for each in agreement.terms.holders if each.did == did), None)


def is_in_time(approval: Approval, agreement: SignedAgreement, now: datetime) -> bool:
    """Check 5 alone, for showing what was verified before; it lets nothing run."""
    return _wrong_time(approval, agreement, now) is None


def _wrong_time(
    approval: Approval, agreement: SignedAgreement, now: datetime
) -> HavenError | None:
    longest = timedelta(days=agreement.terms.limits.longest_days)
    if approval.made > now + SKEW or approval.until <= approval.made:
        return _failed("time", "the approval's times cannot be right")
    if approval.made < agreement.since - SKEW:
        return _failed("time", "the approval is older than the agreement's version")
    if approval.until - approval.made > longest:
        return _failed("time", "the approval would last longer than the agreement allows")
    return _gone("time", "an approval has expired") if now >= approval.until else None


def _ends(end: Withdrawal | Refusal, approval: Approval) -> bool:
    """An organisation's no ends what it approved until then; it can approve anew."""
    if (end.plan, end.organisation) != (approval.plan, approval.organisation):
        return False
    of_this_duty = isinstance(end, Withdrawal) or end.duty is approval.duty
    return of_this_duty and approval.made <= end.made


def verified_ends(
    plan: Plan, agreement: SignedAgreement, documents: Documents
) -> tuple[Withdrawal | Refusal, ...]:
    """The withdrawals and refusals that count: of this plan, signed by their organisation."""
    kinds: tuple[tuple[type[Withdrawal | Refusal], Sequence[Json]], ...] = (
        (Withdrawal, documents.withdrawals),
        (Refusal, documents.refusals),
    )
    found = [_end(kind, each, plan, agreement) for kind, many in kinds for each in many]
    return tuple(each for each in found if each is not None)


def _end[T: Statement](
    kind: type[T], document: Json, plan: Plan, agreement: SignedAgreement
) -> T | None:
    try:
        said = read(kind, document)
    except VerificationError:
        return None  # no word of the organisation: it counts for nobody
    member = _holder(agreement, str(said.document()["organisation"]))
    counts = member is not None and said.document()["plan"] == plan.digest
    if member is None or not counts:
        return None
    return said if holds(said.digest, document.get("proof"), member.did, member.key) else None


# --- all approvals ------------------------------------------------------------------------


def _approvals(
    plan: Plan,
    agreement: SignedAgreement,
    documents: Documents,
    duties: tuple[Duty, ...],
    now: datetime,
) -> tuple[Approval, ...]:
    ended = verified_ends(plan, agreement, documents)
    good: dict[tuple[str, Duty], Approval] = {}
    stopped: list[_Stopped] = []
    for document in documents.approvals:
        try:
            approval = _verified(document, plan, agreement, now, ended)
        except _Stopped as err:
            stopped.append(err)
        else:
            key = (approval.organisation, approval.duty)
            good[key] = max(good.get(key, approval), approval, key=_newest)
    wanted = [(each.did, duty) for duty in duties for each in agreement.terms.holders]
    for did, duty in wanted:
        if (did, duty) not in good:
            raise _why_missing(did, duty, stopped, agreement)
    return tuple(good[each] for each in wanted)


def _newest(approval: Approval) -> tuple[datetime, str]:
    """Of two good ones all nodes take the same, in whatever order they came."""
    return approval.made, approval.digest


def _why_missing(
    did: str, duty: Duty, stopped: Sequence[_Stopped], agreement: SignedAgreement
) -> HavenError:
    """The failure of the organisation's own document that came furthest, or else of one that
    is no holder's, or else that there is none."""
    own = [each for each in stopped if each.is_of(did, duty)]
    rest = [each for each in stopped if not each.is_of_a_holder(agreement)]
    best = max(own or rest, key=lambda each: each.reached, default=None)
    if best is not None:
        return best.error
    step = "legal" if duty is Duty.LEGAL else "approved"
    return Conflict(
        "an organisation that holds data has not approved yet",
        step=step,
        code=f"approval-{step}",
    )


# --- the run ------------------------------------------------------------------------------


def _requested(plan: Plan, documents: Documents, now: datetime) -> RunRequest:
    try:
        request = read(RunRequest, documents.request)
    except VerificationError as err:
        raise _failed("form", err.detail) from err
    if request.plan != plan.digest:
        raise _failed("analyst", "the run was asked for another plan")
    try:
        require_proof(
            request.digest,
            documents.request.get("proof"),
            did_of_key(plan.analyst),
            plan.analyst,
            step="analyst",
        )
    except VerificationError as err:
        raise _failed("analyst", err.detail) from err
    if not now - REQUEST_LASTS <= request.at <= now + SKEW:
        raise _gone("analyst", "the run was not asked for now: the analyst signs again")
    return request


def _require_runs(
    plan: Plan, agreement: SignedAgreement, request: RunRequest, documents: Documents
) -> None:
    if request.tag in documents.used_tags:
        raise Conflict("a run with this tag has begun before", step="tag", code="approval-tag")
    most = min(plan.runs, agreement.terms.limits.most_runs)
    if documents.runs_done >= most or request.number > most:
        raise _gone("runs", "every run that was approved has been made")
    if request.number <= documents.runs_done:
        raise Conflict("a run of this number is done", step="runs", code="approval-runs")


# --- errors -------------------------------------------------------------------------------


def _failed(step: str, words: str) -> VerificationError:
    return VerificationError(words, step=step, code=f"approval-{step}")


def _gone(step: str, words: str) -> Gone:
    return Gone(words, step=step, code=f"approval-{step}")
