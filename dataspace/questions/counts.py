"""How many cases there are, by up to four columns, over all organisations.

Leak: see `Counts.leak`; measured out in docs/dataspace/leaks.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import numpy as np

from dataspace.gathering.coded import CodedTable
from dataspace.planning.plan import Plan
from dataspace.questions import tables
from dataspace.questions.base import Circuit, ColumnUse, Engine, Inputs, Noise, Opened, Released
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
from dataspace.questions.options import check_options, number, text
from dataspace.vocabulary.model import Kind, Vocabulary

MOST_GROUPS: Final = 4
CASES, PEOPLE = "cases", "people"

COUNTED: Final = Option(
    "counted",
    Takes.CHOICE,
    CASES,
    "cases, or each person once in an organisation",
    choices=(CASES, PEOPLE),
)
MISSING: Final = Option(
    "missing", Takes.NUMBER, 0, "1: a last level for cases without a value", least=0, most=1
)
LARGEST: Final = tables.largest_cell()
OPTIONS: Final = (COUNTED, MISSING, LARGEST)


class Counts:
    """A cross-table of cases. Cells below the threshold, or of too few organisations, are
    never opened (circuit gated-sums)."""

    name: Final = "counts"
    computation: Final = "tabulation"
    engine: Final = Engine.SHARES
    titles: ClassVar[Mapping[str, str]] = {
        "en": "How many cases, and where",
        "es": "Cuántos casos, y dónde",
        "km": "មានករណីប៉ុន្មាន និងនៅទីណា",
    }
    leak: Final = (
        "Of each cell that is not shown: that it is below the threshold, or that too few "
        "organisations have cases in it. An organisation that sees the result and subtracts"
        " its own cases knows the sum of the others in each cell that is shown."
    )

    def check(self, plan: Plan) -> None:
        tables.check_table(plan, least=0, most=MOST_GROUPS)
        tables.check_nothing(plan, "measures", "link", "epsilon_milli")
        check_options(plan, OPTIONS)

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.labels(plan, vocabulary)

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        return tables.table_uses(plan)

    def describe(self, vocabulary: Vocabulary) -> Description:
        return Description(
            groups=Choice(
                0, MOST_GROUPS, columns_of(vocabulary, Kind.CODE, Kind.DATE, Kind.NUMBER)
            ),
            filters=filters_of(vocabulary),
            measures=NONE,
            link=NONE,
            options=OPTIONS,
            guards=OF_TABLES,
            example={"groups": [{"column": each} for each in _first_codes(vocabulary)]},
        )

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        return tables.labels(plan, vocabulary, with_missing=bool(number(plan, MISSING)))

    def opens_to_all(self, plan: Plan) -> bool:
        return False

    def circuit(self, plan: Plan, vocabulary: Vocabulary, holders: int) -> Circuit:
        return Circuit(
            "gated-sums",
            {
                "cells": len(self.labels(plan, vocabulary)),
                "threshold": plan.threshold,
                "contributors": plan.contributors,
                "organisations": holders,
                "most": number(plan, LARGEST),
            },
        )

    def inputs(self, plan: Plan, table: CodedTable, noise: Noise) -> Inputs:
        gate = table.tabulate(
            tables.dimensions(plan, table.vocabulary, with_missing=bool(number(plan, MISSING))),
            table.mask(tables.filters(plan, table.vocabulary)),
            distinct_people=text(plan, COUNTED) == PEOPLE,
        )
        tables.bounded(gate, number(plan, LARGEST), "a cell")
        return {"gate": gate, "present": (gate > 0).astype(np.int64)}

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        counted = text(plan, COUNTED)
        return tables.released_table(
            plan,
            self.labels(plan, vocabulary),
            opened,
            notes=(Note.PEOPLE_IN_EACH,) if counted == PEOPLE else (),
            counted=counted,
            with_missing=bool(number(plan, MISSING)),
        )


def _first_codes(vocabulary: Vocabulary) -> tuple[str, ...]:
    return columns_of(vocabulary, Kind.CODE)[:2]


QUESTION: Final = Counts()
