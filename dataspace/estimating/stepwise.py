"""Independence, and pairs added one by one while they matter (Silverman 2014: p < 0.02)."""

from __future__ import annotations

from dataclasses import dataclass

from dataspace.estimating.loglinear import Fault, Fit, fitted, likelihood_ratio
from dataspace.estimating.overlaps import Overlaps

THRESHOLD = 0.02


@dataclass(frozen=True, slots=True)
class Step:
    """A pair that was added, how likely it were by chance, and the total with it."""

    pair: str
    p: float
    total: float


@dataclass(frozen=True, slots=True)
class Stepwise:
    """The model at the end, and how it was reached; or why there is none."""

    fit: Fit | Fault
    steps: tuple[Step, ...]


def independence(table: Overlaps) -> Fit | Fault:
    """As if to be on one list said nothing about being on another."""
    return fitted(table)


def stepwise(table: Overlaps, threshold: float = THRESHOLD) -> Stepwise:
    """At each step the pair with the smallest p-value, as long as that is below the threshold.
    A pair with which there is no estimate is not added."""
    current = fitted(table)
    steps: list[Step] = []
    while isinstance(current, Fit):
        best = _best(table, current)
        if best is None or best[0] >= threshold:
            break
        p, current = best
        steps.append(Step(table.name(current.pairs[-1]), p, current.total))
    return Stepwise(current, tuple(steps))


def _best(table: Overlaps, current: Fit) -> tuple[float, Fit] | None:
    tried = []
    for pair in table.pairs:
        if pair not in current.pairs:
            larger = fitted(table, (*current.pairs, pair))
            if isinstance(larger, Fit):
                tried.append((likelihood_ratio(current, larger), larger))
    return min(tried, key=lambda each: each[0], default=None)
