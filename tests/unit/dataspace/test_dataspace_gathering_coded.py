"""Tables of coded columns: equal to counting by hand, in a stated order."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import product

import numpy as np
import pytest
from dataspace_vocabulary_sample import bricks
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Forbidden, InvalidInput
from dataspace.gathering.coded import Between, CodedTable, Filter, coded_table
from dataspace.gathering.dimensions import (
    NO_DAY,
    NO_NUMBER,
    Bins,
    Codes,
    Days,
    Dimension,
    Periods,
    cell_names,
    day_number,
)
from dataspace.vocabulary.model import cases

FORMS = cases().levels("form_of_exploitation")
GENDERS = cases().levels("gender")
FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)

type Case = tuple[int, int, int, int, int]

days = st.one_of(
    st.just(NO_DAY), st.integers(day_number(date(2023, 10, 1)), day_number(LAST) + 9)
)
numbers = st.one_of(st.just(NO_NUMBER), st.integers(0, 100_000_000))
rows_of_cases = st.lists(
    st.tuples(
        st.integers(0, len(FORMS)),
        st.integers(0, len(GENDERS)),
        days,
        numbers,
        st.integers(-1, 4),
    ),
    max_size=60,
)


def table(rows: list[Case]) -> CodedTable:
    form, gender, day, cost, person = (
        (list(each) for each in zip(*rows, strict=True)) if rows else ([],) * 5
    )
    return coded_table(
        cases(),
        {
            "form_of_exploitation": np.array(form, np.uint8),
            "gender": np.array(gender, np.uint8),
            "registered_on": np.array(day, np.int32),
            "cost_amount": np.array(cost, np.int64),
        },
        np.array(person, np.int32),
    )


def level(codes: tuple[str, ...], place: int) -> str:
    return codes[place - 1] if place else "missing"


def quarter(day: int) -> str:
    if day == NO_DAY:
        return "missing"
    on = date.fromordinal(day + date(1970, 1, 1).toordinal())
    return f"{on.year}-Q{(on.month + 2) // 3}"


def named(dimensions: list[Dimension], cells: np.ndarray) -> Counter[tuple[str, ...]]:
    names = cell_names(dimensions, cases())
    return Counter({name: int(n) for name, n in zip(names, cells, strict=True) if n})


@given(rows_of_cases, st.booleans())
def test_a_table_is_what_counting_gives(rows: list[Case], with_missing: bool) -> None:
    dimensions: list[Dimension] = [
        Codes("form_of_exploitation", with_missing),
        Codes("gender"),
        Periods("registered_on", "quarter", FIRST, LAST, with_missing),
    ]
    expected = Counter(
        (level(FORMS, form), level(GENDERS, gender), quarter(day))
        for form, gender, day, _, _ in rows
    )
    possible = set(cell_names(dimensions, cases()))
    wanted = Counter({name: n for name, n in expected.items() if name in possible})
    assert named(dimensions, table(rows).tabulate(dimensions)) == wanted


@given(rows_of_cases)
def test_people_are_counted_once_in_a_cell(rows: list[Case]) -> None:
    made = table(rows)
    dimensions: list[Dimension] = [Codes("gender")]
    mask = made.mask([Filter("form_of_exploitation", frozenset(FORMS[:5]))])
    kept = [row for row in rows if 1 <= row[0] <= 5 and row[1]]
    expected = Counter((level(GENDERS, gender),) for gender in
        [g for g, _ in {(row[1], row[4]) for row in kept if row[4] >= 0}]
        + [row[1] for row in kept if row[4] < 0])  # fmt: skip
    cells = made.tabulate(dimensions, mask, distinct_people=True)
    assert named(dimensions, cells) == expected


@given(rows_of_cases, st.sets(st.integers(1, 10**8), min_size=1, max_size=4))
def test_bins_and_sums_are_what_adding_gives(rows: list[Case], cuts: set[int]) -> None:
    made, cut = table(rows), tuple(sorted(cuts))
    bins = Bins("cost_amount", cut, with_missing=True)
    counts = made.tabulate([bins])
    inside = [sum(n >= each for each in cut) for *_, n, _ in rows if n != NO_NUMBER]
    assert [int(n) for n in counts[:-1]] == [inside.count(at) for at in range(len(cut) + 1)]
    assert counts[-1] == len(rows) - len(inside)
    rows_of, total = made.sums("cost_amount", [Codes("gender")])
    for place in range(1, len(GENDERS) + 1):
        known = [n for _, g, _, n, _ in rows if g == place and n != NO_NUMBER]
        assert (rows_of[place - 1], total[place - 1]) == (len(known), sum(known))


def test_cells_are_in_the_order_of_lists_and_the_last_dimension_runs_fastest() -> None:
    made = table([(1, 2, day_number(date(2024, 5, 1)), 5, 0)])
    cells = made.tabulate([Codes("form_of_exploitation"), Codes("gender")])
    assert cells.shape == (len(FORMS) * len(GENDERS),)
    assert list(np.flatnonzero(cells)) == [1]
    assert list(cell_names([Codes("form_of_exploitation"), Codes("gender")], cases())) == list(
        product(FORMS, GENDERS)
    )
    assert cells.dtype == np.int64
    assert list(made.tabulate([])) == [1]


@pytest.mark.parametrize(
    ("per", "first", "last", "names"),
    [
        ("year", date(2024, 6, 1), date(2026, 1, 1), ("2024", "2025", "2026")),
        ("quarter", date(2024, 12, 31), date(2025, 4, 1), ("2024-Q4", "2025-Q1", "2025-Q2")),
        ("month", date(2024, 12, 1), date(2025, 1, 31), ("2024-12", "2025-01")),
        ("month", date(2024, 2, 29), date(2024, 2, 29), ("2024-02",)),
    ],
)
def test_periods_are_whole_calendar_periods(
    per: str, first: date, last: date, names: tuple[str, ...]
) -> None:
    periods = Periods("registered_on", per, first, last)  # type: ignore[arg-type] # from a table
    assert periods.names(cases()) == names
    on = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 2, 29), date(2025, 1, 31)]
    made = table([(1, 1, day_number(day), 0, 0) for day in on])
    inside = sum(any(_in(name, day) for name in names) for day in on)
    assert made.tabulate([periods]).sum() == inside


def _in(name: str, day: date) -> bool:
    forms = f"{day:%Y}", f"{day:%Y}-Q{(day.month + 2) // 3}", f"{day:%Y-%m}"
    return name in forms


def test_days_between_two_dates_are_a_number() -> None:
    made = coded_table(
        cases(),
        {
            "referred_on": np.array([20_000, 20_000, NO_DAY, 20_010], np.int32),
            "served_on": np.array([20_003, NO_DAY, 20_001, 20_000], np.int32),
        },
    )
    took = Days("referred_on", "served_on")
    assert [int(n) for part in made.sums(took, []) for n in part] == [2, -7]
    assert list(made.tabulate([Bins(took, (0, 7), with_missing=True)])) == [1, 1, 0, 2]


def test_filters_and_ranges() -> None:
    made = table([(1, 1, NO_DAY, 5, -1), (2, 1, 19_900, 7, -1), (3, 2, 19_901, NO_NUMBER, -1)])
    assert made.mask([]) is None
    for filters, kept in [
        ([Filter("gender", frozenset({GENDERS[0]}))], [True, True, False]),
        ([Filter("gender", frozenset())], [False] * 3),
        ([Between("registered_on", -(2**40), 19_900)], [False, True, False]),
        ([Between("cost_amount", 6, 10)], [False, True, False]),
    ]:
        mask = made.mask(filters)
        assert mask is not None
        assert list(mask) == kept


_PAIRS = [(1, 1), (2, 2), (0, 1), (2, 1)]


def test_a_regression_gets_codes_against_a_base_level() -> None:
    made = table(
        [(1, 1, NO_DAY, 1, 0), (2, 2, NO_DAY, 1, 0), (0, 1, NO_DAY, 1, 0), (2, 1, NO_DAY, 1, 0)]
    )
    design = made.design(["form_of_exploitation"], {"form_of_exploitation": FORMS[1]})
    assert design.names[0] == f"form_of_exploitation={FORMS[0]}"
    assert design.values.shape == (3, len(FORMS) - 1)
    assert design.values[:, 0].tolist() == [1, 0, 0]
    assert design.kept.tolist() == [True, True, False, True]
    assert made.design([]).values.shape == (4, 0)
    both = made.design(["gender", "form_of_exploitation"], mask=np.array([1, 1, 1, 0], bool))
    assert both.values.sum(axis=1).tolist() == [0, 2]
    with pytest.raises(InvalidInput):
        made.design(["gender", "gender"])
    with pytest.raises(InvalidInput):
        made.design(["gender"], {"gender": "nowhere"})


def test_personal_and_local_columns_are_never_told() -> None:
    kilns = coded_table(
        bricks(), {"olaria": np.array([1, 2], np.uint8), "horas": np.array([40, 90], np.int64)}
    )
    assert list(kilns.tabulate([Codes("olaria")])) == [1, 1]
    for asked in (
        lambda: kilns.tabulate([Bins("horas", (50,))]),
        lambda: kilns.mask([Between("horas", 0, 50)]),
        lambda: kilns.sums("horas", []),
        lambda: kilns.tabulate([Codes("crenca")]),
        lambda: kilns.mask([Filter("crenca", frozenset({"fixa"}))]),
        lambda: kilns.design(["crenca"]),
    ):
        with pytest.raises(Forbidden):
            asked()
    with pytest.raises(InvalidInput, match="personal"):
        coded_table(bricks(), {"crenca": np.array([1], np.uint8)})
    assert "40" not in repr(kilns)


@pytest.mark.parametrize(
    "columns",
    [
        {"gender": np.array([1, 9], np.uint8)},
        {"gender": np.array([1, 2], np.int64)},
        {"gender": np.array([[1], [2]], np.uint8)},
        {"gender": np.array([1], np.uint8), "sector": np.array([1, 2], np.uint8)},
        {"registered_on": np.array([0], np.int32)},
        {"cost_amount": np.array([-1], np.int64)},
        {"birth_date": np.array([1], np.int32)},
        {"national_id": np.array([1], np.int64)},
        {"nowhere": np.array([1], np.int64)},
    ],
)
def test_columns_that_are_not_what_they_say_are_refused(columns: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidInput):
        coded_table(cases(), columns)


def test_questions_that_cannot_be_meant_are_refused() -> None:
    made = table([(1, 1, NO_DAY, 5, -1)])
    for ask in (
        lambda: made.tabulate([Codes("registered_on")]),
        lambda: made.tabulate([Periods("gender", "year", FIRST, LAST)]),
        lambda: made.tabulate([Codes("sector")]),
        lambda: made.tabulate([Bins("gender", (1,))]),
        lambda: made.tabulate([Codes("form_of_exploitation")] * 6),
        lambda: made.sums("gender", []),
        lambda: made.mask([Filter("gender", frozenset({"nowhere"}))]),
        lambda: made.mask([Between("gender", 0, 1)]),
        lambda: Periods("registered_on", "year", LAST, FIRST),
        lambda: Periods("registered_on", "week", FIRST, LAST),  # type: ignore[arg-type] # meant
        lambda: Bins("cost_amount", ()),
        lambda: Bins("cost_amount", (2, 1)),
    ):
        with pytest.raises(InvalidInput):
            ask()
    with pytest.raises(ValueError, match="read-only"):
        made.columns["gender"][0] = 2


def test_sums_of_the_largest_numbers_are_exact() -> None:
    high = cases().columns["cost_amount"].high
    made = coded_table(cases(), {"cost_amount": np.full(100_001, high, np.int64)})
    assert made.sums("cost_amount", []).total[0] == high * 100_001
