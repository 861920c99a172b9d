"""A chart as SVG: one bar a week, in as many parts as there are kinds; classes, and no styles.

The table beside it says the same in words: the picture is for whoever sees it at a glance.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from controllers.desks.numbers.publishing import BASE, Shown

_WIDTH, _HEIGHT, _FOOT, _SIDE = 720, 220, 24, 44
_HIDDEN_AS = 2  # of a bar for fewer than five: to be seen, and to measure nothing
_MOST_MARKS = 12
_LINES = 4


@dataclass(frozen=True, slots=True)
class Series:
    """One kind: what it is called, and its numbers by week."""

    name: str
    values: Sequence[Shown]


def chart(title: str, weeks: Sequence[date], series: Sequence[Series]) -> str:
    """The picture; its title is read aloud in its place."""
    tallest = max(
        (sum(_height(each.values[at]) for each in series) for at in range(len(weeks))),
        default=0,
    )
    top = _round_up(tallest)
    bars = "".join(_bar(at, len(weeks), top, series) for at in range(len(weeks)))
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>{html.escape(title)}</title>{_lines(top)}{bars}{_marks(weeks)}</svg>"
    )


def _height(value: Shown) -> int:
    return _HIDDEN_AS if value is None else value


def _round_up(tallest: int) -> int:
    step = BASE * _LINES
    return max(step, -(-tallest // step) * step)


def _bar(at: int, weeks: int, top: int, series: Sequence[Series]) -> str:
    room = (_WIDTH - _SIDE) / weeks
    wide, left = room * 0.7, _SIDE + room * (at + 0.15)
    parts, foot = [], float(_HEIGHT - _FOOT)
    for number, each in enumerate(series, start=1):
        value = each.values[at]
        tall = _height(value) / top * (_HEIGHT - _FOOT - 8)
        foot -= tall
        kind = f"bar-{(number - 1) % 4 + 1}" + (" few" if value is None else "")
        if tall:
            parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{foot:.1f}" '
                f'width="{wide:.1f}" height="{tall:.1f}"/>'
            )
    return "".join(parts)


def _lines(top: int) -> str:
    """Lines across with their numbers."""
    drawn = []
    for number in range(_LINES + 1):
        value = top * number // _LINES
        y = _HEIGHT - _FOOT - value / top * (_HEIGHT - _FOOT - 8)
        drawn.append(
            f'<path class="line" d="M{_SIDE} {y:.1f}H{_WIDTH}"/>'
            f'<text class="mark" x="{_SIDE - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{value}</text>"
        )
    return "".join(drawn)


def _marks(weeks: Sequence[date]) -> str:
    """Some of the weeks by their first day."""
    room, every = (_WIDTH - _SIDE) / len(weeks), -(-len(weeks) // _MOST_MARKS)
    return "".join(
        f'<text class="mark" x="{_SIDE + room * (at + 0.5):.1f}" y="{_HEIGHT - 6}" '
        f'text-anchor="middle">{week:%m-%d}</text>'
        for at, week in enumerate(weeks)
        if at % every == 0
    )
