"""How the number of cases goes over periods, and whether regions differ; with noise if asked.

With `epsilon_milli` every organisation adds discrete Laplace noise to its own table before it
is shared, of the full scale (contributions / epsilon) at each. So an organisation's table is
protected even if all others collude and open what they got: they still have the sum of its
counts and its own noise. The price is variance: over n organisations the noise of a cell has n
times the variance of one (about 2 * n * scale**2, a standard error of scale * sqrt(2 * n)),
where one common noise, made jointly, would have that of one.

The threshold, and whether an organisation counts as one that contributes to a cell, are decided
on noisy figures, so that they tell nothing more (post-processing). Each run spends epsilon at
each organisation; a person in the lists of several is protected by each for its own list, and
their epsilons add up for her.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

import numpy as np

from core.errors import InvalidInput
from dataspace.gathering.coded import CodedTable
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
from dataspace.questions.options import check_options, number
from dataspace.releasing.noise import standard_error_milli, tail
from dataspace.vocabulary.model import Kind, Vocabulary

CONTRIBUTIONS: Final = Option(
    "contributions",
    Takes.NUMBER,
    1,
    "with noise: most cases of one person that an organisation counts",
    least=1,
    most=20,
)
LARGEST: Final = tables.largest_cell()
OPTIONS: Final = (CONTRIBUTIONS, LARGEST)


class Trends:
    """A table of periods, by region or another column if wanted (circuit gated-sums)."""

    name: Final = "trends"
    computation: Final = "tabulation"
    engine: Final = Engine.SHARES
    titles: ClassVar[Mapping[str, str]] = {
        "en": "Whether it grows, and where",
        "es": "Si aumenta, y dónde",
        "km": "តើវាកើនឡើងឬទេ និងនៅទីណា",
    }
    leak: Final = (
        "Without noise, as a count: of each cell that is not shown, that it is below the "
        "threshold or that too few organisations have cases in it. With noise everything "
        "that is learnt of an organisation's cases, also by all others together, is within "
        "its privacy budget; a case without a person's keys is protected as a case, not as "
        "a person."
    )

    def check(self, plan: Plan) -> None:
        tables.check_table(plan, least=1, most=2)
        tables.check_nothing(plan, "measures", "link")
        check_options(plan, OPTIONS)
        if plan.groups[0].period is None or any(each.period for each in plan.groups[1:]):
            raise InvalidInput("a trend is over periods first, and then over a column of codes")

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.labels(plan, vocabulary)

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        return tables.table_uses(plan)

    def describe(self, vocabulary: Vocabulary) -> Description:
        dates = columns_of(vocabulary, Kind.DATE)
        one = {"column": dates[0]} if dates else {}
        return Description(
            groups=Choice(1, 2, columns_of(vocabulary, Kind.DATE, Kind.CODE)),
            filters=filters_of(vocabulary),
            measures=NONE,
            link=NONE,
            options=OPTIONS,
            guards=OF_TABLES,
            noise=True,
            example={
                "groups": [{**one, "period": "quarter"}],
                "filters": [{**one, "first": "2025-01-01", "last": "2025-12-31"}],
                "epsilon_milli": 500,
            },
        )

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        return tables.labels(plan, vocabulary)

    def opens_to_all(self, plan: Plan) -> bool:
        return False

    def circuit(self, plan: Plan, vocabulary: Vocabulary, holders: int) -> Circuit:
        offset = _offset(plan)
        return Circuit(
            "gated-sums",
            {
                "cells": len(self.labels(plan, vocabulary)),
                "threshold": plan.threshold + offset * holders,
                "contributors": plan.contributors,
                "organisations": holders,
                "most": number(plan, LARGEST) + 2 * offset,
            },
        )

    def inputs(self, plan: Plan, table: CodedTable, noise: Noise) -> Inputs:
        mask = tables.selected(plan, table)
        if plan.epsilon_milli:
            mask = tables.at_most_rows_each(table, mask, number(plan, CONTRIBUTIONS))
        counts = table.tabulate(tables.dimensions(plan, table.vocabulary), mask)
        if plan.epsilon_milli:
            told = self._noisy(plan, counts, noise)
        else:
            told = tables.bounded(counts, number(plan, LARGEST), "a cell")
        return {"gate": told + _offset(plan), "present": (told > 0).astype(np.int64)}

    def _noisy(self, plan: Plan, counts: Integers, noise: Noise) -> Integers:
        """Counts beyond the plan's largest are cut down to it before the noise. To refuse them
        would tell everybody, outside the budget, that an exact count is beyond a number that
        the asker chose."""
        cut, most = _offset(plan), number(plan, LARGEST)
        noisy = noise(
            np.minimum(counts, most),
            epsilon_milli=plan.epsilon_milli,
            sensitivity=number(plan, CONTRIBUTIONS),
        )
        return np.clip(noisy, -cut, most + cut)

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        cells = self.labels(plan, vocabulary)
        if not plan.epsilon_milli:
            return tables.released_table(plan, cells, opened)
        scale = plan.epsilon_milli, number(plan, CONTRIBUTIONS)
        made = tables.released_table(
            plan,
            cells,
            opened,
            noise_offset=_offset(plan) * opened.holders,
            notes=(Note.NOISY,),
        )
        error = standard_error_milli(*scale, opened.holders)
        return replace(made, extra={"standard_error_milli": error})


def _offset(plan: Plan) -> int:
    """Noise can make a count negative, and the circuit takes none that is: all are moved up by
    as much as noise can be."""
    if not plan.epsilon_milli:
        return 0
    return tail(plan.epsilon_milli, number(plan, CONTRIBUTIONS))


QUESTION: Final = Trends()
