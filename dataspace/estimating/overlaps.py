"""Overlaps of lists of people: how many are on exactly these lists and on no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput

type Floats = npt.NDArray[np.float64]
type Pair = tuple[int, int]

FEWEST, MOST = 2, 12
_MOST_PEOPLE = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Counts of distinct people by the lists that they are on.

    `patterns` has a row for each of the 2**k - 1 ways to be on some list (1: on it), `counts`
    as many numbers.
    """

    lists: tuple[str, ...]
    patterns: Floats = field(repr=False)
    counts: Floats = field(repr=False)

    @property
    def seen(self) -> int:
        """How many distinct people are on any list."""
        return int(self.counts.sum())

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every two lists, by their places."""
        return tuple(combinations(range(len(self.lists)), 2))

    def both(self, pair: Pair) -> Floats:
        """1 for each way to be on both lists."""
        one, other = pair
        return self.patterns[:, one] * self.patterns[:, other]

    def shared(self, pair: Pair) -> int:
        """How many people are on both lists, and perhaps on others."""
        return int((self.both(pair) * self.counts).sum())

    def key(self, pair: Pair) -> tuple[str, ...]:
        """The same for a pair in whatever order the lists are given."""
        return tuple(sorted(self.lists[each] for each in pair))

    def name(self, pair: Pair) -> str:
        """`A.B`"""
        return f"{self.lists[pair[0]]}.{self.lists[pair[1]]}"


def overlaps(lists: tuple[str, ...], counts: Mapping[frozenset[str], int]) -> Overlaps:
    """The table of these lists; what is not named is 0.

    Raises InvalidInput: too few or too many lists, a name twice, a count that is none, a
    pattern of other lists, or nobody at all.
    """
    if not FEWEST <= len(lists) <= MOST or len(set(lists)) != len(lists):
        raise InvalidInput(f"an estimate needs {FEWEST} to {MOST} lists with different names")
    if not all(type(n) is int and 0 <= n <= _MOST_PEOPLE for n in counts.values()):
        raise InvalidInput("counts of people are whole numbers, and not negative")
    if not all(pattern and pattern <= set(lists) for pattern in counts):
        raise InvalidInput("an overlap names a list that is not there")
    if not sum(counts.values()):
        raise InvalidInput("there is nobody on these lists")
    rows = [row for row in product((0, 1), repeat=len(lists)) if any(row)]
    named = [frozenset(n for n, on in zip(lists, row, strict=True) if on) for row in rows]
    values = [counts.get(each, 0) for each in named]
    return Overlaps(lists, np.array(rows, np.float64), np.array(values, np.float64))
