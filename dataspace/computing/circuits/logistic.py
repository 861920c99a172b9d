"""Logistic regression over the rows of all organisations, by aggregated gradients.

Each organisation brings its design matrix (whole numbers 0..scale for features 0..1; a column
of `scale` for the intercept, if one is wanted) and its labels (0 or 1). In every iteration it
computes the sum of the gradients of its own rows, as it would alone; the sums are added in
secret, and multiplied by the reciprocal of the SECRET number of all rows, which is made once.
Nesterov's accelerated gradient descent with momentum (k - 1)/(k + 2) turns the mean gradient
into the next weights (Y. Nesterov, 1983; momentum as in A. Beck and M. Teboulle, SIAM J. on
Imaging Sciences 2, 2009). `ridge` adds ridge/2 * |w|**2 to the mean loss, but for the first
`free` weights (an intercept is drawn nowhere).

`crossed` is how many features of a row are not 0 at most. As (x.w)**2 <= crossed * sum of
x_j * w_j**2 for features of 0 to 1, the loss curves by at most crossed/4 times the mean of a
feature along its weight. Each weight has one over that, with the ridge, as its step: a feature
of few rows comes as far as one of many, and no ridge makes the descent diverge. What comes out
are the means over the last quarter of the steps, in which the rounding is averaged away.

Opened, to all parties: first one bit, whether there are `minimum` rows or more, of at least
`contributors` parties; if it is 0, nothing else. Then one bit for each of the `levels` that
`counts` counts, whether `least` rows or more have it, of at least `contributors` parties; the
mean of each feature; and in each of the `iterations` the mean gradient, one number a feature.
Means are rounded (up or down at random, by less than one unit) to `precision` binary digits.
The weights follow from these. No organisation's number of rows and none of its sums are
opened. The total number of rows is not opened either, but exact means of few rows can betray
it, because they are multiples of one over it: with few rows, choose a larger `minimum` or a
coarser `precision`.

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
    "crossed": Number(1, 100),
    "ridge": Number(0.0, 1e3, default=0.0, real=True),
    "free": Number(0, 100, default=0),
    "levels": Number(0, 200, default=0),
    "least": Number(1, 2**24, default=1),
    "precision": Number(4, 20, default=14),
    "most_rows": Number(1, 2**27),  # bound of all organisations' rows together
}
# local sums carry so many binary digits more than what is opened
_GUARD = 4


def _inputs(parameters: Parameters, _me: int) -> Mapping[str, Column]:
    needed = {
        "design": Column((None, parameters["features"]), 0, parameters["scale"]),
        "labels": Column((None,), 0, 1),
    }
    if not parameters["levels"]:
        return needed
    return needed | {"counts": Column((parameters["levels"],), 0, parameters["most_rows"])}


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
    counts = [int(each) for each in inputs.get("counts", ())]
    present = [int(each > 0) for each in counts]
    total = engine.total([len(labels), int(len(labels) > 0), *counts, *present])
    rows, sharing = total[:1], total[1:2]
    having, of = total[2 : 2 + len(counts)], total[2 + len(counts) :]
    bits = width(_rows_most(engine, parameters))
    enough = engine.at_least(rows, parameters["minimum"], bits)
    shared = step(parameters["contributors"], engine.parties, engine.modulus)
    sufficient = await engine.open(
        "bit: enough rows", enough * engine.polynomial(shared, sharing)
    )
    if sufficient != [1]:
        return {"enough": [0], "levels": [], "weights": [], "moved": []}
    levels: list[int] | None = []
    if counts:
        common = engine.at_least(having, parameters["least"], bits)
        bit = common * engine.polynomial(shared, of)
        levels = await engine.open("bits: levels of enough rows", bit)
    reciprocal = _reciprocal(engine, rows, parameters)
    own = _in_units(design.sum(axis=0), parameters)
    descent = Descent(parameters, await _mean(engine, "mean", own, reciprocal, parameters))
    for _ in range(parameters["iterations"]):
        own = _gradient(design, labels, descent.ahead, parameters)
        descent.step(await _mean(engine, "mean gradient", own, reciprocal, parameters))
    return {"enough": [1], "levels": levels or [], **descent.found()}


def _together(parameters: Parameters, inputs: Inputs) -> None:
    rows = len(inputs["labels"])
    if len(inputs["design"]) != rows or rows > parameters["most_rows"]:
        raise InvalidInput("each row has one label, and there is a largest number of rows")
    if any(each > rows for each in inputs.get("counts", ())):
        raise InvalidInput("no level has more rows than there are")


def _rows_most(engine: Engine, parameters: Parameters) -> int:
    # honest parties bring most_rows together; the test holds even if each brings so many
    return int(parameters["most_rows"]) * engine.parties


def _gradient(
    design: NDArray[np.float64],
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    parameters: Parameters,
) -> list[int]:
    """This party's sum of gradients."""
    predicted = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
    return _in_units(design.T @ (predicted - labels), parameters)


