"""A filter on what another table is broken down by is a row of that table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataspace.gating.differencing import (
    ABSENT,
    Answer,
    Mask,
    Versions,
    difference_code,
    few_in_a_cell,
)
from dataspace.planning.plan import Filter, Grouping
from dataspace.releasing.disclosure import without_a_single_gap

K = 11
COUNT = 80
NEVER = 2**62
OF = Versions(np.arange(COUNT), np.full(COUNT, 1), np.full(COUNT, NEVER))
# the North: 30 adults and 4 children; the South: 26 and 20
NORTH = np.arange(COUNT) < 34
CHILD = ((np.arange(COUNT) >= 30) & NORTH) | (np.arange(COUNT) >= 60)
EVERYBODY = np.ones(COUNT, np.bool_)

REGION, AGE, SEX = (Grouping(column=name) for name in ("region", "age_group", "gender"))
YEARS, MONTHS = (Grouping(column="registered_on", period=each) for each in ("year", "month"))
IN_NORTH = Filter(column="region", codes=("north",))
IN_SOME = Filter(column="region", codes=("north", "south"))
ADULTS = Filter(column="age_group", codes=("adult",))
SPRING = Filter(column="registered_on", first="2025-03-01", last="2025-05-31")
OPEN = Filter(column="case_status", codes=("open",))


def answer(
    selected: Mask, groups: tuple[Grouping, ...] = (), *filters: Filter, **changed: Any
) -> Answer:
    usual = {"threshold": K, "noisy": False, "is_table": True, "filters": filters}
    return Answer(selected, frozenset(groups), **{**usual, **changed})


CROSS = answer(EVERYBODY, (REGION, AGE))


def test_a_filter_gives_away_the_hidden_cell_of_a_table() -> None:
    """Region by age hides the 4 children of the North and shows its 30 adults. How many are in
    the North at all is 34; the selections differ in 46 cases, and 34 - 30 is 4."""
    north = answer(NORTH, (), IN_NORTH)
    assert difference_code(north, [CROSS], OF) == "differencing-margins"
    assert difference_code(CROSS, [north], OF) == "differencing-margins"


@pytest.mark.parametrize(
    ("whole", "part", "filters", "refused"),
    [
        ((REGION, AGE), (SEX,), (IN_NORTH,), True),  # its total is the row's
        ((REGION, AGE), (AGE, SEX), (IN_NORTH,), True),  # its sums are the row's cells
        ((REGION, AGE), (AGE,), (IN_NORTH,), False),  # the row itself
        ((REGION, AGE), (AGE,), (IN_SOME,), True),  # two rows added up
        ((REGION, AGE), (REGION, AGE), (IN_SOME,), False),
        ((REGION, AGE), (), (IN_NORTH, ADULTS), False),  # one cell
        ((REGION, AGE), (SEX,), (IN_NORTH, ADULTS), False),  # within one cell
        ((REGION,), (), (IN_SOME,), True),
        ((REGION,), (SEX,), (IN_SOME,), True),
        ((MONTHS,), (), (SPRING,), True),  # three months of twelve
        ((MONTHS,), (MONTHS,), (SPRING,), False),
        ((MONTHS,), (YEARS,), (SPRING,), True),
        ((REGION, AGE), (), (OPEN,), False),  # no row of that table
        ((REGION, AGE), (), (IN_NORTH, OPEN), False),
    ],
)
def test_which_slices_add_up(
    whole: tuple[Grouping, ...],
    part: tuple[Grouping, ...],
    filters: tuple[Filter, ...],
    refused: bool,
) -> None:
    table, slice_ = answer(EVERYBODY, whole), answer(NORTH, part, *filters)
    wanted = "differencing-margins" if refused else None
    assert difference_code(slice_, [table], OF) == wanted
    assert difference_code(table, [slice_], OF) == wanted


def test_noise_other_people_and_other_answers_are_no_slice() -> None:
    assert difference_code(answer(NORTH, (), IN_NORTH, noisy=True), [CROSS], OF) is None
    assert difference_code(answer(NORTH, (), IN_NORTH, is_table=False), [CROSS], OF) is None
    of_others = answer(~NORTH, (REGION, AGE))
    assert difference_code(answer(NORTH, (), IN_NORTH), [of_others], OF) is None


def test_a_filter_that_both_have_is_no_slice() -> None:
    table = answer(EVERYBODY, (REGION, AGE), IN_SOME)
    assert difference_code(answer(NORTH, (SEX,), IN_SOME), [table], OF) is None


# --- cells --------------------------------------------------------------------------------


def _of_it(*children: int) -> Mask:
    """Twelve of one nationality, so many of them children."""
    of_it = np.zeros(COUNT, np.bool_)
    of_it[: 12 - len(children)] = True
    of_it[list(children)] = True
    return of_it


def test_a_difference_in_one_cell_is_refused() -> None:
    """All by age, and all without one nationality by age: twelve are of it, one of them a
    child, and the cells for children differ by one."""
    of_it, levels = _of_it(79), {AGE: CHILD.astype(np.int64) + 1}
    assert int((CHILD & of_it).sum()) == 1
    without = answer(~of_it, (AGE,), Filter(column="nationality", codes=("a", "b")))
    for new, before in (
        (without, answer(EVERYBODY, (AGE,))),
        (answer(EVERYBODY, (AGE,)), without),
    ):
        assert difference_code(new, [before], OF, levels) == "differencing-cells"
        noisy = replace(new, noisy=True)
        assert difference_code(noisy, [before], OF, levels) is None


def test_cells_that_differ_in_none_or_enough_or_share_nobody_are_held() -> None:
    levels = {AGE: CHILD.astype(np.int64) + 1, REGION: (~NORTH).astype(np.int64) + 1}
    everybody = answer(EVERYBODY, (AGE,))
    assert difference_code(answer(~_of_it(), (AGE,), OPEN), [everybody], OF, levels) is None
    # the South alone by region: its cell is the same, and nobody is in the North's of both
    south = answer(~NORTH, (REGION,), Filter(column="region", codes=("south",)))
    assert difference_code(south, [answer(EVERYBODY, (REGION,))], OF, levels) is None


def test_what_an_import_changed_is_not_a_cell() -> None:
    """Eleven new cases, one of them a child: else no table could ever be repeated."""
    more = Versions(np.arange(91), np.array([1] * COUNT + [2] * 11), np.full(91, NEVER))
    ages = np.concatenate((CHILD.astype(np.int64) + 1, [1] * 10 + [2]))
    now = answer(np.ones(91, np.bool_), (AGE,))
    assert difference_code(now, [answer(EVERYBODY, (AGE,))], more, {AGE: ages}) is None


def test_a_row_version_that_is_not_there_any_more_is_in_no_cell() -> None:
    ages = np.where(CHILD, ABSENT, 1)
    without = answer(~_of_it(79), (AGE,), OPEN)
    assert difference_code(without, [answer(EVERYBODY, (AGE,))], OF, {AGE: ages}) is None


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.booleans(), st.booleans())),
    st.integers(2, 4),
)
def test_cells_are_compared_as_sets_of_cases(
    rows: list[tuple[int, int, bool, bool]], k: int
) -> None:
    """Rows of (case, level, taken by the first, taken by the second)."""
    of = Versions(
        np.array([row[0] for row in rows], np.int64),
        np.ones(len(rows), np.int64),
        np.full(len(rows), NEVER),
    )
    levels = {AGE: np.array([row[1] for row in rows], np.int64)}
    one, other = (
        answer(np.array([row[at] for row in rows], np.bool_), (AGE,), threshold=k)
        for at in (2, 3)
    )
    refused = False
    for level in (1, 2):
        here = [row for row in rows if row[1] == level]
        few = len({case for case, _, first, second in here if first != second})
        refused |= 0 < few < k and any(first and second for _, _, first, second in here)
    assert few_in_a_cell(one, other, of, levels) is refused


# --- what is not seen ---------------------------------------------------------------------


def test_what_several_hidden_cells_have_together_is_not_seen() -> None:
    """By region, four in the South and none in the East are hidden; by age all 80 are shown. So
    the two have four together. Said in the module and in the documents."""
    by_region, by_age = answer(EVERYBODY, (REGION,)), answer(EVERYBODY, (AGE,))
    assert without_a_single_gap([76, None, None]) == (76, None, None)
    assert difference_code(by_age, [by_region], OF) is None
