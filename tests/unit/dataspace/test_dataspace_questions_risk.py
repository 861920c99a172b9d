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


def reference(inputs: list[Any], ridge: float = 2e-6) -> list[float]:
    """One regression over all rows, by another method; the intercept is drawn nowhere."""
    design = np.vstack([each["design"] for each in inputs]).astype(float)
    labels = np.concatenate([each["labels"] for each in inputs])

    def loss(weights: Any) -> float:
        scores = design @ weights
        penalty = ridge / 2 * (weights[1:] @ weights[1:])
        return float(np.mean(np.logaddexp(0, scores) - labels * scores) + penalty)

    def slope(weights: Any) -> Any:
        gradient = design.T @ (1 / (1 + np.exp(-design @ weights)) - labels) / len(labels)
        return gradient + ridge * np.concatenate([[0.0], weights[1:]])

    found = minimize(loss, np.zeros(design.shape[1]), jac=slope, method="BFGS")
    return list(found.x)


def with_share(
    rows: int, share: float, base: float, ratio: float, *, seed: int = 1
) -> Gathered:
    """A share of the cases is masculine, with so many times the odds of the others."""
    random, found = Random(seed), []
    for _ in range(rows):
        masculine = random.random() < share
        odds = base / (1 - base) * (ratio if masculine else 1)
        happened = random.random() < odds / (1 + odds)
        code = STATUS[0] if happened else STATUS[1]
        found.append({"gender": GENDER[int(masculine)], "case_status": code})
    return read(found)


def ratios(found: Any) -> dict[str, int | None]:
    return {level: odds for _, level, odds in found.rows}


@pytest.mark.parametrize(
    ("rows", "share", "base", "ratio"),
    [
        (8_000, 0.02, 0.05, 5),
        (3_000, 0.1, 0.05, 4),
        (3_000, 0.4, 0.04, 1.3),
        (1_000, 0.5, 0.3, 3),
    ],
)
def test_neither_a_rare_level_nor_a_rare_outcome_draws_a_ratio_to_one(
    rows: int, share: float, base: float, ratio: float
) -> None:
    """A penalty on the mean loss, and on the intercept, made of 4.0 a 2.4, of 1.2 a 0.9."""
    own = [with_share(rows, share, base, ratio, seed=seed) for seed in (1, 2)]
    ask = asked(options={"codes": [STATUS[0]]})
    found = ratios(run(RISK, ask, own))["masculine"]
    assert found is not None
    wanted = reference([RISK.inputs(ask, each.table, no_noise) for each in own], 0.0)[1]
    assert log(found / 1000) == pytest.approx(wanted, abs=0.03)


def test_no_number_where_no_case_is() -> None:
    own = [made(seed) for seed in (1, 2)]
    found = run(RISK, asked(), own)
    shown = ratios(found)
    assert [level for level, odds in shown.items() if odds is not None] == ["masculine"]
    assert found.suppressed == len(shown) - 1
    assert "level-too-small" in found.notes


def test_no_number_beside_a_level_that_nobody_has() -> None:
    """What is compared with has no case: no ratio of this factor is one, of the other it is."""
    own = [
        read(
            [
                {
                    "gender": GENDER[1 + n % 2],
                    "region": region(n),
                    "case_status": STATUS[n % 3 % 2],
                }
                for n in range(600)
            ]
        )
        for _ in range(2)
    ]
    groups = [{"column": "gender"}, {"column": "region"}]
    found = run(RISK, asked(groups=groups), own)
    of = {(factor, level): odds for factor, level, odds in found.rows}
    assert all(odds is None for (factor, _), odds in of.items() if factor == "gender")
    assert of["region", VOCABULARY.levels("region")[1]] is not None
    assert "level-too-small" in found.notes


def test_a_level_of_one_organisation_alone_has_no_ratio() -> None:
    """It would be that organisation's own: the plan asks for more in each number."""
    both = [{"gender": GENDER[n % 2], "case_status": STATUS[n % 3 % 2]} for n in range(300)]
    alone = [{"gender": GENDER[2], "case_status": STATUS[n % 2]} for n in range(200)]
    own = [read(both), read(both), read([*both, *alone])]
    shown = ratios(run(RISK, asked(contributors=3), own))
    assert shown[GENDER[1]] is not None
    assert shown[GENDER[2]] is None


def region(number: int) -> str:
    return VOCABULARY.levels("region")[number // 2 % 2]


@pytest.mark.parametrize("ridge", [1, 600, 100_000])
def test_no_penalty_makes_it_diverge(ridge: int) -> None:
    """A step that left the penalty out turned a ratio of 3 into one of a third."""
    own = [made(seed) for seed in (1, 2, 3)]
    ask = asked(options={"codes": [STATUS[0]], "least_rows": 100, "ridge_micro": ridge})
    found = ratios(run(RISK, ask, own))["masculine"]
    wanted = reference([RISK.inputs(ask, each.table, no_noise) for each in own], ridge / 1e6)
    assert found is not None
    assert log(found / 1000) == pytest.approx(wanted[1], abs=0.02)


def test_rows_of_one_outcome_end_at_the_limit() -> None:
    rows = [{"gender": GENDER[0], "case_status": STATUS[n % 4 % 2]} for n in range(400)]
    rows += [{"gender": GENDER[1], "case_status": STATUS[0]}] * 60
    rows += [{"gender": GENDER[2], "case_status": STATUS[1]}] * 60
    found = run(RISK, asked(), [read(rows), read(rows)])
    assert ratios(found) | {GENDER[1]: 100_000, GENDER[2]: 10} == ratios(found)
    assert "ratio-limits" in found.notes


def test_what_still_moves_is_not_shown() -> None:
    opened = {
        "enough": [1],
        "levels": [1] * len(GENDER),
        "weights": [0, *(9_000 for _ in GENDER[1:])],
        "moved": [0, 700, *(0 for _ in GENDER[2:])],
    }
    found = RISK.release(asked(), VOCABULARY, Opened(opened, 3))
    assert [odds is None for *_, odds in found.rows] == [True, *(False for _ in GENDER[2:])]
    assert found.notes[-1] == "not-settled"
    assert found.suppressed == 1


def test_each_organisation_may_bring_as_many_rows_as_the_plan_says() -> None:
    """The limit is one organisation's: beyond all together the ratios would be nonsense."""
    ask = asked(options={"codes": [STATUS[0]], "most_rows": 1_000})
    assert RISK.circuit(ask, VOCABULARY, 5).parameters["most_rows"] == 5_000


def test_three_organisations_together_have_the_odds_of_all_rows() -> None:
    own = [made(seed) for seed in (1, 2, 3)]
    found = run(RISK, asked(), own)
    inputs = [RISK.inputs(asked(), each.table, no_noise) for each in own]
    wanted = reference(inputs)
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
    wanted = reference(inputs)[1:]
    shown = [(odds, w) for (*_, odds), w in zip(found.rows, wanted, strict=True) if odds]
    assert len(shown) == 3  # the others are of one organisation, or too few
    for odds, weight in shown:
        assert isinstance(odds, int)
        within = min(max(weight, -log(100)), log(100))
        assert log(odds / 1000) == pytest.approx(within, abs=0.08)


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
    assert _odds_milli(weight) == round(min(max(exp(weight / 2**14), 0.01), 100) * 1000)


def test_weights_of_another_length_are_no_result() -> None:
    opened = {"enough": [1], "levels": [1] * len(GENDER), "weights": [1, 2], "moved": [0, 0]}
    with pytest.raises(ValueError, match="zip"):
        RISK.release(asked(), VOCABULARY, Opened(opened, 3))


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
