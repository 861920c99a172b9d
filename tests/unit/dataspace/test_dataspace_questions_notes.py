"""What a table says of itself: whom it leaves out, and which of its periods are cut off."""

from __future__ import annotations

from typing import Any

import pytest
from questions_world import plan, run

from dataspace.questions.counts import QUESTION as COUNTS
from dataspace.questions.outcomes import INDICATORS
from dataspace.questions.outcomes import QUESTION as OUTCOMES
from dataspace.questions.trends import QUESTION as TRENDS

YEAR = {"column": "registered_on", "first": "2024-01-01", "last": "2025-12-31"}


def grouped(*columns: str) -> list[dict[str, Any]]:
    return [{"column": each} for each in columns]


def quarters(more: list[dict[str, Any]]) -> Any:
    groups = [{"column": "registered_on", "period": "quarter"}, *more]
    return plan("trends", groups=groups, filters=[YEAR])


def uptake(**members: Any) -> Any:
    measures = [name for name, _ in INDICATORS["uptake"].measures]
    return plan("outcomes", measures=measures, options={"indicator": "uptake"}, **members)


def test_cases_that_do_not_say_are_said_to_be_left_out() -> None:
    by_gender = {"groups": grouped("gender")}
    assert "not-said-left-out" in run(COUNTS, plan("counts", **by_gender)).notes
    assert "not-said-left-out" in run(TRENDS, quarters(grouped("gender"))).notes
    assert "not-said-left-out" in run(OUTCOMES, uptake(**by_gender)).notes
    with_them = run(COUNTS, plan("counts", **by_gender, options={"missing": 1}))
    nothing_grouped = run(COUNTS, plan("counts"))
    for found in (with_them, nothing_grouped, run(TRENDS, quarters([]))):
        assert "not-said-left-out" not in found.notes


@pytest.mark.parametrize(
    ("period", "first", "last", "whole"),
    [
        ("quarter", "2025-01-01", "2025-12-31", True),
        ("quarter", "2025-01-01", "2025-10-15", False),
        ("quarter", "2025-01-02", "2025-12-31", False),
        ("quarter", "2025-02-01", "2025-12-31", False),
        ("month", "2024-02-01", "2024-02-29", True),
        ("month", "2024-02-01", "2024-02-28", False),
        ("year", "2024-01-01", "2025-12-31", True),
        ("year", "2024-07-01", "2025-12-31", False),
    ],
)
def test_a_period_that_the_days_cut_off_is_said_to_be(
    period: str, first: str, last: str, whole: bool
) -> None:
    of = {
        "groups": [{"column": "registered_on", "period": period}],
        "filters": [{"column": "registered_on", "first": first, "last": last}],
    }
    ways = [
        run(COUNTS, plan("counts", **of)),
        run(TRENDS, plan("trends", **of)),
        run(TRENDS, plan("trends", epsilon_milli=500, **of)),
        run(OUTCOMES, uptake(**of)),
    ]
    assert [("partial-period" not in found.notes) for found in ways] == [whole] * 4


def test_each_key_figure_says_whom_it_leaves_out() -> None:
    """A region that serves a quarter in two days, and the others never, shows two days."""
    said = {name: {*each.notes} for name, each in INDICATORS.items()}
    assert said == {
        "referral-days": {"served-only"},
        "uptake": {"served-at-any-time"},
        "outcome-share": {"known-outcome-only"},
        "cost-per-outcome": {"known-cost-only"},
        "return": {"both-amounts-only", "losses-as-nothing"},
    }
