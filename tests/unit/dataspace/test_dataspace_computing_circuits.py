"""What circuits open equals the same in plain Python, for generated inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from computing_runs import Alone
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from dataspace.computing.circuits import CIRCUITS
from dataspace.computing.circuits.declaring import complete
from dataspace.computing.circuits.gated_sums import step
from dataspace.computing.fields import bits_for, modulus_of, width
from dataspace.computing.measuring import estimate, plain_table

MOST, LARGEST = 50, 1000


@pytest.fixture(scope="module")
def alone() -> Iterator[Alone]:
    made = Alone()
    yield made
    made.close()


def summed(tables: list[dict[str, Any]]) -> dict[str, list[int]]:
    return {
        name: np.sum([each[name] for each in tables], axis=0).astype(int).tolist()
        for name in tables[0]
    }


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, int], list[dict[str, list[int]]]]:
    organisations = draw(st.integers(3, 15))
    parameters = {
        "cells": draw(st.integers(1, 6)),
        "values": draw(st.integers(0, 2)),
        "threshold": draw(st.integers(1, 40)),
        "contributors": draw(st.integers(1, organisations)),
        "organisations": organisations,
        "most": MOST,
        "largest": LARGEST,
    }

    def column(least: int, most: int) -> list[int]:
        value = st.integers(least, most) | st.sampled_from((least, most))
        size = parameters["cells"]
        return draw(st.lists(value, min_size=size, max_size=size))

    made = [
        {
            "gate": column(0, MOST),
            "present": column(0, 1),
            **{f"values_{n}": column(-LARGEST, LARGEST) for n in range(parameters["values"])},
        }
        for _ in range(organisations)
    ]
    return parameters, made


@settings(max_examples=60, deadline=None)
@given(case=tables())
def test_gated_sums_are_those_of_plain_python(alone: Alone, case: Any) -> None:
    parameters, made = case
    answered = alone.run("gated-sums", parameters, summed(made))
    expected = plain_table(made, parameters["threshold"], parameters["contributors"])
    assert answered["opened"] == expected
    assert len(answered["openings"]) == 1


@pytest.mark.parametrize(
    ("gate", "contributors", "released"),
    [(10, 3, 0), (11, 3, 1), (11, 1, 0), (11, 2, 1), (0, 0, 0), (3 * MOST, 3, 1)],
)
def test_a_cell_opens_from_eleven_cases_of_two(
    alone: Alone, gate: int, contributors: int, released: int
) -> None:
    parameters = complete(CIRCUITS["gated-sums"], {"cells": 1, "most": MOST}, 3)
    opened = alone.run("gated-sums", parameters, {"gate": [gate], "present": [contributors]})
    assert opened["opened"] == {"released": [released], "gate": [released * gate]}


RATIO = {"most": 100, "most_numerator": 10_000, "most_denominator": 500, "largest": 5000}


@settings(max_examples=40, deadline=None)
@given(
    cells=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 300),
            st.integers(0, 30_000) | st.just(30_000),
            st.integers(0, 1500) | st.sampled_from((0, 1, 1500)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_ratios_are_those_of_plain_python(alone: Alone, cells: Any) -> None:
    parameters = complete(CIRCUITS["ratios"], {"cells": len(cells), **RATIO}, 3)
    names = ("present", "count", "numerator", "denominator")
    inputs = dict(zip(names, (list(row) for row in zip(*cells, strict=True)), strict=True))
    opened = alone.run("ratios", parameters, inputs)["opened"]
    released = [int(p >= 2 and c >= 11 and d > 0) for p, c, _, d in cells]
    ratios = [min(n * 100 // d, 2**13 - 1) if bit else 0
              for bit, (_, _, n, d) in zip(released, cells, strict=True)]  # fmt: skip
    assert opened == {"released": released, "ratio": ratios}


@settings(max_examples=30, deadline=None)
@given(
    totals=st.lists(st.integers(0, 1000) | st.just(0), min_size=2, max_size=5),
    surplus=st.integers(0, 2000),
)
def test_independence_is_that_of_plain_python(
    alone: Alone, totals: list[int], surplus: int
) -> None:
    distinct = min(max(totals) + surplus, sum(totals))
    parameters = {"lists": len(totals), "largest": 5000}
    answered = alone.run("independence", parameters, {"totals": totals, "distinct": [distinct]})
    assert answered["opened"] == {
        "consistent": [1],
        "estimate": estimate(totals, distinct, 5000),
    }
    assert answered["openings"][0] == ["bit: totals fit", 1]
    assert {label for label, _ in answered["openings"][1:]} == {"bits: is N above the estimate"}


@pytest.mark.parametrize(
    ("totals", "distinct", "found"),
    [
        ([10, 10], 15, [20]),  # Lincoln-Petersen: 10 * 10 / 5
        ([100, 80], 150, [266]),  # 8000 / 30 = 266.67
        ([10, 10], 20, []),  # no overlap: there is no estimate
        ([10, 4], 10, []),  # one list holds all: 10 would be its length
        ([10, 4, 3], 10, []),
        ([10, 0, 5], 12, []),  # an empty one among others that overlap
        ([0, 0], 0, []),
        ([0, 7], 7, []),  # an empty list tells nothing
        ([2500, 2500], 3749, [4996]),
        ([2500, 2500], 3750, []),  # 5000, as large as the largest
    ],
)
def test_independence_of_known_lists(
    alone: Alone, totals: list[int], distinct: int, found: list[int]
) -> None:
    parameters = {"lists": len(totals), "largest": 5000}
    answered = alone.run("independence", parameters, {"totals": totals, "distinct": [distinct]})
    assert answered["opened"] == {"consistent": [1], "estimate": found}


@pytest.mark.parametrize(("totals", "distinct"), [([10, 20], 19), ([10, 20], 31)])
def test_figures_of_different_runs_open_one_bit(
    alone: Alone, totals: list[int], distinct: int
) -> None:
    parameters = {"lists": 2, "largest": 5000}
    answered = alone.run("independence", parameters, {"totals": totals, "distinct": [distinct]})
    assert answered["opened"] == {"consistent": [0], "estimate": []}
    assert answered["openings"] == [["bit: totals fit", 1]]


def rows_of(count: int) -> dict[str, Any]:
    random = np.random.default_rng(7)
    design = random.integers(0, 1001, (count, 3))
    design[:, 0] = 1000
    chance = 1 / (1 + np.exp(-(design / 1000) @ np.array([0.5, -2.0, 1.0])))
    return {"design": design, "labels": (random.random(count) < chance).astype(int)}


def test_logistic_regression_is_the_plain_one_within_a_hundredth(alone: Alone) -> None:
    rows = rows_of(600)
    given_ = {"features": 3, "iterations": 150, "crossed": 3, "most_rows": 1000, "ridge": 0.01}
    given_ |= {"levels": 2, "least": 300}
    parameters = complete(CIRCUITS["logistic"], given_, 3)
    inputs = {k: v.tolist() for k, v in rows.items()} | {"counts": [299, 301]}
    answered = alone.run("logistic", parameters, inputs)
    design, labels = rows["design"] / 1000, rows["labels"]

    def loss(weights: Any) -> float:
        along = design @ weights
        mean = np.mean(np.logaddexp(0, along) - labels * along)
        return float(mean + 0.005 * weights @ weights)

    expected = minimize(loss, np.zeros(3), method="BFGS").x
    found = np.array(answered["opened"]["weights"]) / 2 ** parameters["precision"]
    assert np.abs(found - expected).max() < 0.01
    assert answered["opened"]["levels"] == [0, 1]
    assert answered["openings"] == [
        ["bit: enough rows", 1],
        ["bits: levels of enough rows", 2],
        ["mean", 3],
        *[["mean gradient", 3]] * 150,
    ]


@pytest.mark.parametrize(("rows", "enough"), [(99, 0), (100, 1), (0, 0)])
def test_too_few_rows_open_nothing_but_that(alone: Alone, rows: int, enough: int) -> None:
    given_ = {"features": 3, "iterations": 1, "crossed": 3, "most_rows": 1000}
    parameters = complete(CIRCUITS["logistic"], given_, 3)
    inputs = {name: each[:rows].tolist() for name, each in rows_of(100).items()}
    answered = alone.run("logistic", parameters, inputs)
    assert answered["opened"]["enough"] == [enough]
    assert len(answered["openings"]) == 1 + 2 * enough


def test_rows_one_by_one_give_the_same_table(alone: Alone) -> None:
    parameters = {"cells": 3, "rows": 30, "threshold": 11, "organisations": 3}
    codes = [0] * 10 + [1] * 11 + [2] * 9
    opened = alone.run("row-by-row", parameters, {"codes": codes})["opened"]
    assert opened == {"released": [0, 1, 0], "gate": [0, 11, 0]}


@given(most=st.integers(1, 20), data=st.data())
def test_the_contributors_polynomial_is_a_step(most: int, data: st.DataObject) -> None:
    least = data.draw(st.integers(1, most))
    prime = modulus_of(12)
    coefficients = step(least, most, prime)
    values = [
        sum(c * x**n for n, c in enumerate(coefficients)) % prime for x in range(most + 1)
    ]
    assert values == [int(x >= least) for x in range(most + 1)]


@given(most=st.integers(0, 2**70))
def test_widths_are_the_smallest_that_hold(most: int) -> None:
    assert -(2 ** (width(most) - 1)) <= -most <= most < 2 ** (width(most) - 1)
    assert most >= 2 ** (width(most) - 2) or most == 0
    assert modulus_of(bits_for(1, most)) > 2 * most


def test_every_circuit_says_what_it_opens() -> None:
    for name, circuit in CIRCUITS.items():
        module = __import__(circuit.run.__module__, fromlist=["__doc__"])
        assert "Opened, to" in (module.__doc__ or ""), name
        assert circuit.name == name
        assert circuit.opens
