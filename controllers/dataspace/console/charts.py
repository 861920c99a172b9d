"""Charts as rows: each its words, a bar of SVG, and its number, so that they read on a phone.

The rows are HTML, and only the bars are drawn: words keep their size, wrap, and are read aloud.
A bar is stretched to the width there is; a suppressed value has none, and says so. Bars begin
at 0, and those of odds ratios at 1, with as much room for half as often as for twice as often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from controllers.dataspace.console.words import Words
from dataspace.releasing.absent import HIGH, LOW

MOST_ROWS = 60
_SCALE = 1000.0
_AROUND_ONE = frozenset(("odds_ratio",))
_LEAST_FOLD = 2.0  # how far a chart of ratios goes at least: 1.05 is not to look like much

type _Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: words, the number in words, and the bar from `start` to `end` of 1000.

    `mark` is where an estimate stands in its interval, or where bars begin. `series` picks the
    colour.
    """

    label: str
    value: str
    start: float = 0.0
    end: float = 0.0
    mark: float | None = None
    series: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of one kind, the name of what is measured, what the mark is, and series with their
    words."""

    measured: str
    rows: Sequence[Row]
    marked: str = ""
    legend: Sequence[str] = ()
    intervals: bool = False


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a value stands, from 0 to 1000, and where its bar begins; `mark` if not at 0."""

    at: Callable[[float], float]
    mark: float | None = None
    marked: str = ""

    def bar(self, value: float) -> tuple[float, float]:
        begins, ends = self.mark or 0.0, self.at(value)
        return min(begins, ends), max(begins, ends)


def chart_of(released: Mapping[str, Any], words: Words) -> Chart | None:
    """The chart of a table: intervals where it has them, else its first measured column."""
    columns, rows = tuple(released["columns"]), released["rows"]
    if not rows or len(rows) > MOST_ROWS:
        return None
    if LOW in columns[1:] and HIGH in columns:
        return _intervals(released, words)
    measured = _measured(columns, rows)
    return None if measured is None else _bars(released, measured, words)


def _measured(columns: Sequence[str], rows: _Rows) -> int | None:
    """The first column that holds numbers, and no column of words behind it."""
    for at in range(len(columns)):
        values = [row[at] for row in rows if row[at] is not None]
        if values and all(_is_number(each) for each in values):
            return at
    return None


def _bars(released: Mapping[str, Any], measured: int, words: Words) -> Chart:
    columns, rows = released["columns"], released["rows"]
    legend = _series(released, measured, words)
    axis = _axis(released, measured, words)
    drawn = []
    for row in rows:
        value = row[measured]
        shown = [words.shown(released, row, at) for at in range(measured)]
        start, end = (0.0, 0.0) if value is None else axis.bar(value)
        drawn.append(
            Row(
                label=" · ".join(shown) or words.column(columns[measured]),
                value=words.shown(released, row, measured),
                start=start,
                end=end,
                mark=None if value is None else axis.mark,
                series=legend.index(shown[-1]) % 4 + 1 if legend else 1,
            )
        )
    return Chart(words.column(columns[measured]), drawn, axis.marked, legend)


def _axis(released: Mapping[str, Any], measured: int, words: Words) -> _Axis:
    column = released["columns"][measured]
    values = [row[measured] for row in released["rows"] if row[measured] is not None]
    if column in _AROUND_ONE:
        one = 10 ** int((released.get("decimals") or {}).get(column, 0))
        fold = max(log(_LEAST_FOLD), *(abs(_fold(each, one)) for each in values))
        middle = _SCALE / 2
        return _Axis(
            lambda value: middle + _fold(value, one) / fold * middle,
            middle,
            words.said("chart", "one"),
        )
    low, high = min(0, *values), max(0, *values)
    wide = high - low or 1
    if low == 0:
        return _Axis(lambda value: value / wide * _SCALE)
    zero = -low / wide * _SCALE
    return _Axis(lambda value: zero + value / wide * _SCALE, zero, words.said("chart", "zero"))


def _fold(value: float, one: int) -> float:
    """How many times as often, as a logarithm. What was rounded to 0 is half of the last digit
    that is shown."""
    return log(max(value, 0.5) / one)


def _series(released: Mapping[str, Any], measured: int, words: Words) -> list[str]:
    """The kinds of the last column of words where there are two; four have colours."""
    if measured < 2:
        return []
    kinds = list(
        dict.fromkeys(words.shown(released, row, measured - 1) for row in released["rows"])
    )
    return kinds if len(kinds) <= 4 else []


def _intervals(released: Mapping[str, Any], words: Words) -> Chart | None:
    """An estimate stands in the column before its interval's lower end."""
    columns, rows = list(released["columns"]), released["rows"]
    low_at, high_at = columns.index(LOW), columns.index(HIGH)
    middle = low_at - 1
    top = max((row[high_at] or row[middle] or 0 for row in rows), default=0)
    if not top:
        return None
    drawn = []
    for row in rows:
        estimate, low, high = row[middle], row[low_at], row[high_at]
        label = words.shown(released, row, 0)
        if estimate is None:
            drawn.append(Row(label, words.said("value", "no-estimate")))
            continue
        value = words.shown(released, row, middle)
        if low is not None:
            ends = (words.shown(released, row, at) for at in (low_at, high_at))
            value = f"{value} ({'–'.join(ends)})"
        start = estimate if low is None else low
        end = top if high is None and low is not None else high or estimate
        drawn.append(
            Row(
                label,
                value,
                start=start / top * _SCALE,
                end=end / top * _SCALE,
                mark=estimate / top * _SCALE,
            )
        )
    marked = words.said("chart", "interval")
    return Chart(words.column(columns[middle]), drawn, marked, intervals=True)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
