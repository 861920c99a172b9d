"""Made-up lists of cases: for the sandbox, for walk-throughs, and with overlaps as given.

Nobody in them exists. The same vocabulary, script and seed give the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.coded import CodedTable, coded_table, column_type
from dataspace.gathering.invented import Invented, People, written_differently
from dataspace.gathering.matchkeys import Person
from dataspace.gathering.script import MadeUpOrganisation, Script, built_in
from dataspace.vocabulary.model import Role, Use, Vocabulary

type CaseRow = Mapping[str, str]
type Overlap = Mapping[frozenset[str], int]

_MOST_PEOPLE = 100_000
_HIDDEN = 1.3  # people there are, for each row of all lists
_AGAIN = 0.08  # of a list's people have a second case in it
_SERVED_AFTER = 12  # days on average


@dataclass(frozen=True, slots=True, repr=False)
class MadeUpList:
    """One organisation's cases: rows by column names, values as `same_names` reads them."""

    name: str
    rows: tuple[CaseRow, ...]


@dataclass(frozen=True, slots=True, repr=False)
class MadeUp:
    """Lists, and how many different people are on exactly which of them."""

    lists: tuple[MadeUpList, ...]
    overlaps: Overlap
    population: int


def made_up(
    vocabulary: Vocabulary,
    seed: int = 1,
    sizes: Mapping[str, int] | None = None,
    script: Script | None = None,
) -> MadeUp:
    """The script's organisations, each with some of the same invented people.

    `sizes` are numbers of people for organisations by name, instead of the script's.

    Raises InvalidInput: a size for an organisation that is not there, or too many people.
    """
    script = script or built_in()
    sizes = {each.name: each.size for each in script.organisations} | dict(sizes or {})
    if len(sizes) != len(script.organisations) or min(sizes.values()) < 0:
        raise InvalidInput("sizes are for the script's organisations, and not negative")
    random = Random(seed)  # noqa: S311 - the same cases from the same seed, and no secret
    population = int(sum(sizes.values()) * _HIDDEN)
    people = _invent(population, vocabulary, script, random)
    chosen: dict[str, set[int]] = {}
    for each in script.organisations:
        chosen[each.name] = _choose(each, sizes[each.name], people, chosen, random)
    lists = tuple(
        _list(
            each, [people[at] for at in sorted(chosen[each.name])], vocabulary, script, random
        )
        for each in script.organisations
    )
    return MadeUp(lists, _overlaps(chosen), population)


def from_overlaps(
    overlaps: Overlap, vocabulary: Vocabulary, seed: int = 1, script: Script | None = None
) -> MadeUp:
    """Lists with exactly these overlaps under every match key: each person written alike.

    The keys name the lists that so many people are on, and no other.

    Raises InvalidInput: a pattern without a list, a negative count, or too many people.
    """
    script = script or built_in()
    if not all(overlaps) or min(overlaps.values(), default=0) < 0:
        raise InvalidInput("overlaps are counts of people who are on at least one list")
    random = Random(seed)  # noqa: S311 - the same cases from the same seed, and no secret
    names = sorted(frozenset().union(*overlaps))
    chosen: dict[str, set[int]] = {name: set() for name in names}
    everybody = 0
    for pattern in sorted(overlaps, key=sorted):
        for name in pattern:
            chosen[name].update(range(everybody, everybody + overlaps[pattern]))
        everybody += overlaps[pattern]
    people = _invent(everybody, vocabulary, script, random)
    lists = []
    for name in names:
        rows = [
            _row(people[at], people[at].who, vocabulary, script, random) for at in chosen[name]
        ]
        random.shuffle(rows)
        lists.append(MadeUpList(name, _referenced(name, rows, vocabulary)))
    return MadeUp(tuple(lists), _overlaps(chosen), everybody)


def coded_sample(vocabulary: Vocabulary, rows: int, seed: int = 1) -> CodedTable:
    """A table of random codes, days and numbers, for measuring with millions of rows."""
    random = np.random.default_rng(seed)
    columns: dict[str, npt.NDArray[np.integer[Any]]] = {}
    for name, column in vocabulary.columns.items():
        if column.allows(Use.TABULATE):
            dtype, _, low, high = column_type(vocabulary, name)
            columns[name] = random.integers(low, high, rows, endpoint=True).astype(dtype)
    persons = random.integers(0, max(rows, 1), rows, dtype=np.int32)
    return coded_table(vocabulary, columns, persons)


