"""A node's side of a run: it verifies everything by itself, and goes on only when it holds.

    begin     agreement, plan, approvals, tag, runs, gate; its log; then it is ready
    go        the signed readies of all; then it computes
    conclude  what came out at each; then its log says so
    compare   the logs of all; then it agrees, and signs the report
    release   that all agree, and saw the same logs; then its receivers see the result

Every wait has a deadline. Whatever fails ends the run here, and nothing is released.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Set
from typing import Any

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.cases import Cases
from controllers.dataspace.comparing import Comparing
from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.judging import Gatekeeper
from controllers.dataspace.open_runs import UNFORESEEN, OpenRun, OpenRuns
from controllers.dataspace.outcomes import (
    common_digest,
    report_of,
    require_agreed,
    require_report,
    require_result,
    said_computed,
    seen,
)
from controllers.dataspace.part import Compute, Result, Setting
from controllers.dataspace.parts import make_part
from controllers.dataspace.peers import Peers
from controllers.dataspace.plans import Plans, documents_of
from controllers.dataspace.runs import Runs, RunState
from controllers.dataspace.saying import Agreed, Computed, Ready, from_everybody
from controllers.dataspace.settings import NodeSettings
from controllers.dataspace.shares_part import SHARES
from core.canonical import Json
from core.clock import Clock
from core.errors import (
    Conflict,
    Forbidden,
    HavenError,
    InvalidInput,
    Unavailable,
    VerificationError,
)
from dataspace.agreeing.agreement import Participant
from dataspace.agreeing.signatures import Statement, sign
from dataspace.gating.gate import require_admitted
from dataspace.planning.approvals import (
    ApprovedPlan,
    require_approved,
    require_not_withdrawn,
)
from dataspace.planning.plan import Plan
from dataspace.questions.base import Engine
from dataspace.recording.log import Kind
from dataspace.releasing.report import sign_report
from dataspace.vocabulary.model import Vocabulary

LOGGER = logging.getLogger(__name__)

_MOST_DECISIONS = 2_000
_RESULT = "run-result"

type Step = Callable[[Participant, Json], Coroutine[Any, Any, Json]]


class Partaking:
    """Runs as this node takes part in them, one at a time."""

    def __init__(
        self,
        *,
        identity: Identity,
        settings: NodeSettings,
        agreements: Agreements,
        plans: Plans,
        runs: Runs,
        open_runs: OpenRuns,
        journal: Journal,
        cases: Cases,
        gate: Gatekeeper,
        peers: Peers,
        comparing: Comparing,
        vocabulary: Vocabulary,
        compute: Compute,
        clock: Clock,
    ) -> None:
        self._identity, self._settings, self._agreements = identity, settings, agreements
        self._plans, self._runs, self._journal, self._cases = plans, runs, journal, cases
        self._gate, self._peers, self._comparing = gate, peers, comparing
        self._vocabulary, self._compute, self._clock = vocabulary, compute, clock
        self._open = open_runs
        self.steps: Mapping[str, Step] = {
            "run-count": self.count,
            "run-begin": self.begin,
            "run-go": self.go,
            "run-conclude": self.conclude,
            "run-compare": self.compare,
            "run-release": self.release,
            "run-abort": self.abort,
        }
        for kind, step in self.steps.items():
            peers.on(kind, step)
        peers.on(SHARES, self._on_shares)
        peers.on(_RESULT, self._on_result)
        peers.on_frame(self._on_frame)

    # --- begin --------------------------------------------------------------------------

    async def count(self, sender: Participant, body: Json) -> Json:
        """How many runs of a plan have ended here and count, for who numbers the next one: an
        answer may have been seen here though the run failed there. Of an open one it hears when
        it begins the next."""
        plan = await self._plans.plan(str(body.get("plan")))
        if sender.did != plan.asker:
            raise Forbidden("Only the node of who asks numbers the runs", code="not-the-asker")
        return {"done": (await self._gate.ledger()).spent_of(plan.digest)}

    async def begin(self, sender: Participant, body: Json) -> Json:
        """Verify all of it, write it down, and say `Ready`."""
        plan = await self._plans.take_plan(body.get("plan"))
        if sender.did != plan.asker:
            raise Forbidden("Only the node of who asks begins a run", code="not-the-asker")
        await self._take_decisions(body.get("decisions"))
        await self._open.write_ends()
        known = {run.tag for run in await self._runs.all()}
        approved = await self._approved(plan, body, known)
        tag = approved.request.tag
        await self._runs.begin(
            tag=tag,
            plan=plan.digest,
            agreement=approved.agreement.terms.id,
            coordinator=sender.did,
            epsilon_milli=plan.epsilon_milli,
            at=self._clock.now(),
            judged_after=len(known),
        )
        try:
            ready = await self._ready(approved, sender)
            self._open.require_going_on(tag, sender.did)
        except BaseException as error:
            told = error if isinstance(error, HavenError) else UNFORESEEN
            await self._open.fail_tagged(tag, told)
            raise
        return ready

    async def _take_decisions(self, decisions: Any) -> None:
        """What was decided while this node was away; what does not hold counts for nobody."""
        if not isinstance(decisions, list) or len(decisions) > _MOST_DECISIONS:
            raise VerificationError("these are no decisions", step="form")
        for document in decisions:
            try:
                await self._plans.take_decision(document)
            except HavenError as error:
                LOGGER.info("a decision was not taken in: %s", error.slug)

    async def _approved(self, plan: Plan, body: Json, known: Set[str]) -> ApprovedPlan:
        ledger = await self._gate.ledger()
        documents = documents_of(
            await self._plans.decisions(plan.digest),
            body.get("request") or {},
            used_tags=ledger.tags | known,
            runs_done=ledger.runs_of(plan.digest),
        )
        approved = require_approved(
            plan,
            self._agreements.signed(),
            documents,
            uses=self._gate.question(plan).uses(plan),
            now=self._clock.now(),
        )
        require_admitted(await self._gate.judge(plan))
        return approved

    async def _ready(self, approved: ApprovedPlan, coordinator: Participant) -> Json:
        plan, request, own = approved.plan, approved.request, self._agreements.own
        setting = Setting(
            tag=request.tag,
            plan=plan,
            question=await self._plans.question(plan),
            terms=approved.agreement.terms,
            me=own,
            own=self._cases.now,
            vocabulary=self._vocabulary,
            peers=self._peers,
            compute=self._compute,
            compute_host=self._settings.compute_host or own.host,
            seconds=self._settings.compute_seconds,
        )
        part = await make_part(setting)
        await self._runs.note_parties(request.tag, len(part.parties))
        run = OpenRun(approved, setting.question, coordinator.did, part, setting.own.number)
        await self._journal.append(
            Kind.RUN_BEGUN,
            run=request.tag,
            plan=plan.digest,
            approvals=approved.approvals_digest,
            input=part.commitment,
            number=request.number,
            epsilon_milli=plan.epsilon_milli,
        )
        self._open.now = run
        self._open.watch(run, self._settings.answer_seconds * 2)
        ready = Ready(
            run=request.tag,
            node=self._identity.did,
            at=self._clock.now(),
            plan=plan.digest,
            approvals=approved.approvals_digest,
            input=part.commitment,
            certificate=part.certificate,
            host=setting.compute_host if part.port is not None else None,
            port=part.port,
        )
        return {"ready": self._signed(ready)}

    # --- go -----------------------------------------------------------------------------

    async def go(self, sender: Participant, body: Json) -> Json:
        """Compute with the others; answered when this node's part is done."""
        run = self._open.led_by(sender, body)
        async with self._open.ending_on_failure(run):
            readies = from_everybody(
                Ready, body.get("readies"), run.terms, run.tag, step="ready"
            )
            self._require_same(run, readies)
            await self._require_still_wanted(run)
            seconds = self._settings.compute_seconds + self._settings.answer_seconds
            self._open.watch(run, seconds)
            mask = self._gate.selection(run.plan, self._cases.now)
            await self._runs.begin_computing(run.tag, mask, run.part.salt)
            run.work = asyncio.create_task(self._computed(run, readies))
            run.result = await _given_up(run.work)
            said = said_computed(run, self._identity.did, self._clock.now())
            return {"computed": self._signed(said)}

    def _require_same(self, run: OpenRun, readies: Mapping[str, Ready]) -> None:
        mine = readies[self._identity.did]
        if (mine.input, mine.certificate) != (run.part.commitment, run.part.certificate):
            raise VerificationError("another node speaks in this one's name", step="ready")
        same = {(each.plan, each.approvals) for each in readies.values()}
        if same != {(run.plan.digest, run.approved.approvals_digest)}:
            raise VerificationError("not all go by the same plan and approvals", step="ready")
        if self._cases.now.number != run.imported:
            raise Conflict("Cases were imported meanwhile; please run it again", code="import")

    async def _require_still_wanted(self, run: OpenRun) -> None:
        """Neither the agreement nor an approval has ended since the run began."""
        self._agreements.signed()
        decisions = await self._plans.decisions(run.plan.digest)
        require_not_withdrawn(run.approved, documents_of(decisions, {}))

    async def _computed(self, run: OpenRun, readies: Mapping[str, Ready]) -> Result | None:
        try:
            async with asyncio.timeout(self._settings.compute_seconds):
                result = await run.part.compute(readies)
        except TimeoutError as err:
            raise Unavailable("The computation took too long", code="deadline") from err
        # before anybody is told: who saw the result and then ends the run has had it
        if run.part.is_to_the_end:
            await self._runs.note_opened(run.tag)
        if result is not None and not result.private:
            await self._hand_on(run, result)
        return result

    async def _hand_on(self, run: OpenRun, result: Result) -> None:
        """To receivers that saw nothing themselves; they believe what all who saw it say."""
        seers = run.part.seers | {self._identity.did}
        unseeing = set(run.plan.receivers) - seers
        await self._peers.ask_all(
            _RESULT,
            {"run": run.tag, "result": result.document},
            seconds=self._settings.answer_seconds,
            among=[each for each in run.terms.participants if each.did in unseeing],
        )

    # --- conclude, compare, release -----------------------------------------------------

    async def conclude(self, sender: Participant, body: Json) -> Json:
        """All have computed, and what they saw is the same; it goes to the log."""
        run = self._open.led_by(sender, body)
        async with self._open.ending_on_failure(run):
            run.computed = from_everybody(
                Computed, body.get("computed"), run.terms, run.tag, step="computed"
            )
            digest, said = common_digest(run), seen(run)
            self._open.watch(run, self._settings.answer_seconds * 2)
            await self._runs.move(run.tag, RunState.COMPARING)
            await self._keep_result(run, digest)
            self._open.tagged(run.tag)  # else the log would say so of a run that has failed
            await self._journal.append(
                Kind.RUN_RELEASED,
                run=run.tag,
                plan=run.plan.digest,
                result=digest,
                cells=sum(each.cells for each in said),
                suppressed=sum(each.suppressed for each in said),
                epsilon_milli=run.plan.epsilon_milli,
            )
            return {"entries": await self._journal.about(run.tag)}

    async def _keep_result(self, run: OpenRun, digest: str) -> None:
        """Keep the result where this organisation is one of its receivers."""
        if run.question.engine is Engine.OWNERS:
            if run.result is not None:
                await self._runs.keep_result(run.tag, run.result.document)
        elif self._identity.did in run.plan.receivers:
            await self._runs.keep_result(run.tag, require_result(run, digest))

    async def compare(self, sender: Participant, body: Json) -> Json:
        """Hold the logs of all against this node's own, and say whether they agree."""
        run = self._open.led_by(sender, body)
        async with self._open.ending_on_failure(run):
            if run.compared:  # or who leads could put off the end of the run for ever
                raise Conflict("The logs were compared before", code="run-state")
            run.compared = True
            await self._require_still_wanted(run)
            self._open.watch(run, self._settings.answer_seconds * 2)
            found = await self._comparing.compared(run.tag, body.get("entries"), run.terms)
            await self._journal.append(
                Kind.HEADS_COMPARED, run=run.tag, disagreements=len(found.codes)
            )
            if found.codes:
                raise VerificationError(
                    "the nodes' logs do not say the same", step="heads", code=found.codes[0]
                )
            now, did, digest = self._clock.now(), self._identity.did, common_digest(run)
            said = Agreed(run=run.tag, node=did, at=now, result=digest, logs=found.logs)
            proof = sign_report(report_of(run), self._identity.signer, did, now)
            return {"agreed": self._signed(said), "report": proof}

    async def release(self, sender: Participant, body: Json) -> Json:
        """All agree: the receivers of this organisation see the result."""
        run = self._open.led_by(sender, body)
        async with self._open.ending_on_failure(run):
            digest = require_agreed(run, body.get("agreed"))
            report = require_report(run, body.get("reports"))
            await self._runs.release(run.tag, self._clock.now(), digest=digest, report=report)
            self._open.close(run)
            return {}

    async def abort(self, sender: Participant, body: Json) -> Json:
        """The coordinator gave it up; this node may still be making ready for it."""
        code, tag = str(body.get("code")), body.get("run")
        is_code = code.isascii() and code.replace("-", "").isalnum()
        words = "The run ended at another node; nothing came out"
        error = Conflict(words, code=code[:64] if is_code else "aborted")
        if self._open.now is None or self._open.now.tag != tag:
            self._open.give_up(tag, sender.did, error)
        else:
            await self._open.fail(self._open.led_by(sender, body), error)
        return {}

    # --- what else comes ----------------------------------------------------------------

    async def _on_shares(self, sender: Participant, body: Json) -> Json:
        self._open.tagged(body.get("run")).part.take_shares(sender, body.get("shares"))
        return {}

    async def _on_frame(self, sender: Participant, tag: str, frame: bytes) -> None:
        self._open.tagged(tag).part.take_frame(sender, frame)

    async def _on_result(self, sender: Participant, body: Json) -> Json:
        run, result = self._open.tagged(body.get("run")), body.get("result")
        if self._identity.did not in run.plan.receivers or not isinstance(result, dict):
            raise InvalidInput("nothing is received here", code="no-receiver")
        run.handed[sender.did] = result
        return {}

    def _signed(self, statement: Statement) -> Json:
        return sign(statement, self._identity.signer, self._identity.did, self._clock.now())


async def _given_up(work: asyncio.Task[Result | None]) -> Result | None:
    """The work's result; a run that was ended meanwhile is an error and no cancellation."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if work.cancelled():
            raise Conflict("The run was given up", code="given-up") from None
        work.cancel()
        raise
