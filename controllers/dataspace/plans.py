"""Plans and what organisations decide about them: made here, told to all, taken in from others.

Every document is verified by its own signature before it is kept, whoever brought it; what it
is worth is judged anew whenever it matters (dataspace.planning.approvals).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.judging import Gatekeeper, gate_document, plan_in
from controllers.dataspace.keeping import Keeping, KeptPlan
from controllers.dataspace.peers import Peers
from controllers.sealing import Seal
from core.canonical import Json
from core.clock import Clock
from core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    PlanRefused,
    VerificationError,
)
from dataspace.agreeing.agreement import Participant
from dataspace.agreeing.signatures import Statement, proof_of, read, require_proof, sign
from dataspace.gating.gate import Outcome, Refused, require_admitted
from dataspace.planning.approvals import Documents, duties_of, verify_approval
from dataspace.planning.plan import Plan, read_plan
from dataspace.planning.statements import Approval, Duty, Refusal, Withdrawal, fresh_tag
from dataspace.questions.base import Question, StatingQuestion
from dataspace.recording.log import Kind

PLAN, DECISION = "plan", "decision"
_SECONDS = 5.0  # for telling; who is away then catches up (catching_up.py)
_LATELY = timedelta(days=1)
_MOST_DECISIONS = 60  # of one organisation about one plan
_MOST_WITH_WITHDRAWALS = 2 * _MOST_DECISIONS  # what was approved can always be withdrawn

type Decision = Approval | Refusal | Withdrawal

KINDS: Mapping[str, type[Approval | Refusal | Withdrawal]] = {
    "haven-approval-1": Approval,
    "haven-refusal-1": Refusal,
    "haven-withdrawal-1": Withdrawal,
}


class Draft(BaseModel):
    """What an analyst writes of a plan; the node adds who asks, under which agreement."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    operation: str
    title: str
    purpose: str
    groups: list[dict[str, Any]] = Field(default_factory=list)
    filters: list[dict[str, Any]] = Field(default_factory=list)
    measures: list[str] = Field(default_factory=list)
    link: list[str] = Field(default_factory=list)
    options: dict[str, int | str | list[str]] = Field(default_factory=dict)
    threshold: int = 11
    contributors: int = 2
    epsilon_milli: int = 0
    receivers: list[str] = Field(default_factory=list)
    runs: int = 1
    days: int = Field(7, ge=1, le=366)
    # own references, for a question about stated cases; they never leave this node
    cases: list[str] = Field(default_factory=list, max_length=1000, repr=False)


