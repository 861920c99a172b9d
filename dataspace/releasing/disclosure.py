"""Which cells must be withheld beside the small ones, so that none can be computed back.

The attacker knows every number that is shown, and what else is said to be known (totals), and
that counts of people are not negative. Each number is a sum of *atoms* (people on exactly these
lists; in a simple row the cells themselves). A cell is safe if what is known leaves it at least
as many possible values as the threshold, so that nothing is learnt beyond "small". The exact
bounds of what an attacker can infer are linear programmes (auditing of cell suppression:
Willenborg and de Waal, "Elements of Statistical Disclosure Control", 2001, chapter 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

type Matrix = npt.NDArray[np.int64]

_SLACK = 1e-6  # of the solver, far below one person


@dataclass(frozen=True, slots=True)
class Sums:
    """Numbers as sums of atoms: `cells` may be withheld, `known` is known anyhow.

    Both are (numbers, atoms), whole and not negative; `atoms` are the exact counts.
    """

    cells: Matrix
    known: Matrix
    atoms: Matrix

    @property
    def values(self) -> Matrix:
        """The exact value of each cell."""
        found: Matrix = self.cells @ self.atoms
        return found


def row(values: Sequence[int]) -> Sums:
    """A row of cells whose total is known."""
    count = len(values)
    ones = np.ones((1, count), np.int64)
    return Sums(np.eye(count, dtype=np.int64), ones, np.array(values, np.int64))


def withheld(sums: Sums, threshold: int) -> frozenset[int]:
    """The places of the cells to withhold: those below the threshold, and others, the smallest
    first, until none of them can be narrowed down to fewer than `threshold` values, or to fewer
    than what is known anyhow leaves (a list of two people has no large overlap with any). Each
    of the others is needed: shown again, it would give a small one away."""
    values = sums.values
    small = [int(at) for at in np.flatnonzero(values < threshold)]
    others = [int(at) for at in np.argsort(values, kind="stable") if values[at] >= threshold]
    everything = frozenset(range(len(values)))
    wanted = {at: min(threshold - 1, _width(sums, everything, at)) for at in small}
    extra: list[int] = []
    while not _is_safe(sums, {*small, *extra}, wanted):
        extra.append(others.pop(0))  # there is one left: with everything hidden all is well
    for at in extra[::-1]:  # the smallest ones often did not help
        if _is_safe(sums, {*small, *extra} - {at}, wanted):
            extra.remove(at)
    return frozenset({*small, *extra})


def _is_safe(sums: Sums, hidden: set[int], wanted: Mapping[int, float]) -> bool:
    return all(_width(sums, hidden, at) >= wanted[at] - _SLACK for at in wanted)


def _width(sums: Sums, hidden: set[int] | frozenset[int], at: int) -> float:
    low, high = possible(sums, hidden, at)
    return high - low


def possible(sums: Sums, hidden: set[int] | frozenset[int], at: int) -> tuple[float, float]:
    """Between which values a cell is, for whoever sees every cell that is not hidden. The upper
    one is infinite if nothing bounds it."""
    shown = [place for place in range(len(sums.cells)) if place not in hidden]
    equal = np.vstack([sums.cells[shown], sums.known])
    ends = []
    for sign in (1, -1):
        found = linprog(
            sign * sums.cells[at], A_eq=equal, b_eq=equal @ sums.atoms, method="highs"
        )
        ends.append(sign * found.fun if found.status == 0 else np.inf)
    return float(ends[0]), float(ends[1])


def without_a_single_gap(cells: Sequence[int | None]) -> tuple[int | None, ...]:
    """Cells of a table of which exactly one is missing, without its smallest other one too:
    whoever learns the grand total elsewhere would otherwise know the missing one."""
    shown = [value for value in cells if value is not None]
    if len(cells) - len(shown) != 1 or not shown:
        return tuple(cells)
    at = list(cells).index(min(shown))
    return (*cells[:at], None, *cells[at + 1 :])
