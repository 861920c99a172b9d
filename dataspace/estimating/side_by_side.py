"""All models of one table beside each other, with what speaks against believing them.

What may leave the protected zone is `Estimates.as_document`: whole people, p-values as limits
that they are below, and how many pairs are sparse but not which; nor which could not be had,
as that tells of cells where nobody is. The rest of an `Estimates` is
for the machine that computed it: digits of a total or a p-value tell the overlaps they were
made from. The lower end of an interval can be the number of people seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import InvalidInput
from dataspace.estimating.decomposable import MOST_LISTS, TIMES_SEEN, average
from dataspace.estimating.intervals import Interval, multinomial_interval, poisson_interval
from dataspace.estimating.loglinear import Fault, Fit
from dataspace.estimating.overlaps import Overlaps
from dataspace.estimating.stepwise import (
    BHS_STRICT,
    Step,
    Stepwise,
    bales_hesketh_silverman,
    cut_short,
    independence,
    stepwise,
)

FEWEST_SEEN = 50
"""Fewer people than that are refused: no interval would be narrower than a guess, and an
estimate from a handful says something about each of them."""
SPARSE = 5
"""A pair of lists with fewer people in common than that is sparse."""
_DISAGREE = 2.0
_NEAR_LARGEST = 0.7
_P_LIMITS = (0.001, 0.01, 0.02, 0.05)


class Model(StrEnum):
    """What an estimate was made with. *Strict* is Bales, Hesketh and Silverman's search with a
    limit of 0.1 % in place of 5 %."""

    INDEPENDENCE = "independence"
    STEPWISE = "stepwise"
    BALES_HESKETH_SILVERMAN = "bales-hesketh-silverman"
    BALES_HESKETH_SILVERMAN_STRICT = "bales-hesketh-silverman-strict"
    BAYESIAN_AVERAGE = "bayesian-average"


class Finding(StrEnum):
    """What a reader has to know before believing a number."""

    NO_ESTIMATE = "no-estimate"
    DOES_NOT_EXIST = "does-not-exist"
    NOT_IDENTIFIABLE = "not-identifiable"
    SPARSE_PAIRS = "sparse-pairs"
    MODELS_DISAGREE = "models-disagree"
    OPEN_ENDED = "open-ended"
    NEAR_THE_LARGEST = "near-the-largest"


WORDS: Mapping[Fault | Finding, str] = {
    Fault.DOES_NOT_EXIST: "The data fit ever better as the number grows or shrinks: the model "
    "has no estimate.",
    Fault.NOT_IDENTIFIABLE: "Different numbers fit the data equally well: the model has no "
    "single estimate.",
    Fault.TOO_MANY_LISTS: f"This model is not made for more than {MOST_LISTS} lists.",
    Finding.NO_ESTIMATE: "No likelihood model gives a number. The lists overlap too little, or "
    "in the wrong places.",
    Finding.DOES_NOT_EXIST: "A pair of lists seemed to matter but was left out: with it there "
    "is no estimate.",
    Finding.NOT_IDENTIFIABLE: "A pair of lists seemed to matter but was left out: with it, "
    "different numbers fit equally well.",
    Finding.SPARSE_PAIRS: f"Some pairs of lists have fewer than {SPARSE} people in common: "
    "whether those lists depend on each other can hardly be seen.",
    Finding.MODELS_DISAGREE: "The largest estimate is more than twice the smallest: the data "
    "do not say which is right. Give all of them, or none.",
    Finding.OPEN_ENDED: "An interval has no upper end: no number is too large for the data.",
    Finding.NEAR_THE_LARGEST: "The upper end of the Bayesian interval depends on how far we "
    "looked: do not quote it.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One model: a number of people in all with its 95 % interval, or why there is none.

    Either `number` and `low` are given or `fault` is. `high` is None also where the interval
    has no upper end. `pairs` were added, in this order."""

    model: Model
    number: float | None = None
    low: float | None = None
    high: float | None = None
    fault: Fault | None = None
    pairs: tuple[Step, ...] = ()

    def as_document(self) -> dict[str, Any]:
        return {
            "model": self.model.value,
            "number": _whole(self.number),
            "low": _whole(self.low),
            "high": _whole(self.high),
            "fault": None if self.fault is None else self.fault.value,
            "why": None if self.fault is None else WORDS[self.fault],
            "pairs": [{"pair": each.pair, "p_below": _limit(each.p)} for each in self.pairs],
        }


