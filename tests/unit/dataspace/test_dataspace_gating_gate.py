"""The machine gate: every check with what it refuses, in order, and what others are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from agreement_world import (
    AGREEMENT,
    DAY,
    HOLDERS,
    NO_LINKAGE,
    NOW,
    OVERLAPS,
    FakeQuestion,
    did,
    participant,
    plan,
    signed,
    vocabulary,
)
from hypothesis import given
from hypothesis import strategies as st

from core.decision import Deny, Permit
from core.errors import Forbidden, VerificationError
from dataspace.agreeing.agreement import Limits
from dataspace.gating import gate, ledger, lists
from dataspace.gating.checks import CHECKS, OwnData, Situation
from dataspace.gating.constraints import ALLOWED, constraint_code
from dataspace.gating.differencing import Answer, Versions, answer_of
from dataspace.gating.gate import (
    CODES,
    OWN_DATA_SAID_NO,
    Admitted,
    Refused,
    Standing,
    judge,
    require_admitted,
)
from dataspace.gating.ledger import Ledger, LedgerEntry
from dataspace.planning.plan import Filter, Grouping, Plan
from dataspace.questions.base import ColumnUse, Engine, Use
from dataspace.vocabulary.model import Constraint

ROWS = 60
VERSIONS = Versions(np.arange(ROWS), np.ones(ROWS, dtype=int), np.full(ROWS, 2**62))
EVERYBODY_MAY = {did(name): Permit(("roles/shelter/compute",)) for name in HOLDERS}
OVERLAP_PLAN = plan(operation="overlaps", groups=(), link=("name-key",))


def mask(*left_out: int) -> Any:
    selected = np.ones(ROWS, dtype=np.bool_)
    selected[list(left_out)] = False
    return selected


def own_data(of: Plan, computation: str = "tabulation", **changed: Any) -> OwnData:
    answer = answer_of(of, computation, mask())
    return replace(OwnData(VERSIONS, answer, list_length=40), **changed)


def situation(of: Plan | None = None, **changed: Any) -> Situation:
    of = of or plan()
    usual: dict[str, Any] = {
        "plan": of,
        "agreement": AGREEMENT,
        "question": FakeQuestion(),
        "vocabulary": vocabulary(),
        "own": did("police"),
        "now": NOW,
        "permitted": EVERYBODY_MAY,
        "ledger": Ledger(),
        "own_data": own_data(of),
    }
    return Situation(**{**usual, **changed})


def ring(of: Plan = OVERLAP_PLAN, **changed: Any) -> Situation:
    usual: dict[str, Any] = {"question": OVERLAPS, "own_data": own_data(of, "overlap")}
    return situation(of, **{**usual, **changed})


def refused(of: Situation) -> Refused:
    outcome = judge(of)
    assert isinstance(outcome, Refused)
    assert outcome.code in CODES
    return outcome


def spent(epsilon: int = 0, *, of: str = "other", runs: int = 1) -> Ledger:
    return Ledger(tuple(LedgerEntry(f"{n:032x}", of, epsilon) for n in range(runs)))


def test_a_plan_that_keeps_to_everything_is_admitted() -> None:
    for good in (situation(), ring()):
        outcome = judge(good)
        assert isinstance(outcome, Admitted)
        assert [each.number for each in outcome.checks] == list(range(1, len(CHECKS) + 1))
        assert {each.standing for each in outcome.checks} == {Standing.HELD}
        assert require_admitted(outcome) is outcome


def used(*uses: tuple[str, Use], engine: Engine = Engine.SHARES) -> FakeQuestion:
    return FakeQuestion(engine=engine, used=tuple(ColumnUse(c, u) for c, u in uses))


ELSEWHERE = signed(title="Another agreement")
FEW_COLUMNS = signed(columns={"region"})
MINIMA = signed(limits=Limits(least_cell=20, least_contributors=3, most_runs=5))
TWO_MAY_LINK = signed(
    participants=tuple(
        participant(name, no_linkage=name not in {"police", "health"})
        for name in (*HOLDERS, "evaluator")
    )
)
NO_EVALUATOR = signed(participants=tuple(participant(name) for name in HOLDERS))
ANOTHER_VOCABULARY = vocabulary().model_copy(update={"version": "2"})
DENIED = Deny("roles", "computation-not-allowed", "no")


def by(agreement: Any, of: Plan | None = None, **changed: Any) -> Situation:
    made = plan(agreement) if of is None else of
    return situation(made, agreement=agreement, **changed)


REFUSALS = [
    ("agreement-other", situation(agreement=ELSEWHERE)),
    ("not-a-participant", situation(own=did("stranger"))),
    ("agreement-not-in-force", situation(plan(expires=NOW + 999 * DAY), now=NOW + 301 * DAY)),
    ("plan-expired", situation(plan(expires=NOW))),
    ("vocabulary-other", situation(vocabulary=ANOTHER_VOCABULARY)),
    ("question-other", situation(question=OVERLAPS)),
    ("question-malformed", situation(question=FakeQuestion(knows=False))),
    (
        "operation-not-agreed",
        situation(plan(operation="guess"), question=FakeQuestion(name="guess")),
    ),
    ("purpose-not-agreed", situation(plan(purpose="curiosity"))),
    ("asker-not-agreed", situation(plan(asker=did("stranger")))),
    ("receiver-not-agreed", situation(plan(receivers=(did("police"), did("stranger"))))),
    ("column-not-agreed", by(FEW_COLUMNS)),
    ("link-undeclared", situation(plan(link=("name-key",)))),
    ("link-undeclared", situation(question=used(("region", Use.GROUP), engine=Engine.RING))),
    ("column-unknown", situation(question=used(("shoe_size", Use.GROUP)))),
    ("column-personal", situation(question=used(("flagged", Use.GROUP)))),
    ("column-personal", situation(plan(groups=(Grouping(column="flagged"),)))),
    ("column-personal", situation(plan(filters=(Filter(column="given_name", codes=("x",)),)))),
    ("column-personal", situation(plan(measures=("phone",)))),
    ("column-constraint", situation(question=used(("region", Use.LINK_COUNT)))),
    ("column-constraint", ring(question=replace(OVERLAPS, used=(
        ColumnUse("given_name", Use.LINK_REVEAL),)))),
    ("column-constraint", ring(question=replace(OVERLAPS, used=(
        ColumnUse("reference", Use.LINK_COUNT),)))),
    ("column-least-cell", situation(question=used(("rare", Use.GROUP)))),
    ("threshold-too-low", situation(plan(threshold=10))),
    ("threshold-too-low", by(MINIMA, plan(MINIMA, contributors=3))),
    ("contributors-too-few", by(MINIMA, plan(MINIMA, threshold=20))),
    ("contributors-too-many", situation(plan(contributors=6))),
    ("framework-denied", situation(permitted=EVERYBODY_MAY | {did("health"): DENIED})),
    ("framework-denied", situation(permitted={})),
    ("no-linkage", ring(OVERLAP_PLAN.model_copy(update={"options": {
        "holders": tuple(did(name) for name in HOLDERS)}}))),
    ("holders-chosen", ring(OVERLAP_PLAN.model_copy(update={"options": {
        "holders": (did("police"), did("health"), did("labour"))}}))),
    ("holders-chosen", situation(plan(options={"holders": did("police")}))),
    ("too-few-take-part", ring(plan(TWO_MAY_LINK, operation="overlaps", groups=()),
                               agreement=TWO_MAY_LINK)),
    ("no-evaluator", ring(plan(NO_EVALUATOR, operation="overlaps", groups=()),
                          agreement=NO_EVALUATOR)),
    ("ledger-epsilon", situation(plan(epsilon_milli=200), ledger=spent(801))),
    ("runs-too-many", situation(plan(runs=6))),
    ("ledger-runs", situation(ledger=spent(of=plan().digest, runs=5))),
    ("ledger-plans", by(signed(limits=Limits(most_plans=1, most_runs=5)), ledger=spent())),
    ("own-data-missing", situation(own_data=None)),
    ("list-too-short", ring(own_data=own_data(OVERLAP_PLAN, "overlap", list_length=24))),
    ("list-too-short", ring(own_data=own_data(OVERLAP_PLAN, "overlap", list_length=1))),
    ("own-data-missing", ring(own_data=own_data(OVERLAP_PLAN, "overlap", list_length=None))),
    ("differencing-few", situation(own_data=own_data(plan(), earlier=[
        Answer(mask(5), plan().groups and frozenset(plan().groups), 11, False, True)]))),
    ("differencing-margins", situation(own_data=own_data(plan(), earlier=[
        Answer(mask(), frozenset({Grouping(column="region", cuts=(1,))}), 11, False, True)]))),
    ("differencing-cells", situation(own_data=own_data(plan(), earlier=[
        Answer(mask(*range(12)), frozenset(plan().groups), 11, False, True)],
        levels={plan().groups[0]: np.array([1] * 11 + [2] * (ROWS - 11))}))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "of"), REFUSALS, ids=[code for code, _ in REFUSALS])
def test_what_is_refused_and_why(code: str, of: Situation) -> None:
    outcome = refused(of)
    assert outcome.code == code
    first = next(each for each in outcome.checks if each.standing is Standing.REFUSED)
    assert code in CHECKS[first.number - 1].refusals


def test_every_refusal_has_its_case() -> None:
    assert {code for code, _ in REFUSALS} | {OWN_DATA_SAID_NO} == set(CODES)
    assert len({each.name for each in CHECKS}) == len(CHECKS)


def test_the_modules_words_name_every_check_in_order() -> None:
    named = [
        line.split()[1]
        for line in (gate.__doc__ or "").splitlines()
        if line.strip()[:1].isdigit()
    ]
    assert named == [each.name for each in CHECKS]
    assert [each.stage for each in CHECKS] == sorted(each.stage for each in CHECKS)


def test_everything_wrong_with_a_plan_is_shown_but_own_data_are_not_asked() -> None:
    bad = plan(purpose="curiosity", threshold=5, runs=6)
    outcome = refused(situation(bad, own_data=own_data(bad, earlier=[
        Answer(mask(5), frozenset(), 11, False, True)])))  # fmt: skip
    found = {each.name for each in outcome.checks if each.standing is Standing.REFUSED}
    assert found >= {"purpose", "thresholds", "runs"}
    assert outcome.code == "purpose-not-agreed"
    rest = [each.standing for each in outcome.checks[-3:]]
    assert rest == [Standing.NOT_REACHED] * 3


@pytest.mark.parametrize(
    "code",
    [
        "list-too-short",
        "differencing-few",
        "differencing-margins",
        "differencing-cells",
        "own-data-missing",
    ],
)
def test_others_are_not_told_which_rule_about_own_data_refused(code: str) -> None:
    outcome = refused(next(of for each, of in REFUSALS if each == code))
    assert outcome.told_to_others == OWN_DATA_SAID_NO
    with pytest.raises(Forbidden) as caught:
        require_admitted(outcome)
    assert caught.value.code == OWN_DATA_SAID_NO
    assert code not in str(caught.value)


def test_others_are_told_what_is_wrong_with_the_plan_itself() -> None:
    assert refused(situation(plan(threshold=5))).told_to_others == "threshold-too-low"


# --- no linkage ---------------------------------------------------------------------------


def test_a_no_linkage_holders_cases_stay_out_of_a_ring_and_its_gate_says_so() -> None:
    outcome = judge(ring(own=did(NO_LINKAGE), own_data=None))
    assert isinstance(outcome, Admitted)
    assert [e.standing for e in outcome.checks[-3:]] == [Standing.NOT_AFFECTED] * 3
    assert isinstance(judge(situation(own=did(NO_LINKAGE))), Admitted)  # tables: it takes part


def test_the_framework_is_asked_about_those_who_take_part() -> None:
    others = {who: may for who, may in EVERYBODY_MAY.items() if who != did(NO_LINKAGE)}
    assert isinstance(judge(ring(permitted=others)), Admitted)
    assert refused(situation(permitted=others)).code == "framework-denied"


def test_a_no_linkage_node_blinds_nothing_whatever_was_decided() -> None:
    lists.require_may_link(participant("police"))
    with pytest.raises(Forbidden) as caught:
        lists.require_may_link(participant(NO_LINKAGE))
    assert caught.value.code == "no-linkage"


def test_the_evaluator_has_no_cases() -> None:
    outcome = judge(ring(own=did("evaluator"), own_data=None))
    assert isinstance(outcome, Admitted)


# --- columns ------------------------------------------------------------------------------

COUNTING = {Use.FILTER, Use.GROUP, Use.SUM, Use.MODEL}
EXPECTED = {
    Constraint.LOCAL_ONLY: set(),
    Constraint.AGGREGATE_ONLY: COUNTING,
    Constraint.LINK_COUNT_ONLY: {Use.LINK_COUNT},
    Constraint.LINK_REVEAL: {Use.LINK_COUNT, Use.LINK_REVEAL},
    Constraint.FORBIDDEN: set(),
}
SAMPLES = {
    Constraint.LOCAL_ONLY: "reference",
    Constraint.AGGREGATE_ONLY: "region",
    Constraint.LINK_COUNT_ONLY: "given_name",
    Constraint.LINK_REVEAL: "phone",
    Constraint.FORBIDDEN: "secret",
}


@pytest.mark.parametrize("constraint", list(Constraint))
@pytest.mark.parametrize("use", list(Use))
def test_the_table_of_constraints_and_uses(constraint: Constraint, use: Use) -> None:
    allowed = use in EXPECTED[constraint]
    assert (use in ALLOWED[constraint]) is allowed
    found = constraint_code([ColumnUse(SAMPLES[constraint], use)], vocabulary(), 11)
    assert (found is None) is allowed


@given(
    st.lists(st.tuples(st.sampled_from([*SAMPLES.values(), "flagged"]), st.sampled_from(Use))),
    st.integers(2, 200),
)
def test_no_flagged_column_is_ever_counted(uses: list[tuple[str, Use]], threshold: int) -> None:
    words = vocabulary()
    found = constraint_code([ColumnUse(c, u) for c, u in uses], words, threshold)
    counted = any(words.columns[c].personal and u in COUNTING for c, u in uses)
    low = any(u in COUNTING and threshold < words.columns[c].least_cell for c, u in uses)
    if counted or low:
        assert found is not None


def test_a_question_cannot_leave_out_what_its_plan_names() -> None:
    sly = plan(groups=(Grouping(column="secret"),))
    assert refused(situation(sly, question=FakeQuestion(used=()))).code == "column-personal"


# --- lists --------------------------------------------------------------------------------


def test_a_list_of_one_name_is_a_question_of_membership() -> None:
    assert lists.distinct(["maria"] * 30) == 1
    for length in (1, 2, 24):
        with pytest.raises(Forbidden) as caught:
            lists.require_own_list(length, 25)
        assert str(length) not in caught.value.detail
    for length in (0, 25, 1000):
        lists.require_own_list(length, 25)


def test_others_lists_are_counted_too() -> None:
    lists.require_lists({"a": 30, "b": 0}, 25)
    with pytest.raises(VerificationError) as caught:
        lists.require_lists({"a": 30, "b": 1}, 25)
    assert caught.value.step == "lists"


def test_codes_are_stable_words() -> None:
    for code in (*CODES, *ledger.CODES, *lists.CODES):
        assert code == code.lower()
        assert " " not in code
