"""95 % intervals of a total: all totals that the data do not speak against too much.

For each number of people on no list the other parameters are fitted anew; a number belongs to
the interval while twice the logarithm of the likelihood is at most 3.84 below its highest
(profile likelihood). Two likelihoods are in use, and published intervals have either:

- *Poisson*: counts are Poisson, the intercept is fixed (Chan, Silverman and Vincent 2021);
- *multinomial*: the total is a parameter (Cormack 1992, "Interval estimation for
  mark-recapture studies of closed populations").

Neither knows that pairs were chosen by looking at the same data, so that the intervals of
stepwise models are too narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln, xlogy
from scipy.stats import chi2

from dataspace.estimating.loglinear import Fit, design
from dataspace.estimating.overlaps import Overlaps
from dataspace.estimating.poisson import regression

_DROP = float(chi2.ppf(0.95, 1))
_NOBODY, _EVERYBODY = np.log(1e-3), np.log(1e12)  # of those on no list
_STEP, _NEAR = 0.7, 3.0
_LEAST = 1e-9  # of those on no list; fewer are not told from nobody


@dataclass(frozen=True, slots=True)
class Interval:
    """`high` is None where the data speak against no number, however large."""

    low: float
    high: float | None


def poisson_interval(table: Overlaps, fit: Fit) -> Interval:
    """By the Poisson likelihood; for independence and stepwise."""
    made = design(table, fit.pairs)
    effects = made.matrix[:, 1:]

    def drop(missing: float) -> float:
        return regression(effects, made.counts, missing).deviance - fit.deviance

    return _interval(table, drop, float(np.log(max(fit.total - table.seen, _LEAST))))


def multinomial_interval(table: Overlaps, fit: Fit) -> Interval:
    """By the multinomial likelihood; for Bales, Hesketh and Silverman."""
    made = design(table, fit.pairs)
    nobody = np.zeros((1, made.matrix.shape[1]))
    nobody[0, 0] = 1
    matrix = np.vstack([nobody, made.matrix])

    def worse(missing: float) -> float:
        unseen = float(np.exp(missing))
        total = table.seen + unseen
        found = regression(matrix, np.concatenate([[unseen], made.counts]))
        ways = gammaln(total + 1) - gammaln(unseen + 1)
        return found.deviance - 2 * float(ways - xlogy(total, total) + xlogy(unseen, unseen))

    start = float(np.log(max(fit.total - table.seen, _LEAST)))
    best = minimize_scalar(worse, bounds=(start - _NEAR, start + _NEAR), method="bounded")
    at, least = min((float(best.x), float(best.fun)), (start, worse(start)), key=lambda x: x[1])
    return _interval(table, lambda missing: worse(missing) - least, at)


def _interval(table: Overlaps, drop: Callable[[float], float], best: float) -> Interval:
    """From the best logarithm of those on no list outwards, to where the likelihood dropped."""

    def over(missing: float) -> float:
        return drop(missing) - _DROP

    if over(best) > 0:  # everybody was seen: the best is below the least that is looked at
        return Interval(table.seen, table.seen + float(np.exp(best)))
    low, high = best, best
    while low > _NOBODY and over(low) <= 0:
        low -= _STEP
    while high < _EVERYBODY and over(high) <= 0:
        high += _STEP
    bottom: float = table.seen
    top: float | None = None
    if over(low) > 0:
        bottom += float(np.exp(brentq(over, low, min(low + _STEP, best))))
    if over(high) > 0:
        top = table.seen + float(np.exp(brentq(over, max(high - _STEP, best), high)))
    return Interval(bottom, top)
