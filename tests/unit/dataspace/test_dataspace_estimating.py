"""What holds for every table: nothing depends on the order of lists, no estimate is below those
seen, intervals hold their estimate, and a model without an estimate gives no number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from dataspace.estimating.decomposable import average, graphs
from dataspace.estimating.intervals import multinomial_interval, poisson_interval
from dataspace.estimating.loglinear import Fault, Fit, fitted
from dataspace.estimating.overlaps import Overlaps, overlaps
from dataspace.estimating.side_by_side import (
    FEWEST_SEEN,
    WORDS,
    Finding,
    Model,
    Row,
    estimates,
)
from dataspace.estimating.stepwise import (
    BHS_STRICT,
    bales_hesketh_silverman,
    cut_short,
    independence,
    stepwise,
)
from tests.support.mse import reordered, rows_for, table, tables, uk_five

FEW = settings(max_examples=15, deadline=None)
MANY = settings(max_examples=35, deadline=None)


def close(one: float, other: float) -> bool:
    return one == pytest.approx(other, rel=1e-6)


# --- models ---------------------------------------------------------------------------------


@MANY
@given(tables(), st.data())
def test_the_order_of_lists_changes_nothing(made: Overlaps, data: st.DataObject) -> None:
    other = reordered(made, tuple(data.draw(st.permutations(made.lists))))
    for model in (stepwise, bales_hesketh_silverman):
        one, two = model(made), model(other)
        assert [set(s.pair.split(".")) for s in one.steps] == [
            set(s.pair.split(".")) for s in two.steps
        ]
        if isinstance(one.fit, Fit):
            assert isinstance(two.fit, Fit)
            assert close(one.fit.total, two.fit.total)
        else:
            assert one.fit is two.fit
    assert average(made) == average(other)


@MANY
@given(tables())
def test_an_estimate_is_within_its_interval_and_not_below_those_seen(made: Overlaps) -> None:
    for found, interval in (
        (independence(made), poisson_interval),
        (stepwise(made).fit, poisson_interval),
        (bales_hesketh_silverman(made).fit, multinomial_interval),
    ):
        if isinstance(found, Fit):
            ends = interval(made, found)
            assert made.seen <= ends.low <= found.total
            assert ends.high is None or found.total <= ends.high
    middle = average(made)
    assert made.seen <= middle.low <= middle.median <= middle.high <= middle.largest


@MANY
@given(tables())
def test_a_pattern_of_nobody_may_be_named_or_not(made: Overlaps) -> None:
    """Counts of 0 that are named, and those that are not, are the same table."""
    named = {
        frozenset(n for n, on in zip(made.lists, row, strict=True) if on): int(count)
        for row, count in zip(made.patterns, made.counts, strict=True)
    }
    short = overlaps(made.lists, {each: n for each, n in named.items() if n})
    assert (short.counts == made.counts).all()
    one, two = stepwise(made), stepwise(short)
    assert one.steps == two.steps


@MANY
@given(tables())
def test_what_is_fitted_repeats_the_totals_of_every_list(made: Overlaps) -> None:
    """The likelihood's equations: expected and counted agree on every list and every pair."""
    found = stepwise(made).fit
    assume(isinstance(found, Fit))
    assert isinstance(found, Fit)
    counted = made.patterns.T @ made.counts
    assert made.patterns.T @ found.expected == pytest.approx(counted, rel=1e-5, abs=1e-5)
    for pair in found.pairs:
        expected = float((made.both(pair) * found.expected).sum())
        assert expected == pytest.approx(made.shared(pair), rel=1e-5, abs=1e-5)


@MANY
@given(tables(), st.sampled_from([0.0001, BHS_STRICT, 0.01]))
def test_a_search_that_is_cut_short_is_the_stricter_search(
    made: Overlaps, limit: float
) -> None:
    short = cut_short(made, bales_hesketh_silverman(made), limit)
    strict = bales_hesketh_silverman(made, limit)
    assert short.steps == strict.steps
    if isinstance(strict.fit, Fit):
        assert isinstance(short.fit, Fit)
        assert short.fit.total == strict.fit.total
    else:
        assert short.fit is strict.fit


