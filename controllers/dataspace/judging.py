"""What this node's gate judges a plan by: its agreement, framework, ledger, and own cases.

`dataspace.gating` decides; here is gathered what it decides on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.cases import Cases, OwnCasesNow
from controllers.dataspace.framework import Rules
from controllers.dataspace.identity import Identity
from controllers.dataspace.keeping import Keeping
from controllers.dataspace.runs import OPENED, Mask, Run, Runs, RunState
from core.canonical import Json
from core.clock import Clock
from core.errors import HavenError, InvalidInput
from dataspace.gating.checks import OwnData, Situation
from dataspace.gating.differencing import (
    ABSENT,
    TABLES,
    Answer,
    Ints,
    Levels,
    Versions,
    answer_of,
)
from dataspace.gating.gate import Admitted, CheckResult, Outcome, Refused, judge
from dataspace.gating.ledger import Ledger, LedgerEntry, Standing
from dataspace.planning.plan import Grouping, Plan, read_plan
from dataspace.planning.taking_part import LINKING, taking_part
from dataspace.questions.base import Question, StatingQuestion
from dataspace.questions.tables import dimensions, selected
from dataspace.vocabulary.model import Vocabulary

_OPEN_STANDING = {
    RunState.PREPARING: Standing.RESERVED,
    RunState.COMPUTING: Standing.RESERVED,
    RunState.COMPARING: Standing.RESERVED,
    RunState.RELEASED: Standing.SPENT,
}


class Gatekeeper:
    """The gate of one node, with all that it looks at."""

    def __init__(
        self,
        *,
        identity: Identity,
        agreements: Agreements,
        keeping: Keeping,
        runs: Runs,
        cases: Cases,
        rules: Rules,
        questions: Mapping[str, Question],
        vocabulary: Vocabulary,
        clock: Clock,
    ) -> None:
        self._identity, self._agreements = identity, agreements
        self._keeping, self._runs, self._cases = keeping, runs, cases
        self._rules, self._questions = rules, questions
        self._vocabulary, self._clock = vocabulary, clock

    def question(self, plan: Plan) -> Question:
        """The plan's question. Raises InvalidInput: this node knows none of this name."""
        found = self._questions.get(plan.operation)
        if found is None:
            raise InvalidInput("this node knows no such question", code="question-other")
        return found

    def stating(self, operation: str) -> StatingQuestion:
        """A question about stated cases. Raises InvalidInput: it is about none."""
        found = self._questions.get(operation)
        if not isinstance(found, StatingQuestion):
            raise InvalidInput("this question is not about stated cases", code="cases-stated")
        return found

    def flaw(self, plan: Plan) -> str:
        """What is wrong with a plan that is none of its question's, for who wrote it: a rule
        and a column's name, never what a case says."""
        try:
            _Fitting(self.question(plan), self._vocabulary).check(plan)
        except InvalidInput as err:
            return err.detail
        return ""

    async def judge(self, plan: Plan) -> Outcome:
        """What the gate says now. Raises InvalidInput (an unknown question), and what the
        agreement raises that is not signed by all."""
        question = self.question(plan)
        signed, now = self._agreements.signed(), self._clock.now()
        situation = Situation(
            plan=plan,
            agreement=signed,
            question=_Fitting(question, self._vocabulary),
            vocabulary=self._vocabulary,
            own=self._identity.did,
            now=now,
            permitted=self._rules.decisions(signed.terms, question.computation, at=now),
            ledger=await self.ledger(),
            own_data=await self._own_data(plan, question),
        )
        return judge(situation)

    async def ledger(self) -> Ledger:
        """What was spent under the agreement that counts now."""
        agreement = self._agreements.agreement.terms.id
        runs = [run for run in await self._runs.all() if run.agreement == agreement]
        return ledger_of(runs)

    def selection(self, plan: Plan, own: OwnCasesNow) -> Mask:
        """Which of the own row versions a plan asks about. Raises InvalidInput, Forbidden."""
        mask = np.zeros(len(own.history.cases), np.bool_)
        if not own.history.current.size:  # the evaluator's has no columns to look into either
            return mask
        mask[own.history.current] = selected(plan, own.gathered.table)
        return mask

    async def _own_data(self, plan: Plan, question: Question) -> OwnData | None:
        terms, own = self._agreements.agreement.terms, self._cases.now
        if not taking_part(terms, question.engine).includes(self._identity.did):
            return None
        try:
            _Fitting(question, self._vocabulary).check(plan)
            mask = self.selection(plan, own)
            length = list_length(question, plan, own)
            levels = self._levels(plan, question, own)
        except HavenError:
            return None  # an earlier stage of the gate refuses the plan for the same
        return OwnData(
            versions=Versions(*own.history),
            answer=answer_of(plan, question.computation, mask),
            earlier=await self._earlier(),
            list_length=length,
            levels=levels,
        )

    def _levels(self, plan: Plan, question: Question, own: OwnCasesNow) -> Levels:
        """Where the rows that are there stand in a table's groupings."""
        if question.computation not in TABLES or not own.history.current.size:
            return {}
        found: dict[Grouping, Ints] = {}
        made = dimensions(plan, self._vocabulary, with_missing=True)
        for group, dimension in zip(plan.groups, made, strict=True):
            found[group] = np.full(len(own.history.cases), ABSENT, np.int64)
            found[group][own.history.current] = own.gathered.table.levels_of(dimension)
        return found

    async def _earlier(self) -> Sequence[Answer]:
        found: list[Answer] = []
        plans: dict[str, Plan] = {}
        for tag, mask in (await self._runs.selections()).items():
            run = await self._runs.run(tag)
            if run.plan not in plans:
                plans[run.plan] = plan_in((await self._keeping.plan(run.plan)).document)
            plan = plans[run.plan]
            found.append(answer_of(plan, self.question(plan).computation, mask))
        return found


