"""What officers are shown of their own node, as JSON. Nothing of it leaves the organisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from controllers.dataspace.journal import MOST_SHOWN
from controllers.dataspace.judging import counts, list_length, plan_in, was_seen
from controllers.dataspace.keeping import KeptPlan
from controllers.dataspace.node import Node
from controllers.dataspace.outcomes import released_in
from controllers.dataspace.plan_list import PlanList
from controllers.dataspace.plans import documents_of
from controllers.dataspace.runs import Run, RunState
from controllers.dataspace.sources import own_mapping
from controllers.dataspace.standing import Standing, plan_state, standings
from core.canonical import Json
from core.errors import HavenError, NotFound
from dataspace.agreeing.signatures import read
from dataspace.planning.plan import Plan
from dataspace.planning.seeing import also_sees
from dataspace.planning.taking_part import taking_part
from dataspace.questions.base import (
    Engine,
    Integers,
    Question,
    SharesQuestion,
    StatingQuestion,
    Use,
)
from dataspace.questions.describing import Guard
from dataspace.recording.log import LogEntry
from dataspace.releasing.release import to_csv

MOST_ROWS = 500  # of an organisation's own table, shown to its officer


class Views:
    """Reads one node for its officers."""

    def __init__(self, node: Node) -> None:
        self._node, self._books, self._outside = node, node.books, node.outside
        self._list = PlanList(node)

    async def node(self) -> Json:
        """What this node is, and how it stands."""
        identity, agreements = self._books.identity, self._books.agreements
        own, evaluator = agreements.own, agreements.agreement.terms.evaluator
        last = await self._books.journal.head()
        parties = len(agreements.agreement.terms.compute_nodes)
        return {
            "did": identity.did,
            "name": identity.name,
            "role": identity.role,
            "environment": identity.environment.value,
            "holds_data": own.holds_data,
            "no_linkage": own.no_linkage,
            "agreement": self.agreement(),
            "cases": self._node.cases.summary().cases,
            "log": {
                "entries": last["number"] if last else 0,
                "head": last["hash"] if last else None,
            },
            "evaluator": evaluator.did if evaluator else None,
            "parties": {"parties": parties, "t": (parties - 1) // 2},
        }

    def agreement(self) -> Json:
        """The terms, and how far they are."""
        agreement = self._books.agreements.agreement
        terms = agreement.terms
        document = terms.document()
        return {
            **document,
            "digest": terms.digest,
            "state": agreement.state.value,
            "signed_by": len(agreement.proofs),
            "participants": [
                {
                    "did": each.did,
                    "name": each.name,
                    "role": each.role,
                    "holds_data": each.holds_data,
                    "computes": each.holds_data and each.computes,
                    "no_linkage": each.no_linkage,
                }
                for each in terms.participants
            ],
        }

    def vocabulary(self) -> Json:
        """The vocabulary document."""
        return self._outside.vocabulary.model_dump(mode="json")

    def questions(self) -> Json:
        """What can be asked under the agreement, as a form needs it."""
        allowed = self._books.agreements.agreement.terms.operations
        known = self._outside.questions
        return {"items": [self._question(known[name]) for name in known if name in allowed]}

    def _question(self, question: Question) -> Json:
        described = question.describe(self._outside.vocabulary).document()
        return {
            "name": question.name,
            "title": dict(question.titles),
            "help": {},
            "computation": question.computation,
            "engine": question.engine.value,
            "leak": {"en": question.leak},
            "stated": isinstance(question, StatingQuestion),
            **described,
        }

    # --- plans --------------------------------------------------------------------------

    async def plans(self, before: str | None = None) -> Json:
        """A page of the list of plans, the newest first. Raises NotFound."""
        return await self._list.page(before)

    async def plan(self, digest: str) -> Json:
        """One plan, with what this organisation would put in. Raises NotFound."""
        return await self._plan(await self._node.plans.kept(digest))

    async def asked(self, digest: str) -> Json | None:
        """The plan of a result, if this node keeps it."""
        try:
            return (await self._node.plans.plan(digest)).document()
        except NotFound:
            return None

    async def _plan(self, kept: KeptPlan) -> Json:
        plan = plan_in(kept.document)
        runs = await self._books.runs.runs_of(plan.digest)
        decided = await self._decided(plan)
        now = self._outside.clock.now()
        refused = kept.refused is not None
        question = self._node.gate.question(plan)
        seeing = () if refused else self._also_sees(question, plan)
        state = plan_state(plan.expires, refused=refused, decided=decided, runs=runs, now=now)
        done = (await self._node.gate.ledger()).runs_of(plan.digest)
        return {
            "digest": plan.digest,
            "plan": plan.document(),
            "state": state.value,
            "gate": kept.gate,
            "expired": now >= plan.expires,
            "reveals": {
                "sentences": self._sentences(plan, question, seeing),
                "also_sees": list(seeing),
                # a plan that the gate refused need not be one that anything can be made of
                "own": None if refused else await self._own(plan),
            },
            "approvals": [_standing(each) for each in decided],
            "runs": {"done": done, "allowed": plan.runs},
            "results": await self._results(runs),
            "attempts": [run.tag for run in runs],
        }

    async def _decided(self, plan: Plan) -> Sequence[Standing]:
        decisions = await self._node.plans.decisions(plan.digest)
        return standings(
            plan,
            self._books.agreements.last_signed(),
            documents_of(decisions, {}),
            self._node.plans.duties(plan),
            self._outside.clock.now(),
        )

    async def _results(self, runs: Sequence[Run]) -> list[str]:
        """Tags of the runs whose result this organisation has."""
        released = [run.tag for run in runs if run.state is RunState.RELEASED]
        readable = await self._books.runs.with_results(released)
        return [tag for tag in released if tag in readable]

    def _also_sees(self, question: Question, plan: Plan) -> tuple[str, ...]:
        return also_sees(question, plan, self._books.agreements.agreement.terms)

    def _sentences(self, plan: Plan, question: Question, seeing: Sequence[str]) -> list[Json]:
        """What a person should know before approving: keys of sentences, with their values."""
        terms = self._books.agreements.agreement.terms
        part = taking_part(terms, question.engine)
        said: list[tuple[str, Json]] = []
        if not part.includes(self._books.identity.did):
            said.append(("nothing-goes-in", {}))
        elif question.engine is Engine.SHARES:
            parties = len(terms.compute_nodes)
            said.append(("shares", {"parties": parties, "t": (parties - 1) // 2}))
            said += self._guards(plan, question)
        else:
            said.append(self._tokens(plan, question))
        if plan.epsilon_milli:
            said.append(("noise", {"epsilon": plan.epsilon_milli / 1000}))
        said.append(("receivers", {"names": self._names(plan.receivers)}))
        if seeing:
            said.append(("also-sees", {"names": self._names(seeing)}))
        if len(part.left_out):
            left = ", ".join(each.participant.name for each in part.left_out)
            said.append(("left-out", {"names": left}))
        said.append(("runs", {"runs": plan.runs}))
        return [{"key": key, "values": values} for key, values in said]

    def _guards(self, plan: Plan, question: Question) -> list[tuple[str, Json]]:
        """What the question holds of the plan's limits, where its numbers are opened."""
        guards = question.describe(self._outside.vocabulary).guards
        limits = {"threshold": plan.threshold, "contributors": plan.contributors}
        said = {Guard.THRESHOLD: "cells-below", Guard.COMBINATION: "combinations-below"}
        return [(said[each], limits) for each in guards if each in said]

    def _tokens(self, plan: Plan, question: Question) -> tuple[str, Json]:
        """What becomes of this organisation's list in a ring."""
        evaluator = self._books.agreements.agreement.terms.evaluator
        said = {
            "evaluator": evaluator.name if evaluator else "",
            "keys": ", ".join(plan.link),
            "asker": self._names((plan.asker,)),
        }
        if question.engine is Engine.RING:
            return "tokens", said
        if not any(each.use is Use.LINK_REVEAL for each in question.uses(plan)):
            return "tokens-owners", said
        own = plan.asker == self._books.identity.did
        return ("tokens-stated" if own else "tokens-revealed"), said

    def _names(self, dids: Sequence[str]) -> str:
        terms = self._books.agreements.agreement.terms
        names = {each.did: each.name for each in terms.participants}
        return ", ".join(names.get(each, each) for each in dids)

    async def _own(self, plan: Plan) -> Json | None:
        """This organisation's own table for the plan, that it knows anyhow; for a comparison
        of lists how long its own would be."""
        own, terms = self._node.cases.now, self._books.agreements.agreement.terms
        engine = self._node.gate.question(plan).engine
        if not taking_part(terms, engine).includes(self._books.identity.did):
            return None
        try:
            question = await self._node.plans.question(plan)
            if question.engine is Engine.SHARES:
                return self._own_table(plan, cast(SharesQuestion, question))
            length = list_length(question, plan, own)
            counted = "list_length" if question.engine is Engine.RING else "cases_compared"
            return {"columns": [counted], "rows": [[length]], "of": 1}
        except HavenError:
            return None  # the gate has refused the plan for the same

    def _own_table(self, plan: Plan, question: SharesQuestion) -> Json | None:
        """Cut to what a page holds, and then the rows first in which anything is."""
        table = self._node.cases.now.gathered.table
        inputs = question.inputs(plan, table, _without_noise)
        labels = question.labels(plan, self._outside.vocabulary) or ((),)
        shown = {name: v for name, v in inputs.items() if v.shape == (len(labels),)}
        if not shown:
            return None
        values = np.stack([np.asarray(each, np.int64) for each in shown.values()], axis=1)
        at = np.arange(len(labels))
        if len(labels) > MOST_ROWS:
            at = np.argsort(~values.any(axis=1), kind="stable")[:MOST_ROWS]
        rows = [[*labels[each], *values[each].tolist()] for each in at]
        groups = [each.column for each in plan.groups] if labels != ((),) else []
        counted = {"gate": "people"} if plan.options.get("counted") == "people" else {}
        columns = [*groups, *(counted.get(name, name) for name in shown)]
        return {"columns": columns, "rows": rows, "of": len(labels)}

    # --- runs and results ---------------------------------------------------------------

    async def run(self, tag: str) -> Json:
        """A run as this node knows it. Raises NotFound."""
        run = await self._books.runs.run(tag)
        ended = run.ended_at or self._outside.clock.now()
        in_shares = run.parties > 0
        return {
            "tag": run.tag,
            "plan": run.plan,
            "state": run.state.value,
            "phase": run.phase,
            "failure": {"code": run.failure, "detail": run.detail} if run.failure else None,
            "seen": was_seen(run),
            "counts": counts(run),
            "started": run.started_at.isoformat(),
            "ended": run.ended_at.isoformat() if run.ended_at else None,
            "parties": run.parties if in_shares else None,
            "t": run.threshold if in_shares else None,
            "seconds": round((ended - run.started_at).total_seconds(), 3),
        }

    async def result(self, tag: str) -> Json:
        """What came out, for a receiver. Raises NotFound."""
        kept = await self._books.runs.result(tag)
        report = kept.report["report"]
        method = report["method"]
        computing = len(method["computing"])
        return {
            "tag": tag,
            "plan": report["plan"],
            "released": kept.result,
            "method": method["engine"],
            "circuit": method["circuit"],
            "parties": computing or len(report["holders"]),
            "t": method["together"] if computing else None,
            "thresholds": {
                "cell": report["threshold"],
                "contributors": report["contributors"],
            },
            "budget": report["budget"],
            "limits": report["limits"],
            "signatures": [each["verificationMethod"] for each in kept.report["proofs"]],
            "report": kept.report,
            "at": report["at"],
        }

    async def csv(self, tag: str) -> str:
        """The table alone. Raises NotFound."""
        return to_csv(released_in((await self._books.runs.result(tag)).result))

    async def priorities(self, tag: str) -> Json:
        """The organisation's own ranked cases. Raises NotFound."""
        found = (await self._books.runs.result(tag)).result
        return {name: found[name] for name in ("columns", "rows", "notes", "decimals")}

    # --- books --------------------------------------------------------------------------

    async def ledger(self) -> Json:
        """What was spent under the agreement."""
        ledger, terms = await self._node.gate.ledger(), self._books.agreements.agreement.terms
        return {
            "epsilon_milli": {
                "allowed": terms.limits.epsilon_milli,
                "spent": ledger.epsilon_milli,
            },
            "plans": len(ledger.plans),
            "runs": sum(each.counts for each in ledger.entries),
        }

    async def log(self, after: int, most: int = MOST_SHOWN) -> Json:
        """Entries after a number, each with its hash."""
        entries = await self._books.journal.entries(after, most)
        return {"items": [{**each, "hash": read(LogEntry, each).digest} for each in entries]}

    async def compare(self) -> Json:
        """Every other node's log, looked at now."""
        seen = await self._node.comparing.look_at_all()
        heads = [
            {
                "did": each.did,
                "entries": each.entries,
                "head": each.head,
                "agrees": each.agrees,
                "code": each.code,
            }
            for each in seen
        ]
        return {"heads": heads, "agree": all(each.agrees for each in seen)}

    def cases(self) -> Json:
        """How many cases, which columns, since when; the mapping that files are read by."""
        summary = self._node.cases.summary()
        return {
            "cases": summary.cases,
            "columns": list(summary.columns),
            "since": summary.since.isoformat() if summary.since else None,
            "mapping": self._mapping(),
        }

    def _mapping(self) -> Json | None:
        """None: there is none; without a name: what is there is none that could be read."""
        try:
            kept = own_mapping(self._books.identity.folder)
        except HavenError:
            return {"name": None, "version": None}
        return {"name": kept.name, "version": kept.version} if kept else None


def _without_noise(counts: Integers, *, epsilon_milli: int, sensitivity: int) -> Integers:
    """An officer sees the own table as it is."""
    return np.array(counts, np.int64)


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "did": standing.did,
        "name": standing.name,
        "duty": standing.duty.value,
        "state": standing.state.value,
        "until": standing.until.isoformat() if standing.until else None,
    }
