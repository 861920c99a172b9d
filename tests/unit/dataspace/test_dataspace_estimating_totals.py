"""The independence estimate from totals alone is that of the whole table."""

from __future__ import annotations

from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from dataspace.estimating.loglinear import Fault, Fit
from dataspace.estimating.overlaps import Overlaps
from dataspace.estimating.stepwise import independence
from dataspace.estimating.totals import independence_floor, independence_from_totals
from tests.support.mse import tables, uk_five

MOST = 10**7


def totals(made: Overlaps) -> list[int]:
    return [int(each) for each in made.patterns.T @ made.counts]


def test_the_united_kingdom_in_whole_numbers() -> None:
    made = uk_five()
    assert independence_from_totals(totals(made), made.seen) == pytest.approx(13444.131209)
    assert independence_floor(totals(made), made.seen, MOST) == 13444


@settings(max_examples=80, deadline=None)
@given(tables())
def test_totals_say_what_the_whole_table_says(made: Overlaps) -> None:
    fitted = independence(made)
    found = independence_from_totals(totals(made), made.seen)
    if isinstance(fitted, Fit):
        assert isinstance(found, float)
        assert found == pytest.approx(fitted.total, rel=1e-6)
    else:
        assert found is fitted


@settings(max_examples=80, deadline=None)
@given(tables())
def test_whole_numbers_are_the_estimate_rounded_down(made: Overlaps) -> None:
    found = independence_from_totals(totals(made), made.seen)
    whole = independence_floor(totals(made), made.seen, MOST)
    if isinstance(found, float):
        assert whole in {floor(found - 1e-6), floor(found + 1e-6)}
    assert made.seen <= whole <= MOST


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_of_two_lists_it_is_their_product_by_those_on_both(a: int, b: int, both: int) -> None:
    both = min(a, b, both)
    most = 10**13
    found = independence_floor([a, b], a + b - both, most)
    assert found == (most if both in {0, a, b} else a * b // both)


NOBODY_ON_TWO = ([30, 40, 50], 120)
AN_EMPTY_LIST = ([30, 40, 0], 60)
ALL_ON_ONE = ([60, 40, 10], 60)


@pytest.mark.parametrize("lists", [NOBODY_ON_TWO, AN_EMPTY_LIST, ALL_ON_ONE])
def test_without_an_estimate_there_is_a_reason(lists: tuple[list[int], int]) -> None:
    assert independence_from_totals(*lists) is Fault.DOES_NOT_EXIST
    assert independence_floor(*lists, 1000) == 1000


def test_the_largest_stands_for_whatever_is_beyond() -> None:
    assert independence_floor(*NOBODY_ON_TWO, 1000) == 1000
    assert independence_floor([300, 300], 599, 50_000) == 50_000


@pytest.mark.parametrize(
    ("lists", "distinct"),
    [
        ([30], 30),
        ([5] * 13, 40),
        ([30, 40], 71),
        ([30, 40], 39),
        ([0, 0], 0),
        ([-1, 40], 40),
        ([30.0, 40], 60),
        ([True, 40], 40),
    ],
)
def test_totals_that_no_lists_have_are_refused(lists: list[int], distinct: int) -> None:
    with pytest.raises(InvalidInput):
        independence_from_totals(lists, distinct)
    with pytest.raises(InvalidInput):
        independence_floor(lists, distinct, MOST)


def test_the_largest_is_not_below_those_seen() -> None:
    with pytest.raises(InvalidInput):
        independence_floor([30, 40], 60, 59)
