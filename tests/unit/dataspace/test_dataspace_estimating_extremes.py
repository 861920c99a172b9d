"""Tables that tell no number give none, and those of whom all were seen do not fail."""

from __future__ import annotations

import pytest

from dataspace.estimating.overlaps import Overlaps, overlaps
from dataspace.estimating.side_by_side import Finding, Model, estimates


def table(lists: str, counts: dict[str, int]) -> Overlaps:
    return overlaps(tuple(lists), {frozenset(way): count for way, count in counts.items()})


@pytest.mark.parametrize(
    ("lists", "counts"),
    [
        ("ABC", {"A": 50, "B": 40, "C": 30}),  # nobody is on two lists
        ("ABC", {"A": 50, "B": 40, "AB": 30}),  # an empty list
        ("ABC", {"A": 50, "AB": 40, "AC": 30}),  # one holds everybody
        ("ABC", {"A": 50, "AB": 40, "ABC": 30}),  # each holds the next
        ("ABC", {"ABC": 100}),
        ("AB", {"A": 50, "AB": 50}),
        ("ABCDE", {"ABCDE": 50, "A": 1}),
    ],
)
def test_no_model_has_a_number_where_the_data_have_none(
    lists: str, counts: dict[str, int]
) -> None:
    """The Bayesian average had one: the prior's, with those seen as its lower end."""
    found = estimates(table(lists, counts))
    assert all(row.number is None and row.low is None and row.fault for row in found.rows)
    assert Finding.NO_ESTIMATE in found.findings
    assert found.spread is None


@pytest.mark.parametrize("everywhere", [1_000, 10_000, 100_000, 1_000_000])
def test_where_everybody_was_seen_the_number_is_that(everywhere: int) -> None:
    """The interval's search ended in an error of its own, from some ten thousand people on."""
    made = table("ABC", {"ABC": everywhere, "AB": 1, "BC": 1, "AC": 1})
    for row in estimates(made).rows:
        if row.model is not Model.BAYESIAN_AVERAGE:
            assert row.number == pytest.approx(made.seen, abs=0.5)
            assert row.low is not None
            assert row.high is not None
            assert made.seen <= row.low <= row.high < made.seen + 5


@pytest.mark.parametrize(
    "counts",
    [
        {
            "E": 2992, "D": 2993, "DE": 57, "CD": 1, "B": 1, "BE": 774, "BDE": 16, "BC": 734,
            "A": 3022, "AE": 785, "ADE": 1, "AC": 1, "ACDE": 3, "ABD": 189,
        },
        {
            "E": 2952, "D": 3044, "DE": 4, "C": 1, "BD": 3, "BC": 747, "BCD": 183, "BCDE": 44,
            "AD": 3, "AC": 67, "ACD": 1, "AB": 2, "ABD": 1,
        },
    ],
)  # fmt: skip
def test_a_number_lies_within_its_own_interval(counts: dict[str, int]) -> None:
    """People stood in cells of which e**-30 were expected; what was fewer was cut off there."""
    table = overlaps(tuple("ABCDE"), {frozenset(way): count for way, count in counts.items()})
    for row in estimates(table).rows:
        if row.number is not None:
            assert row.low is not None
            assert row.low <= row.number <= (row.high or row.number)
    assert estimates(table).row(Model.BALES_HESKETH_SILVERMAN).number is not None
