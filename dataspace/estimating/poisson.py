"""Poisson regression with a log link, fitted by iteratively reweighted least squares.

McCullagh and Nelder 1989, "Generalized linear models", sections 2.5 and 6.2. Whether a finite
solution exists is not asked here but in `loglinear.fault`, before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dataspace.estimating.overlaps import Floats

_MOST_ROUNDS, _CLOSE = 200, 1e-12
_MOST_HALVINGS = 30
_MOST_ETA = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """What was fitted: a coefficient a column, an expected count a row, and minus twice the
    logarithm of the likelihood, above that of a perfect fit. `information` is Fisher's, a row
    and a column a coefficient."""

    coefficients: Floats = field(repr=False)
    expected: Floats = field(repr=False)
    deviance: float
    information: Floats = field(repr=False)


def regression(matrix: Floats, counts: Floats, offset: float = 0.0) -> Regression:
    """The most likely coefficients b where `counts` are Poisson with means exp(offset + X b)."""
    mean = counts + 0.1
    coefficients = _stepped(matrix, counts, mean, np.log(mean), offset)
    mean, before = _means(matrix, counts, coefficients, offset)
    for _ in range(_MOST_ROUNDS):
        eta = np.log(mean)
        wanted = _stepped(matrix, counts, mean, eta, offset)
        coefficients, mean, deviance = _no_worse(
            matrix, counts, coefficients, wanted, offset, before
        )
        if abs(deviance - before) < _CLOSE * (abs(deviance) + 0.1):
            break
        before = deviance
    return Regression(coefficients, mean, before, (matrix.T * mean) @ matrix)


def _stepped(matrix: Floats, counts: Floats, mean: Floats, eta: Floats, offset: float) -> Floats:
    working = eta - offset + (counts - mean) / mean
    weighted = matrix.T * mean
    solved: Floats = np.linalg.solve(weighted @ matrix, weighted @ working)
    return solved


def _no_worse(
    matrix: Floats, counts: Floats, now: Floats, wanted: Floats, offset: float, before: float
) -> tuple[Floats, Floats, float]:
    """The step that is wanted, halved until it does not lead away from the data."""
    for _ in range(_MOST_HALVINGS):
        mean, deviance = _means(matrix, counts, wanted, offset)
        if deviance <= before + _CLOSE * (abs(before) + 0.1):
            return wanted, mean, deviance
        wanted = (now + wanted) / 2
    mean, deviance = _means(matrix, counts, now, offset)
    return now, mean, deviance


def _means(
    matrix: Floats, counts: Floats, coefficients: Floats, offset: float
) -> tuple[Floats, float]:
    mean = np.exp(np.clip(matrix @ coefficients + offset, -_MOST_ETA, _MOST_ETA))
    logs = np.log(np.where(counts > 0, counts, 1.0) / mean)
    terms = np.where(counts > 0, counts * logs, 0.0) - (counts - mean)
    return mean, float(2 * terms.sum())
