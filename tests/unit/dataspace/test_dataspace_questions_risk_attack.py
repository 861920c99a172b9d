"""What a node that computes works out from the means that a regression opens in each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from questions_world import VOCABULARY, no_noise, plan, read, run
from scipy.optimize import lsq_linear

from dataspace.computing.circuits.logistic import Descent
from dataspace.questions.risk import QUESTION as RISK

GENDER, REGION = VOCABULARY.levels("gender")[:3], VOCABULARY.levels("region")[:3]
STATUS = VOCABULARY.levels("case_status")
STEPS = 200


def asked(**changed: Any) -> Any:
    usual = {
        "groups": [{"column": "gender"}, {"column": "region"}],
        "measures": ["case_status"],
        "options": {"codes": [STATUS[0]], "least_rows": 100},
    }
    return plan("risk", **{**usual, **changed})


def with_one_of_a_kind(seed: int) -> Any:
    """Every gender and every region is that of many here; one combination is that of one."""
    random = Random(seed)
    rows = []
    for place, (gender, region) in enumerate(product(GENDER, REGION)):
        for _ in range(1 if place == 4 else random.randint(15, 40)):
            happened = random.random() < 0.2 + 0.07 * place
            code = STATUS[0] if happened else STATUS[1]
            rows.append({"gender": gender, "region": region, "case_status": code})
    return read(rows)


def worked_out(design: Any, labels: Any) -> list[float]:
    """How many rows have each combination, from the opened means alone: they are linear in the
    shares of the combinations and in those of the positive labels of each feature."""
    random, unit, features = np.random.default_rng(1), 2**14, design.shape[1]
    kinds = np.unique(design, axis=0)

    def opened(exact: Any) -> Any:
        return np.floor(exact * unit + random.random(features)) / unit

    means = opened(design.mean(axis=0))
    left = [np.hstack([kinds.T, np.zeros((features, features))])]
    right = [means]
    parameters = RISK.circuit(asked(), VOCABULARY, 3).parameters | {"iterations": STEPS}
    descent = Descent(parameters, means)
    for _ in range(STEPS):
        ahead = descent.ahead
        mean = opened(design.T @ (1 / (1 + np.exp(-design @ ahead)) - labels) / len(labels))
        predicted = 1 / (1 + np.exp(-kinds @ ahead))
        left.append(np.hstack([kinds.T * predicted, -np.eye(features)]))
        right.append(mean)
        descent.step(mean)
    whole = np.concatenate([np.ones(len(kinds)), np.zeros(features)])
    equations = np.vstack([*left, 1000 * whole])
    found = lsq_linear(equations, np.concatenate([*right, [1000]]), bounds=(0, 1)).x
    return sorted(found[: len(kinds)] * len(labels))


def test_no_combination_that_can_be_worked_out_is_that_of_a_few() -> None:
    inputs = [RISK.inputs(asked(), with_one_of_a_kind(n).table, no_noise) for n in (1, 2, 3)]
    design = np.vstack([each["design"] for each in inputs])
    labels = np.concatenate([each["labels"] for each in inputs])
    found = worked_out(design, labels)
    exact = sorted(Counter(map(bytes, design.astype(np.uint8))).values())
    assert np.abs(np.array(found) - exact).max() < 2, "the attack does what it says"
    assert exact[0] >= asked().threshold


def bring(counts: Sequence[int]) -> list[Any]:
    rows = [
        {"gender": GENDER[n % 2], "region": REGION[0], "case_status": STATUS[n // 2 % 2]}
        for n in range(max(counts))
    ]
    return [read(rows[:count]) for count in counts]


@pytest.mark.parametrize(
    ("counts", "contributors", "opens"),
    [((200, 0, 0), 2, False), ((200, 60, 0), 2, True), ((200, 60, 0), 3, False)],
)
def test_the_rows_of_one_organisation_alone_open_nothing(
    counts: Sequence[int], contributors: int, opens: bool
) -> None:
    found = run(RISK, asked(contributors=contributors), bring(counts))
    assert ("not-enough-rows" not in found.notes) is opens
    assert any(odds is not None for *_, odds in found.rows) is opens
