"""Logistic regression over the rows of all organisations, by aggregated gradients.

Each organisation brings its design matrix (whole numbers 0..scale for features 0..1; a column
of `scale` for the intercept, if one is wanted) and its labels (0 or 1). In every iteration it
computes the sum of the gradients of its own rows, as it would alone; the sums are added in
secret, and multiplied by the reciprocal of the SECRET number of all rows, which is made once.
Nesterov's accelerated gradient descent with the public step size and momentum (k - 1)/(k + 2)
turns the mean gradient into the next weights (Y. Nesterov, 1983; momentum as in A. Beck and
M. Teboulle, SIAM J. Imaging Sciences 2, 2009). `ridge` adds ridge/2 * |w|**2 to the mean loss.

Opened, to all parties: first one bit, whether there are `minimum` rows or more, of at least
`contributors` parties; if it is 0, nothing else. Then, in each of the `iterations`, the mean
gradient, one number a feature, rounded (up or down at random, by less than one unit) to
`precision` binary digits. The weights follow from these. No organisation's number of rows and
none of its sums are opened. The total number of rows is not opened either, but exact means of
few rows can betray it, because they are multiples of one over it: with few rows, choose a
larger `minimum` or a coarser `precision`.

A party learns the sequence of mean gradients of all rows. They are linear in the share of all
rows that has each combination of features, and in the share of positive labels of each feature.
With more steps than combinations these shares follow, as good as exactly: whoever brings rows
has to see to it that every combination of features stands for enough of them. With its own rows
a party works out the same of the others together; with only one other organisation that holds
rows, that is the other's. Ask for three contributors, and give it three organisations or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput
from dataspace.computing.circuits.declaring import (
    Circuit,
    Column,
    Inputs,
    Number,
    Opened,
    Parameters,
)
from dataspace.computing.circuits.gated_sums import step
from dataspace.computing.engine import Engine
from dataspace.computing.fields import bits_for, width

PARAMETERS = {
    "features": Number(1, 100),
    "scale": Number(1, 2**20, default=1000),
    "minimum": Number(10, 2**24, default=100),
    "contributors": Number(1, 64, default=1),
    "iterations": Number(1, 2000, default=100),
    "step": Number(1e-6, 1e3, default=1.0, real=True),
    "ridge": Number(0.0, 1e3, default=0.0, real=True),
    "precision": Number(4, 20, default=14),
    "most_rows": Number(1, 2**24),  # bound of all organisations' rows together
}
# local sums carry so many binary digits more than what is opened
_GUARD = 4


def _inputs(parameters: Parameters, _me: int) -> Mapping[str, Column]:
    return {
        "design": Column((None, parameters["features"]), 0, parameters["scale"]),
        "labels": Column((None,), 0, 1),
    }


def _reciprocal_digits(parameters: Parameters) -> int:
    """2**R / n keeps the mean's precision for every n up to most_rows."""
    return int(parameters["most_rows"].bit_length() + parameters["precision"] + _GUARD)


def _product_most(parameters: Parameters) -> int:
    """|sum of gradients| <= n * 2**(precision + guard), times 2**R / n."""
    digits = parameters["precision"] + _GUARD + _reciprocal_digits(parameters)
    return int(2 << digits)


def _bits(parameters: Parameters) -> int:
    most = max(
        _product_most(parameters), parameters["most_rows"] << _reciprocal_digits(parameters)
    )
    return bits_for(most, most)