@dataclass(frozen=True, slots=True)
class Estimates:
    """Every model's row; the largest number by the smallest (None without two of them); what
    was found; how many pairs are sparse; pairs that were left out for want of an estimate."""

    rows: tuple[Row, ...]
    spread: float | None
    findings: tuple[Finding, ...]
    sparse_pairs: int
    passed_over: tuple[tuple[str, Fault], ...]

    def row(self, model: Model) -> Row:
        return next(each for each in self.rows if each.model == model)

    def as_document(self) -> dict[str, Any]:
        """As JSON, with nothing that tells an overlap."""
        return {
            "interval": 0.95,
            "models": [each.as_document() for each in self.rows],
            "spread": None if self.spread is None else round(self.spread, 1),
            "findings": [{"code": each.value, "words": WORDS[each]} for each in self.findings],
            "sparse_pairs": self.sparse_pairs,
        }


def estimates(table: Overlaps) -> Estimates:
    """All models of one table. For five lists it takes about a second.

    Raises InvalidInput where fewer than `FEWEST_SEEN` people were seen. A model that gives no
    number has a row that says why.
    """
    if table.seen < FEWEST_SEEN:
        raise InvalidInput(f"an estimate needs {FEWEST_SEEN} distinct people at least")
    steps = stepwise(table)
    rows = (
        _row(Model.INDEPENDENCE, table, Stepwise(independence(table), ()), poisson_interval),
        _row(Model.STEPWISE, table, steps, poisson_interval),
        *_both_silverman(table),
        _bayesian(table),
    )
    numbers = [each.number for each in rows if each.number is not None]
    spread = max(numbers) / min(numbers) if len(numbers) > 1 else None
    sparse = sum(table.shared(pair) < SPARSE for pair in table.pairs)
    largest = table.seen * (1 + TIMES_SEEN)
    findings = _findings(rows, spread, sparse, {why for _, why in steps.passed_over}, largest)
    return Estimates(rows, spread, findings, sparse, steps.passed_over)


def _both_silverman(table: Overlaps) -> tuple[Row, Row]:
    model, strict = Model.BALES_HESKETH_SILVERMAN, Model.BALES_HESKETH_SILVERMAN_STRICT
    found = bales_hesketh_silverman(table)
    return (
        _row(model, table, found, multinomial_interval),
        _row(strict, table, cut_short(table, found, BHS_STRICT), multinomial_interval),
    )


def _row(
    model: Model,
    table: Overlaps,
    found: Stepwise,
    interval: Callable[[Overlaps, Fit], Interval],
) -> Row:
    if isinstance(found.fit, Fault):
        return Row(model, fault=found.fit)
    total, ends = found.fit.total, interval(table, found.fit)
    # in a table of extremes the search for an end can stop early: better no number than such
    if total < ends.low or (ends.high is not None and total > ends.high):
        return Row(model, fault=Fault.NOT_IDENTIFIABLE)
    return Row(model, total, ends.low, ends.high, pairs=found.steps)


def _bayesian(table: Overlaps) -> Row:
    model = Model.BAYESIAN_AVERAGE
    if len(table.lists) > MOST_LISTS:
        return Row(model, fault=Fault.TOO_MANY_LISTS)
    if isinstance(independence(table), Fault):
        return Row(model, fault=Fault.DOES_NOT_EXIST)  # it would say what the prior says
    found = average(table)
    return Row(model, found.median, found.low, found.high)


def _findings(
    rows: tuple[Row, ...],
    spread: float | None,
    sparse: int,
    left_out: set[Fault],
    largest: int,
) -> tuple[Finding, ...]:
    likelihood, bayesian = rows[:-1], rows[-1]
    held = {
        Finding.NO_ESTIMATE: all(each.fault for each in likelihood),
        Finding.DOES_NOT_EXIST: Fault.DOES_NOT_EXIST in left_out,
        Finding.NOT_IDENTIFIABLE: Fault.NOT_IDENTIFIABLE in left_out,
        Finding.SPARSE_PAIRS: sparse > 0,
        Finding.MODELS_DISAGREE: spread is not None and spread > _DISAGREE,
        Finding.OPEN_ENDED: any(each.high is None for each in likelihood if not each.fault),
        Finding.NEAR_THE_LARGEST: (bayesian.high or 0) > _NEAR_LARGEST * largest,
    }
    return tuple(finding for finding, holds in held.items() if holds)


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _limit(p: float) -> float:
    return next((limit for limit in _P_LIMITS if p < limit), 1.0)
