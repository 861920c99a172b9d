"""What goes together with an outcome or a form of exploitation: odds ratios of factors.

Logistic regression over the rows of all organisations: each works out the gradient of its own
rows, only their mean over all rows is opened, a fixed number of times (circuit logistic).

Means in many steps are many equations: whoever computes can work out from them how large a
share of all rows has each combination of levels, and how many of a level have the outcome. Of
few thousand rows these are the numbers themselves. So each organisation leaves out its rows
with a combination that fewer of its own rows have than the plan's threshold.

No ratio is released where there is none: of a level that fewer rows than the threshold have in
all, or rows of fewer organisations than the plan's contributors, of a factor whose level to
compare with is such a one, and of a weight that still moves at the end. A small ridge penalty
keeps those ratios finite whose rows all have the same outcome; they end at a limit, and are
said to. Two levels that are those of the same rows share what there is of both, and nothing
shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.coded import CodedTable, Design
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
from dataspace.questions.describing import NONE as NO_CHOICE
from dataspace.questions.describing import (
    Choice,
    Description,
    Guard,
    Option,
    Takes,
    columns_of,
    filters_of,
)
from dataspace.questions.notes import Note
from dataspace.questions.options import check_options, codes, number
from dataspace.vocabulary.model import Kind, Vocabulary

type Mask = npt.NDArray[np.bool_]

COLUMNS: Final = ("factor", "level", "odds_ratio")
MOST_FACTORS: Final = 4
MOST_FEATURES: Final = 60
_CONTEXT: Final = Context(prec=30)  # exp is rounded correctly, the same at every machine
_DECIMALS: Final = 3
_LARGEST_RATIO: Final = 100  # and its inverse: beyond, rows of both outcomes are too few
_MOST_EXPONENT: Final = _CONTEXT.ln(Decimal(_LARGEST_RATIO))
_SETTLED: Final = 0.04  # as much may a weight still move, in logarithms of odds

CODES: Final = Option("codes", Takes.CODES, None, "the codes that count as the outcome")
BASE: Final = Option(
    "base", Takes.CODES, (), "for each factor the code that the others are compared with"
)
ITERATIONS: Final = Option(
    "iterations", Takes.NUMBER, 400, "steps of the descent", least=100, most=1_000
)
MINIMUM: Final = Option(
    "least_rows", Takes.NUMBER, 500, "fewest rows in all", least=100, most=1_000_000
)
RIDGE: Final = Option(
    "ridge_micro",
    Takes.NUMBER,
    2,
    "penalty, in millionths, that draws odds ratios towards 1, those of few cases most",
    least=1,
    most=100_000,
)
LARGEST: Final = Option(
    "most_rows",
    Takes.NUMBER,
    2**20,
    "most rows of one organisation",
    least=1_000,
    most=2**22,
)
OPTIONS: Final = (CODES, BASE, ITERATIONS, MINIMUM, RIDGE, LARGEST)
PRECISION: Final = 14  # binary digits of a mean gradient and a weight
# a weight beyond it is at the limit of a ratio; with both outcomes too few it never rests
_FARTHEST: Final = int(_MOST_EXPONENT * 2**PRECISION)


class Risk:
    """Odds ratios of up to four factors for one outcome."""

    name: Final = "risk"
    computation: Final = "regression"
    engine: Final = Engine.SHARES
    titles: ClassVar[Mapping[str, str]] = {
        "en": "What goes together with what",
        "es": "Qué va junto con qué",
        "km": "អ្វីដែលកើតឡើងជាមួយអ្វី",
    }
    leak: Final = (
        "Every organisation, receiver or not, learns whether there are enough rows of "
        "enough organisations, the same of each level, and the mean of each level and the "
        "mean gradient over all rows in each step, rounded to about four digits. From these"
        " it can work out how large a share of all rows has each combination of levels, and"
        " of each level how large a share has the outcome; of few thousand rows also how "
        "many they are. With its own rows it knows the same of all others together. No "
        "organisation's own rows, sums or number of rows are opened."
    )

    def check(self, plan: Plan) -> None:
        tables.check_filters(plan)
        tables.check_nothing(plan, "link", "epsilon_milli")
        check_options(plan, OPTIONS)
        factors = [each.column for each in plan.groups]
        if not 1 <= len(set(factors)) == len(factors) <= MOST_FACTORS:
            raise InvalidInput(f"a regression has 1 to {MOST_FACTORS} different factors")
        if any(each.period or each.cuts for each in plan.groups):
            raise InvalidInput("the factors of a regression are columns of codes")
        if len(plan.measures) != 1 or plan.measures[0] in factors:
            raise InvalidInput("a regression has one outcome, which is none of its factors")
        if len(codes(plan, BASE)) not in {0, len(factors)}:
            raise InvalidInput("name a code to compare with for every factor, or for none")

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        tables.filters(plan, vocabulary)
        (outcome,) = plan.measures
        if not set(codes(plan, CODES)) < set(vocabulary.levels(outcome)):
            raise InvalidInput("the outcome is some of its column's codes, and not all of them")
        for factor, base in self._bases(plan, vocabulary).items():
            if base not in vocabulary.levels(factor):
                raise InvalidInput(f"column {factor} has no such code to compare with")
        if len(self.labels(plan, vocabulary)) > MOST_FEATURES:
            raise InvalidInput(f"the factors have {MOST_FEATURES} levels at most, in all")

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        columns = [*(each.column for each in plan.groups), *plan.measures]
        return (*(ColumnUse(each, Use.MODEL) for each in columns), *tables.filter_uses(plan))

    def describe(self, vocabulary: Vocabulary) -> Description:
        coded = columns_of(vocabulary, Kind.CODE)
        return Description(
            groups=Choice(1, MOST_FACTORS, coded),
            filters=filters_of(vocabulary),
            measures=Choice(1, 1, coded),
            link=NO_CHOICE,
            options=OPTIONS,
            guards=(Guard.COMBINATION, Guard.CONTRIBUTORS),
            example={
                "groups": [{"column": each} for each in coded[1:3]],
                "measures": list(coded[:1]),
                "options": {"codes": list(vocabulary.levels(coded[0])[:1])} if coded else {},
            },
        )

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        """Factor and level of each weight after the first, which is the intercept's."""
        return tuple(
            (factor, level)
            for factor, base in self._bases(plan, vocabulary).items()
            for level in vocabulary.levels(factor)
            if level != base
        )

    def opens_to_all(self, plan: Plan) -> bool:
        return True

    def circuit(self, plan: Plan, vocabulary: Vocabulary, holders: int) -> Circuit:
        self.fits(plan, vocabulary)
        return Circuit(
            "logistic",
            {
                "features": len(self.labels(plan, vocabulary)) + 1,
                "levels": len(_levels(self._bases(plan, vocabulary), vocabulary)),
                "least": plan.threshold,
                "scale": 1,
                "minimum": number(plan, MINIMUM),
                "contributors": plan.contributors,
                "iterations": number(plan, ITERATIONS),
                "crossed": len(plan.groups) + 1,  # a 1 for each factor, and the intercept's
                "ridge": number(plan, RIDGE) / 1_000_000,
                "free": 1,
                "precision": PRECISION,
                "most_rows": number(plan, LARGEST) * holders,
            },
        )

    def inputs(self, plan: Plan, table: CodedTable, noise: Noise) -> Inputs:
        (outcome,) = plan.measures
        mask = tables.selected(plan, table) & (table.column(outcome) != 0)
        design = self._common(plan, table, mask)
        levels = table.vocabulary.levels(outcome)
        wanted = [levels.index(each) + 1 for each in codes(plan, CODES)]
        labels = np.isin(table.column(outcome)[design.kept], wanted)
        if len(labels) > number(plan, LARGEST):
            raise InvalidInput("this organisation has more rows than the plan provides for")
        ones = np.ones((len(labels), 1), np.int64)
        return {
            "design": np.hstack([ones, design.values.astype(np.int64)]),
            "labels": labels.astype(np.int64),
            "counts": self._counts(plan, table, design.kept),
        }

    def _counts(self, plan: Plan, table: CodedTable, kept: Mask) -> Integers:
        """How many of the rows that go in have each level, those to compare with too."""
        vocabulary, found = table.vocabulary, list[Integers]()
        for factor in self._bases(plan, vocabulary):
            codes_and_none = len(vocabulary.levels(factor)) + 1
            found.append(np.bincount(table.column(factor)[kept], minlength=codes_and_none)[1:])
        return np.concatenate(found).astype(np.int64)

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        cells = self.labels(plan, vocabulary)
        if list(opened.values["enough"]) != [1]:
            nothing = tuple((*each, None) for each in cells)
            return Released(COLUMNS, nothing, len(nothing), (Note.NOT_ENOUGH_ROWS,))
        bases = self._bases(plan, vocabulary)
        found, notes = _found(cells, bases, vocabulary, opened)
        rows = tuple(
            (*cell, _odds_milli(found[cell]) if cell in found else None) for cell in cells
        )
        return Released(
            COLUMNS,
            rows,
            len(cells) - len(found),
            notes,
            decimals={COLUMNS[-1]: _DECIMALS},
            extra={"base": bases},
        )

    def _bases(self, plan: Plan, vocabulary: Vocabulary) -> dict[str, str]:
        """The level of each factor that others are compared with: the first, if not named."""
        factors = [each.column for each in plan.groups]
        named = codes(plan, BASE) or tuple(vocabulary.levels(each)[0] for each in factors)
        return dict(zip(factors, named, strict=True))

    def _common(self, plan: Plan, table: CodedTable, mask: Mask) -> Design:
        """The rows whose combination of levels is that of enough rows here."""
        bases = self._bases(plan, table.vocabulary)
        complete = table.design(list(bases), bases, mask).kept
        combination = np.zeros(len(table), np.int64)
        for factor in bases:
            combination *= len(table.vocabulary.levels(factor)) + 1
            combination += table.column(factor)
        most = int(combination.max(initial=0)) + 1
        count = np.bincount(combination[complete], minlength=most)
        common = complete & (count[combination] >= plan.threshold)
        return table.design(list(bases), bases, common)


