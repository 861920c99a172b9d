"""Key figures over all organisations: how long, how many took it up, what came of it, what it
cost and what it brought. Each a ratio of two sums that are never opened (circuit ratios).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.coded import CodedTable
from dataspace.gathering.dimensions import NO_DAY, NO_NUMBER, Days, Dimension, Measure
from dataspace.planning.plan import Plan
from dataspace.questions import tables
from dataspace.questions.base import (
    Circuit,
    ColumnUse,
    Engine,
    Inputs,
    Integers,
    Noise,
    Opened,
    Released,
    Use,
)
from dataspace.questions.describing import (
    NONE,
    OF_TABLES,
    Choice,
    Description,
    Option,
    Takes,
    columns_of,
    filters_of,
)
from dataspace.questions.notes import Note
from dataspace.questions.options import check_options, codes, number, text
from dataspace.vocabulary.model import Kind, Vocabulary

type Mask = npt.NDArray[np.bool_]

LONGEST_WAIT: Final = 3_650  # days; a longer one, or one before the referral, is a mistake
_MOST_SUM: Final = 2**40  # of the circuit: of cents, eleven thousand million dollars in a cell


@dataclass(frozen=True, slots=True)
class Parts:
    """One organisation's cells: the cases that the threshold is about, and both sums."""

    count: Integers
    numerator: Integers
    denominator: Integers


@dataclass(frozen=True, slots=True)
class _Own:
    """One organisation's table, cut down to what is asked about."""

    table: CodedTable
    dimensions: Sequence[Dimension]
    mask: Mask
    measures: tuple[str, ...]
    codes: tuple[str, ...]

    def cases(self, mask: Mask) -> Integers:
        return self.table.tabulate(self.dimensions, self.mask & mask)

    def sums(self, of: Measure, mask: Mask) -> Integers:
        return self.table.sums(of, self.dimensions, self.mask & mask).total

    def has_code(self, column: str) -> Mask:
        """Whether a row's code is one of the option's."""
        levels = self.table.vocabulary.levels(column)
        wanted = [levels.index(each) + 1 for each in self.codes]
        found: Mask = np.isin(self.table.column(column), wanted)
        return found

    def known(self, column: str) -> Mask:
        kind = self.table.vocabulary.column(column).kind
        missing = {Kind.DATE: NO_DAY, Kind.NUMBER: NO_NUMBER, Kind.CODE: 0}[kind]
        found: Mask = self.table.column(column) != missing
        return found


def _referral_days(own: _Own) -> Parts:
    """Days from the first date to the second, for the cases with both."""
    days = Days(*own.measures)
    waited = own.table.measured(days)
    meant = (waited >= 0) & (waited <= LONGEST_WAIT)
    cases = own.cases(meant)
    return Parts(cases, own.sums(days, meant), cases)


def _uptake(own: _Own) -> Parts:
    """Of the cases with the first date, how many have the second too."""
    asked = own.known(own.measures[0])
    cases = own.cases(asked)
    return Parts(cases, own.cases(asked & own.known(own.measures[1])), cases)


def _outcome_share(own: _Own) -> Parts:
    """Of the cases with a known outcome, how many have one of these."""
    (outcome,) = own.measures
    cases = own.cases(own.known(outcome))
    return Parts(cases, own.cases(own.has_code(outcome)), cases)


def _cost_per_outcome(own: _Own) -> Parts:
    """What the cases with a known cost cost, for each of them with one of these outcomes.

    Of an organisation that knows no cost nothing goes in. Its outcomes would make each one look
    cheap, and it would count as one that contributes to a cell whose costs are another's alone.
    """
    cost, outcome = own.measures
    known = own.known(cost)
    reached = own.cases(known & own.has_code(outcome))
    return Parts(reached, own.sums(cost, known), reached)


def _return(own: _Own) -> Parts:
    """What a spent unit of money brought, for the cases with both amounts."""
    benefit, cost = own.measures
    both = own.known(benefit) & own.known(cost)
    gained = np.maximum(own.sums(benefit, both), 0)
    return Parts(own.cases(both), gained, own.sums(cost, both))


