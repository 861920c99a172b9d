"""Cases as small integers in columns, and tables of them in milliseconds.

Rows stay in their organisation; what a computation gets are these tables, secret-shared.

How a table's cells are ordered: dimensions as they are asked for, each dimension's levels in
the order of its code list, periods or bins, the last dimension running fastest (C order).
A row that lacks a value in one of the dimensions is in no cell, unless the dimension has
`with_missing`, which adds a last level "missing". A day or a number outside the stated periods
or cut points is in no cell either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.dimensions import (
    NO_CODE,
    NO_DAY,
    NO_NUMBER,
    Codes,
    Column,
    Days,
    Dimension,
    Measure,
    Periods,
    day_number,
)
from dataspace.vocabulary.model import TABLE_KINDS, Kind, Use, Vocabulary

type Ints = npt.NDArray[np.int64]
type Mask = npt.NDArray[np.bool_]

NOBODY: Final = -1

MOST_ROWS: Final = 4_000_000  # with LARGEST_NUMBER: sums fit 63 bits
MOST_CELLS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose code in `column` is one of `values`."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Between:
    """Rows whose day (as days since 1970) or number is from `low` to `high`, both included."""

    column: str
    low: int
    high: int


class Sums(NamedTuple):
    """In each cell, of how many rows a value is known, and the sum of these values."""

    rows: Ints
    total: Ints


class Design(NamedTuple):
    """0/1 columns for a regression: `values` is (rows kept, len(names)), uint8.

    `names` are `column=code`, without each column's base level. `kept` marks the rows of the
    table that lack nothing in these columns.
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.uint8]
    kept: Mask