def _levels(bases: Mapping[str, str], vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Factor and level of each count, in their order."""
    return [(factor, level) for factor in bases for level in vocabulary.levels(factor)]


def _found(
    cells: Sequence[tuple[str, ...]],
    bases: Mapping[str, str],
    vocabulary: Vocabulary,
    opened: Opened,
) -> tuple[dict[tuple[str, ...], int], tuple[Note, ...]]:
    """The weights that say something, by factor and level, and what has to be said of them."""
    levels = _levels(bases, vocabulary)
    has_enough = dict(zip(levels, opened.values["levels"], strict=True))
    # the first weight is the intercept's
    weights, moved = (opened.values[name][1:] for name in ("weights", "moved"))
    common = {
        cell: (weight, way)
        for cell, weight, way in zip(cells, weights, moved, strict=True)
        if has_enough[cell[0], cell[1]] and has_enough[cell[0], bases[cell[0]]]
    }
    found = {
        cell: weight
        for cell, (weight, way) in common.items()
        if way <= _SETTLED * 2**PRECISION or abs(weight) >= _FARTHEST
    }
    notes = [Note.NO_STANDARD_ERRORS, Note.RARE_LEFT_OUT, Note.RATIO_LIMITS]
    notes += [Note.LEVEL_TOO_SMALL] * (len(common) < len(cells))
    notes += [Note.NOT_SETTLED] * (len(found) < len(common))
    return found, tuple(notes)


def _odds_milli(weight: int) -> int:
    """exp(weight / 2**PRECISION) in thousandths, within the limits of a ratio."""
    exponent = _CONTEXT.divide(Decimal(weight), Decimal(2**PRECISION))
    odds = _CONTEXT.exp(min(max(exponent, -_MOST_EXPONENT), _MOST_EXPONENT))
    return int(_CONTEXT.multiply(odds, Decimal(10**_DECIMALS)).to_integral_value())


QUESTION: Final = Risk()
