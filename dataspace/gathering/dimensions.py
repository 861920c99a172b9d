"""What a table is broken down by: codes, periods of a date, or bins of a number.

Every dimension turns values into places: 0 for a row that is on no level, else 1 to the number
of its levels. With `with_missing` there is a last level for rows without a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise, product
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.vocabulary.model import Vocabulary

type Column = npt.NDArray[np.integer[Any]]
type Per = Literal["year", "quarter", "month"]

NO_CODE: Final = 0  # codes are 1 to the length of their list
NO_DAY: Final = int(np.iinfo(np.int32).min)
NO_NUMBER: Final = int(np.iinfo(np.int64).min)
MISSING: Final = "missing"
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MONTHS: Final[dict[Per, int]] = {"year": 12, "quarter": 3, "month": 1}
_MOST_LEVELS: Final = 100_000


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


@dataclass(frozen=True, slots=True)
class Days:
    """The days from one DATE column to another, as a number."""

    start: str
    end: str


type Measure = str | Days
"""A NUMBER column, or the days between two dates."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A CODE column: its levels are its code list."""

    column: str
    with_missing: bool = False

    def names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        return _named(vocabulary.levels(self.column), self.with_missing)

    def places(self, codes: Column, levels: int) -> Column:
        if not self.with_missing:
            return codes
        table = np.arange(levels, dtype=np.uint16)
        table[NO_CODE] = levels
        return table[codes]


@dataclass(frozen=True, slots=True)
class Periods:
    """A DATE column by calendar periods: from the one with `first` to the one with `last`."""

    column: str
    per: Per
    first: date
    last: date
    with_missing: bool = False

    def __post_init__(self) -> None:
        if self.per not in _MONTHS:
            raise InvalidInput("periods are by year, quarter or month")
        if self.first > self.last:
            raise InvalidInput("the first period is after the last")

    def names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """`2026`, `2026-Q1` or `2026-01`."""
        names = tuple(self._name(month) for month in self._starts())
        return _named(names, self.with_missing)

    def places(self, days: Column, levels: int) -> Column:
        starts = [*self._starts(), self._month(self.last) + _MONTHS[self.per]]
        edges = [day_number(date(month // 12, month % 12 + 1, 1)) for month in starts]
        inside = np.repeat(np.arange(1, len(edges), dtype=np.int32), np.diff(edges))
        table = np.concatenate(([0], inside, [0])).astype(np.int32)  # 0 before and after
        at = np.clip(days.astype(np.int64) - (edges[0] - 1), 0, len(table) - 1)
        places = table[at]
        if self.with_missing:
            places[days == NO_DAY] = levels
        return places

    @property
    def are_whole(self) -> bool:
        """Whether the first day begins its period, and the last one ends its."""
        ends = self.first, self.last + timedelta(days=1)
        return all(day.day == 1 and not (day.month - 1) % _MONTHS[self.per] for day in ends)

    def _month(self, day: date) -> int:
        """Months since the year 0, of the start of the period that the day is in."""
        month = day.year * 12 + day.month - 1
        return month - month % _MONTHS[self.per]

    def _starts(self) -> range:
        step = _MONTHS[self.per]
        return range(self._month(self.first), self._month(self.last) + 1, step)

    def _name(self, month: int) -> str:
        year, within = divmod(month, 12)
        if self.per == "year":
            return f"{year:04}"
        if self.per == "quarter":
            return f"{year:04}-Q{within // 3 + 1}"
        return f"{year:04}-{within + 1:02}"


@dataclass(frozen=True, slots=True)
class Bins:
    """A number in bins: below the first cut, from each to the next, from the last on."""

    of: Measure
    cuts: tuple[int, ...]
    with_missing: bool = False

    def __post_init__(self) -> None:
        if not self.cuts or list(self.cuts) != sorted(set(self.cuts)):
            raise InvalidInput("cut points are different numbers that go upwards")

    def names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """`<10`, `10..19` (both included), `>=20`."""
        inner = (f"{low}..{high - 1}" for low, high in pairwise(self.cuts))
        names = (f"<{self.cuts[0]}", *inner, f">={self.cuts[-1]}")
        return _named(names, self.with_missing)

    def places(self, values: Column, levels: int) -> Column:
        places = np.searchsorted(np.array(self.cuts, np.int64), values, side="right") + 1
        return np.where(values == NO_NUMBER, levels if self.with_missing else 0, places)


type Dimension = Codes | Periods | Bins


def cell_names(
    dimensions: Sequence[Dimension], vocabulary: Vocabulary
) -> Iterator[tuple[str, ...]]:
    """The levels that each cell stands for, in the order of a table's cells."""
    return product(*(each.names(vocabulary) for each in dimensions))


def _named(names: tuple[str, ...], with_missing: bool) -> tuple[str, ...]:
    if len(names) > _MOST_LEVELS:
        raise InvalidInput("a dimension has too many levels")
    return (*names, MISSING) if with_missing else names
