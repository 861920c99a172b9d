"""Poisson regression with a log link, fitted by iteratively reweighted least squares.

McCullagh and Nelder 1989, "Generalized linear models", section 2.5. Whether a finite
solution exists is not asked here but in `loglinear.fault`, before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from dataspace.estimating.overlaps import Floats

_MOST_ROUNDS, _CLOSE = 200, 1e-12
_MOST_HALVINGS = 30
_LEAST_ETA, _MOST_ETA = -300.0, 30.0  # a nearly empty cell's counts to be weighed truly


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
    """The most likely coefficients b where counts are Poisson with means exp(offset + X b)."""
    data = _Data(matrix, counts, offset)
    now = data.at(data.solved(counts + 0.1))
    for _ in range(_MOST_ROUNDS):
        before, now = now, data.no_worse(now, data.solved(now.expected))
        if abs(now.deviance - before.deviance) < _CLOSE * (abs(now.deviance) + 0.1):
            break
    information = (matrix.T * now.expected) @ matrix
    return Regression(now.coefficients, now.expected, now.deviance, information)


class _Point(NamedTuple):
    coefficients: Floats
    expected: Floats
    deviance: float


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    matrix: Floats
    counts: Floats
    offset: float

    def solved(self, mean: Floats) -> Floats:
        """Weighted least squares on the working response at these means."""
        working = np.log(mean) - self.offset + (self.counts - mean) / mean
        weighted = self.matrix.T * mean
        found: Floats = np.linalg.solve(weighted @ self.matrix, weighted @ working)
        return found

    def at(self, coefficients: Floats) -> _Point:
        eta = np.clip(self.matrix @ coefficients + self.offset, _LEAST_ETA, _MOST_ETA)
        mean = np.exp(eta)
        logs = np.log(np.where(self.counts > 0, self.counts, 1.0) / mean)
        terms = np.where(self.counts > 0, self.counts * logs, 0.0) - (self.counts - mean)
        return _Point(coefficients, mean, float(2 * terms.sum()))

    def no_worse(self, now: _Point, wanted: Floats) -> _Point:
        """The step that is wanted, halved until it does not lead away from the data."""
        for _ in range(_MOST_HALVINGS):
            tried = self.at(wanted)
            if tried.deviance <= now.deviance + _CLOSE * (abs(now.deviance) + 0.1):
                return tried
            wanted = (now.coefficients + wanted) / 2
        return now
