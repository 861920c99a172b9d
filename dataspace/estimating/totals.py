"""The independence estimate from the lists' totals and the number of distinct people alone.

Under independence these are all that the likelihood depends on, so that no overlap has to be
known, and the estimate can be made inside a secure computation: N solves

    N - M = (N - n_1) (N - n_2) ... (N - n_k) / N**(k - 1)

where M is the number of distinct people and n_i are the totals (Darroch 1958, "The multiple-
recapture census I"). Left minus right is at most 0 from M up to N and positive
beyond, so that halving finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from scipy.optimize import brentq

from core.errors import InvalidInput
from dataspace.estimating.loglinear import Fault
from dataspace.estimating.overlaps import FEWEST, MOST

_FURTHEST = 1e18


def independence_from_totals(list_totals: Sequence[int], distinct: int) -> float | Fault:
    """How many there are in all; the same as `stepwise.independence` of the whole table.

    The estimate does not exist where nobody is on two lists, a list is empty, or one list holds
    everybody. Raises InvalidInput for totals that no lists of so many people can have.
    """
    _check(list_totals, distinct)
    if not _exists(list_totals, distinct):
        return Fault.DOES_NOT_EXIST

    def beyond(total: float) -> float:
        return 1 - distinct / total - prod(1 - each / total for each in list_totals)

    upper = 2.0 * distinct
    while beyond(upper) <= 0 and upper < _FURTHEST:
        upper *= 2
    return float(brentq(beyond, distinct, upper, xtol=1e-9, rtol=1e-14))


def independence_floor(list_totals: Sequence[int], distinct: int, most: int) -> int:
    """The estimate rounded down, and `most` if it is larger or does not exist; in whole numbers
    alone, as the secure computation makes it.

    It is the largest N from `distinct` to `most` with
    (N - M) N**(k - 1) <= (N - n_1) ... (N - n_k). Raises InvalidInput as above, and where
    `most` is below `distinct`.
    """
    _check(list_totals, distinct)
    if most < distinct:
        raise InvalidInput("the largest estimate cannot be below the number of people seen")
    if not _exists(list_totals, distinct):
        return most
    low, high = distinct, most
    while low < high:
        middle = (low + high + 1) // 2
        left = (middle - distinct) * middle ** (len(list_totals) - 1)
        if left <= prod(middle - each for each in list_totals):
            low = middle
        else:
            high = middle - 1
    return low


def _exists(list_totals: Sequence[int], distinct: int) -> bool:
    return sum(list_totals) > distinct > max(list_totals) and min(list_totals) > 0


def _check(list_totals: Sequence[int], distinct: int) -> None:
    if not FEWEST <= len(list_totals) <= MOST:
        raise InvalidInput(f"an estimate needs {FEWEST} to {MOST} lists")
    if any(type(each) is not int for each in (*list_totals, distinct)):
        raise InvalidInput("totals of lists are whole numbers")
    if min(list_totals) < 0 or distinct < 1:
        raise InvalidInput("totals of lists are not negative, and somebody has to be on one")
    if not max(list_totals) <= distinct <= sum(list_totals):
        raise InvalidInput("no lists of so many distinct people have these totals")