def _require(parameters: Parameters, parties: int) -> None:
    if parameters["minimum"] > parameters["most_rows"]:
        raise InvalidInput("more rows are asked for than there can be")
    if parameters["contributors"] > parties:
        raise InvalidInput("more contributors are asked for than organisations take part")


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    design = np.asarray(inputs["design"], dtype=np.float64) / parameters["scale"]
    labels = np.asarray(inputs["labels"], dtype=np.float64)
    total = engine.total([len(labels), int(len(labels) > 0)])
    rows, sharing = total[:1], total[1:]
    enough = engine.at_least(rows, parameters["minimum"], width(_rows_most(engine, parameters)))
    shared = step(parameters["contributors"], engine.parties, engine.modulus)
    sufficient = await engine.open(
        "bit: enough rows", enough * engine.polynomial(shared, sharing)
    )
    if sufficient != [1]:
        return {"enough": [0], "weights": []}
    reciprocal = _reciprocal(engine, rows, parameters)
    descent = _Descent(parameters)
    for _ in range(parameters["iterations"]):
        own = _gradient(design, labels, descent.ahead, parameters)
        mean = await _mean(engine, own, reciprocal, parameters)
        descent.step(mean)
    return {"enough": [1], "weights": descent.whole_numbers()}


def _together(parameters: Parameters, inputs: Inputs) -> None:
    rows = len(inputs["labels"])
    if len(inputs["design"]) != rows or rows > parameters["most_rows"]:
        raise InvalidInput("each row has one label, and there is a largest number of rows")


def _rows_most(engine: Engine, parameters: Parameters) -> int:
    # honest parties bring most_rows together; the test holds even if each brings so many
    return int(parameters["most_rows"]) * engine.parties


def _gradient(
    design: NDArray[np.float64],
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    parameters: Parameters,
) -> list[int]:
    """This party's sum of gradients, in units of 2**-(precision + guard)."""
    predicted = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
    total = design.T @ (predicted - labels)
    return [round(each) for each in total * 2.0 ** (parameters["precision"] + _GUARD)]


async def _mean(
    engine: Engine, own: list[int], reciprocal: Any, parameters: Parameters
) -> NDArray[np.float64]:
    product = engine.total(own) * reciprocal
    dropped = _reciprocal_digits(parameters) + _GUARD
    rounded = engine.rounded(product, dropped, width(_product_most(parameters)))
    opened = await engine.open("mean gradient", rounded)
    if opened is None:
        raise InvalidInput("every party is a receiver of this computation")
    unit = float(2 ** parameters["precision"])
    return np.array(opened, dtype=np.float64) / unit


def _reciprocal(engine: Engine, rows: Any, parameters: Parameters) -> Any:
    """floor(2**R / rows) by long division; R comparisons, once, nothing opened."""
    digits = _reciprocal_digits(parameters)
    bits = width(parameters["most_rows"] << digits)
    quotient: Any = 0
    rest: Any = engine.public([1 << digits])
    for digit in reversed(range(digits)):  # rows are two or more: `minimum` says so
        shifted = rows * (1 << digit)
        fits = 1 - engine.negative(rest - shifted, bits)
        rest = rest - fits * shifted
        quotient = quotient + fits * (1 << digit)
    return quotient


class _Descent:
    """Nesterov's accelerated gradient descent over public mean gradients."""

    def __init__(self, parameters: Parameters) -> None:
        self._step, self._ridge = parameters["step"], parameters["ridge"]
        self._unit = 2 ** parameters["precision"]
        self._weights = np.zeros(parameters["features"])
        self._count = 0
        self.ahead = self._weights  # where the next gradient is taken

    def step(self, mean: NDArray[np.float64]) -> None:
        self._count += 1
        weights = self.ahead - self._step * (mean + self._ridge * self.ahead)
        momentum = (self._count - 1) / (self._count + 2)
        self.ahead = weights + momentum * (weights - self._weights)
        self._weights = weights

    def whole_numbers(self) -> list[int]:
        """The weights in units of 2**-precision."""
        return [round(each) for each in self._weights * self._unit]


CIRCUIT = Circuit(
    name="logistic",
    opens="whether there are enough rows, then the mean gradient of each iteration",
    parameters=PARAMETERS,
    inputs=_inputs,
    bits=_bits,
    run=_run,
    require=_require,
    together=_together,
    everyone_learns=True,
)
