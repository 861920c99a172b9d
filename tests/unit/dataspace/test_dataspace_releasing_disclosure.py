"""No withheld number can be computed from what is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataspace.releasing.disclosure import Sums, possible, row, withheld, without_a_single_gap

cells = st.lists(st.one_of(st.integers(0, 30), st.just(0)), min_size=1, max_size=8)


def shown_to_an_attacker(values: Sequence[int], hidden: frozenset[int]) -> tuple[int, int]:
    """How much the withheld cells add up to, and how many they are: all that a total tells."""
    rest = sum(values) - sum(v for at, v in enumerate(values) if at not in hidden)
    return rest, len(hidden)


@settings(max_examples=50)
@given(cells, st.integers(2, 15))
def test_in_a_row_with_a_known_total_no_small_cell_is_narrowed_down(
    values: list[int], threshold: int
) -> None:
    hidden = withheld(row(values), threshold)
    assert {at for at, value in enumerate(values) if value < threshold} <= hidden
    if hidden:
        rest, many = shown_to_an_attacker(values, hidden)
        assert many >= 2 or len(values) == 1
        # each of them may be anything from 0 to this
        assert rest >= min(threshold - 1, sum(values))


@settings(max_examples=50)
@given(cells, st.integers(2, 15))
def test_no_more_is_withheld_than_has_to_be(values: list[int], threshold: int) -> None:
    """Each cell that is withheld for another's sake would narrow a small one if shown."""
    hidden = withheld(row(values), threshold)
    small = {at for at, value in enumerate(values) if value < threshold}
    rest, _ = shown_to_an_attacker(values, hidden)
    for at in hidden - small:
        left = hidden - {at}
        assert rest - values[at] < min(threshold - 1, sum(values)) or len(left) < 2
    if not small:
        assert hidden == frozenset()


@settings(max_examples=40)
@given(st.tuples(*[st.integers(0, 25)] * 3))
def test_bounds_are_those_of_trying_everything(values: tuple[int, int, int]) -> None:
    """Two sums over three atoms, against all whole numbers that fit."""
    atoms = np.array(values, np.int64)
    table = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]], np.int64)
    sums = Sums(table, np.zeros((0, 3), np.int64), atoms)
    everything = np.indices((51, 51, 51)).reshape(3, -1)
    fits = everything[:, (table[1:] @ everything == (table[1:] @ atoms)[:, None]).all(axis=0)]
    assert possible(sums, {0}, 0) == (fits[0].min(), fits[0].max())


def test_where_a_total_gives_it_away_nothing_more_can_be_done() -> None:
    assert withheld(row([3]), 11) == {0}
    assert withheld(row([0, 3, 2]), 11) == {0, 1, 2}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((None, 20, 15), (None, 20, None)),
        ((None, None, 15), (None, None, 15)),
        ((12, 20), (12, 20)),
        ((None,), (None,)),
        ((), ()),
    ],
)
def test_never_exactly_one_gap(
    before: tuple[int | None, ...], after: tuple[int | None, ...]
) -> None:
    assert without_a_single_gap(before) == after