class Plans:
    """The plans of one node."""

    def __init__(
        self,
        *,
        identity: Identity,
        agreements: Agreements,
        keeping: Keeping,
        journal: Journal,
        gate: Gatekeeper,
        clock: Clock,
    ) -> None:
        self._identity, self._agreements = identity, agreements
        self._keeping, self._journal = keeping, journal
        self._gate, self._clock = gate, clock
        self._seal = Seal(identity.sealing_key, "dataspace-stated")
        self._peers: Peers | None = None
        # what is counted is kept before the next one is: many come at once
        self._line = asyncio.Lock()

    def connect(self, peers: Peers) -> None:
        """Serve what peers say about plans, and tell them."""
        self._peers = peers
        peers.on(PLAN, self._on_plan)
        peers.on(DECISION, self._on_decision)

    # --- what this organisation does ----------------------------------------------------

    async def propose(self, draft: Draft) -> Plan:
        """Make a plan of a draft, and send it to all. Raises InvalidInput: it is none, or this
        node's own gate refuses it (`code` says why); Conflict: too many have not expired."""
        signed, now = self._agreements.signed(), self._clock.now()
        written, kept = draft.model_dump(exclude={"days", "cases"}), None
        if draft.cases:
            kept, options = self._gate.stating(draft.operation).stated(draft.cases)
            written["options"] |= options
        written["receivers"] = written["receivers"] or [self._identity.did]
        plan = read_plan(
            written
            | {
                "agreement": signed.digest,
                "asker": self._identity.did,
                "analyst": self._identity.analyst.multikey,
                "expires": (now + timedelta(days=draft.days)).replace(microsecond=0),
            }
        )
        outcome = await self._gate.judge(plan)
        if isinstance(outcome, Refused):
            flaw = self._gate.flaw(plan) if outcome.code == "question-malformed" else ""
            said = "This node's own gate refuses this plan"
            raise PlanRefused(
                f"{said}: {flaw}" if flaw else said,
                code=outcome.code,
                checks=gate_document(outcome)["checks"],
            )
        proof = proof_of(plan.digest, self._identity.signer, self._identity.did, now)
        document = {**plan.document(), "proof": proof}
        sealed = self._seal.seal(kept, plan.digest) if kept is not None else None
        async with self._line:
            await self._require_room(plan)
            await self._keep(plan, document, outcome, sealed)
        await self._tell(PLAN, {"plan": document})
        return plan

    async def question(self, plan: Plan) -> Question:
        """The plan's question as this node puts it: of its own plan about stated cases, with
        the cases. Raises Conflict: they are not here."""
        found = self._gate.question(plan)
        if plan.asker != self._identity.did or not isinstance(found, StatingQuestion):
            return found
        sealed = await self._keeping.sealed_stated(plan.digest)
        if sealed is None:
            raise Conflict(
                "Which cases this plan is about is not kept here", code="cases-unstated"
            )
        return found.about(self._seal.open(sealed, plan.digest))

    async def approve(self, digest: str, duty: Duty, days: int) -> None:
        """Say yes for this organisation, for so many days; the gate has to let it through."""
        plan = await self.plan(digest)
        require_admitted(await self._gate.judge(plan))
        longest = self._agreements.agreement.terms.limits.longest_days
        if not 1 <= days <= longest:
            raise InvalidInput(f"An approval lasts 1 to {longest} days under this agreement")
        now = self._clock.now()
        said = Approval(
            plan=digest,
            organisation=self._identity.did,
            duty=duty,
            made=now,
            until=now + timedelta(days=days),
            nonce=fresh_tag(),
        )
        document = await self._say(plan, said)
        verify_approval(document, plan, self._agreements.signed(), now=now)
        await self._decide(
            digest, document, Kind.APPROVED, approval=said.digest, duty=duty.value
        )

    async def refuse(self, digest: str, duty: Duty, reason: str) -> None:
        """Say no for this organisation, with a code for why."""
        plan = await self.plan(digest)
        try:
            said = Refusal(
                plan=digest,
                organisation=self._identity.did,
                duty=duty,
                made=self._clock.now(),
                reason=reason,
            )
        except ValidationError as err:
            raise InvalidInput("The reason of a refusal is a code: a-z, 0-9 and -") from err
        document = await self._say(plan, said)
        await self._decide(digest, document, Kind.REFUSED, duty=duty.value, reason=reason)

    async def withdraw(self, digest: str) -> None:
        """Take back everything that this organisation approved of the plan."""
        plan = await self.plan(digest)
        said = Withdrawal(plan=digest, organisation=self._identity.did, made=self._clock.now())
        document = await self._say(plan, said)
        await self._decide(digest, document, Kind.WITHDRAWN, withdrawal=said.digest)

    async def _say(self, plan: Plan, said: Statement) -> Json:
        if not self._agreements.own.holds_data:
            raise Forbidden("Only organisations that hold data decide about a plan")
        if plan.agreement != self._agreements.agreement.terms.digest:
            raise Conflict("This plan was made under another agreement", code="agreement-other")
        return sign(said, self._identity.signer, self._identity.did, self._clock.now())

    async def _decide(self, digest: str, document: Json, kind: Kind, **body: str) -> None:
        await self._take_in(document, kind, body)
        await self._tell(DECISION, {"decision": document})

    async def _tell(self, kind: str, body: Json) -> None:
        if self._peers is not None:
            await self._peers.tell_all(kind, body, seconds=_SECONDS)

    # --- what others say ----------------------------------------------------------------

    async def _on_plan(self, _sender: Participant, body: Json) -> Json:
        await self.take_plan(body.get("plan"))
        return {}

    async def _on_decision(self, _sender: Participant, body: Json) -> Json:
        await self.take_decision(body.get("decision"))
        return {}

    async def take_plan(self, document: Any) -> Plan:
        """A plan that a participant signed; one that is there already changes nothing.

        Raises InvalidInput, VerificationError (step `plan-asker` or `plan-signature`), and
        Conflict: the asker has too many.
        """
        if not isinstance(document, dict):
            raise VerificationError("this is no plan", step="form")
        plan = plan_in(document, kept=False)
        asker = self._agreements.agreement.terms.participant(plan.asker)
        if asker is None or plan.agreement != self._agreements.agreement.terms.digest:
            raise VerificationError("nobody in this space made this plan", step="plan-asker")
        require_proof(
            plan.digest, document.get("proof"), asker.did, asker.key, step="plan-signature"
        )
        try:
            return plan_in((await self._keeping.plan(plan.digest)).document)
        except NotFound:
            async with self._line:
                await self._require_room(plan)
                await self._keep(plan, document, await self._gate.judge(plan))
            return plan

    async def _require_room(self, plan: Plan) -> None:
        """One asker fills neither the database nor what the others are told: of its plans as
        many are kept at once as the agreement allows in all, and as many a day."""
        most, now = self._agreements.agreement.terms.limits.most_plans, self._clock.now()
        agreement, asker = plan.agreement, plan.asker
        about = self._keeping.asked(agreement, asker, now=now, lately=now - _LATELY)
        if await about >= most:
            raise Conflict(
                f"{most} plans of one asker have not expired, or are of today; no more are "
                "taken until one has",
                code="plans-many",
            )

    async def take_decision(self, document: Any) -> None:
        """What an organisation decided, signed by it, whoever brings it.

        Raises VerificationError, NotFound (the plan is not known here), Conflict: it decided
        about this plan too often.
        """
        await self._take_in(document)

    async def _keep(
        self, plan: Plan, document: Json, outcome: Outcome, sealed: bytes | None = None
    ) -> None:
        gate = gate_document(outcome)
        new = await self._keeping.add_plan(
            plan, document, gate, self._clock.now(), sealed_stated=sealed
        )
        if not new:
            return
        await self._journal.append(
            Kind.PLAN_RECEIVED, plan=plan.digest, agreement=plan.agreement
        )
        told = gate["told"]  # the log is shown to peers: not which rule about own data it was
        if told is not None:
            await self._journal.append(Kind.GATE_REFUSED, plan=plan.digest, code=told)

    async def _take_in(
        self, document: Any, kind: Kind | None = None, body: Mapping[str, str] | None = None
    ) -> None:
        """Keep a decision; of an own one, its `kind`, the log speaks first."""
        said = read_decision(document)
        member = self._agreements.agreement.terms.participant(said.organisation)
        # what would count for nobody is not kept: else an evaluator could fill the list of
        # decisions that a run begins with, and no run of the plan would ever begin
        if member is None or not member.holds_data:
            raise VerificationError("this is by nobody who decides here", step="holder")
        require_proof(
            said.digest, document.get("proof"), member.did, member.key, step="signature"
        )
        await self._keeping.plan(said.plan)
        async with self._line:
            before = await self._keeping.decided_by(said.organisation, said.plan)
            if said.digest in before:
                return
            is_last_word = isinstance(said, Withdrawal)
            if len(before) >= (_MOST_WITH_WITHDRAWALS if is_last_word else _MOST_DECISIONS):
                raise Conflict(
                    "This organisation decided about this plan too often",
                    code="decisions-many",
                )
            if kind is not None:
                await self._journal.append(kind, plan=said.plan, **body or {})
            await self._keeping.add_decision(
                said.plan, said.organisation, said.digest, document, self._clock.now()
            )

    # --- what there is ------------------------------------------------------------------

    async def kept(self, digest: str) -> KeptPlan:
        """Raises NotFound."""
        return await self._keeping.plan(digest)

    async def plan(self, digest: str) -> Plan:
        """A plan, read again from what was signed. Raises NotFound."""
        plan = plan_in((await self._keeping.plan(digest)).document)
        if plan.digest != digest:
            raise VerificationError(
                "the kept plan is not the one of this digest", step="digest"
            )
        return plan

    async def decisions(self, digest: str) -> Sequence[Json]:
        """Every signed decision about a plan, in the order it came."""
        return [each.document for each in await self._keeping.decisions(digest)]

    def duties(self, plan: Plan) -> tuple[Duty, ...]:
        """For what every holder has to approve."""
        return duties_of(self._gate.question(plan).uses(plan))


def read_decision(document: Any) -> Decision:
    """An approval, a refusal or a withdrawal; its proof is not looked at.

    Raises VerificationError: step `form`.
    """
    kind = KINDS.get(str(document.get("format"))) if isinstance(document, dict) else None
    if kind is None:
        raise VerificationError("this decides nothing that is known here", step="form")
    return read(kind, document)


def documents_of(
    decisions: Sequence[Json],
    request: Json,
    *,
    used_tags: frozenset[str] = frozenset(),
    runs_done: int = 0,
) -> Documents:
    """Decisions sorted as `require_approved` takes them."""

    def of(kind: str) -> list[Json]:
        return [each for each in decisions if each.get("format") == kind]

    return Documents(
        approvals=of("haven-approval-1"),
        request=request,
        withdrawals=of("haven-withdrawal-1"),
        refusals=of("haven-refusal-1"),
        used_tags=used_tags,
        runs_done=runs_done,
    )