def _in_units(sums: NDArray[np.float64], parameters: Parameters) -> list[int]:
    """In units of 2**-(precision + guard)."""
    return [round(each) for each in sums * 2.0 ** (parameters["precision"] + _GUARD)]


async def _mean(
    engine: Engine, label: str, own: list[int], reciprocal: Any, parameters: Parameters
) -> NDArray[np.float64]:
    product = engine.total(own) * reciprocal
    dropped = _reciprocal_digits(parameters) + _GUARD
    rounded = engine.rounded(product, dropped, width(_product_most(parameters)))
    opened = await engine.open(label, rounded)
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


class Descent:
    """Nesterov's accelerated gradient descent over public means, the same at every party: it
    adds and multiplies number by number, in an order that no library chooses."""

    def __init__(self, parameters: Parameters, means: NDArray[np.float64]) -> None:
        """`means` are those of the features; the weight of one that no row has stays 0."""
        features = parameters["features"]
        self._unit, self._last = 2 ** parameters["precision"], parameters["iterations"]
        self._ridge = np.full(features, float(parameters["ridge"]))
        self._ridge[: parameters["free"]] = 0.0
        curvature = means * (parameters["crossed"] / 4) + self._ridge
        here = means > 1 / self._unit  # one unit can be the rounding alone
        self._steps = np.where(here, 1 / np.where(here, curvature, 1.0), 0.0)
        self._weights = np.zeros(features)
        self._sums = [np.zeros(features), np.zeros(features)]  # of the last two eighths
        self._counts = [0, 0]
        self._count = 0
        self.ahead = self._weights  # where the next gradient is taken

    def step(self, mean: NDArray[np.float64]) -> None:
        """Take in the mean gradient at `ahead`."""
        self._count += 1
        weights = self.ahead - self._steps * (mean + self._ridge * self.ahead)
        momentum = (self._count - 1) / (self._count + 2)
        self.ahead = weights + momentum * (weights - self._weights)
        self._weights = weights
        left = self._last - self._count
        if 4 * left < self._last:
            eighth = int(8 * left < self._last)
            self._sums[eighth] = self._sums[eighth] + weights
            self._counts[eighth] += 1

    def found(self) -> dict[str, list[int]]:
        """The weights, and how far they moved from the last eighth but one to the last, in
        units of 2**-precision."""
        before, after = (
            each / max(count, 1) for each, count in zip(self._sums, self._counts, strict=True)
        )
        mean = (self._sums[0] + self._sums[1]) / sum(self._counts)
        moved = np.abs(after - before) if all(self._counts) else np.abs(mean)
        return {
            "weights": [round(each) for each in mean * self._unit],
            "moved": [round(each) for each in moved * self._unit],
        }


CIRCUIT = Circuit(
    name="logistic",
    opens="whether there are enough rows, and of each level; the mean of each feature; the "
    "mean gradient of each iteration",
    parameters=PARAMETERS,
    inputs=_inputs,
    bits=_bits,
    run=_run,
    require=_require,
    together=_together,
    everyone_learns=True,
)
