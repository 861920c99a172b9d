"""What a question must not tell of one organisation, or of one case, by a way around."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from questions_world import VOCABULARY, no_noise, plan, read, run

from core.errors import InvalidInput
from dataspace.questions.outcomes import INDICATORS
from dataspace.questions.outcomes import QUESTION as OUTCOMES
from dataspace.questions.trends import QUESTION as TRENDS

REACHED = VOCABULARY.levels("outcome")[0]


def cost_per_outcome() -> Any:
    measures = [name for name, _ in INDICATORS["cost-per-outcome"].measures]
    options = {"indicator": "cost-per-outcome", "codes": [REACHED]}
    return plan("outcomes", measures=measures, options=options)


def test_the_costs_of_one_organisation_alone_are_never_divided() -> None:
    """Three know outcomes, one knows costs. How many outcomes there are is another table; times
    that, the ratio would be the one organisation's costs to the cent."""
    costly = {"outcome": REACHED, "cost_amount": "1000"}
    free = {"outcome": REACHED}
    own = [read([costly] * 20), read([free] * 20), read([free] * 20)]
    assert run(OUTCOMES, cost_per_outcome(), own).rows == ((None,),)


def test_outcomes_without_costs_make_no_outcome_cheaper() -> None:
    costly = {"outcome": REACHED, "cost_amount": "1000"}
    own = [read([costly] * 20), read([costly] * 20), read([{"outcome": REACHED}] * 40)]
    assert run(OUTCOMES, cost_per_outcome(), own).rows == ((1000,),)


def noisy_trend(**changed: Any) -> Any:
    return plan(
        "trends",
        groups=[{"column": "registered_on", "period": "year"}],
        filters=[{"column": "registered_on", "first": "2025-01-01", "last": "2025-12-31"}],
        options={"largest_cell": 100},
        **changed,
    )


@pytest.mark.parametrize("count", [99, 100, 101, 150])
def test_with_noise_no_exact_count_decides_whether_a_run_fails(count: int) -> None:
    """A node that refuses because of its exact count tells it beside the budget: with one
    person more it fails, with one fewer it does not."""
    own = read([{"registered_on": "2025-05-05"}] * count)
    inputs = TRENDS.inputs(noisy_trend(epsilon_milli=500), own.table, no_noise)
    exact = TRENDS.inputs(noisy_trend(epsilon_milli=500), read([]).table, no_noise)
    assert np.asarray(inputs["gate"] - exact["gate"]).tolist() == [min(count, 100)]


def test_without_noise_it_is_refused_as_before() -> None:
    own = read([{"registered_on": "2025-05-05"}] * 101)
    with pytest.raises(InvalidInput):
        TRENDS.inputs(noisy_trend(), own.table, no_noise)