def _invent(
    count: int, vocabulary: Vocabulary, script: Script, random: Random
) -> Sequence[Invented]:
    if count > _MOST_PEOPLE:
        raise InvalidInput(f"at most {_MOST_PEOPLE:,} people are made up")
    people = People(vocabulary, script, random)
    try:
        return [people.invent() for _ in range(count)]
    except ValueError:
        raise InvalidInput("the script has too few names for so many people") from None


def _choose(
    each: MadeUpOrganisation,
    size: int,
    people: Sequence[Invented],
    before: Mapping[str, set[int]],
    random: Random,
) -> set[int]:
    """A weighted sample without repeats (Efraimidis and Spirakis 2006, algorithm A)."""

    def weight(at: int) -> float:
        product = 1.0
        for column, leans in each.leans.items():
            product *= leans.get(people[at].codes.get(column, ""), 1)
        for name, factor in each.receives.items():
            product *= factor if at in before.get(name, ()) else 1
        return max(product, 1e-9)

    rank = {at: random.random() ** (1 / weight(at)) for at in range(len(people))}
    return set(sorted(rank, key=rank.__getitem__, reverse=True)[:size])


def _overlaps(chosen: Mapping[str, set[int]]) -> Overlap:
    everybody = sorted(set().union(*chosen.values()))
    return Counter(
        frozenset(name for name, members in chosen.items() if at in members) for at in everybody
    )


def _list(
    each: MadeUpOrganisation,
    people: Sequence[Invented],
    vocabulary: Vocabulary,
    script: Script,
    random: Random,
) -> MadeUpList:
    rows = []
    for one in people:
        who = one.who if random.random() < each.knows_number else _numberless(one.who)
        for _ in range(2 if random.random() < _AGAIN else 1):
            varied = random.random() < each.varies
            written = written_differently(who, random) if varied else who
            rows.append(_row(one, written, vocabulary, script, random))
    random.shuffle(rows)
    return MadeUpList(each.name, _referenced(each.name, rows, vocabulary))


def _numberless(who: Person) -> Person:
    return Person(who.given_name, who.family_name, who.birth_date)


def _row(
    one: Invented, who: Person, vocabulary: Vocabulary, script: Script, random: Random
) -> dict[str, str]:
    """One case as an organisation would write it down."""
    registered = one.begins + timedelta(days=random.randrange(60))
    referred = registered + timedelta(days=random.randrange(10))
    served = referred + timedelta(days=round(random.expovariate(1 / _SERVED_AFTER)))
    taken_up = one.codes.get("service_uptake") != "0"
    cost = script.cost.get(one.codes.get("service", ""), script.other_cost)
    benefit = script.benefit.get(one.codes.get("outcome", ""), 0)
    known = {
        name: "" if random.random() < script.unknown else code
        for name, code in one.codes.items()
    }
    by_name = known | {
        "registered_on": registered.isoformat(),
        "referred_on": referred.isoformat(),
        "served_on": served.isoformat() if taken_up else "",
        "cost_amount": str(round(cost * random.uniform(0.5, 1.5))),
        "benefit_amount": str(round(benefit * random.uniform(0.5, 1.5))),
    }
    by_role = {
        Role.GIVEN_NAME: who.given_name,
        Role.FAMILY_NAME: who.family_name,
        Role.BIRTH_DATE: _iso(who.birth_date),
        Role.NATIONAL_ID: who.national_id,
        Role.TRAFFICKER: one.trafficker if random.random() < 0.6 else "",
        Role.PLACE: one.place if random.random() < 0.7 else "",
        Role.PHONE: one.phone if random.random() < 0.5 else "",
    }
    row = {name: by_name.get(name, "") for name in vocabulary.columns}
    for role, value in by_role.items():
        if (name := vocabulary.with_role(role)) is not None:
            row[name] = value
    return row


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _referenced(
    name: str, rows: Sequence[dict[str, str]], vocabulary: Vocabulary
) -> tuple[CaseRow, ...]:
    column = vocabulary.with_role(Role.CASE_REFERENCE)
    for number, row in enumerate(rows, 1):
        if column is not None:
            row[column] = f"{name}-{number:05}"
    return tuple(rows)