@dataclass(frozen=True, slots=True)
class Indicator:
    """A key figure as data.

    measures: what the plan's measures are, in order, and the built-in vocabulary's names.
    scale: the opened whole number is ratio * scale. decimals: of it, how many stand behind the
    point. largest: from where on it is "so much or more". less: taken off the opened number
    (a return is benefit / cost - 1). most: bounds the two sums by the largest number of cases.
    """

    column: str
    parts: Callable[[_Own], Parts]
    measures: tuple[tuple[str, Kind], ...]
    scale: int
    decimals: int
    largest: int
    most: tuple[int, int]
    takes_codes: bool = False
    less: int = 0
    notes: tuple[Note, ...] = ()


_DATES = (("referred_on", Kind.DATE), ("served_on", Kind.DATE))
_OUTCOME = ("outcome", Kind.CODE)
_COST = ("cost_amount", Kind.NUMBER)
_BENEFIT = ("benefit_amount", Kind.NUMBER)

INDICATORS: Final[Mapping[str, Indicator]] = {
    "referral-days": Indicator(
        "mean_days",
        _referral_days,
        _DATES,
        10,
        1,
        LONGEST_WAIT * 10,
        (LONGEST_WAIT, 1),
        notes=(Note.SERVED_ONLY,),
    ),
    "uptake": Indicator(
        "percent",
        _uptake,
        _DATES,
        1000,
        1,
        1000,
        (1, 1),
        notes=(Note.SERVED_AT_ANY_TIME,),
    ),
    "outcome-share": Indicator(
        "percent",
        _outcome_share,
        (_OUTCOME,),
        1000,
        1,
        1000,
        (1, 1),
        takes_codes=True,
        notes=(Note.KNOWN_OUTCOME_ONLY,),
    ),
    "cost-per-outcome": Indicator(
        "cost",
        _cost_per_outcome,
        (_COST, _OUTCOME),
        1,
        2,
        2**34 - 1,
        (_MOST_SUM, 1),
        takes_codes=True,
        notes=(Note.KNOWN_COST_ONLY,),
    ),
    "return": Indicator(
        "percent",
        _return,
        (_BENEFIT, _COST),
        100,
        0,
        2**17 - 1,
        (_MOST_SUM, _MOST_SUM),
        less=100,
        notes=(Note.BOTH_AMOUNTS_ONLY, Note.LOSSES_AS_NOTHING),
    ),
}

INDICATOR: Final = Option(
    "indicator", Takes.CHOICE, None, "which key figure", choices=tuple(INDICATORS)
)
CODES: Final = Option("codes", Takes.CODES, (), "for outcomes: the codes that count as reached")
LARGEST: Final = tables.largest_cell(100_000)
OPTIONS: Final = (INDICATOR, CODES, LARGEST)
MOST_GROUPS: Final = 2
MOST_CELLS: Final = 500  # a division takes a comparison for each binary digit