def test_two_lists_are_the_textbook_case() -> None:
    """Lincoln 1930, Petersen 1896: the product of the totals by those on both."""
    found = independence(table(("A", "B"), {"A": 80, "B": 40, "A B": 20}))
    assert isinstance(found, Fit)
    assert found.total == pytest.approx(100 * 60 / 20)


@pytest.mark.parametrize(
    "counts",
    [{"A": 60, "B": 50}, {"A": 60, "B": 50, "C": 40}, {"A B": 90}, {"A": 70, "A B": 30}],
    ids=["no overlap", "none of three", "only both", "one list holds everybody"],
)
def test_where_there_is_no_estimate_no_model_invents_one(counts: dict[str, int]) -> None:
    lists = ("A", "B", "C") if "C" in counts else ("A", "B")
    made = table(lists, counts)
    assert independence(made) is Fault.DOES_NOT_EXIST
    assert stepwise(made).fit is Fault.DOES_NOT_EXIST
    assert bales_hesketh_silverman(made).fit is Fault.DOES_NOT_EXIST


def test_a_pair_with_which_there_is_no_estimate_is_left_out_and_named() -> None:
    """Nobody is on A and B, which matters; but without them nothing holds the number down."""
    made = table(("A", "B", "C"), {"A": 16, "B": 9, "A C": 25, "B C": 1})
    found = stepwise(made)
    assert isinstance(found.fit, Fit)
    assert found.passed_over == (("A.B", Fault.DOES_NOT_EXIST),)
    told = estimates(made)
    assert Finding.DOES_NOT_EXIST in told.findings
    assert "A.B" not in json.dumps(told.as_document())


# --- the Bayesian average ---------------------------------------------------------------------


@pytest.mark.parametrize(("lists", "expected"), [(2, 1), (3, 7), (4, 60), (5, 821)])
def test_every_decomposable_graph_but_the_saturated_one(lists: int, expected: int) -> None:
    """2, 8, 61 and 822 chordal graphs with names (OEIS A058862)."""
    assert len(graphs(lists)) == expected


@FEW
@given(tables(fewest=20, most_lists=3, most=20))
def test_a_grid_that_grows_says_what_every_number_says(made: Overlaps) -> None:
    each, grown = average(made, each_below=10**9), average(made, each_below=50)
    assert each.largest == grown.largest
    for one, other in zip(
        (each.low, each.median, each.high), (grown.low, grown.median, grown.high), strict=True
    ):
        assert one == pytest.approx(other, rel=0.005, abs=1)


def test_six_lists_are_too_many_for_it() -> None:
    six = table(tuple("ABCDEF"), {"A": 30, "B": 30, "A B": 5})
    with pytest.raises(InvalidInput, match="5 lists"):
        average(six)


# --- side by side -----------------------------------------------------------------------------


@FEW
@given(tables(fewest=FEWEST_SEEN))
def test_a_row_has_a_number_or_a_fault_and_never_both(made: Overlaps) -> None:
    found = estimates(made)
    assert [each.model for each in found.rows] == list(Model)
    for row in found.rows:
        shown = row.as_document()
        if row.fault:
            assert row.number is row.low is row.high is None
            assert shown["number"] is shown["low"] is shown["high"] is None
            assert shown["why"] == WORDS[row.fault]
        else:
            assert row.number is not None
            assert row.low is not None
            assert shown["low"] <= shown["number"]
            assert shown["high"] is None or shown["number"] <= shown["high"]


@FEW
@given(tables(fewest=FEWEST_SEEN))
def test_the_document_is_json_and_holds_whole_people_only(made: Overlaps) -> None:
    shown = estimates(made).as_document()
    assert json.loads(json.dumps(shown)) == shown
    for row in shown["models"]:
        assert all(
            row[end] is None or type(row[end]) is int for end in ("number", "low", "high")
        )
        assert {each["p_below"] for each in row["pairs"]} <= {0.001, 0.01, 0.02, 0.05, 1.0}


