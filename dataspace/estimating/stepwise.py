"""Models to which pairs of lists are added one by one, while they matter.

- *independence*: none is.
- *stepwise* (Chan, Silverman and Vincent 2021; p < 0.02): at each step the pair whose number of
  people in common is least likely under the present model, by a one-sided Poisson test.
- *Bales, Hesketh and Silverman* (2015; as set out in Silverman 2020): at each step the pair
  that lowers Akaike's criterion most, as long as its effect is significant by its standard
  error. Silverman 2020 shows it with a limit of 5 % and, beside it, of 0.1 %. Both are offered:
  of the published values those for the United Kingdom come with the first, that for New Orleans
  (eight lists) with the second only. With the first, seven pairs are added there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from scipy.stats import poisson

from dataspace.estimating.loglinear import Fault, Fit, fitted
from dataspace.estimating.overlaps import Overlaps, Pair

THRESHOLD = 0.02
BHS_THRESHOLD, BHS_STRICT = 0.05, 0.001
_TIE = 9  # digits: p-values and criteria that differ less are equal, and names decide


@dataclass(frozen=True, slots=True)
class Step:
    """A pair that was added, how likely it were by chance, and the total with it."""

    pair: str
    p: float
    total: float


@dataclass(frozen=True, slots=True)
class Stepwise:
    """The model at the end, and how it was reached; or why there is none.

    `passed_over` names the pairs that were wanted at the last step and with which there is no
    estimate, and why."""

    fit: Fit | Fault
    steps: tuple[Step, ...]
    passed_over: tuple[tuple[str, Fault], ...] = ()


def independence(table: Overlaps) -> Fit | Fault:
    """As if to be on one list said nothing about being on another."""
    return fitted(table)


def stepwise(table: Overlaps, threshold: float = THRESHOLD) -> Stepwise:
    """At each step the pair with the smallest p-value, as long as that is below the threshold.
    A pair with which there is no estimate is not added, but the next one."""
    current = fitted(table)
    steps: list[Step] = []
    passed: list[tuple[str, Fault]] = []
    while isinstance(current, Fit):
        larger, p, passed = _next(table, current, threshold)
        if larger is None:
            break
        current = larger
        steps.append(Step(table.name(current.pairs[-1]), p, current.total))
    return Stepwise(current, tuple(steps), tuple(passed))


def _next(
    table: Overlaps, current: Fit, threshold: float
) -> tuple[Fit | None, float, list[tuple[str, Fault]]]:
    tried = sorted(
        (_rounded(p), table.key(pair), pair, p)
        for pair in table.pairs
        if pair not in current.pairs and (p := _by_chance(table, current, pair)) < threshold
    )
    passed: list[tuple[str, Fault]] = []
    for _, _, pair, p in tried:
        larger = fitted(table, (*current.pairs, pair))
        if isinstance(larger, Fit):
            return larger, p, passed
        passed.append((table.name(pair), larger))
    return None, 1.0, passed


def _by_chance(table: Overlaps, current: Fit, pair: Pair) -> float:
    """How likely the model makes so few, or so many, people on both lists of a pair."""
    expected = float((current.expected * table.both(pair)).sum())
    found = table.shared(pair)
    return float(min(poisson.cdf(found, expected), poisson.sf(found - 1, expected)))


def bales_hesketh_silverman(table: Overlaps, threshold: float = BHS_THRESHOLD) -> Stepwise:
    """The pair that lowers Akaike's criterion most, until none does or its effect is not
    significant. Where nobody is in common, an effect has no standard error, so that such a pair
    is never significant (in a plain regression its p-value is nearly 1): it ends the search."""
    current = fitted(table)
    steps: list[Step] = []
    while isinstance(current, Fit):
        larger = _best(table, current)
        if larger is None or larger.aic >= current.aic or larger.wald > threshold:
            break
        current = larger
        steps.append(Step(table.name(current.pairs[-1]), current.wald, current.total))
    return Stepwise(current, tuple(steps))


def cut_short(table: Overlaps, found: Stepwise, threshold: float) -> Stepwise:
    """Where the same search of Bales, Hesketh and Silverman ends with a stricter threshold."""
    if isinstance(found.fit, Fault):
        return found
    kept = tuple(takewhile(lambda step: step.p <= threshold, found.steps))
    return Stepwise(fitted(table, found.fit.pairs[: len(kept)]), kept)


def _best(table: Overlaps, current: Fit) -> Fit | None:
    tried = [
        larger
        for pair in table.pairs
        if pair not in current.pairs
        and isinstance(larger := fitted(table, (*current.pairs, pair)), Fit)
    ]
    return min(
        tried,
        key=lambda each: (round(each.aic, _TIE - 3), table.key(each.pairs[-1])),
        default=None,
    )


def _rounded(p: float) -> float:
    return float(f"{p:.{_TIE - 1}e}")
