"""Poisson log-linear models of overlaps.

A model has an effect for each list and one for each pair of lists that it names. The number of
those on no list is exp(intercept). Where nobody is on both lists of a pair, its effect is minus
infinity: the cells with both are left out and no parameter stands for it (Chan, Silverman and
Vincent 2021, "Multiple systems estimation for sparse capture data"). Whether there
is an estimate at all is asked before it is made:

- it *does not exist* if some direction of the parameters fits ever better without an end;
- it is *not identifiable* if several parameters fit equally well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from scipy.optimize import linprog
from scipy.stats import norm

from dataspace.estimating.overlaps import Floats, Overlaps, Pair
from dataspace.estimating.poisson import Regression, regression

_RANK = 1e-9


class Fault(StrEnum):
    """Why a model gives no number."""

    DOES_NOT_EXIST = "does-not-exist"
    NOT_IDENTIFIABLE = "not-identifiable"
    TOO_MANY_LISTS = "too-many-lists"


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A model that was fitted: how many there are in all, and how far it is from the data.

    `parameters` counts every effect, those that are minus infinity too. `wald` is the p-value
    of the last pair's effect (two-sided, by its standard error); 1 where that is minus infinity
    or where there is no pair. `expected` has a number for each of the table's patterns.
    """

    pairs: tuple[Pair, ...]
    total: float
    deviance: float
    parameters: int
    wald: float
    expected: Floats = field(repr=False)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, up to a number that is the table's."""
        return self.deviance + 2 * self.parameters


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What remains of the table for a model: a row a cell, a column a parameter.

    `kept` tells of each of the table's patterns whether its cell remains."""

    matrix: Floats = field(repr=False)
    counts: Floats = field(repr=False)
    kept: Floats = field(repr=False)


def design(table: Overlaps, pairs: tuple[Pair, ...]) -> Design:
    """The cells and parameters of a model."""
    kept = np.ones(len(table.counts), dtype=bool)
    columns = [np.ones(len(table.counts)), *table.patterns.T]
    for pair in pairs:
        if table.shared(pair):
            columns.append(table.both(pair))
        else:
            kept &= table.both(pair) == 0
    return Design(np.array(columns).T[kept], table.counts[kept], kept.astype(np.float64))


def fault(made: Design) -> Fault | None:
    """Why there would be no number; None if there is one.

    The estimate exists if and only if no direction b has X b = 0 where somebody is counted,
    X b <= 0 everywhere and X b < 0 somewhere (Fienberg and Rinaldo 2012,
    "Maximum likelihood estimation in log-linear models").
    """
    matrix, counts = made.matrix, made.counts
    parameters = matrix.shape[1]
    if np.linalg.matrix_rank(matrix, tol=_RANK) < parameters:
        return Fault.NOT_IDENTIFIABLE
    if np.linalg.matrix_rank(matrix[counts > 0], tol=_RANK) == parameters:
        return None  # only b = 0 has X b = 0 there: no need of a linear program
    empty = matrix[counts == 0]
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
    """The model with an effect for each of these pairs, by maximum likelihood."""
    made = design(table, pairs)
    wrong = fault(made)
    if wrong is not None:
        return wrong
    found = regression(made.matrix, made.counts)
    expected = np.zeros(len(table.counts))
    expected[made.kept > 0] = found.expected
    return Fit(
        pairs,
        table.seen + float(np.exp(found.coefficients[0])),
        found.deviance,
        1 + len(table.lists) + len(pairs),
        _wald(found) if pairs and table.shared(pairs[-1]) else 1.0,
        expected,
    )


def _wald(found: Regression) -> float:
    variance = np.linalg.inv(found.information)[-1, -1]
    return float(2 * norm.sf(abs(found.coefficients[-1]) / np.sqrt(variance)))