def ledger_of(runs: Sequence[Run]) -> Ledger:
    """The ledger that a node's runs amount to, the oldest first."""
    return Ledger(
        tuple(LedgerEntry(run.tag, run.plan, run.epsilon_milli, _standing(run)) for run in runs)
    )


def _standing(run: Run) -> Standing:
    if run.state is not RunState.FAILED:
        return _OPEN_STANDING[run.state]
    # as dataspace.gating.ledger.fail: noise that was drawn and a result that was seen count
    drawn = run.epsilon_milli > 0 and run.phase != RunState.PREPARING
    return Standing.SPENT if drawn or was_seen(run) else Standing.GIVEN_BACK


def was_seen(run: Run) -> bool:
    """Whether somebody may have seen what came out, though the run may have failed."""
    return run.state is RunState.RELEASED or run.phase in (OPENED, RunState.COMPARING)


def counts(run: Run) -> bool:
    """Whether the run uses up one of the plan's, and what it costs."""
    return _standing(run) is Standing.SPENT


def list_length(question: Question, plan: Plan, own: OwnCasesNow) -> int | None:
    """How long the own list of a linking question is; None: it needs none."""
    if question.engine not in LINKING:
        return None
    records: Any = getattr(question, "records")(plan, own.gathered)  # noqa: B009 (of the two linking kinds alone)
    return len(records)


def plan_in(document: Json, *, kept: bool = True) -> Plan:
    """The plan in a document that was signed, and is kept here or comes in now.

    Raises InvalidInput.
    """
    bare = {name: value for name, value in document.items() if name != "proof"}
    return read_plan(bare, kept=kept)


def gate_document(outcome: Outcome) -> Json:
    """What the gate said, as it is kept and shown to this node's own officers."""
    refused = outcome.code if isinstance(outcome, Refused) else None
    return {
        "admitted": isinstance(outcome, Admitted),
        "checks": [_check(each) for each in outcome.checks],
        "refused": refused,
        "told": outcome.told_to_others if isinstance(outcome, Refused) else None,
    }


def _check(result: CheckResult) -> Json:
    return {
        "number": result.number,
        "name": result.name,
        "held": result.code is None,
        "standing": result.standing.value,
        "detail": result.code,
        "about": result.about,
    }


class _Fitting:
    """A question whose `check` holds the plan to the vocabulary too, as the gate wants it."""

    def __init__(self, question: Question, vocabulary: Vocabulary) -> None:
        self._question, self._vocabulary = question, vocabulary

    def __getattr__(self, name: str) -> Any:
        return getattr(self._question, name)

    def check(self, plan: Plan) -> None:
        self._question.check(plan)
        self._question.fits(plan, self._vocabulary)
