"""The gate's checks as a numbered table: each a name, a stage, its refusals, and a function.

A check gives None when it holds, or a `Refusal`. All checks of a stage are made, so that who
writes a plan sees everything that is wrong with it; the next stage is reached only if the one
before refused nothing. Own data are looked at in the last stage alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from core.decision import Decision, Permit
from core.errors import InvalidInput
from dataspace.agreeing.negotiating import SignedAgreement
from dataspace.gating.constraints import CODES as COLUMN_CODES
from dataspace.gating.constraints import constraint_code, uses_named
from dataspace.gating.differencing import CODES as DIFFERENCING_CODES
from dataspace.gating.differencing import Answer, Levels, Versions, difference_code
from dataspace.gating.ledger import Ledger
from dataspace.gating.lists import is_long_enough
from dataspace.planning.plan import Plan
from dataspace.planning.taking_part import LINKING, TakingPart, taking_part
from dataspace.questions.base import ColumnUse, Question, Use
from dataspace.vocabulary.model import Vocabulary

HOLDERS_OPTION: Final = "holders"


class Stage(IntEnum):
    """In which order; a later stage needs everything before it."""

    FORM = 1  # is it a question at all, under this agreement
    RULES = 2  # may it be asked
    OWN_DATA = 3  # may it be asked of these cases here


@dataclass(frozen=True, slots=True, repr=False)
class OwnData:
    """What a holder's gate knows of its own cases for this plan.

    `answer` is the plan's selection now, `earlier` those of every run that may have been seen,
    `levels` where the own row versions stand in the plan's groupings (a table's alone),
    `list_length` how many distinct people a list would name (None: the plan needs no list).
    """

    versions: Versions
    answer: Answer
    earlier: Sequence[Answer] = ()
    list_length: int | None = None
    levels: Levels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """A plan, and everything that one node judges it by.

    `own` is the node's DID, `permitted` the governance framework's decision for each holder
    about the question's computation. `own_data` is None at a node whose data do not go in.
    """

    plan: Plan
    agreement: SignedAgreement
    question: Question
    vocabulary: Vocabulary
    own: str
    now: datetime
    permitted: Mapping[str, Decision]
    ledger: Ledger
    own_data: OwnData | None = None

    @property
    def who(self) -> TakingPart:
        return taking_part(self.agreement.terms, self.question.engine)

    @property
    def uses(self) -> tuple[ColumnUse, ...]:
        return (*self.question.uses(self.plan), *uses_named(self.plan))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A stable code, and what it is about: a column's name or a participant's DID."""

    code: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check; `refusals` are the codes that it can give."""

    name: str
    stage: Stage
    refusals: tuple[str, ...]
    judge: Callable[[Situation], Refusal | None]


# --- form ---------------------------------------------------------------------------------


def _agreement(of: Situation) -> Refusal | None:
    terms = of.agreement.terms
    if of.plan.agreement != of.agreement.digest:
        return Refusal("agreement-other")
    if terms.participant(of.own) is None:
        return Refusal("not-a-participant")
    return None if terms.is_in_force(of.now) else Refusal("agreement-not-in-force")


def _expiry(of: Situation) -> Refusal | None:
    return None if of.now < of.plan.expires else Refusal("plan-expired")


def _vocabulary(of: Situation) -> Refusal | None:
    same = of.vocabulary.digest() == of.agreement.terms.vocabulary
    return None if same else Refusal("vocabulary-other")


def _question(of: Situation) -> Refusal | None:
    if of.question.name != of.plan.operation:
        return Refusal("question-other")
    try:
        of.question.check(of.plan)
    except InvalidInput:
        return Refusal("question-malformed")
    return None


# --- rules --------------------------------------------------------------------------------


def _operation(of: Situation) -> Refusal | None:
    allowed = of.plan.operation in of.agreement.terms.operations
    return None if allowed else Refusal("operation-not-agreed")


def _purpose(of: Situation) -> Refusal | None:
    allowed = of.plan.purpose in of.agreement.terms.purposes
    return None if allowed else Refusal("purpose-not-agreed")


def _people(of: Situation) -> Refusal | None:
    for did in (of.plan.asker, *of.plan.receivers):
        if of.agreement.terms.participant(did) is None:
            is_asker = did == of.plan.asker
            return Refusal("asker-not-agreed" if is_asker else "receiver-not-agreed")
    return None


def _columns(of: Situation) -> Refusal | None:
    agreed = of.agreement.terms.columns
    for each in of.uses:
        if agreed is not None and each.column not in agreed:
            return Refusal("column-not-agreed", each.column)
    linking = {Use.LINK_COUNT, Use.LINK_REVEAL} & {each.use for each in of.uses}
    if (of.plan.link or of.question.engine in LINKING) and not linking:
        return Refusal("link-undeclared")  # a question that links and does not say so
    return None


def _constraints(of: Situation) -> Refusal | None:
    found = constraint_code(of.uses, of.vocabulary, of.plan.threshold)
    return Refusal(*found) if found else None


def _thresholds(of: Situation) -> Refusal | None:
    limits = of.agreement.terms.limits
    if of.plan.threshold < limits.least_cell:
        return Refusal("threshold-too-low")
    if of.plan.contributors < limits.least_contributors:
        return Refusal("contributors-too-few")
    too_many = of.plan.contributors > len(of.who.holders)
    return Refusal("contributors-too-many") if too_many else None


def _framework(of: Situation) -> Refusal | None:
    for each in of.who.holders:
        if not isinstance(of.permitted.get(each.did), Permit):  # no decision is a no
            return Refusal("framework-denied", each.did)
    return None


def _linkage(of: Situation) -> Refusal | None:
    chosen = _holders_in_options(of.plan)
    if chosen is not None and chosen != {each.did for each in of.who.holders}:
        out = [each.participant.did for each in of.who.left_out]
        named = next((did for did in out if did in chosen), None)
        return Refusal("no-linkage", named) if named else Refusal("holders-chosen")
    if not of.who.are_enough:
        return Refusal("too-few-take-part")
    if of.question.engine in LINKING and of.agreement.terms.evaluator is None:
        return Refusal("no-evaluator")
    return None


def _holders_in_options(plan: Plan) -> set[str] | None:
    found = plan.options.get(HOLDERS_OPTION)
    if found is None:
        return None
    return set(found) if isinstance(found, tuple) else {str(found)}


def _budget(of: Situation) -> Refusal | None:
    left = of.ledger.epsilon_left(of.agreement.terms.limits)
    return Refusal("ledger-epsilon") if of.plan.epsilon_milli > left else None


def _runs(of: Situation) -> Refusal | None:
    limits, digest = of.agreement.terms.limits, of.plan.digest
    if of.plan.runs > limits.most_runs:
        return Refusal("runs-too-many")
    if not of.ledger.runs_left(digest, of.plan.runs, limits):
        return Refusal("ledger-runs")
    return None if of.ledger.plans_left(digest, limits) else Refusal("ledger-plans")


# --- own data -----------------------------------------------------------------------------


def _own(of: Situation) -> Refusal | None:
    return Refusal("own-data-missing") if affected(of) and of.own_data is None else None


def _list(of: Situation) -> Refusal | None:
    data = of.own_data
    if not affected(of) or data is None or of.question.engine not in LINKING:
        return None
    least = of.agreement.terms.limits.least_list
    if data.list_length is None:
        return Refusal("own-data-missing")
    return None if is_long_enough(data.list_length, least) else Refusal("list-too-short")


def _differences(of: Situation) -> Refusal | None:
    data = of.own_data
    if not affected(of) or data is None:
        return None
    code = difference_code(data.answer, data.earlier, data.versions, data.levels)
    return Refusal(code) if code else None


def affected(of: Situation) -> bool:
    """Whether cases of this node go in: the evaluator's never, a no-linkage holder's never
    into a comparison of lists."""
    return of.who.includes(of.own)


CHECKS: Final = (
    Check(
        "agreement",
        Stage.FORM,
        ("agreement-other", "not-a-participant", "agreement-not-in-force"),
        _agreement,
    ),
    Check("expiry", Stage.FORM, ("plan-expired",), _expiry),
    Check("vocabulary", Stage.FORM, ("vocabulary-other",), _vocabulary),
    Check("question", Stage.FORM, ("question-other", "question-malformed"), _question),
    Check("operation", Stage.RULES, ("operation-not-agreed",), _operation),
    Check("purpose", Stage.RULES, ("purpose-not-agreed",), _purpose),
    Check("people", Stage.RULES, ("asker-not-agreed", "receiver-not-agreed"), _people),
    Check("columns", Stage.RULES, ("column-not-agreed", "link-undeclared"), _columns),
    Check(
        "thresholds",
        Stage.RULES,
        ("threshold-too-low", "contributors-too-few", "contributors-too-many"),
        _thresholds,
    ),
    Check("constraints", Stage.RULES, COLUMN_CODES, _constraints),
    Check("framework", Stage.RULES, ("framework-denied",), _framework),
    Check(
        "linkage",
        Stage.RULES,
        ("no-linkage", "holders-chosen", "too-few-take-part", "no-evaluator"),
        _linkage,
    ),
    Check("budget", Stage.RULES, ("ledger-epsilon",), _budget),
    Check("runs", Stage.RULES, ("runs-too-many", "ledger-runs", "ledger-plans"), _runs),
    Check("own-data", Stage.OWN_DATA, ("own-data-missing",), _own),
    Check("list", Stage.OWN_DATA, ("list-too-short", "own-data-missing"), _list),
    Check("differences", Stage.OWN_DATA, DIFFERENCING_CODES, _differences),
)
