"""How many distinct people are known to one, two ... all organisations, and to each two.

The ring's evaluator counts exactly; it withholds small numbers, and those from which a small
one could be computed, before anything leaves it (`dataspace.releasing.disclosure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, combinations
from typing import ClassVar, Final

import numpy as np

from core.errors import InvalidInput
from dataspace.planning.plan import Plan
from dataspace.questions import people
from dataspace.questions.base import (
    Circuit,
    Engine,
    Inputs,
    Opened,
    Patterns,
    Released,
)
from dataspace.questions.describing import OF_TABLES, Description
from dataspace.questions.notes import Note
from dataspace.releasing.disclosure import Sums, withheld
from dataspace.vocabulary.model import Vocabulary

COLUMNS: Final = ("figure", "organisations", "people")
DISTINCT, EXACTLY, BOTH = "distinct", "exactly", "both"
BETWEEN: Final = " + "  # two DIDs; no DID has a space
MOST_LISTS: Final = 8  # ways to be on lists double with each: 255 here


class Overlaps(people.ListsQuestion):
    """Distinct people on any list, on exactly k lists, and on each two lists."""

    name: Final = "overlaps"
    computation: Final = "overlap"
    engine: Final = Engine.RING
    titles: ClassVar[Mapping[str, str]] = {
        "en": "How many people several organisations know",
        "es": "A cuántas personas conocen varias organizaciones",
        "km": "មានមនុស្សប៉ុន្មាននាក់ដែលអង្គការច្រើនស្គាល់",
    }
    leak: Final = (
        "The evaluator, which holds no data, learns exactly how many people are on exactly "
        "which lists, and how long each list is. Organisations learn of each other's lists "
        "a rounded length. Of a number that is not shown the receivers learn that it is "
        "small, or that a small one could be computed from it."
    )

    def describe(self, vocabulary: Vocabulary) -> Description:
        return replace(super().describe(vocabulary), guards=OF_TABLES)

    def opens_to_all(self, plan: Plan) -> bool:
        return False

    def answer(self, plan: Plan, patterns: Patterns, totals: Mapping[str, int]) -> Released:
        names, sums = _figures(tuple(totals), patterns)
        hidden = withheld(sums, plan.threshold)
        if sum(length > 0 for length in totals.values()) < plan.contributors:
            # the others' lists are empty: these would be one organisation's own numbers
            hidden = frozenset(range(len(names)))
        rows = tuple(
            (*name, None if place in hidden else int(value))
            for place, (name, value) in enumerate(zip(names, sums.values, strict=True))
        )
        more = any(sums.values[place] >= plan.threshold for place in hidden)
        notes = (
            *((Note.BELOW_THRESHOLD,) if hidden else ()),
            *((Note.WITHHELD_TOO,) if more else ()),
            Note.NAMELESS_COUNTED,
        )
        return Released(COLUMNS, rows, len(hidden), notes)

    def follow(self, plan: Plan, holders: int) -> Circuit | None:
        return None

    def holder_inputs(self, plan: Plan, length: int, *, place: int, holders: int) -> Inputs:
        return {}

    def evaluator_inputs(self, plan: Plan, patterns: Patterns, *, holders: int) -> Inputs:
        return {}

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        raise InvalidInput("no circuit follows the ring in this question")


def _figures(lists: tuple[str, ...], patterns: Patterns) -> tuple[list[tuple[str, str]], Sums]:
    """What is counted, and each number as a sum over the ways to be on some list. The lengths
    of the lists count as known: each is known to its holder, and holders may talk."""
    if not 2 <= len(lists) <= MOST_LISTS:
        raise InvalidInput(f"overlaps are shown for 2 to {MOST_LISTS} lists")
    sizes = range(1, len(lists) + 1)
    ways = [frozenset(w) for w in chain.from_iterable(combinations(lists, k) for k in sizes)]
    if not set(patterns) <= set(ways):
        raise InvalidInput("an overlap names a list that is not there")
    pairs = list(combinations(lists, 2))
    names = [
        (DISTINCT, "1+"),
        *((EXACTLY, str(size)) for size in sizes),
        *((BOTH, BETWEEN.join(pair)) for pair in pairs),
    ]
    cells = [
        [1] * len(ways),
        *([int(len(way) == size) for way in ways] for size in sizes),
        *([int(way >= set(pair)) for way in ways] for pair in pairs),
    ]
    known = [[int(each in way) for way in ways] for each in lists]
    atoms = [patterns.get(way, 0) for way in ways]
    return names, Sums(*(np.array(each, np.int64) for each in (cells, known, atoms)))


QUESTION: Final = Overlaps()