def test_a_table_does_not_print_its_counts() -> None:
    made = uk_five()
    for shown in (repr(made), repr(fitted(made)), str(made)):
        assert "995" not in shown
        assert "array" not in shown


def test_too_few_people_are_refused_without_saying_how_many() -> None:
    made = table(("A", "B"), {"A": 20, "B": 19, "A B": 8})
    with pytest.raises(InvalidInput, match=str(FEWEST_SEEN)) as refused:
        estimates(made)
    assert "47" not in refused.value.detail


def finding(made: Overlaps) -> set[Finding]:
    return set(estimates(made).findings)


SOUND = {"A": 300, "B": 300, "C": 300, "A B": 60, "A C": 60, "B C": 60, "A B C": 12}
TOO_LITTLE = {"A": 60, "B": 60, "C": 60}

TOLD: list[tuple[str, dict[str, int], Finding, bool]] = [
    ("sound", SOUND, Finding.SPARSE_PAIRS, False),
    ("sound", SOUND, Finding.MODELS_DISAGREE, False),
    ("sound", SOUND, Finding.NO_ESTIMATE, False),
    ("no overlap", TOO_LITTLE, Finding.NO_ESTIMATE, True),
    ("no overlap", TOO_LITTLE, Finding.SPARSE_PAIRS, True),
    ("one person in common", {**TOO_LITTLE, "A B": 1}, Finding.NEAR_THE_LARGEST, True),
]


@pytest.mark.parametrize(("name", "counts", "what", "told"), TOLD)
def test_a_reader_is_told(name: str, counts: dict[str, int], what: Finding, told: bool) -> None:
    assert (what in finding(table(("A", "B", "C"), counts))) is told, name


def test_the_united_kingdom_is_told_that_models_disagree() -> None:
    found = estimates(uk_five())
    assert Finding.MODELS_DISAGREE in found.findings
    assert found.spread == pytest.approx(22991 / 11313, rel=1e-3)
    assert found.sparse_pairs == 2


def test_more_than_five_lists_have_every_model_but_one() -> None:
    lists = tuple("ABCDEF")
    counts = {**SOUND, "D": 40, "E": 40, "F": 40, "A D": 8, "B E": 8, "C F": 8}
    found = estimates(table(lists, counts))
    missing = [each for each in found.rows if each.fault]
    assert missing == [Row(Model.BAYESIAN_AVERAGE, fault=Fault.TOO_MANY_LISTS)]
    assert found.row(Model.INDEPENDENCE).number is not None


# --- tables and people ------------------------------------------------------------------------

NO_TABLES: list[tuple[tuple[str, ...], dict[Any, Any]]] = [
    (("A",), {frozenset("A"): 60}),
    (("A", "A"), {frozenset("A"): 60}),
    (tuple("ABCDEFGHIJKLM"), {frozenset("A"): 60}),
    (("A", "B"), {frozenset("A"): -1}),
    (("A", "B"), {frozenset("A"): True}),
    (("A", "B"), {frozenset("A"): 1.5}),
    (("A", "B"), {frozenset("A"): 10**9 + 1}),
    (("A", "B"), {frozenset("C"): 1}),
    (("A", "B"), {frozenset(): 1}),
    (("A", "B"), {frozenset("A"): 0}),
    (("A", "B"), {}),
]


@pytest.mark.parametrize(("lists", "counts"), NO_TABLES)
def test_what_is_no_table_is_refused(lists: tuple[str, ...], counts: dict[Any, Any]) -> None:
    with pytest.raises(InvalidInput):
        overlaps(lists, counts)


def test_people_made_for_a_table_overlap_as_it_says() -> None:
    made = uk_five()
    on = {name: set(people) for name, people in rows_for(made).items()}
    assert len(set().union(*on.values())) == made.seen
    counted: dict[frozenset[str], int] = {}
    for person in set().union(*on.values()):
        pattern = frozenset(name for name, people in on.items() if person in people)
        counted[pattern] = counted.get(pattern, 0) + 1
    assert (overlaps(made.lists, counted).counts == made.counts).all()
