"""How many there are in all, also those on no list: multiple systems estimation.

By `models` the evaluator of the ring fits several models and only their estimates leave it, all
beside each other with what speaks against them (`dataspace.estimating`). By `independence` it
releases nothing: it brings the number of distinct people as a secret into a multi-party
computation with the lists' lengths, and one number is opened (circuit independence).

People of whom a list has none of the plan's keys can be met on no other list. As people known
to one organisation alone they would make the number larger without any model showing it: with
a third of the rows nameless, twice as large. So they are left out of the list, which then is a
sample of what it was; that changes no model as long as it is chance who is nameless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from string import ascii_uppercase
from typing import Any, ClassVar, Final

import numpy as np

from core.errors import Forbidden, VerificationError
from dataspace.estimating.overlaps import overlaps
from dataspace.estimating.side_by_side import FEWEST_SEEN, Row, estimates
from dataspace.gathering.coding import Gathered
from dataspace.planning.plan import Plan
from dataspace.questions import people, tables
from dataspace.questions.base import (
    Circuit,
    Engine,
    Inputs,
    Opened,
    Patterns,
    Record,
    Released,
)
from dataspace.questions.describing import (
    Description,
    Option,
    Takes,
)
from dataspace.questions.notes import Note
from dataspace.questions.options import number, text
from dataspace.questions.whole_numbers import in_thousandths
from dataspace.vocabulary.model import Vocabulary

COLUMNS: Final = ("model", "people", "low", "high")
MODELS, INDEPENDENCE = "models", "independence"

METHOD: Final = Option(
    "method",
    Takes.CHOICE,
    MODELS,
    "several models beside each other, by the evaluator; or one number under independence, "
    "without anybody seeing the overlaps beside the evaluator",
    choices=(MODELS, INDEPENDENCE),
)
LEAST_SEEN: Final = Option(
    "least_seen",
    Takes.NUMBER,
    FEWEST_SEEN,
    "fewest distinct people that an estimate is made from",
    least=FEWEST_SEEN,
    most=1_000_000,
)
LARGEST: Final = Option(
    "largest",
    Takes.NUMBER,
    1_000_000,
    "for independence: the largest number asked about",
    least=1_000,
    most=2**24,
)
OPTIONS: Final = (METHOD, LEAST_SEEN, LARGEST)
# what no model and no diagnostic can see
_NOTES: Final = (Note.SAME_POPULATION, Note.MATCHES_MISSED, Note.NAMELESS_LEFT_OUT)


class Total(people.ListsQuestion):
    """An estimate of how many people there are, from the overlaps of lists."""

    name: Final = "total"
    computation: Final = "estimate"
    engine: Final = Engine.RING
    options = OPTIONS
    titles: ClassVar[Mapping[str, str]] = {
        "en": "How many people there are in all",
        "es": "Cuántas personas hay en total",
        "km": "សរុបមានមនុស្សប៉ុន្មាននាក់",
    }
    leak: Final = (
        "The evaluator, which holds no data, learns exactly how many people are on exactly "
        "which lists, and how long each list is. Of several models the receivers learn "
        "whole numbers, which pairs of lists the models joined, and how many pairs have few"
        " people in common; the lower end of an interval can be the number of people seen. "
        "Under independence every organisation learns the one number, and with its own list"
        " one equation about the number of people seen and the other lists' lengths."
    )

    def describe(self, vocabulary: Vocabulary) -> Description:
        described = super().describe(vocabulary)
        example = {**described.example, "options": {"method": MODELS}}
        return replace(described, example=example)

    def records(self, plan: Plan, own: Gathered) -> list[Record]:
        return people.with_a_key(super().records(plan, own))

    def opens_to_all(self, plan: Plan) -> bool:
        return text(plan, METHOD) == INDEPENDENCE

    def answer(self, plan: Plan, patterns: Patterns, totals: Mapping[str, int]) -> Released:
        _require_enough(plan, patterns)
        letters = dict(zip(totals, ascii_uppercase, strict=False))
        named = {frozenset(letters[n] for n in way): count for way, count in patterns.items()}
        found = estimates(overlaps(tuple(letters.values()), named))
        extra: dict[str, Any] = in_thousandths(found.as_document())
        lists = {letter: holder for holder, letter in letters.items()}
        rows = tuple(_row(each) for each in found.rows)
        notes = (*_NOTES, Note.INTERVAL_AS_CHOSEN)
        return Released(COLUMNS, rows, 0, notes, extra={"estimates": extra, "lists": lists})

    def follow(self, plan: Plan, holders: int) -> Circuit | None:
        if text(plan, METHOD) != INDEPENDENCE:
            return None
        return Circuit("independence", {"lists": holders, "largest": number(plan, LARGEST)})

    def holder_inputs(self, plan: Plan, length: int, *, place: int, holders: int) -> Inputs:
        totals = np.zeros(holders, np.int64)
        totals[place] = length
        own = tables.bounded(totals, number(plan, LARGEST), "the list")
        return {"totals": own, "distinct": np.zeros(1, np.int64)}

    def evaluator_inputs(self, plan: Plan, patterns: Patterns, *, holders: int) -> Inputs:
        seen = np.array([_require_enough(plan, patterns)], np.int64)
        distinct = tables.bounded(seen, number(plan, LARGEST), "a number")
        return {"totals": np.zeros(holders, np.int64), "distinct": distinct}

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        if not opened.values["consistent"][0]:
            raise VerificationError(
                "the lists of this run do not belong to the number counted", step="lists"
            )
        found = list(opened.values["estimate"])
        notes = (Note.NO_INTERVAL if found else Note.NO_ESTIMATE, *_NOTES)
        estimate = found[0] if found else None
        return Released(COLUMNS, ((INDEPENDENCE, estimate, None, None),), notes=notes)


def _row(row: Row) -> tuple[str | int | None, ...]:
    shown = row.as_document()
    return shown["model"], shown["number"], shown["low"], shown["high"]


def _require_enough(plan: Plan, patterns: Patterns) -> int:
    seen = sum(patterns.values())
    if seen < number(plan, LEAST_SEEN):
        raise Forbidden(
            "fewer people are on these lists than an estimate may be made from",
            code="too-few-seen",
        )
    return seen


QUESTION: Final = Total()