@dataclass(frozen=True, slots=True, repr=False)
class CodedTable:
    """Columns of equal length under their capture-base names; make it with `coded_table`.

    CODE columns hold places in their code list from 1 (uint8 or uint16), DATE columns days
    since 1970 (int32), NUMBER columns int64; missing are NO_CODE, NO_DAY, NO_NUMBER.
    `persons` numbers the person of each row from 0, NOBODY where the row tells nobody apart.
    """

    vocabulary: Vocabulary
    columns: Mapping[str, Column]
    persons: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.persons)

    def __repr__(self) -> str:
        return f"CodedTable({self.vocabulary.name}, {len(self.columns)} columns)"

    def mask(self, filters: Sequence[Filter | Between]) -> Mask | None:
        """The rows that pass every filter; None when there is no filter.

        Raises InvalidInput: a column or code that is not there. Forbidden: a column that may
        not be tabulated: filtering by it would tell as much.
        """
        mask: Mask | None = None
        for each in filters:
            one = self._codes(each) if isinstance(each, Filter) else self._between(each)
            mask = one if mask is None else mask & one
        return mask

    def tabulate(
        self,
        dimensions: Sequence[Dimension],
        mask: Mask | None = None,
        *,
        distinct_people: bool = False,
    ) -> Ints:
        """How many rows are in each cell, as a flat int64 array in the order told above.

        With `distinct_people` a person is counted once in each cell that any of her rows is
        in, and every row without a person once. With no dimensions there is one cell.

        Raises InvalidInput: no such column, too many cells. Forbidden: a column that may not
        be tabulated.
        """
        places, shape = self._places(dimensions)
        if distinct_people:
            places = self._once(places, mask)
        elif mask is not None:
            places = places[mask]
        counts = np.bincount(places, minlength=prod(shape))
        return _without_missing(counts.astype(np.int64, copy=False), shape)

    def sums(
        self, of: Measure, dimensions: Sequence[Dimension], mask: Mask | None = None
    ) -> Sums:
        """The sums of a NUMBER column, or of the days between two dates, in each cell. Exact.

        Raises InvalidInput, Forbidden: as `tabulate`, and for a column that is no number.
        """
        values = self.measured(of)
        known = values != NO_NUMBER
        known = known if mask is None else known & mask
        places, shape = self._places(dimensions)
        total = np.zeros(prod(shape), np.int64)
        np.add.at(total, places[known], values[known])
        rows = np.bincount(places[known], minlength=prod(shape)).astype(np.int64)
        return Sums(_without_missing(rows, shape), _without_missing(total, shape))

    def design(
        self,
        columns: Sequence[str],
        base: Mapping[str, str] | None = None,
        mask: Mask | None = None,
    ) -> Design:
        """One 0/1 column for each code of each CODE column but its base level (the first).

        Raises InvalidInput, Forbidden: as `tabulate`, and for a base that is no code.
        """
        if len(set(columns)) != len(columns):
            raise InvalidInput("a regression names a column twice")
        kept = np.ones(len(self), np.bool_) if mask is None else mask.copy()
        for name in columns:
            self.vocabulary.code_list(name)
            kept &= self.column(name) != NO_CODE
        names: list[str] = []
        parts: list[npt.NDArray[np.bool_]] = []
        for name in columns:
            levels = self.vocabulary.levels(name)
            codes, first = self.column(name)[kept], (base or {}).get(name, levels[0])
            self._place_of(name, first)
            for place, code in enumerate(levels, 1):
                if code != first:
                    names.append(f"{name}={code}")
                    parts.append(codes == place)
        values = np.column_stack(parts) if parts else np.empty((int(kept.sum()), 0), np.bool_)
        return Design(tuple(names), values.astype(np.uint8), kept)

    def levels_of(self, dimension: Dimension) -> Ints:
        """On which level of a dimension each row is, from 1; 0: on none.

        Raises InvalidInput, Forbidden: as `tabulate`.
        """
        count = len(dimension.names(self.vocabulary))
        return dimension.places(self._values(dimension), count).astype(np.int64)

    def column(self, name: str) -> Column:
        """A column that may be tabulated. Raises InvalidInput, Forbidden."""
        self.vocabulary.require(name, Use.TABULATE)
        found = self.columns.get(name)
        if found is None:
            raise InvalidInput(f"this list has no column {name}")
        return found

    def measured(self, of: Measure) -> Ints:
        """A NUMBER column, or the days between two DATE columns, NO_NUMBER where unknown."""
        if isinstance(of, Days):
            start, end = self._kind(of.start, Kind.DATE), self._kind(of.end, Kind.DATE)
            known = (start != NO_DAY) & (end != NO_DAY)
            between = end.astype(np.int64) - start.astype(np.int64)
            return np.where(known, between, NO_NUMBER)
        return self._kind(of, Kind.NUMBER).astype(np.int64, copy=False)

    def _kind(self, name: str, kind: Kind) -> Column:
        if self.vocabulary.column(name).kind is not kind:
            raise InvalidInput(f"column {name} is not a {kind}")
        return self.column(name)

    def _places(
        self, dimensions: Sequence[Dimension]
    ) -> tuple[npt.NDArray[np.intp], tuple[int, ...]]:
        """Each row's cell in a table with a level 0, "nowhere", in every dimension."""
        levels = [len(each.names(self.vocabulary)) for each in dimensions]
        shape = tuple(n + 1 for n in levels)
        if prod(shape) > MOST_CELLS:
            raise InvalidInput(f"a table has fewer than {MOST_CELLS:,} cells")
        places = np.zeros(len(self), np.intp)
        for dimension, n in zip(dimensions, levels, strict=True):
            places *= n + 1
            places += dimension.places(self._values(dimension), n)
        return places, shape

    def _values(self, dimension: Dimension) -> Column:
        if isinstance(dimension, Codes):
            return self._kind(dimension.column, Kind.CODE)
        if isinstance(dimension, Periods):
            return self._kind(dimension.column, Kind.DATE)
        return self.measured(dimension.of)

    def _once(self, places: npt.NDArray[np.intp], mask: Mask | None) -> npt.NDArray[np.intp]:
        """The cells of different (person, cell) pairs, and of the rows without a person."""
        persons = self.persons.astype(np.int64)
        if mask is not None:
            places, persons = places[mask], persons[mask]
        known = persons != NOBODY
        people = max(int(persons.max(initial=0)) + 1, 1)
        pairs = np.sort(places[known] * people + persons[known])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        return np.concatenate((pairs // people, places[~known]))

    def _place_of(self, name: str, code: str) -> int:
        levels = self.vocabulary.levels(name)
        if code not in levels:
            raise InvalidInput(f"column {name} has no such code")
        return levels.index(code) + 1

    def _codes(self, each: Filter) -> Mask:
        wanted = np.zeros(len(self.vocabulary.levels(each.column)) + 1, np.bool_)
        wanted[[self._place_of(each.column, value) for value in each.values]] = True
        mask: Mask = wanted[self.column(each.column)]
        return mask

    def _between(self, each: Between) -> Mask:
        if self.vocabulary.column(each.column).kind is Kind.CODE:
            raise InvalidInput(f"column {each.column} has codes, and no range")
        values = self.column(each.column)
        missing = NO_DAY if values.dtype == np.int32 else NO_NUMBER
        mask: Mask = (values != missing) & (values >= each.low) & (values <= each.high)
        return mask


def _without_missing(cells: Ints, shape: tuple[int, ...]) -> Ints:
    """The cells of a table without its levels 0, in C order."""
    return cells.reshape(shape)[(slice(1, None),) * len(shape)].ravel()


def coded_table(
    vocabulary: Vocabulary,
    columns: Mapping[str, Column],
    persons: npt.NDArray[np.int32] | None = None,
) -> CodedTable:
    """Columns that were checked against the vocabulary, made read-only.

    Without `persons` no row is known to be the same person's as another.

    Raises InvalidInput: too many rows, columns of different lengths or wrong types, a code,
    day or number out of bounds, a column that is flagged personal or holds no codes, days or
    numbers: no such thing is ever in a table.
    """
    lengths = {len(values) for values in columns.values()}
    if persons is None:
        persons = np.full(max(lengths, default=0), NOBODY, np.int32)
    if lengths - {len(persons)} or len(persons) > MOST_ROWS:
        raise InvalidInput("the columns of a list have one length, within its limit")
    if persons.dtype != np.int32 or int(persons.min(initial=0)) < NOBODY:
        raise InvalidInput("the numbers of persons are not what they have to be")
    kept = {name: _checked(vocabulary, name, values) for name, values in columns.items()}
    return CodedTable(vocabulary, kept, _frozen(persons))


def column_type(vocabulary: Vocabulary, name: str) -> tuple[npt.DTypeLike, int, int, int]:
    """The dtype of a column, what stands for missing, and its least and largest value.

    Raises InvalidInput: no such column, or one that is never in a table.
    """
    column = vocabulary.column(name)
    if column.personal or column.kind not in TABLE_KINDS:
        raise InvalidInput(f"column {name} is never in a table: it is personal, or words")
    if column.kind is Kind.CODE:
        levels = len(vocabulary.levels(name))
        return (np.uint8 if levels < 256 else np.uint16), NO_CODE, 1, levels
    if column.kind is Kind.DATE:
        return np.int32, NO_DAY, day_number(column.earliest), day_number(column.latest)
    return np.int64, NO_NUMBER, column.low, column.high


def _checked(vocabulary: Vocabulary, name: str, values: Column) -> Column:
    dtype, missing, low, high = column_type(vocabulary, name)
    if values.dtype != dtype or values.ndim != 1:
        raise InvalidInput(f"column {name} has not the integers that it has to have")
    outside = (values != missing) & ((values < low) | (values > high))
    if outside.any():
        raise InvalidInput(f"column {name} has a value out of its bounds")
    return _frozen(values)


def _frozen[T: npt.NDArray[Any]](values: T) -> T:
    values.flags.writeable = False
    return values
