"""What a question must not tell of one organisation, or of one case, by a way around."""

from __future__ import annotations

from typing import Any

from questions_world import VOCABULARY, plan, read, run

from dataspace.questions.outcomes import INDICATORS
from dataspace.questions.outcomes import QUESTION as OUTCOMES

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
