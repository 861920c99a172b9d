"""Overlaps and totals: what the evaluator releases of the exact counts, and what not."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions_world import DIDS, VOCABULARY, lists, plan, read, world
from ring_world import counted, terms

from core.errors import Forbidden, InvalidInput, VerificationError
from dataspace.gathering.matchkeys import PERSON_KEYS
from dataspace.planning.plan import Plan
from dataspace.questions.base import Inputs, Opened, Patterns
from dataspace.questions.overlaps import BETWEEN, BOTH, DISTINCT, EXACTLY, MOST_LISTS
from dataspace.questions.overlaps import QUESTION as OVERLAPS
from dataspace.questions.total import QUESTION as TOTAL
from dataspace.releasing.release import result_document
from tests.fakes.plain_circuits import opened
from tests.support.mse import UK_COUNTS, UK_LISTS, uk_five

ASKED = plan("overlaps", link=list(PERSON_KEYS))


def lengths(of: tuple[str, ...], patterns: Patterns) -> dict[str, int]:
    return {name: sum(count for way, count in patterns.items() if name in way) for name in of}


UK: Patterns = {frozenset(way.split()): count for way, count in UK_COUNTS.items()}
UK_TOTALS = lengths(UK_LISTS, UK)


def exact(of: tuple[str, ...], patterns: Patterns) -> dict[tuple[str, str], int]:
    """Every figure, counted plainly."""
    figures = {(DISTINCT, "1+"): sum(patterns.values())}
    by_size: Counter[int] = Counter()
    for way, count in patterns.items():
        by_size[len(way)] += count
    figures |= {(EXACTLY, str(k)): by_size[k] for k in range(1, len(of) + 1)}
    return figures | {
        (BOTH, BETWEEN.join(pair)): sum(n for way, n in patterns.items() if way >= set(pair))
        for pair in combinations(of, 2)
    }


def test_what_is_large_enough_is_exact() -> None:
    found = OVERLAPS.answer(ASKED, UK, UK_TOTALS)
    wanted = exact(UK_LISTS, UK)
    shown = {(figure, of): n for figure, of, n in found.rows if n is not None}
    assert shown
    assert all(wanted[at] == n >= ASKED.threshold for at, n in shown.items())
    assert found.suppressed == sum(n is None for *_, n in found.rows) > 0
    assert shown[BOTH, "PFNCA + GO"] == 81
    assert found.suppressed <= 9, "no more is withheld than has to be"


THREE = ("a", "b", "c")
WAYS = [frozenset(w) for k in (1, 2, 3) for w in combinations(THREE, k)]


@settings(max_examples=30)
@given(st.lists(st.one_of(st.integers(0, 15), st.integers(0, 200)), min_size=7, max_size=7))
def test_a_withheld_figure_has_more_than_one_value(counts: list[int]) -> None:
    """By trying: other lists that fit all that is shown and every length, and differ in it."""
    patterns = dict(zip(WAYS, counts, strict=True))
    totals = lengths(THREE, patterns)
    found = OVERLAPS.answer(ASKED, patterns, totals)
    wanted = exact(THREE, patterns)
    shown = {(figure, of): n for figure, of, n in found.rows if n is not None}
    for at in wanted.keys() - shown.keys():
        if wanted[at] < ASKED.threshold and min(totals.values()) > 0:
            assert _others_fit(at, shown, totals)


def _others_fit(at: Any, shown: dict[Any, int], totals: dict[str, int]) -> bool:
    """Whether the figure can differ along a direction that changes nothing that is known."""
    rows: dict[Any, list[int]] = {name: [] for name in exact(THREE, {})}
    for way in WAYS:
        for name, value in exact(THREE, {w: int(w == way) for w in WAYS}).items():
            rows[name].append(value)
    fixed = [rows[name] for name in shown] + [[int(n in w) for w in WAYS] for n in totals]
    _, singular, right = np.linalg.svd(np.array(fixed, float))
    rank = int((singular > 1e-9).sum())
    free = right[rank:]
    return bool(np.abs(free @ np.array(rows[at], float)).max(initial=0) > 1e-9)


def test_a_small_overlap_cannot_be_computed_from_the_others() -> None:
    """With three lists all else gives the people on all three: here they are four."""
    patterns = dict(zip(WAYS, [200, 200, 200, 30, 40, 50, 4], strict=True))
    found = OVERLAPS.answer(ASKED, patterns, lengths(THREE, patterns))
    shown = {(figure, of) for figure, of, n in found.rows if n is not None}
    assert (EXACTLY, "3") not in shown
    assert found.suppressed >= 2
    assert {"below-threshold", "withheld-too"} <= set(found.notes)


def test_lists_too_short_show_nothing_at_all() -> None:
    found = OVERLAPS.answer(ASKED, {frozenset("a"): 2}, {"a": 2, "b": 0, "c": 0})
    assert all(n is None for *_, n in found.rows)


def test_empty_lists_beside_full_ones() -> None:
    patterns = {frozenset("a"): 500, frozenset("ab"): 100}
    found = OVERLAPS.answer(ASKED, patterns, lengths(THREE, patterns))
    shown = {(figure, of): n for figure, of, n in found.rows}
    assert shown[EXACTLY, "3"] is None
    assert shown[BOTH, "a + b"] == 100


def test_what_one_organisation_has_alone_is_not_shown() -> None:
    """Beside empty lists every figure is its own number, which a table would not show."""
    patterns = {frozenset("a"): 500}
    found = OVERLAPS.answer(ASKED, patterns, lengths(THREE, patterns))
    assert all(n is None for *_, n in found.rows)


def test_another_list_and_too_many_lists_are_refused() -> None:
    with pytest.raises(InvalidInput):
        OVERLAPS.answer(ASKED, {frozenset("z"): 5}, {"a": 5, "b": 0})
    with pytest.raises(InvalidInput):
        OVERLAPS.answer(ASKED, {}, {str(n): 0 for n in range(MOST_LISTS + 1)})


async def test_through_the_ring_the_made_up_lists_are_counted() -> None:
    names = tuple(DIDS)
    of = terms(holders=names, keys=OVERLAPS.keys(ASKED), bucket=64, batch=512, most=1024)
    own = {n: OVERLAPS.records(ASKED, each) for n, each in zip(names, lists(), strict=True)}
    found = await counted(of, own)
    made = world()
    seen = sum(made.overlaps.values())
    assert abs(found.distinct - seen) <= 0.03 * seen  # spelling variants
    released = OVERLAPS.answer(ASKED, found.patterns, lengths(names, found.patterns))
    wanted = exact(names, found.patterns)
    assert all(n is None or wanted[figure, of_] == n for figure, of_, n in released.rows)


def test_a_person_of_several_rows_is_one_record_with_all_her_keys() -> None:
    her = {"given_name": "Ani", "family_name": "Karen", "birth_date": "2001-02-03"}
    own = read(
        [her, {**her, "national_id": "77-1"}, {"region": VOCABULARY.levels("region")[0]}]
    )
    records = OVERLAPS.records(ASKED, own)
    assert len(records) == 2
    assert all(records[0]), "her three keys stand together"
    assert not any(records[1])


def test_keys_are_in_their_order_and_filters_select() -> None:
    asked = plan("overlaps", link=["sound_and_birth_year", "national_id"])
    assert OVERLAPS.keys(asked) == ("national_id", "sound_and_birth_year")
    uses = {each.column: each.use.value for each in OVERLAPS.uses(asked)}
    assert uses == dict.fromkeys(
        ("national_id", "given_name", "family_name", "birth_date"), "link-count"
    )
    first = VOCABULARY.levels("region")[0]
    some = plan(
        "overlaps", link=["national_id"], filters=[{"column": "region", "codes": [first]}]
    )
    own = lists()[0]
    assert 0 < len(OVERLAPS.records(some, own)) < len(OVERLAPS.records(asked, own))


@pytest.mark.parametrize(
    "members",
    [
        {"link": []},
        {"link": ["phone"]},
        {"link": ["national_id", "national_id"]},
        {"link": ["national_id"], "groups": [{"column": "region"}]},
        {"link": ["national_id"], "options": {"threshold": 1}},
        {"link": ["national_id"], "epsilon_milli": 5},
    ],
)
@pytest.mark.parametrize("question", [OVERLAPS, TOTAL])
def test_plans_that_compare_no_lists(question: Any, members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        question.check(plan(question.name, **members))


# --- totals -------------------------------------------------------------------------------


def total(**options: Any) -> Any:
    return plan("total", link=["national_id"], options=options)


def numbers(value: Any) -> set[int]:
    if isinstance(value, dict):
        return set().union(*map(numbers, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(numbers, value))
    return {value} if type(value) is int else set()


def test_models_leave_side_by_side_and_no_overlap_does() -> None:
    found = TOTAL.answer(total(), UK, UK_TOTALS)
    assert found.rows[0][:2] == ("independence", 13_444)
    assert [row[0] for row in found.rows][1] == "stepwise"
    document = result_document(found, plan="z", tag="t")  # refuses floats
    secret = set(exact(UK_LISTS, UK).values()) | set(UK.values()) | set(UK_TOTALS.values())
    spoken = numbers(document["rows"]) | numbers(document["extra"]["estimates"]["models"])
    assert not spoken & {n for n in secret if n > 20}  # limits of p-values are small numbers
    assert not any(isinstance(each, float) for each in spoken)


def test_pairs_are_named_by_letters_with_their_organisations_beside() -> None:
    found = TOTAL.answer(total(), UK, UK_TOTALS)
    assert found.extra["lists"] == dict(zip("ABCDE", UK_LISTS, strict=True))
    pairs = [
        each["pair"] for model in found.extra["estimates"]["models"] for each in model["pairs"]
    ]
    assert pairs
    assert all(set(pair) <= set("ABCDE.") for pair in pairs)


def test_too_few_people_are_refused() -> None:
    few: Patterns = {frozenset("a"): 20, frozenset("ab"): 19, frozenset("b"): 10}
    totals = lengths(("a", "b"), few)
    for way in (
        lambda: TOTAL.answer(total(), few, totals),
        lambda: TOTAL.evaluator_inputs(total(method="independence"), few, holders=2),
        lambda: TOTAL.answer(total(least_seen=3_000), UK, UK_TOTALS),
    ):
        with pytest.raises(Forbidden) as refused:
            way()
        assert refused.value.code == "too-few-seen"
        assert not any(sign.isdigit() for sign in refused.value.detail)


def independent(asked: Plan, totals: tuple[int, ...], patterns: Patterns) -> list[Inputs]:
    """What the holders and the evaluator bring to the circuit."""
    holders = len(totals)
    brought = [
        TOTAL.holder_inputs(asked, length, place=place, holders=holders)
        for place, length in enumerate(totals)
    ]
    return [*brought, TOTAL.evaluator_inputs(asked, patterns, holders=holders)]


def test_figures_of_different_runs_have_no_estimate() -> None:
    asked = total(method="independence")
    circuit = TOTAL.follow(asked, 3)
    assert circuit is not None
    few: Patterns = {frozenset("a"): 100, frozenset("b"): 60}
    values = opened(circuit.name, circuit.parameters, independent(asked, (300, 20, 20), few))
    with pytest.raises(VerificationError, match="do not belong"):
        TOTAL.release(asked, VOCABULARY, Opened(values, 3))


def test_under_independence_only_the_number_is_opened() -> None:
    asked = total(method="independence")
    circuit = TOTAL.follow(asked, len(UK_LISTS))
    assert circuit is not None
    assert TOTAL.opens_to_all(asked)
    assert TOTAL.follow(total(), 5) is None
    inputs = independent(asked, tuple(UK_TOTALS.values()), UK)
    values = opened(circuit.name, circuit.parameters, inputs)
    found = TOTAL.release(asked, VOCABULARY, Opened(values, len(UK_LISTS)))
    assert uk_five().seen == 2_744
    assert found.rows == (("independence", 13_444, None, None),)
    assert found.notes[0] == "no-interval"


def test_lists_without_overlap_have_no_estimate() -> None:
    asked = total(method="independence")
    apart: Patterns = {frozenset("a"): 100, frozenset("b"): 200, frozenset("c"): 50}
    circuit = TOTAL.follow(asked, 3)
    assert circuit is not None
    inputs = independent(asked, (100, 200, 50), apart)
    values = opened(circuit.name, circuit.parameters, inputs)
    found = TOTAL.release(asked, VOCABULARY, Opened(values, 3))
    assert found.rows == (("independence", None, None, None),)
    assert found.notes[0] == "no-estimate"


def test_a_list_longer_than_asked_about_is_refused() -> None:
    with pytest.raises(InvalidInput, match="larger than the plan"):
        TOTAL.holder_inputs(total(largest=1_000), 1_001, place=0, holders=3)


def test_who_has_no_key_is_left_out_of_an_estimate_and_counted_in_overlaps() -> None:
    """As people of one list alone the nameless doubled the number, and no model showed it."""
    rows = [{"national_id": f"A-{n}", "gender": "feminine"} for n in range(3)]
    rows += [{"given_name": "Ana", "family_name": "Ruiz", "gender": "feminine"}] * 2
    own = read(rows)
    assert len(OVERLAPS.records(plan("overlaps", link=["national_id"]), own)) == 5
    assert len(TOTAL.records(total(), own)) == 3
    everybody = frozenset("ab")
    found = OVERLAPS.answer(
        plan("overlaps", link=["national_id"]), {everybody: 50}, {"a": 50, "b": 50}
    )
    assert "nameless-counted" in found.notes


def test_what_no_model_can_see_is_said_beside_every_estimate() -> None:
    found = TOTAL.answer(total(), UK, UK_TOTALS)
    assert set(found.notes) == {
        "same-population",
        "matches-missed",
        "nameless-left-out",
        "interval-as-chosen",
    }
    form = TOTAL.describe(VOCABULARY)
    assert form.example["link"] == ["national_id", "name_and_birth_date"]
