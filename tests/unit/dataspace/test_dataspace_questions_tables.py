"""Counts, trends and key figures: the way through the circuit is what plain counting gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from questions_world import VOCABULARY, Row, every_row, lists, no_noise, plan, read, run

from core.errors import InvalidInput
from dataspace.gathering.made_up import coded_sample
from dataspace.questions.counts import QUESTION as COUNTS
from dataspace.questions.outcomes import INDICATORS, LONGEST_WAIT
from dataspace.questions.outcomes import QUESTION as OUTCOMES
from dataspace.questions.tables import MOST_CELLS, at_most_rows_each
from dataspace.questions.trends import QUESTION as TRENDS

YEAR = {"column": "registered_on", "first": "2024-01-01", "last": "2025-12-31"}


def grouped(*columns: str) -> list[dict[str, Any]]:
    return [{"column": each} for each in columns]


def plain_cells(
    columns: list[str], keep: Callable[[Row], bool] = lambda _: True
) -> Counter[Any]:
    """(levels) -> cases, and the organisations that have one, by counting rows."""
    counts: Counter[Any] = Counter()
    who: dict[Any, set[int]] = {}
    for place, row in every_row():
        levels = tuple(row.get(each, "") for each in columns)
        if all(levels) and keep(row):
            counts[levels] += 1
            who.setdefault(levels, set()).add(place)
    return Counter({at: n for at, n in counts.items() if n >= 11 and len(who[at]) >= 2})


@pytest.mark.parametrize(
    "columns",
    [["region"], ["age_group", "gender"], ["form_of_exploitation", "region", "gender"]],
)
def test_counts_are_what_counting_gives(columns: list[str]) -> None:
    found = run(COUNTS, plan("counts", groups=grouped(*columns)))
    shown = {row[:-1]: row[-1] for row in found.rows if row[-1] is not None}
    assert shown == dict(plain_cells(columns))
    assert found.columns == (*columns, "cases")
    assert found.suppressed == len(found.rows) - len(shown)


def test_counts_of_one_figure_and_of_filtered_cases() -> None:
    found = run(COUNTS, plan("counts", filters=[{"column": "gender", "codes": ["feminine"]}]))
    wanted = sum(row.get("gender") == "feminine" for _, row in every_row())
    assert found.rows == ((wanted,),)


def test_people_are_counted_once_in_each_organisation() -> None:
    asked = plan("counts", options={"counted": "people"})
    nobody = sum(int((each.table.persons < 0).sum()) for each in lists())
    people = sum(len({p for p in each.table.persons if p >= 0}) for each in lists())
    found = run(COUNTS, asked)
    assert found.columns == ("people",)
    assert found.rows == ((people + nobody,),)
    assert found.notes == ("people-in-each",)


def test_a_level_for_missing_values() -> None:
    with_them = run(COUNTS, plan("counts", groups=grouped("outcome"), options={"missing": 1}))
    wanted = sum(not row.get("outcome") for _, row in every_row())
    assert dict(with_them.rows)["missing"] == (wanted if wanted >= 11 else None)


def test_empty_lists_and_one_row_show_nothing() -> None:
    first = next(row for _, row in every_row())
    own = [read([]), read([first]), read([])]
    found = run(COUNTS, plan("counts", groups=grouped("region")), own)
    assert all(row[-1] is None for row in found.rows)
    assert found.suppressed == len(found.rows)


def test_a_cell_of_ten_is_closed_and_one_of_eleven_is_open() -> None:
    row = {"region": VOCABULARY.levels("region")[0]}
    for many, shown in ((4, None), (5, 11)):  # with six at another
        own = [read([row] * 6), read([row] * many), read([])]
        assert run(COUNTS, plan("counts"), own).rows == ((shown,),)
    alone = [read([row] * 12), read([]), read([])]
    assert run(COUNTS, plan("counts"), alone).rows == ((None,),)


def test_no_table_hides_exactly_one_cell() -> None:
    """Its total, from another plan, would give that one away."""
    others = [{"gender": code} for code in VOCABULARY.levels("gender")[2:] for _ in range(9)]
    most = [{"gender": "masculine"}] * 20
    own = [read([{"gender": "feminine"}] * n + most + others) for n in (1, 2, 3)]
    found = dict(run(COUNTS, plan("counts", groups=grouped("gender")), own).rows)
    assert list(found.values()).count(None) == 2
    assert found["feminine"] is None
    assert found["masculine"] == 60


def test_too_many_cells_and_too_large_ones_are_refused() -> None:
    with pytest.raises(InvalidInput, match=f"{MOST_CELLS:,}"):
        COUNTS.fits(
            plan("counts", groups=grouped("citizenship", "sector", "region")), VOCABULARY
        )
    table = coded_sample(VOCABULARY, 5_000)
    with pytest.raises(InvalidInput, match="larger than the plan") as refused:
        COUNTS.inputs(plan("counts", options={"largest_cell": 100}), table, no_noise)
    assert "5000" not in refused.value.detail


@pytest.mark.parametrize(
    "members",
    [
        {"groups": grouped("region", "region")},
        {"groups": [{"column": "registered_on", "period": "year"}]},
        {"groups": [{"column": "registered_on", "period": "year", "cuts": [1]}]},
        {"filters": [{"column": "region"}]},
        {"filters": [{"column": "registered_on", "first": "2025-02-30"}]},
        {"filters": [{"column": "registered_on", "first": "2025-02-01", "last": "2025-01-01"}]},
        {"filters": [{"column": "region", "codes": ["x"], "first": "2025-01-01"}]},
        {"filters": [YEAR, YEAR]},
        {"measures": ["cost_amount"]},
        {"link": ["phone"]},
        {"epsilon_milli": 100},
        {"options": {"unknown": 1}},
        {"options": {"counted": "heads"}},
        {"options": {"missing": 2}},
    ],
)
def test_plans_that_are_none_of_a_count(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        COUNTS.check(plan("counts", **members))


@pytest.mark.parametrize(
    "members",
    [
        {"groups": grouped("registered_on")},
        {"groups": [{"column": "region", "cuts": [1]}]},
        {"groups": grouped("nowhere")},
        {"filters": [{"column": "region", "codes": ["nowhere"]}]},
        {"filters": [{"column": "cost_amount", "first": "2025-01-01"}]},
    ],
)
def test_plans_that_do_not_fit_the_vocabulary(members: dict[str, Any]) -> None:
    asked = plan("counts", **members)
    COUNTS.check(asked)
    with pytest.raises(InvalidInput):
        COUNTS.fits(asked, VOCABULARY)


# --- trends -------------------------------------------------------------------------------


def quarters(**members: Any) -> Any:
    groups = [{"column": "registered_on", "period": "quarter"}, *members.pop("more", [])]
    return plan("trends", groups=groups, filters=[YEAR], **members)


def test_trends_are_what_counting_gives() -> None:
    found = run(TRENDS, quarters(more=grouped("region")))
    counts: Counter[Any] = Counter()
    who: dict[Any, set[int]] = {}
    for place, row in every_row():
        if row.get("registered_on") and row.get("region"):
            day = date.fromisoformat(row["registered_on"])
            if YEAR["first"] <= row["registered_on"] <= YEAR["last"]:
                at = (f"{day.year}-Q{(day.month - 1) // 3 + 1}", row["region"])
                counts[at] += 1
                who.setdefault(at, set()).add(place)
    wanted = {at: n for at, n in counts.items() if n >= 11 and len(who[at]) >= 2}
    assert {row[:-1]: row[-1] for row in found.rows if row[-1] is not None} == wanted


def test_noise_is_added_at_each_and_taken_for_what_it_is() -> None:
    seen: list[tuple[int, int]] = []

    def fixed(counts: Any, *, epsilon_milli: int, sensitivity: int) -> Any:
        seen.append((epsilon_milli, sensitivity))
        return counts + (np.arange(len(counts)) % 3 - 1) * 7

    exact = run(TRENDS, quarters(options={"contributions": 20}))
    noisy = run(TRENDS, quarters(epsilon_milli=500, options={"contributions": 20}), noise=fixed)
    assert seen == [(500, 20)] * 5
    for place, (one, other) in enumerate(zip(exact.rows, noisy.rows, strict=True)):
        if one[-1] is not None and other[-1] is not None:
            assert other[-1] - one[-1] == 5 * 7 * (place % 3 - 1)
    assert "noisy" in noisy.notes
    assert noisy.extra == {"standard_error_milli": 126_491}  # 40 * sqrt(10)


def test_noise_below_zero_and_beyond_its_tail_still_fits() -> None:
    for far in (-(10**9), 10**9):
        asked = quarters(epsilon_milli=1000, options={"largest_cell": 1000})
        moved = lambda counts, far=far, **_: counts + far  # noqa: E731 - one line is clearer
        found = run(TRENDS, asked, noise=moved)
        assert (found.rows[0][-1] is None) == (far < 0)


def test_a_person_counts_no_more_often_than_noise_is_made_for() -> None:
    """Sensitivity is kept by leaving rows out, not by hoping."""
    own = lists()[0].table
    everything = np.ones(len(own), np.bool_)
    for most in (1, 2):
        kept = at_most_rows_each(own, everything, most)
        counts = Counter(own.persons[kept & (own.persons >= 0)].tolist())
        wanted = Counter(own.persons[own.persons >= 0].tolist())
        assert counts == {person: min(n, most) for person, n in wanted.items()}
        assert kept[own.persons < 0].all()


def test_a_trend_is_over_periods() -> None:
    for members in ({"groups": grouped("region")}, {"groups": []}):
        with pytest.raises(InvalidInput):
            TRENDS.check(plan("trends", **members))


# --- key figures --------------------------------------------------------------------------


def days(row: Row) -> int | None:
    if row.get("referred_on") and row.get("served_on"):
        first, last = row["referred_on"], row["served_on"]
        waited = (date.fromisoformat(last) - date.fromisoformat(first)).days
        return waited if 0 <= waited <= LONGEST_WAIT else None
    return None


GOOD = VOCABULARY.levels("outcome")[:2]


def money(row: Row, name: str) -> int | None:
    """Whole cents as `same_names` reads them."""
    return int(row[name]) if row.get(name) else None


# indicator -> of a row: (counts, numerator, denominator)
PLAIN: dict[str, Callable[[Row], tuple[int, int, int]]] = {
    "referral-days": lambda r: (1, d, 1) if (d := days(r)) is not None else (0, 0, 0),
    "uptake": lambda r: (
        (1, int(bool(r.get("served_on"))), 1) if r.get("referred_on") else (0, 0, 0)
    ),
    "outcome-share": lambda r: (
        (1, int(r["outcome"] in GOOD), 1) if r.get("outcome") else (0, 0, 0)
    ),
    "cost-per-outcome": lambda r: (
        reached := int(bool(r.get("cost_amount")) and r.get("outcome", "") in GOOD),
        money(r, "cost_amount") or 0,
        reached,
    ),
    "return": lambda r: (
        (1, money(r, "benefit_amount") or 0, money(r, "cost_amount") or 0)
        if r.get("benefit_amount") and r.get("cost_amount")
        else (0, 0, 0)
    ),
}


def key_figure(name: str, **members: Any) -> Any:
    wanted = INDICATORS[name]
    codes = {"codes": list(GOOD)} if wanted.takes_codes else {}
    return plan(
        "outcomes",
        measures=[each for each, _ in wanted.measures],
        options={"indicator": name, **codes},
        **members,
    )


@pytest.mark.parametrize("name", list(INDICATORS))
@pytest.mark.parametrize("group", ["service", "region"])
def test_key_figures_are_what_dividing_gives(name: str, group: str) -> None:
    found = run(OUTCOMES, key_figure(name, groups=grouped(group)))
    indicator = INDICATORS[name]
    sums: dict[str, list[int]] = {}
    who: dict[str, set[int]] = {}
    for place, row in every_row():
        if row.get(group):
            parts = PLAIN[name](row)
            total = sums.setdefault(row[group], [0, 0, 0])
            sums[row[group]] = [a + b for a, b in zip(total, parts, strict=True)]
            if parts[0]:
                who.setdefault(row[group], set()).add(place)
    wanted = {
        level: above * indicator.scale // below - indicator.less
        for level, (count, above, below) in sums.items()
        if count >= 11 and len(who.get(level, ())) >= 2 and below
    }
    assert {level: value for level, value in found.rows if value is not None} == wanted
    assert wanted, "the made-up cases are too few to show anything"
    assert set(indicator.notes) <= set(found.notes)


def test_losses_and_the_upper_limit() -> None:
    lost = {"benefit_amount": "-500", "cost_amount": "100"}
    own = [read([lost] * 10), read([lost] * 10), read([])]
    assert run(OUTCOMES, key_figure("return"), own).rows == ((-100,),)
    much = {"benefit_amount": "100000000", "cost_amount": "1"}
    own = [read([much] * 10), read([much] * 10), read([])]
    found = run(OUTCOMES, key_figure("return"), own)
    assert found.rows == ((INDICATORS["return"].largest - 100,),)
    assert "levelled" in found.notes


def test_nothing_to_divide_by_shows_nothing() -> None:
    free = {"benefit_amount": "500", "cost_amount": "0"}
    own = [read([free] * 10), read([free] * 10), read([])]
    assert run(OUTCOMES, key_figure("return"), own).rows == ((None,),)


def test_waiting_backwards_is_a_mistake_and_counts_for_nothing() -> None:
    back = {"referred_on": "2025-01-10", "served_on": "2025-01-01"}
    there = {"referred_on": "2025-01-01", "served_on": "2025-01-05"}
    own = [read([there] * 10 + [back] * 5), read([there] * 10), read([back])]
    assert run(OUTCOMES, key_figure("referral-days"), own).rows == ((40,),)


@pytest.mark.parametrize(
    "members",
    [
        {"options": {}},
        {"options": {"indicator": "luck"}},
        {"options": {"indicator": "uptake"}, "measures": ["referred_on"]},
        {"options": {"indicator": "outcome-share"}, "measures": ["outcome"]},
        {
            "options": {"indicator": "uptake", "codes": ["x"]},
            "measures": ["referred_on", "served_on"],
        },
    ],
)
def test_plans_that_are_no_key_figure(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        OUTCOMES.check(plan("outcomes", **members))


@pytest.mark.parametrize(
    ("indicator", "measures", "codes"),
    [
        ("uptake", ["referred_on", "outcome"], []),
        ("return", ["cost_amount", "benefit_amount"], []),  # what is divided by is negative
        ("outcome-share", ["outcome"], ["no-such-code"]),
    ],
)
def test_measures_of_another_kind(
    indicator: str, measures: list[str], codes: list[str]
) -> None:
    options: dict[str, Any] = {"indicator": indicator} | ({"codes": codes} if codes else {})
    with pytest.raises(InvalidInput):
        OUTCOMES.fits(plan("outcomes", measures=measures, options=options), VOCABULARY)


def test_the_largest_values_are_exact() -> None:
    row = {
        "cost_amount": "100000000",
        "outcome": GOOD[0],
        "referred_on": "2020-01-01",
        "served_on": "2029-12-20",
    }
    own = [read([row] * 40), read([row] * 40), read([row] * 40)]
    assert run(OUTCOMES, key_figure("cost-per-outcome"), own).rows == ((100_000_000,),)
    waited = (date(2029, 12, 20) - date(2020, 1, 1)).days
    assert run(OUTCOMES, key_figure("referral-days"), own).rows == ((waited * 10,),)
