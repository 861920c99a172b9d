"""Tables of overlaps for tests: the United Kingdom's of 2013, what is published, and people
whose lists overlap as a table says."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from dataspace.estimating.overlaps import Overlaps, overlaps

_PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "mse" / "tables.json"

UK_LISTS = ("LA", "NG", "PFNCA", "GO", "GP")
UK_COUNTS = {
    "LA": 54,
    "NG": 463,
    "PFNCA": 995,
    "GO": 695,
    "GP": 316,
    "LA NG": 15,
    "LA PFNCA": 19,
    "LA GO": 3,
    "NG PFNCA": 62,
    "NG GO": 19,
    "NG GP": 1,
    "PFNCA GO": 76,
    "PFNCA GP": 11,
    "GO GP": 8,
    "LA NG PFNCA": 1,
    "LA NG GO": 1,
    "NG PFNCA GO": 4,
    "LA NG PFNCA GO": 1,
}
"""Potential victims of trafficking in 2013 by local authorities, non-governmental
organisations, police with the National Crime Agency, government, and the public (Bales, Hesketh
and Silverman 2015)."""

ARTIFICIAL = {"A": 40, "B": 30, "C": 20, "A B": 6}
"""Of three lists: with the pair A and B there is no estimate, with all three pairs no single
one (after Chan, Silverman and Vincent 2021, table 2)."""


def table(lists: tuple[str, ...], counts: Mapping[str, int]) -> Overlaps:
    """Of counts by the names of lists, with spaces between them."""
    return overlaps(lists, {frozenset(names.split()): n for names, n in counts.items()})


def uk_five() -> Overlaps:
    return table(UK_LISTS, UK_COUNTS)


@dataclass(frozen=True)
class Published:
    """A table with what was published, or stored, of it."""

    overlaps: Overlaps
    stored: dict[str, Any]


def published(name: str) -> Published:
    """Skips the test where the published tables are not at hand."""
    if not _PUBLISHED.exists():
        pytest.skip("the published tables are not beside this repository")
    found = json.loads(_PUBLISHED.read_text())["tables"][name]
    counts = {pattern.replace(".", " "): n for pattern, n in found["patterns"].items()}
    return Published(table(tuple(found["lists"]), counts), found)


def rows_for(made: Overlaps, seed: int = 0) -> dict[str, tuple[str, ...]]:
    """For each list the pseudonyms of the people on it, in no order that tells anything; taken
    together they overlap exactly as the table says."""
    mixed = random.Random(seed)
    on: dict[str, list[str]] = {name: [] for name in made.lists}
    numbers = mixed.sample(range(10 * made.seen), made.seen)
    for row, count in zip(made.patterns, made.counts, strict=True):
        for _ in range(int(count)):
            person = f"p-{numbers.pop():08d}"
            for name, there in zip(made.lists, row, strict=True):
                if there:
                    on[name].append(person)
    for people in on.values():
        mixed.shuffle(people)
    return {name: tuple(people) for name, people in on.items()}


@st.composite
def tables(draw: st.DrawFn, fewest: int = 1, most_lists: int = 4, most: int = 60) -> Overlaps:
    """Two lists or more with any overlaps, nobody at all on many of them, `fewest` people."""
    lists = tuple("ABCDE"[: draw(st.integers(2, most_lists))])
    cells = 2 ** len(lists) - 1
    zero_or_more = st.one_of(st.just(0), st.integers(0, 8), st.integers(0, most))
    counts = draw(st.lists(zero_or_more, min_size=cells, max_size=cells))
    counts[0] += max(fewest - sum(counts), 0)
    named = {
        frozenset(name for place, name in enumerate(lists) if cell >> place & 1): count
        for cell, count in enumerate(counts, 1)
    }
    return overlaps(lists, named)


def reordered(made: Overlaps, lists: tuple[str, ...]) -> Overlaps:
    """The same table with its lists in another order."""
    named = {
        frozenset(name for name, on in zip(made.lists, row, strict=True) if on): int(count)
        for row, count in zip(made.patterns, made.counts, strict=True)
    }
    return overlaps(lists, named)