class Outcomes:
    """One key figure, by up to two columns."""

    name: Final = "outcomes"
    computation: Final = "tabulation"
    engine: Final = Engine.SHARES
    titles: ClassVar[Mapping[str, str]] = {
        "en": "What helped, how soon, and at what cost",
        "es": "Qué ayudó, qué tan pronto y a qué costo",
        "km": "អ្វីដែលបានជួយ លឿនប៉ុណ្ណា និងចំណាយប៉ុន្មាន",
    }
    leak: Final = (
        "Of each cell that is not shown: that it has too few cases, too few organisations "
        "or nothing to divide by. An organisation that sees a ratio and knows its own two "
        "sums has one equation about the two sums of the others together. A share of 0 or "
        "of 100 percent is true of every case of its cell."
    )

    def check(self, plan: Plan) -> None:
        tables.check_table(plan, least=0, most=MOST_GROUPS)
        tables.check_nothing(plan, "link", "epsilon_milli")
        check_options(plan, OPTIONS)
        indicator = _indicator(plan)
        if len(plan.measures) != len(indicator.measures):
            wanted = ", ".join(kind for _, kind in indicator.measures)
            raise InvalidInput(f"this key figure is made of these measures: {wanted}")
        if bool(codes(plan, CODES)) != indicator.takes_codes:
            raise InvalidInput("a figure about outcomes needs codes, and others take none")

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.labels(plan, vocabulary)
        for name, (_, kind) in zip(plan.measures, _indicator(plan).measures, strict=True):
            if vocabulary.column(name).kind is not kind:
                raise InvalidInput(f"the measure {name} is not a {kind}")
            if kind is Kind.NUMBER and name == plan.measures[-1]:
                _require_not_negative(name, vocabulary)
            if kind is Kind.CODE and not set(codes(plan, CODES)) <= set(
                vocabulary.levels(name)
            ):
                raise InvalidInput(f"column {name} has no such code")

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        measures = tuple(ColumnUse(each, Use.SUM) for each in plan.measures)
        return (*tables.table_uses(plan), *measures)

    def describe(self, vocabulary: Vocabulary) -> Description:
        return Description(
            groups=Choice(
                0, MOST_GROUPS, columns_of(vocabulary, Kind.CODE, Kind.DATE, Kind.NUMBER)
            ),
            filters=filters_of(vocabulary),
            measures=Choice(1, 2, columns_of(vocabulary, Kind.CODE, Kind.DATE, Kind.NUMBER)),
            link=NONE,
            options=OPTIONS,
            guards=OF_TABLES,
            # by a column of its own: a bare total is the margin of every earlier table
            example={
                "groups": [{"column": each} for each in columns_of(vocabulary, Kind.CODE)[-1:]],
                "measures": [name for name, _ in _DATES],
                "options": {"indicator": "referral-days"},
            },
        )

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        found = tables.labels(plan, vocabulary)
        if len(found) > MOST_CELLS:
            raise InvalidInput(f"ratios have {MOST_CELLS} cells at most: group by less")
        return found

    def opens_to_all(self, plan: Plan) -> bool:
        return False

    def circuit(self, plan: Plan, vocabulary: Vocabulary, holders: int) -> Circuit:
        indicator, most = _indicator(plan), number(plan, LARGEST)
        numerator, denominator = _bounds(plan)
        return Circuit(
            "ratios",
            {
                "cells": len(self.labels(plan, vocabulary)),
                "threshold": plan.threshold,
                "contributors": plan.contributors,
                "organisations": holders,
                "scale": indicator.scale,
                "most": most,
                "most_numerator": numerator,
                "most_denominator": denominator,
                "largest": indicator.largest,
            },
        )

    def inputs(self, plan: Plan, table: CodedTable, noise: Noise) -> Inputs:
        own = _Own(
            table,
            tables.dimensions(plan, table.vocabulary),
            tables.selected(plan, table),
            plan.measures,
            codes(plan, CODES),
        )
        parts = _indicator(plan).parts(own)
        numerator, denominator = _bounds(plan)
        tables.bounded(parts.count, number(plan, LARGEST), "a cell")
        tables.bounded(parts.numerator, numerator, "a sum")
        tables.bounded(parts.denominator, denominator, "a sum")
        return {
            "present": (parts.count > 0).astype(np.int64),
            "count": parts.count,
            "numerator": parts.numerator,
            "denominator": parts.denominator,
        }

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        indicator = _indicator(plan)
        bits, ratios = opened.values["released"], opened.values["ratio"]
        values = [
            min(ratio, indicator.largest) - indicator.less if bit else None
            for bit, ratio in zip(bits, ratios, strict=True)
        ]
        cells = self.labels(plan, vocabulary)
        rows = tuple((*label, value) for label, value in zip(cells, values, strict=True))
        hidden = values.count(None)
        small = (Note.BELOW_THRESHOLD,) if hidden else ()
        levelled = any(each == indicator.largest - indicator.less for each in values)
        at_the_top = (
            (Note.LEVELLED,) if levelled and indicator.scale != indicator.largest else ()
        )
        return Released(
            (*(each.column for each in plan.groups), indicator.column),
            rows,
            hidden,
            (
                *indicator.notes,
                Note.RATIO_ROUNDED_DOWN,
                *at_the_top,
                *tables.table_notes(plan),
                *small,
            ),
            {indicator.column: indicator.decimals},
            {"indicator": text(plan, INDICATOR)},
        )


def _indicator(plan: Plan) -> Indicator:
    return INDICATORS[text(plan, INDICATOR)]


def _bounds(plan: Plan) -> tuple[int, int]:
    """The largest numerator and denominator of one organisation."""
    most = number(plan, LARGEST)
    numerator, denominator = (min(each * most, _MOST_SUM) for each in _indicator(plan).most)
    return numerator, denominator


def _require_not_negative(name: str, vocabulary: Vocabulary) -> None:
    if vocabulary.column(name).low < 0:
        raise InvalidInput(f"what is divided by cannot be negative: {name}")


QUESTION: Final = Outcomes()
