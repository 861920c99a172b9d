"""Charts as rows: each its words, a bar of SVG, and its number, so that they read on a phone.

The rows are HTML, and only the bars are drawn: words keep their size, wrap, and are read aloud.
A bar is stretched to the width there is; a suppressed value has none, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.dataspace.console.words import Words

MOST_ROWS = 60
_SCALE = 1000.0
_LOW, _HIGH = "low", "high"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: words, the number in words, and the bar from `start` to `end` of 1000.

    `mark` is where an estimate stands in its interval. `series` picks the colour.
    """

    label: str
    value: str
    start: float = 0.0
    end: float = 0.0
    mark: float | None = None
    series: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of one kind, the name of what is measured, and series with their words."""

    measured: str
    rows: Sequence[Row]
    legend: Sequence[str] = ()
    intervals: bool = False


def chart_of(released: Mapping[str, Any], words: Words) -> Chart | None:
    """The chart of a table: intervals where it has them, else its first measured column."""
    columns, rows = tuple(released["columns"]), released["rows"]
    if not rows or len(rows) > MOST_ROWS:
        return None
    decimals = released.get("decimals") or {}
    if _LOW in columns[1:] and _HIGH in columns:
        return _intervals(columns, rows, words)
    measured = _measured(columns, rows)
    if measured is None:
        return None
    digits = int(decimals.get(columns[measured], 0))
    return _bars(columns, rows, measured, words, digits)


def _measured(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int | None:
    """The first column that holds numbers, and no column of words behind it."""
    for at in range(len(columns)):
        values = [row[at] for row in rows if row[at] is not None]
        if values and all(_is_number(each) for each in values):
            return at
    return None


def _bars(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    measured: int,
    words: Words,
    digits: int,
) -> Chart:
    labels = range(measured)
    legend = _series(columns, rows, measured, words)
    top = max((abs(row[measured]) for row in rows if row[measured] is not None), default=0) or 1
    drawn = []
    for row in rows:
        value = row[measured]
        shown = [words.cell(columns[at], row[at]) for at in labels]
        drawn.append(
            Row(
                label=" · ".join(shown) or words.column(columns[measured]),
                value=words.cell(columns[measured], value, digits),
                end=0.0 if value is None else abs(value) / top * _SCALE,
                series=legend.index(shown[-1]) % 4 + 1 if legend else 1,
            )
        )
    return Chart(words.column(columns[measured]), drawn, legend)


def _series(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], measured: int, words: Words
) -> list[str]:
    """The kinds of the last column of words where there are two; four have colours."""
    if measured < 2:
        return []
    last = measured - 1
    kinds = list(dict.fromkeys(words.cell(columns[last], row[last]) for row in rows))
    return kinds if len(kinds) <= 4 else []


def _intervals(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], words: Words
) -> Chart | None:
    """An estimate stands in the column before its interval's lower end."""
    low_at, high_at = columns.index(_LOW), columns.index(_HIGH)
    middle = low_at - 1
    top = max((row[high_at] or row[middle] or 0 for row in rows), default=0)
    if not top:
        return None
    drawn = []
    for row in rows:
        estimate, low, high = row[middle], row[low_at], row[high_at]
        label = words.cell(columns[0], row[0])
        if estimate is None:
            drawn.append(Row(label, words.said("value", "no-estimate")))
            continue
        value = words.cell(columns[middle], estimate)
        if low is not None:
            upper = words.said("value", "open") if high is None else words.cell(_HIGH, high)
            value = f"{value} ({words.cell(_LOW, low)}–{upper})"
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
    return Chart(words.column(columns[middle]), drawn, intervals=True)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
