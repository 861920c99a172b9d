"""The evaluator: from fully blinded lists to how many people are on exactly which of them.

**Which records are one person.** Keys are taken in their order, the strongest first. Records of
different lists with an equal first key are one person. Each further key then joins what is not
joined yet, unless that would put two records of one list together: its holder says that they
are two people, so an equal weak key does not make them one. Where what a key would join holds a
list twice, that key joins nothing of it, since any choice would depend on the order.

Plain transitive joining by any key, the obvious rule, is not used: one weak key shared by
different people makes chains that grow with the lists, and each chain counts as one person.
Here a person has at most one record a list, and the result depends on no order. (Passes from
strict to lax over what is left are the usual way of deterministic record linkage; see Herzog,
Scheuren and Winkler 2007, "Data quality and record linkage techniques", chapter 8.)

A dummy equals nothing, so whoever is on one list alone is found by subtracting from the
attested size. The evaluator therefore learns exact overlaps and exact list sizes; it is a node
without data, named in the agreement.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from core.errors import InvalidInput, VerificationError
from dataspace.ring.group import TOKEN
from dataspace.ring.messages import Done, Network
from dataspace.ring.protocol import Gathered, gather_lists, one_run, send_all
from dataspace.ring.terms import Terms


@dataclass(frozen=True, slots=True)
class Counted:
    """Exact numbers of distinct people. They stay where they are counted: not for release.

    patterns: how many are on exactly these lists; patterns of nobody are left out.
    """

    holders: tuple[str, ...]
    patterns: dict[frozenset[str], int] = field(repr=False)

    @property
    def distinct(self) -> int:
        """How many people are on any list."""
        return sum(self.patterns.values())

    def known_to(self) -> tuple[int, ...]:
        """How many are known to exactly 1, 2, ... all of the lists."""
        by = Counter[int]()
        for pattern, people in self.patterns.items():
            by[len(pattern)] += people
        return tuple(by[k + 1] for k in range(len(self.holders)))

    def pairs(self) -> dict[tuple[str, str], int]:
        """How many are on both of two lists, whatever else they are on."""
        return {
            pair: sum(n for pattern, n in self.patterns.items() if pattern >= set(pair))
            for pair in combinations(self.holders, 2)
        }


async def evaluate_count(terms: Terms, network: Network) -> Counted:
    """The evaluator's whole part in a counting run.

    Raises:
        InvalidInput: the terms are no counting run's.
        VerificationError: a party sent what cannot be; `step` names what.
        Unavailable: a party is gone or stopped, or the deadline has passed. Nothing was
            released.
    """
    async with one_run(terms, terms.evaluator, network):
        if terms.answer is not None:
            raise InvalidInput("the terms are those of a run for priorities")
        gathered = await gather_lists(terms, network, attested=True)
        counted = await asyncio.to_thread(count, terms, gathered)
        done = Done(terms.tag())
        await send_all(terms, network, [(name, done) for name in terms.holders])
    return counted


def count(terms: Terms, gathered: Gathered) -> Counted:
    """How many people are on exactly which lists.

    Raises VerificationError: step `repeated-token` (a list has a token twice for one key),
    `attested-size` (more records of a list are found elsewhere than it is said to have).
    """
    people = _People([len(table) // terms.width for table in gathered.tables])
    for key in range(len(terms.keys)):
        tokens = [_column(table, key, terms.width) for table in gathered.tables]
        people.join(_shared(tokens, people.starts))
    found = people.patterns()
    joined = Counter[int]()
    for lists, number in found.items():
        joined.update(dict.fromkeys(lists, number))
    patterns = Counter(
        {frozenset(terms.holders[p] for p in each): n for each, n in found.items()}
    )
    for place, size in enumerate(gathered.sizes):
        if size < joined[place]:
            raise VerificationError(
                "an organisation attested fewer records than it sent", step="attested-size"
            )
        patterns[frozenset((terms.holders[place],))] += size - joined[place]
    return Counted(terms.holders, {each: n for each, n in patterns.items() if n})


def _column(table: bytes, key: int, width: int) -> list[bytes]:
    first = key * TOKEN
    return [table[at : at + TOKEN] for at in range(first, len(table), width)]


def _shared(columns: Sequence[Sequence[bytes]], starts: Sequence[int]) -> list[list[int]]:
    """The records, numbered over all lists, that have each token which several lists have."""
    seen: dict[bytes, int] = {}
    groups: dict[bytes, list[int]] = {}
    for start, column in zip(starts, columns, strict=True):
        if len(set(column)) != len(column):
            raise VerificationError("a list holds a token twice", step="repeated-token")
        for number, token in enumerate(column, start):
            first = seen.setdefault(token, number)
            if first != number:
                groups.setdefault(token, [first]).append(number)
    return list(groups.values())


class _People:
    """Records joined to people: a forest of records (union-find), joined key for key."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.starts = [sum(sizes[:place]) for place in range(len(sizes))]
        self.list_of = [place for place, size in enumerate(sizes) for _ in range(size)]
        self._person: dict[int, int] = {}  # record -> one record that stands for its person
        self._records: dict[int, list[int]] = {}

    def join(self, groups: Iterable[list[int]]) -> None:
        """One key's pass: join people who share a token, where no list would be there twice."""
        if not self._records:  # the first key: tokens of a list differ, so groups are people
            for group in groups:
                self._merge(group)
            return
        wanted = _Forest()
        for group in groups:
            people = sorted({self._person.get(record, record) for record in group})
            if self._no_list_twice(people):
                for other in people[1:]:
                    wanted.unite(people[0], other)
        for people in wanted.trees():
            if self._no_list_twice(people):
                self._merge(people)

    def patterns(self) -> Counter[frozenset[int]]:
        """Of people with several records: how many have theirs in exactly these lists."""
        places = self.list_of
        return Counter(frozenset([places[r] for r in each]) for each in self._records.values())

    def _of(self, person: int) -> list[int]:
        return self._records.get(person, [person])

    def _no_list_twice(self, people: Iterable[int]) -> bool:
        lists = [self.list_of[record] for person in people for record in self._of(person)]
        return len(set(lists)) == len(lists)

    def _merge(self, people: Sequence[int]) -> None:
        records = [record for person in people for record in self._of(person)]
        for person in people:
            self._records.pop(person, None)
        self._records[people[0]] = records
        self._person.update((record, people[0]) for record in records)


class _Forest:
    """Union-find with path halving."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def unite(self, one: int, other: int) -> None:
        self._parent[self._root(one)] = self._root(other)

    def trees(self) -> list[list[int]]:
        """Everything that was united, tree for tree."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for each in sorted(self._parent):
            found[self._root(each)].append(each)
        return list(found.values())

    def _root(self, at: int) -> int:
        parent = self._parent
        parent.setdefault(at, at)
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at
