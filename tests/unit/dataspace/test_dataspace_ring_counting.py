"""Counting: equal to plain sets, by a rule that depends on no order."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ring_world import (
    HOLDERS,
    count_all,
    counted,
    network,
    one_key,
    prioritise_all,
    terms,
)

from core.errors import InvalidInput, VerificationError
from dataspace.ring.counting import Counted, count
from dataspace.ring.lists import Record, distinct, padded
from dataspace.ring.priorities import Case
from dataspace.ring.protocol import Gathered
from dataspace.ring.terms import Answer, Padding, Terms

SHELTER, POLICE, LABOUR = HOLDERS

_PEOPLE = st.sets(st.sampled_from([b"%d" % n for n in range(12)]))
_VALUE = st.one_of(st.none(), st.sampled_from([b"a", b"b", b"c"]))
_ROWS = st.lists(st.tuples(_VALUE, _VALUE, _VALUE), max_size=5)


def of_sets(lists: dict[str, set[bytes]]) -> dict[frozenset[str], int]:
    people = set().union(*lists.values())
    return dict(
        Counter(frozenset(name for name in lists if each in lists[name]) for each in people)
    )


def gathered(of: Terms, lists: list[list[Record]]) -> Gathered:
    """What the evaluator gets, with plain hashes as tokens: counting asks only for equality."""
    dummies = iter(range(10**6))

    def token(key: int, value: bytes | None) -> bytes:
        text = b"dummy %d" % next(dummies) if value is None else b"name " + value
        return sha256(b"%d " % key + text).digest()

    tables = [
        b"".join(token(at, value) for row in padded(rows, of) for at, value in enumerate(row))
        for rows in lists
    ]
    return Gathered(tuple(tables), tuple(map(len, lists)))


@given(_PEOPLE, _PEOPLE, _PEOPLE)
def test_one_key_counts_as_sets_do(one: set[bytes], two: set[bytes], three: set[bytes]) -> None:
    lists = dict(zip(HOLDERS, (one, two, three), strict=True))
    found = count(
        terms(), gathered(terms(), [[(each,) for each in people] for people in lists.values()])
    )
    assert found.patterns == of_sets(lists)
    assert found.distinct == len(one | two | three)
    assert found.known_to()[2] == len(one & two & three)
    assert found.pairs() == {
        (a, b): len(lists[a] & lists[b]) for a, b in combinations(HOLDERS, 2)
    }


# --- several keys ----------------------------------------------------------------------

KEYS = ("name", "sound", "phone")
THREE = terms(keys=KEYS)
A, B, C = (frozenset((name,)) for name in HOLDERS)
# rows of shelter, police and labour, and who is on which lists
LINKED: list[tuple[list[Record], list[Record], list[Record], dict[frozenset[str], int]]] = [
    ([(b"a", None, None)], [(b"a", None, None)], [], {A | B: 1}),
    # a spelling variant: only the second key is equal
    ([(b"a", b"x", None)], [(b"b", b"x", None)], [], {A | B: 1}),
    # two keys lead from the first to the third by way of the second
    ([(b"a", b"x", None)], [(b"b", b"x", b"1")], [(b"c", None, b"1")], {A | B | C: 1}),
    # the same value under two keys is no equality
    ([(b"a", None, None)], [(None, b"a", None)], [], {A: 1, B: 1}),
    # the first key decides: the second may not join two people of one list
    (
        [(b"a", b"x", None)],
        [(b"a", None, None), (b"b", b"x", None)],
        [],
        {A | B: 1, B: 1},
    ),
    # a chain would hold two people of labour: that key joins nobody of it
    (
        [(b"a", b"x", None)],
        [(b"a", b"y", None)],
        [(b"c", b"x", None), (b"d", b"y", None)],
        {A | B: 1, C: 2},
    ),
]


@pytest.mark.parametrize(("one", "two", "three", "expected"), LINKED)
def test_linking(
    one: list[Record],
    two: list[Record],
    three: list[Record],
    expected: dict[frozenset[str], int],
) -> None:
    assert count(THREE, gathered(THREE, [one, two, three])).patterns == expected


@given(_ROWS, _ROWS, _ROWS)
def test_several_keys_count_as_the_rule_says(
    one: list[Record], two: list[Record], three: list[Record]
) -> None:
    lists = [distinct(rows, 3) for rows in (one, two, three)]
    assert count(THREE, gathered(THREE, lists)).patterns == by_the_rule(lists)


@given(_ROWS, _ROWS, _ROWS, st.randoms())
def test_no_order_changes_a_count(
    one: list[Record], two: list[Record], three: list[Record], random: Random
) -> None:
    lists = [distinct(rows, 3) for rows in (one, two, three)]
    before = count(THREE, gathered(THREE, lists)).patterns
    for rows in lists:
        random.shuffle(rows)
    assert count(THREE, gathered(THREE, lists)).patterns == before
    backwards = terms(keys=KEYS, holders=HOLDERS[::-1])
    assert count(backwards, gathered(backwards, lists[::-1])).patterns == before


def by_the_rule(lists: list[list[Record]]) -> dict[frozenset[str], int]:
    """The rule once more, slowly, on sets of rows: no tokens, no forest."""
    people = [{(at, row)} for at, rows in enumerate(lists) for row in range(len(rows))]
    for key in range(3):
        values = {row[key] for rows in lists for row in rows} - {None}
        joins = []
        for value in values:
            has = [p for p in people if any(lists[at][row][key] == value for at, row in p)]
            joins.append(has if single(has) else [])
        people = merged(people, joins)
    return dict(Counter(frozenset(HOLDERS[at] for at, _ in each) for each in people))


def single(people: list[set[tuple[int, int]]]) -> bool:
    lists = [at for each in people for at, _ in each]
    return len(lists) == len(set(lists))


def merged(
    people: list[set[tuple[int, int]]], joins: list[list[set[tuple[int, int]]]]
) -> list[set[tuple[int, int]]]:
    done = []
    left = list(people)
    while left:
        component = [left.pop()]
        grows = True
        while grows:
            near = [j for j in joins if any(p in component for p in j)]
            more = [p for j in near for p in j if p not in component]
            component += [p for at, p in enumerate(more) if p not in more[:at]]
            grows = bool(more)
        left = [p for p in left if p not in component]
        done += [set().union(*component)] if single(component) else component
    return done


# --- refused ---------------------------------------------------------------------------


def test_a_token_twice_in_a_list_is_refused() -> None:
    of = terms()
    with pytest.raises(VerificationError) as refused:
        count(of, gathered(of, [one_key("a", "a"), [], []]))
    assert refused.value.step == "repeated-token"


def test_fewer_attested_than_found_is_refused() -> None:
    of = terms()
    lists = gathered(of, [one_key("a", "b"), one_key("a", "b"), []])
    with pytest.raises(VerificationError) as refused:
        count(of, Gathered(lists.tables, (1, 2, 0)))
    assert refused.value.step == "attested-size"


def test_exact_numbers_are_not_shown() -> None:
    assert "4711" not in repr(Counted(HOLDERS, {A: 4711}))


async def test_terms_of_another_question_are_refused() -> None:
    other = terms(answer=Answer.ANY)
    outcomes = await count_all(other, {name: [] for name in HOLDERS}, network(other))
    cases: dict[str, list[Case]] = {name: [] for name in HOLDERS}
    outcomes += await prioritise_all(terms(), cases, network(terms()))
    assert all(isinstance(each, InvalidInput) for each in outcomes)


# --- the whole ring --------------------------------------------------------------------

RUNS: list[tuple[list[str], list[str], list[str]]] = [
    ([], [], []),
    (["a"], ["a"], ["a"]),
    (["a"], ["b"], []),
    ([*"abcdefgh"], [*"efghijk"], [*"hklmnopq"]),
    ([*"aabbb"], [*"ab"], [*"bab"]),
]


@pytest.mark.parametrize(("one", "two", "three"), RUNS)
async def test_the_ring_counts_as_sets_do(
    one: list[str], two: list[str], three: list[str]
) -> None:
    lists = dict(zip(HOLDERS, (one, two, three), strict=True))
    found = await counted(terms(), {name: one_key(*each) for name, each in lists.items()})
    assert found.patterns == of_sets(
        {name: {each.encode() for each in people} for name, people in lists.items()}
    )


@pytest.mark.parametrize("empty", [{SHELTER}, {POLICE}, {LABOUR}, {POLICE, LABOUR}, {*HOLDERS}])
@pytest.mark.parametrize("minimum", [2, 7])
async def test_who_has_nobody_stops_no_ring(empty: set[str], minimum: int) -> None:
    people = {SHELTER: "abcdefgh", POLICE: "efghijk", LABOUR: "hklmnop"}
    lists = {n: "" if n in empty else each for n, each in people.items()}
    of = terms(minimum=minimum, padding=Padding.PADME)
    found = await counted(of, {name: one_key(*each) for name, each in lists.items()})
    assert found.patterns == of_sets(
        {name: {each.encode() for each in known} for name, known in lists.items()}
    )


@pytest.mark.parametrize("size", [2, 4, 5])
async def test_rings_of_other_sizes(size: int) -> None:
    names = tuple(f"organisation {n}" for n in range(size))
    lists = {
        name: {b"%d" % n for n in range(20) if n % size == at or n % 3 == 0}
        for at, name in enumerate(names)
    }
    found = await counted(
        terms(holders=names),
        {name: [(each,) for each in people] for name, people in lists.items()},
    )
    assert found.patterns == of_sets(lists)


@pytest.mark.parametrize(("one", "two", "three", "expected"), LINKED)
async def test_the_ring_keeps_records_together(
    one: list[Record],
    two: list[Record],
    three: list[Record],
    expected: dict[frozenset[str], int],
) -> None:
    lists = dict(zip(HOLDERS, (one, two, three), strict=True))
    assert (await counted(THREE, lists)).patterns == expected
