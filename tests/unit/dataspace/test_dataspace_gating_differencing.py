"""Two answers held against each other: worked examples of what is refused, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from dataspace.gating.differencing import (
    CODES,
    Answer,
    Mask,
    Versions,
    difference_code,
    differing,
    margins_cross,
    too_close,
)
from dataspace.planning.plan import Grouping

NEVER = 2**62
REGION = frozenset({Grouping(column="region")})
AGE = frozenset({Grouping(column="age_group")})
BOTH = REGION | AGE
YEARS = frozenset({Grouping(column="registered_on", period="year")})
MONTHS = frozenset({Grouping(column="registered_on", period="month")})
K = 11


def versions(count: int, *, since: dict[int, int] | None = None) -> Versions:
    """`count` cases of import 1, except those that `since` says."""
    began = [(since or {}).get(n, 1) for n in range(count)]
    return Versions(np.arange(count), np.array(began), np.full(count, NEVER))


def answer(
    selected: Mask,
    groups: frozenset[Grouping] = REGION,
    *,
    noisy: bool = False,
    k: int = K,
    table: bool = True,
) -> Answer:
    return Answer(selected, groups, k, noisy, table)


def mask(count: int, *left_out: int) -> Mask:
    selected = np.ones(count, dtype=np.bool_)
    selected[list(left_out)] = False
    return selected


# --- rule 1 -------------------------------------------------------------------------------


def test_two_plans_that_differ_in_one_person() -> None:
    """Everybody, and everybody but one nationality of which there is one person here: the
    second table minus the first is that person's row."""
    of = versions(40)
    everybody, all_but_one = answer(mask(40)), answer(mask(40, 17))
    assert difference_code(all_but_one, [everybody], of) == "differencing-few"
    assert difference_code(everybody, [all_but_one], of) == "differencing-few"
    assert difference_code(everybody, [everybody], of) is None


def test_a_table_today_and_tomorrow_with_one_new_person() -> None:
    """The same plan after an import: what it selects now and what it selected then."""
    of = versions(41, since={40: 2})
    today, tomorrow = answer(of.at(1)), answer(of.at(2))
    assert differing(today.selected, tomorrow.selected, of) == 1
    assert difference_code(tomorrow, [today], of) == "differencing-few"


def test_enough_new_people_are_no_difference_of_a_few() -> None:
    of = versions(51, since=dict.fromkeys(range(40, 51), 2))
    assert difference_code(answer(of.at(2)), [answer(of.at(1))], of) is None


def test_a_selection_kept_before_later_rows_came() -> None:
    of = versions(41, since={40: 2})
    assert too_close(answer(of.at(2)), answer(mask(40)), of)
    with pytest.raises(InvalidInput):
        differing(mask(42), mask(41), of)


def test_a_case_that_changed_is_one_case() -> None:
    """Import 2 brought 6 cases anew: 12 versions differ, and still only 6 people."""
    cases = np.concatenate([np.arange(40), np.arange(6)])
    since = np.concatenate([np.full(40, 1), np.full(6, 2)])
    until = np.concatenate([np.full(6, 2), np.full(40, NEVER)])
    of = Versions(cases, since, until)
    assert int((of.at(1) ^ of.at(2)).sum()) == 12
    assert differing(of.at(1), of.at(2), of) == 6
    assert difference_code(answer(of.at(2)), [answer(of.at(1))], of) == "differencing-few"


def test_the_higher_threshold_counts() -> None:
    of = versions(40)
    one, other = mask(40), mask(40, *range(15))
    assert difference_code(answer(one), [answer(other)], of) is None
    assert difference_code(answer(one, k=20), [answer(other)], of) == "differencing-few"
    assert difference_code(answer(one), [answer(other, k=20)], of) == "differencing-few"


def test_noise_is_no_excuse_for_a_few() -> None:
    of = versions(40)
    one, other = answer(mask(40), noisy=True), answer(mask(40, 3), noisy=True)
    assert difference_code(one, [other], of) == "differencing-few"


def test_every_earlier_answer_counts() -> None:
    of = versions(60)
    far = [answer(mask(60, *range(n, n + 20))) for n in (0, 20)]
    assert difference_code(answer(mask(60)), far, of) is None
    near = answer(mask(60, 59))
    assert difference_code(answer(mask(60)), [*far, near], of) == "differencing-few"


# --- rule 2 -------------------------------------------------------------------------------


def test_a_region_table_then_a_region_by_age_table() -> None:
    """North has 30 adults and 4 children. The cross-table hides the 4; the region table says
    34, and 34 - 30 is 4. The other way round it is the same."""
    of = versions(40)
    regions, cross = answer(mask(40)), answer(mask(40), BOTH)
    assert difference_code(cross, [regions], of) == "differencing-margins"
    assert difference_code(regions, [cross], of) == "differencing-margins"


@pytest.mark.parametrize(
    ("one", "other", "crosses"),
    [
        (REGION, BOTH, True),
        (AGE, BOTH, True),
        (YEARS, MONTHS, True),
        (frozenset[Grouping](), REGION, True),  # a bare total is every table's sum
        (REGION, REGION, False),
        (BOTH, BOTH, False),
        (REGION, AGE, False),  # not seen here: they share their grand total alone
    ],
)
def test_which_groupings_add_up_to_each_other(
    one: frozenset[Grouping], other: frozenset[Grouping], crosses: bool
) -> None:
    of = versions(40)
    assert margins_cross(answer(mask(40), one), answer(mask(40), other), of) is crosses
    assert margins_cross(answer(mask(40), other), answer(mask(40), one), of) is crosses


def test_margins_with_noise_or_of_other_people_are_no_margins() -> None:
    of = versions(40)
    regions, cross = answer(mask(40)), answer(mask(40), BOTH)
    assert not margins_cross(answer(mask(40), noisy=True), cross, of)
    assert not margins_cross(regions, answer(mask(40), BOTH, noisy=True), of)
    assert not margins_cross(regions, answer(mask(40, *range(K)), BOTH), of)
    assert not margins_cross(regions, answer(mask(40), BOTH, table=False), of)
    nobody = np.zeros(40, dtype=np.bool_)
    assert not margins_cross(answer(nobody), answer(nobody, BOTH), of)


# --- what is not seen ---------------------------------------------------------------------


def test_three_answers_together_are_not_seen() -> None:
    """Halves, and the whole with one person more: each pair differs in many. Said in the
    module and in the documents; this test is here so that nobody believes otherwise."""
    of = versions(41)
    first, second = mask(41, *range(20, 41)), mask(41, *range(20), 40)
    assert difference_code(answer(mask(41)), [answer(first), answer(second)], of) is None


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), max_size=40),
    st.integers(2, 6),
)
def test_rule_one_is_what_it_says(rows: list[tuple[int, bool, bool]], k: int) -> None:
    cases = np.array([case for case, _, _ in rows], dtype=np.int64)
    one = np.array([a for _, a, _ in rows], dtype=np.bool_)
    other = np.array([b for _, _, b in rows], dtype=np.bool_)
    of = Versions(cases, np.ones_like(cases), np.full_like(cases, NEVER))
    expected = {case for case, a, b in rows if a != b}
    assert differing(one, other, of) == len(expected)
    assert too_close(answer(one, k=k), answer(other, k=k), of) is (0 < len(expected) < k)


def test_nothing_of_the_rows_is_shown() -> None:
    of = versions(40)
    assert "array" not in repr(of)
    assert "array" not in repr(answer(mask(40)))
    assert set(CODES) == {"differencing-few", "differencing-margins", "differencing-cells"}
