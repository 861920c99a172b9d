"""A node's side of a run: it verifies everything by itself, and goes on only when it holds.

    begin     agreement, plan, approvals, tag, runs, gate; its log; then it is ready
    go        the signed readies of all; then it computes
    conclude  what came out at each; then its log says so
    compare   the logs of all; then it agrees
    release   that all agree; then its receivers see the result

Every wait has a deadline. Whatever fails ends the run here, and nothing is released.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.cases import Cases
from controllers.dataspace.comparing import Comparing
from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.judging import Gatekeeper
from controllers.dataspace.parts import SHARES, Compute, Part, Result, Setting, make_part
from controllers.dataspace.peers import Peers
from controllers.dataspace.plans import Plans, documents_of
from controllers.dataspace.runs import Runs, RunState
from controllers.dataspace.saying import Agreed, Computed, Ready, from_everybody
from controllers.dataspace.settings import NodeSettings
from core.canonical import Json, content_digest
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
from dataspace.planning.approvals import ApprovedPlan, require_approved
from dataspace.planning.plan import Plan
from dataspace.questions.base import Engine, Question
from dataspace.recording.log import Kind
from dataspace.vocabulary.model import Vocabulary

LOGGER = logging.getLogger(__name__)

_MOST_DECISIONS = 2_000
_RESULT = "run-result"
_UNFORESEEN = Unavailable("This node could not go on with the run", code="internal")


@dataclass(slots=True)
class _Open:
    """The run that is open here now."""

    approved: ApprovedPlan
    question: Question
    coordinator: str
    part: Part
    own_number: int
    result: Result | None = None
    handed: dict[str, Json] = field(default_factory=dict)
    computed: dict[str, Computed] = field(default_factory=dict)
    work: asyncio.Task[Result | None] | None = None
    alarm: asyncio.TimerHandle | None = None

    @property
    def plan(self) -> Plan:
        return self.approved.plan

    @property
    def tag(self) -> str:
        return self.approved.request.tag


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
        self._open: _Open | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.steps: Mapping[str, Callable[[Participant, Json], Awaitable[Json]]] = {
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

    async def stop(self) -> None:
        """End what is open, at the end of the process."""
        if self._open is not None:
            await self._fail(self._open, Conflict("This node was stopped", code="stopped"))
        await asyncio.gather(*self._ending)

    # --- begin --------------------------------------------------------------------------

    async def begin(self, sender: Participant, body: Json) -> Json:
        """Verify all of it, write it down, and say `Ready`."""
        plan = await self._plans.take_plan(body.get("plan"))
        if sender.did != plan.asker:
            raise Forbidden("Only the node of who asks begins a run", code="not-the-asker")
        await self._take_decisions(body.get("decisions"))
        approved = await self._approved(plan, body)
        signed, limits = approved.agreement, approved.request
        engine = self._gate.question(plan).engine
        parties = len(signed.terms.compute_nodes if engine is Engine.SHARES else ()) or len(
            signed.terms.participants
        )
        await self._runs.begin(
            tag=limits.tag,
            plan=plan.digest,
            agreement=signed.terms.id,
            coordinator=sender.did,
            parties=parties,
            threshold=(parties - 1) // 2 if engine is Engine.SHARES else 1,
            epsilon_milli=plan.epsilon_milli,
            at=self._clock.now(),
        )
        try:
            return await self._ready(approved, sender)
        except BaseException as error:
            known = error if isinstance(error, HavenError) else _UNFORESEEN
            await self._runs.fail(limits.tag, known, self._clock.now())
            raise

    async def _take_decisions(self, decisions: Any) -> None:
        """What was decided while this node was away; what does not hold counts for nobody."""
        if not isinstance(decisions, list) or len(decisions) > _MOST_DECISIONS:
            raise VerificationError("these are no decisions", step="form")
        for document in decisions:
            try:
                await self._plans.take_decision(document)
            except HavenError as error:
                LOGGER.info("a decision was not taken in: %s", error.slug)

    async def _approved(self, plan: Plan, body: Json) -> ApprovedPlan:
        ledger = await self._gate.ledger()
        known = {run.tag for run in await self._runs.all()}
        documents = documents_of(
            await self._plans.decisions(plan.digest),
            body.get("request") or {},
            used_tags=ledger.tags | known,
            runs_done=ledger.runs_of(plan.digest),
        )
        question = self._gate.question(plan)
        approved = require_approved(
            plan,
            self._agreements.signed(),
            documents,
            uses=question.uses(plan),
            now=self._clock.now(),
        )
        require_admitted(await self._gate.judge(plan))
        return approved

    async def _ready(self, approved: ApprovedPlan, coordinator: Participant) -> Json:
        plan, request = approved.plan, approved.request
        question, own = self._gate.question(plan), self._agreements.own
        host = self._settings.compute_host or own.host
        setting = Setting(
            tag=request.tag,
            plan=plan,
            question=question,
            terms=approved.agreement.terms,
            me=own,
            own=self._cases.now,
            vocabulary=self._vocabulary,
            peers=self._peers,
            compute=self._compute,
            compute_host=host,
            seconds=self._settings.compute_seconds,
        )
        part = await make_part(setting)
        number = setting.own.number
        self._open = _Open(approved, question, coordinator.did, part, number)
        await self._journal.append(
            Kind.RUN_BEGUN,
            run=request.tag,
            plan=plan.digest,
            approvals=approved.approvals_digest,
            input=part.commitment,
            number=request.number,
            epsilon_milli=plan.epsilon_milli,
        )
        self._watch(self._open, self._settings.answer_seconds * 2)
        ready = Ready(
            run=request.tag,
            node=self._identity.did,
            at=self._clock.now(),
            plan=plan.digest,
            approvals=approved.approvals_digest,
            input=part.commitment,
            certificate=part.certificate,
            host=host if part.port is not None else None,
            port=part.port,
        )
        return {"ready": self._signed(ready)}

    # --- go -----------------------------------------------------------------------------

    async def go(self, sender: Participant, body: Json) -> Json:
        """Compute with the others; answered when this node's part is done."""
        run = self._of(sender, body)
        async with self._ending_on_failure(run):
            terms = run.approved.agreement.terms
            readies = from_everybody(Ready, body.get("readies"), terms, run.tag, step="ready")
            self._require_same(run, readies)
            self._watch(run, self._settings.compute_seconds + self._settings.answer_seconds)
            mask = self._gate.selection(run.plan, self._cases.now)
            await self._runs.begin_computing(run.tag, mask, run.part.salt)
            run.work = asyncio.create_task(self._computed(run, readies))
            run.result = await _given_up(run.work)
            return {"computed": self._signed(self._said_computed(run))}

    def _require_same(self, run: _Open, readies: Mapping[str, Ready]) -> None:
        mine = readies[self._identity.did]
        if (mine.input, mine.certificate) != (run.part.commitment, run.part.certificate):
            raise VerificationError("another node speaks in this one's name", step="ready")
        same = {(each.plan, each.approvals) for each in readies.values()}
        if same != {(run.plan.digest, run.approved.approvals_digest)}:
            raise VerificationError("not all go by the same plan and approvals", step="ready")
        if self._cases.now.number != run.own_number:
            raise Conflict("Cases were imported meanwhile; please run it again", code="import")

    async def _computed(self, run: _Open, readies: Mapping[str, Ready]) -> Result | None:
        try:
            async with asyncio.timeout(self._settings.compute_seconds):
                result = await run.part.compute(readies)
        except TimeoutError as err:
            raise Unavailable("The computation took too long", code="deadline") from err
        if result is not None and not result.private:
            await self._hand_on(run, result)
        return result

    async def _hand_on(self, run: _Open, result: Result) -> None:
        """To receivers that saw nothing themselves; they believe what all who saw it say."""
        parties = {did for did in run.plan.receivers if did not in self._seers(run)} - {
            self._identity.did
        }
        members = [run.approved.agreement.terms.participant(did) for did in sorted(parties)]
        await self._peers.ask_all(
            _RESULT,
            {"run": run.tag, "result": result.document},
            seconds=self._settings.answer_seconds,
            among=[each for each in members if each is not None],
        )

    def _seers(self, run: _Open) -> frozenset[str]:
        """Who computes a result by itself."""
        terms = run.approved.agreement.terms
        if run.question.engine is Engine.SHARES:
            return frozenset(each.did for each in terms.compute_nodes)
        return frozenset()

    def _said_computed(self, run: _Open) -> Computed:
        said: dict[str, Any] = {}
        if run.result is not None:
            document = run.result.document
            said = {
                "result": content_digest(document),
                "cells": len(document["rows"]),
                "suppressed": document["suppressed"],
            }
        return Computed(run=run.tag, node=self._identity.did, at=self._clock.now(), **said)

    # --- conclude, compare, release -----------------------------------------------------

    async def conclude(self, sender: Participant, body: Json) -> Json:
        """All have computed, and what they saw is the same; it goes to the log."""
        run = self._of(sender, body)
        async with self._ending_on_failure(run):
            terms = run.approved.agreement.terms
            run.computed = from_everybody(
                Computed, body.get("computed"), terms, run.tag, step="computed"
            )
            digest = self._result_digest(run)
            self._watch(run, self._settings.answer_seconds * 2)
            await self._runs.move(run.tag, RunState.COMPARING)
            await self._keep_result(run, digest)
            seen = [each for each in run.computed.values() if each.result is not None]
            together = seen if run.question.engine is Engine.OWNERS else seen[:1]
            await self._journal.append(
                Kind.RUN_RELEASED,
                run=run.tag,
                plan=run.plan.digest,
                result=digest,
                cells=sum(each.cells for each in together),
                suppressed=sum(each.suppressed for each in together),
                epsilon_milli=run.plan.epsilon_milli,
            )
            return {"entries": await self._journal.about(run.tag)}

    def _result_digest(self, run: _Open) -> str:
        """Of what came out; of owners' answers, which differ, of all of their digests."""
        digests = {did: said.result for did, said in run.computed.items() if said.result}
        if run.question.engine is Engine.OWNERS:
            return content_digest(dict(sorted(digests.items())))
        if len(set(digests.values())) != 1:
            raise VerificationError("not the same came out at all nodes", step="result")
        return next(iter(digests.values()))

    async def _keep_result(self, run: _Open, digest: str) -> None:
        """Keep the result where this organisation is one of its receivers."""
        if run.result is not None and run.result.private:
            await self._runs.keep_result(run.tag, run.result.document)
            return
        if self._identity.did not in run.plan.receivers:
            return
        results = [*([run.result.document] if run.result else []), *run.handed.values()]
        if not results or any(content_digest(each) != digest for each in results):
            raise VerificationError("this receiver got another result", step="result")
        await self._runs.keep_result(run.tag, results[0])

    async def compare(self, sender: Participant, body: Json) -> Json:
        """Hold the logs of all against this node's own, and say whether they agree."""
        run = self._of(sender, body)
        async with self._ending_on_failure(run):
            self._watch(run, self._settings.answer_seconds * 2)
            terms = run.approved.agreement.terms
            codes = await self._comparing.disagreements(run.tag, body.get("entries"), terms)
            await self._journal.append(
                Kind.HEADS_COMPARED, run=run.tag, disagreements=len(codes)
            )
            if codes:
                raise VerificationError(
                    "the nodes' logs do not say the same", step="heads", code=codes[0]
                )
            said = Agreed(
                run=run.tag,
                node=self._identity.did,
                at=self._clock.now(),
                result=self._result_digest(run),
            )
            return {"agreed": self._signed(said)}

    async def release(self, sender: Participant, body: Json) -> Json:
        """All agree: the receivers of this organisation see the result."""
        run = self._of(sender, body)
        async with self._ending_on_failure(run):
            terms, digest = run.approved.agreement.terms, self._result_digest(run)
            said = from_everybody(Agreed, body.get("agreed"), terms, run.tag, step="agreed")
            if {each.result for each in said.values()} != {digest}:
                raise VerificationError("not all agree about the result", step="agreed")
            await self._runs.release(run.tag, self._clock.now(), digest=digest)
            self._close(run)
            return {}

    # --- the end of a run that fails ----------------------------------------------------

    async def abort(self, sender: Participant, body: Json) -> Json:
        """The coordinator gave it up."""
        run = self._of(sender, body)
        code = str(body.get("code"))
        known = code if code.replace("-", "").isalnum() and code.isascii() else "aborted"
        await self._fail(
            run, Conflict("The run ended at another node; nothing came out", code=known[:64])
        )
        return {}

    async def fail(self, tag: str, error: HavenError) -> None:
        """End a run at this node, if it is open."""
        if self._open is not None and self._open.tag == tag:
            await self._fail(self._open, error)
        else:
            await self._runs.fail(tag, error, self._clock.now())

    async def _fail(self, run: _Open, error: HavenError) -> None:
        self._close(run)
        if await self._runs.fail(run.tag, error, self._clock.now()):
            phase = (await self._runs.run(run.tag)).phase
            await self._journal.append(
                Kind.RUN_FAILED, run=run.tag, plan=run.plan.digest, phase=phase
            )

    def _close(self, run: _Open) -> None:
        if run.alarm is not None:
            run.alarm.cancel()
        if run.work is not None and run.work is not asyncio.current_task():
            run.work.cancel()
        run.part.close()
        if self._open is run:
            self._open = None

    def _watch(self, run: _Open, seconds: float) -> None:
        """The next step has to come within so long."""
        if run.alarm is not None:
            run.alarm.cancel()
        late = Unavailable("The other nodes did not answer in time", code="deadline")

        def ring() -> None:
            task = asyncio.ensure_future(self._fail(run, late))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

        run.alarm = asyncio.get_running_loop().call_later(seconds, ring)

    def _ending_on_failure(self, run: _Open) -> _EndingOnFailure:
        return _EndingOnFailure(self, run)

    # --- what else comes ----------------------------------------------------------------

    def _of(self, sender: Participant, body: Json) -> _Open:
        """The open run that a message is about. Raises Conflict, Forbidden."""
        run = self._open
        if run is None or body.get("run") != run.tag:
            raise Conflict("This run is not open here", code="run-state")
        if sender.did != run.coordinator:
            raise Forbidden("Another node leads this run", code="not-the-asker")
        return run

    def _any(self, tag: Any) -> _Open:
        if self._open is None or tag != self._open.tag:
            raise Conflict("This run is not open here", code="run-state")
        return self._open

    async def _on_shares(self, sender: Participant, body: Json) -> Json:
        self._any(body.get("run")).part.take_shares(sender, body.get("shares"))
        return {}

    async def _on_frame(self, sender: Participant, tag: str, frame: bytes) -> None:
        self._any(tag).part.take_frame(sender, frame)

    async def _on_result(self, sender: Participant, body: Json) -> Json:
        run, result = self._any(body.get("run")), body.get("result")
        if self._identity.did not in run.plan.receivers or not isinstance(result, dict):
            raise InvalidInput("nothing is received here", code="no-receiver")
        run.handed[sender.did] = result
        return {}

    def _signed(self, statement: Statement) -> Json:
        return sign(statement, self._identity.signer, self._identity.did, self._clock.now())


class _EndingOnFailure:
    """Whatever leaves the block as an error ends the run at this node."""

    def __init__(self, partaking: Partaking, run: _Open) -> None:
        self._partaking, self._run = partaking, run

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if error is None:
            return
        if not isinstance(error, HavenError):
            LOGGER.error("unforeseen %s in a run", type(error).__name__)
        known = error if isinstance(error, HavenError) else _UNFORESEEN
        await self._partaking._fail(self._run, known)


async def _given_up(work: asyncio.Task[Result | None]) -> Result | None:
    """The work's result; a run that was ended meanwhile is an error and no cancellation."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if work.cancelled():
            raise Conflict("The run was given up", code="given-up") from None
        work.cancel()
        raise
