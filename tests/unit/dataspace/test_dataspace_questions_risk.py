"""Odds ratios over all organisations are those of one regression over all rows."""

from __future__ import annotations

from math import exp, log
from random import Random
from typing import Any

import numpy as np
import pytest
from questions_world import VOCABULARY, lists, no_noise, plan, read, run
from scipy.optimize import minimize

from core.errors import InvalidInput
from dataspace.gathering.coding import Gathered
from dataspace.questions.base import Opened
from dataspace.questions.risk import QUESTION as RISK
from dataspace.questions.risk import _odds_milli

STATUS, GENDER = VOCABULARY.levels("case_status"), VOCABULARY.levels("gender")


def asked(**changed: Any) -> Any:
    usual = {
        "groups": [{"column": "gender"}],
        "measures": ["case_status"],
        "options": {"codes": [STATUS[0]], "least_rows": 100},
    }
    return plan("risk", **{**usual, **changed})


def made(seed: int, rows: int = 600) -> Gathered:
    """Masculine cases have three times the odds."""
    random = Random(seed)
    found = []
    for _ in range(rows):
        masculine = random.random() < 0.5
        odds = 0.5 * (3 if masculine else 1)
        happened = random.random() < odds / (1 + odds)
        code = STATUS[0] if happened else STATUS[1]
        found.append({"gender": GENDER[int(masculine)], "case_status": code})
    return read(found)


def reference(inputs: list[Any], ridge: float) -> list[float]:
    """One regression over all rows, by another method."""
    design = np.vstack([each["design"] for each in inputs]).astype(float)
    labels = np.concatenate([each["labels"] for each in inputs])

    def loss(weights: Any) -> float:
        scores = design @ weights
        penalty = ridge / 2 * (weights @ weights)
        return float(np.mean(np.logaddexp(0, scores) - labels * scores) + penalty)

    return list(minimize(loss, np.zeros(design.shape[1]), method="BFGS").x)


def test_three_organisations_together_have_the_odds_of_all_rows() -> None:
    own = [made(seed) for seed in (1, 2, 3)]
    found = run(RISK, asked(), own)
    inputs = [RISK.inputs(asked(), each.table, no_noise) for each in own]
    wanted = reference(inputs, 0.001)
    shown = {(factor, level): odds for factor, level, odds in found.rows}
    masculine = shown["gender", "masculine"]
    assert isinstance(masculine, int)
    assert log(masculine / 1000) == pytest.approx(wanted[1], abs=0.02)
    assert 2_300 < masculine < 3_900
    assert found.decimals == {"odds_ratio": 3}
    assert found.extra == {"base": {"gender": "feminine"}}


def test_the_made_up_cases_and_several_factors() -> None:
    ask = asked(
        groups=[{"column": "age_group"}, {"column": "region"}],
        measures=["form_of_exploitation"],
        options={
            "codes": ["forced-labour"],
            "base": ["21-29", VOCABULARY.levels("region")[1]],
            "least_rows": 100,
            "iterations": 1_000,
        },
    )
    found = run(RISK, ask)
    inputs = [RISK.inputs(ask, each.table, no_noise) for each in lists()]
    wanted = reference(inputs, 0.001)[1:]
    for (_, _, odds), weight in zip(found.rows, wanted, strict=True):
        assert isinstance(odds, int)
        assert log(odds / 1000) == pytest.approx(weight, abs=0.08)


def test_too_few_rows_open_nothing() -> None:
    found = run(RISK, asked(), [made(1, 40), made(2, 20), read([])])
    assert all(odds is None for *_, odds in found.rows)
    assert found.notes == ("not-enough-rows",)


def test_rare_levels_are_left_out_before_anything_leaves() -> None:
    own = made(1, 200)
    rare = read(
        [
            *({"gender": GENDER[0], "case_status": STATUS[0]} for _ in range(30)),
            *({"gender": GENDER[3], "case_status": STATUS[0]} for _ in range(10)),
            {"gender": GENDER[0]},
        ]
    )
    inputs = RISK.inputs(asked(), rare.table, no_noise)
    assert inputs["design"].shape == (30, len(GENDER))
    assert not inputs["design"][:, 1:].any()
    assert RISK.inputs(asked(), own.table, no_noise)["design"].shape[0] == 200
    nobody = RISK.inputs(asked(), read([]).table, no_noise)
    assert nobody["design"].shape == (0, len(GENDER))


def test_rare_combinations_of_common_levels_are_left_out() -> None:
    """Each region and each gender is that of many; one case has both of the second ones."""
    regions = VOCABULARY.levels("region")
    rows = [{"gender": GENDER[0], "region": regions[0], "case_status": STATUS[0]}] * 30
    rows += [{"gender": GENDER[0], "region": regions[1], "case_status": STATUS[0]}] * 11
    rows += [{"gender": GENDER[1], "region": regions[0], "case_status": STATUS[0]}] * 11
    rows += [{"gender": GENDER[1], "region": regions[1], "case_status": STATUS[0]}]
    ask = asked(groups=[{"column": "gender"}, {"column": "region"}])
    assert len(RISK.inputs(ask, read(rows).table, no_noise)["labels"]) == 52


@pytest.mark.parametrize("weight", [-(2**18), -5_000, 0, 1, 18_000, 2**17])
def test_odds_are_the_exponential_of_the_weight(weight: int) -> None:
    assert _odds_milli(weight) == round(exp(weight / 2**14) * 1000)


def test_weights_of_another_length_are_no_result() -> None:
    with pytest.raises(ValueError, match="zip"):
        RISK.release(asked(), VOCABULARY, Opened({"enough": [1], "weights": [1, 2]}, 3))


@pytest.mark.parametrize(
    "changed",
    [
        {"groups": []},
        {"groups": [{"column": "registered_on", "period": "year"}]},
        {"groups": [{"column": "gender"}, {"column": "gender"}]},
        {"measures": []},
        {"measures": ["gender"]},
        {"options": {}},
        {"options": {"codes": [STATUS[0]], "base": ["a", "b"]}},
        {"link": ["phone"]},
    ],
)
def test_plans_that_are_no_regression(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        RISK.check(asked(**changed))


@pytest.mark.parametrize(
    "options",
    [
        {"codes": list(STATUS)},
        {"codes": ["nothing"]},
        {"codes": [STATUS[0]], "base": ["nobody"]},
    ],
)
def test_codes_that_the_vocabulary_has_not(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        RISK.fits(asked(options=options), VOCABULARY)
