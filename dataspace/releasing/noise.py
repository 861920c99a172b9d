"""Noise for differential privacy, from OpenDP's own generator and from nothing else.

Discrete Laplace noise (OpenDP 0.16 `make_laplace` on integers; Ghosh, Roughgarden and
Sundararajan 2012, "Universally utility-maximizing privacy mechanisms"; sampled exactly after
Canonne, Kamath and Steinke 2020). There is no seed to set: a seed would be a way to take the
noise off again.
"""

from __future__ import annotations

from functools import cache
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput

type Integers = npt.NDArray[np.int64]

_MILLI = 1000
_TAIL = 40  # scales; beyond that noise is met once in 10**17 cells


def add_noise(counts: Integers, *, epsilon_milli: int, sensitivity: int) -> Integers:
    """The counts with discrete Laplace noise of scale sensitivity / epsilon in each.

    `epsilon_milli` is epsilon in thousandths; `sensitivity` by how much one person's rows can
    change the table, in L1. Raises InvalidInput for an epsilon or sensitivity below 1.
    """
    if epsilon_milli < 1 or sensitivity < 1:
        raise InvalidInput("noise needs a privacy budget and a sensitivity of at least one")
    measurement = _laplace(epsilon_milli, sensitivity)
    return np.array(measurement([int(each) for each in counts]), np.int64)


@cache
def _laplace(epsilon_milli: int, sensitivity: int) -> Any:
    import opendp.prelude as dp  # noqa: PLC0415  # takes half a second, and few plans ask for it

    dp.enable_features("contrib")  # all of OpenDP's mechanisms are behind this flag
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    measurement = dp.m.make_laplace(*space, scale=_MILLI * sensitivity / epsilon_milli)
    if measurement.map(sensitivity) * _MILLI > epsilon_milli * (1 + 1e-9):
        raise InvalidInput("the noise would spend more than the plan's privacy budget")
    return measurement


def tail(epsilon_milli: int, sensitivity: int) -> int:
    """Noise is cut off here, so that it fits the computation; cutting costs no privacy."""
    return -(-_TAIL * _MILLI * sensitivity // epsilon_milli) + 1


def standard_error_milli(epsilon_milli: int, sensitivity: int, holders: int) -> int:
    """In thousandths, at most by how much a sum over `holders` noisy tables strays (one
    standard deviation): the square root of holders * 2 * scale**2."""
    return isqrt(2 * holders * (_MILLI * _MILLI * sensitivity // epsilon_milli) ** 2)
