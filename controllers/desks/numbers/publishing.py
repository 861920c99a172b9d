"""From counts to numbers that may be seen (pure; docs/adr/0032).

A count of one to four may be somebody whom a colleague, or whoever looks over his shoulder,
knows; so it is shown as "fewer than five". Every other count is rounded down to a multiple of
five. So no hidden one can be worked out from others: tables share their totals (a week's cards
are also a place's cards), and with exact numbers beside it a hidden one is a subtraction away.
Nothing is added up after rounding, and the running week is not counted: whoever looked at it
twice would see one person come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

BASE = 5

type Shown = int | None
"""A multiple of five, or None for one to four."""


def shown(count: int) -> Shown:
    """What may be seen of a count."""
    if count == 0:
        return 0
    return None if count < BASE else count - count % BASE


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted: by week for each thing; over all weeks for reasons and places."""

    weeks: tuple[date, ...]  # Mondays
    issued: Mapping[str, tuple[int, ...]]  # by credential
    withdrawn: tuple[int, ...]
    checks: Mapping[tuple[str, str], tuple[int, ...]]  # by check and verdict
    reasons: Mapping[str, int]  # why checks were refused
    places: Mapping[str | None, tuple[int, int]]  # cards, checks; None: no place


@dataclass(frozen=True, slots=True)
class Figures:
    """The same as it may be seen; pages, charts and files are made of this alone."""

    weeks: tuple[date, ...]
    issued: Mapping[str, tuple[Shown, ...]]
    withdrawn: tuple[Shown, ...]
    checks: Mapping[tuple[str, str], tuple[Shown, ...]]
    reasons: Mapping[str, Shown]
    places: Mapping[str | None, tuple[Shown, Shown]]

    @property
    def hides(self) -> bool:
        """Whether something is shown as fewer than five."""
        listed = [*self.issued.values(), self.withdrawn, *self.checks.values()]
        listed += [tuple(self.reasons.values()), *self.places.values()]
        return any(None in each for each in listed)


def published(counts: Counts) -> Figures:
    """What may be seen of the counts."""
    return Figures(
        weeks=counts.weeks,
        issued={name: _each(row) for name, row in counts.issued.items()},
        withdrawn=_each(counts.withdrawn),
        checks={name: _each(row) for name, row in counts.checks.items()},
        reasons={name: shown(count) for name, count in counts.reasons.items()},
        places={
            place: (shown(cards), shown(checks))
            for place, (cards, checks) in counts.places.items()
        },
    )


def _each(row: Iterable[int]) -> tuple[Shown, ...]:
    return tuple(shown(count) for count in row)
