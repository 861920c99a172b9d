"""Poisson log-linear models of overlaps, fitted by iteratively reweighted least squares.

A model has an effect for each list and one for each pair of lists that it names. The number of
those on no list is exp(intercept). Where nobody is on both lists of a pair, its effect is minus
infinity: the cells with both are left out and no parameter stands for it (Chan, Silverman and
Vincent 2021, "Multiple systems estimation for sparse capture data", section 3). Whether there
is an estimate at all is asked before it is made:

- it *does not exist* if some direction of the parameters fits ever better without an end;
- it is *not identifiable* if several parameters fit equally well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import linprog
from scipy.stats import chi2

from dataspace.estimating.overlaps import Floats, Overlaps, Pair

_MOST_ROUNDS, _CLOSE = 200, 1e-12
_MOST_ETA = 30.0
_RANK = 1e-9


class Fault(StrEnum):
    """Why a model gives no number."""

    DOES_NOT_EXIST = "does-not-exist"
    NOT_IDENTIFIABLE = "not-identifiable"


@dataclass(frozen=True, slots=True)
class Fit:
    """A model that was fitted: how many there are in all, and how far it is from the data."""

    pairs: tuple[Pair, ...]
    total: float
    deviance: float
    parameters: int


@dataclass(frozen=True, slots=True)
class Design:
    """What remains of the table for a model: a row a cell, a column a parameter."""

    matrix: Floats
    counts: Floats


def design(table: Overlaps, pairs: tuple[Pair, ...]) -> Design:
    """The cells and parameters of a model."""
    kept = np.ones(len(table.counts), dtype=bool)
    columns = [np.ones(len(table.counts)), *table.patterns.T]
    for pair in pairs:
        both = table.both(pair)
        if table.counts[both == 1].sum():
            columns.append(both)
        else:
            kept &= both == 0
    return Design(np.array(columns).T[kept], table.counts[kept])


def fault(made: Design) -> Fault | None:
    """Why there would be no number; None if there is one.

    The estimate exists if and only if no direction b has X b = 0 where somebody is counted,
    X b <= 0 everywhere and X b < 0 somewhere (Fienberg and Rinaldo 2012, theorem 4.2).
    """
    matrix, counts = made.matrix, made.counts
    if np.linalg.matrix_rank(matrix, tol=_RANK) < matrix.shape[1]:
        return Fault.NOT_IDENTIFIABLE
    empty = matrix[counts == 0]
    if not len(empty):
        return None
    found = linprog(
        empty.sum(axis=0),
        A_ub=np.vstack([empty, -empty]),
        b_ub=np.concatenate([np.zeros(len(empty)), np.ones(len(empty))]),
        A_eq=matrix[counts > 0],
        b_eq=np.zeros(int((counts > 0).sum())),
        bounds=(None, None),
        method="highs",
    )
    return Fault.DOES_NOT_EXIST if found.fun < -_RANK else None


def fitted(table: Overlaps, pairs: tuple[Pair, ...] = ()) -> Fit | Fault:
    """The model with an effect for each of these pairs."""
    made = design(table, pairs)
    wrong = fault(made)
    if wrong is not None:
        return wrong
    intercept, deviance = _fit(made)
    return Fit(pairs, table.seen + float(np.exp(intercept)), deviance, made.matrix.shape[1])


def likelihood_ratio(smaller: Fit, larger: Fit) -> float:
    """How likely so much better a fit were if the added pair had no effect."""
    return float(chi2.sf(max(smaller.deviance - larger.deviance, 0.0), 1))


def _fit(made: Design) -> tuple[float, float]:
    matrix, counts = made.matrix, made.counts
    mean = counts + 0.1
    eta, before = np.log(mean), np.inf
    parameters = np.zeros(matrix.shape[1])
    for _ in range(_MOST_ROUNDS):
        working = eta + (counts - mean) / mean
        weighted = matrix.T * mean
        parameters = np.linalg.solve(weighted @ matrix, weighted @ working)
        eta = np.clip(matrix @ parameters, -_MOST_ETA, _MOST_ETA)
        mean = np.exp(eta)
        deviance = _deviance(counts, mean)
        if abs(deviance - before) < _CLOSE * (abs(deviance) + 0.1):
            break
        before = deviance
    return float(parameters[0]), deviance


def _deviance(counts: Floats, mean: Floats) -> float:
    logs = np.log(np.where(counts > 0, counts, 1.0) / mean)
    terms = np.where(counts > 0, counts * logs, 0.0)
    return float(2 * (terms - (counts - mean)).sum())
