"""What each party receives in a run is what docs/dataspace/leaks-ring.md says, and no more.

A claim has its letter there and here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from ring_world import (
    EVALUATOR,
    HOLDERS,
    count_all,
    network,
    one_key,
    prioritise_all,
    terms,
)

from dataspace.ring.counting import Counted, count
from dataspace.ring.group import TOKEN, Scalar, hash_to_group
from dataspace.ring.lists import Record
from dataspace.ring.messages import Attested, Batch, Done, Marks, Message
from dataspace.ring.protocol import Gathered
from dataspace.ring.terms import Answer, Terms
from tests.architecture.source import ROOT
from tests.fakes.ring_network import RingNetwork

SHELTER, POLICE, LABOUR = HOLDERS
KEYS = ("name", "phone")
PEOPLE: dict[str, list[Record]] = {
    SHELTER: [(b"a", b"1"), (b"b", b"2"), (b"c", None), (b"d", b"4"), (b"e", b"5")],
    POLICE: [(b"a", b"1"), (b"x", b"2"), (b"c", b"3")],
    LABOUR: [(b"a", None), (b"d", b"9"), (b"y", b"5"), (b"z", b"1")],
}
type View = list[tuple[str, Message]]


async def recorded(of: Terms, lists: dict[str, list[Record]]) -> tuple[RingNetwork, Counted]:
    net = network(of)
    outcome, *holders = await count_all(of, lists, net)
    assert holders == [None] * 3
    return net, outcome


def tokens(view: View) -> list[bytes]:
    """Every token of a view."""
    sent = b"".join(m.tokens for _, m in view if isinstance(m, Batch))
    return [sent[at : at + TOKEN] for at in range(0, len(sent), TOKEN)]


def shape(view: View) -> list[tuple[Any, ...]]:
    """All of a view but the tokens' bytes and the run, in no order between lists."""
    return sorted((sender, type(m).__name__, *visible(m)) for sender, m in view)


def visible(message: Message) -> list[int]:
    """The numbers of a message, and how long its bytes are."""
    values = [getattr(message, each.name) for each in fields(message)]
    return [len(each) if isinstance(each, bytes) else each for each in values]


def columns(of: Terms, view: View, origin: int) -> bytes:
    return b"".join(m.tokens for _, m in view if isinstance(m, Batch) and m.origin == origin)


# --- H: a holder in a counting run -----------------------------------------------------


async def test_h1_a_holder_gets_two_lists_from_one_neighbour_and_the_end() -> None:
    of = terms(keys=KEYS)
    net, _ = await recorded(of, PEOPLE)
    for place, name in enumerate(HOLDERS):
        batches = [(s, m) for s, m in net.seen[name] if isinstance(m, Batch)]
        assert {s for s, _ in batches} == {HOLDERS[place - 1]}
        assert {(m.origin, m.hops) for _, m in batches} == {
            ((place - 1) % 3, 1),
            ((place - 2) % 3, 2),
        }
        rest = [(s, m) for s, m in net.seen[name] if not isinstance(m, Batch)]
        assert rest == [(EVALUATOR, Done(of.tag()))]


async def test_h2_of_a_list_it_sees_nothing_but_the_bucket() -> None:
    """Other lists in the same buckets look the same: sizes, overlaps, missing keys."""
    of = terms(keys=KEYS)
    others: dict[str, list[Record]] = {
        SHELTER: [(b"%d" % n, None) for n in range(8)],
        POLICE: [],
        LABOUR: [(b"%d" % n, b"%d" % n) for n in range(2)],
    }
    net, _ = await recorded(of, PEOPLE)
    other, _ = await recorded(of, others)
    for name in HOLDERS:
        assert shape(net.seen[name]) == shape(other.seen[name])


async def test_h2_an_empty_list_looks_like_the_shortest_that_is_allowed() -> None:
    of = terms(minimum=9)
    lists = {name: one_key(*(f"{name} {n}" for n in range(9))) for name in HOLDERS}
    net, _ = await recorded(of, lists)
    other, _ = await recorded(of, {**lists, POLICE: []})
    for name in HOLDERS:
        assert shape(net.seen[name]) == shape(other.seen[name])
    attested = [m for _, m in other.seen[EVALUATOR] if isinstance(m, Attested)]
    assert sorted(each.size for each in attested) == [0, 9, 9], "the evaluator is told"


async def test_h3_no_two_tokens_it_sees_are_equal_and_none_is_a_bare_hash() -> None:
    of = terms(keys=KEYS)
    net, _ = await recorded(of, PEOPLE)
    bare = bare_hashes(of)
    for name in HOLDERS:
        seen = tokens(net.seen[name])
        assert len(seen) == len(set(seen))
        assert not bare & set(seen)


def bare_hashes(of: Terms) -> set[bytes]:
    """What anybody can make who guesses an identifier, under every key's known prefix."""
    guesses = {value for rows in PEOPLE.values() for row in rows for value in row if value}
    hashes = b"".join(hash_to_group(tag, sorted(guesses)) for tag in of.separation_tags())
    return {hashes[at : at + TOKEN] for at in range(0, len(hashes), TOKEN)}


# --- E: the evaluator in a counting run ------------------------------------------------


async def test_e1_it_gets_each_list_once_from_the_last_and_the_exact_sizes() -> None:
    net, _ = await recorded(terms(keys=KEYS), PEOPLE)
    view = net.seen[EVALUATOR]
    batches = [(s, m) for s, m in view if isinstance(m, Batch)]
    assert {(s, m.origin, m.hops) for s, m in batches} == {
        (HOLDERS[place - 1], place, 3) for place in range(3)
    }
    said = {(s, m.size) for s, m in view if isinstance(m, Attested)}
    assert said == {(name, len(rows)) for name, rows in PEOPLE.items()}
    assert len(view) == len(batches) + 3


async def test_e2_equal_tokens_are_equal_identifiers_and_no_bare_hash_is_among_them() -> None:
    of = terms(keys=KEYS)
    net, outcome = await recorded(of, PEOPLE)
    view = net.seen[EVALUATOR]
    for key in range(2):
        known = Counter(row[key] for rows in PEOPLE.values() for row in rows if row[key])
        seen = Counter(
            table[at : at + TOKEN]
            for origin in range(3)
            for table in (columns(of, view, origin),)
            for at in range(key * TOKEN, len(table), of.width)
        )
        assert sorted(n for n in seen.values() if n > 1) == sorted(
            n for n in known.values() if n > 1
        )
    assert not bare_hashes(of) & set(tokens(view))
    tables = tuple(columns(of, view, origin) for origin in range(3))
    sizes = tuple(len(PEOPLE[name]) for name in HOLDERS)
    assert count(of, Gathered(tables, sizes)).patterns == outcome.patterns


async def test_e3_inside_a_list_no_token_is_twice() -> None:
    of = terms(keys=KEYS)
    lists = {**PEOPLE, SHELTER: [*PEOPLE[SHELTER], (b"f", b"1"), (b"g", b"1"), (b"a", b"7")]}
    net, _ = await recorded(of, lists)
    for origin in range(3):
        table = columns(of, net.seen[EVALUATOR], origin)
        pieces = [table[at : at + TOKEN] for at in range(0, len(table), TOKEN)]
        assert len(pieces) == len(set(pieces))


async def test_e4_a_record_comes_in_any_place() -> None:
    """With whoever sent the list the evaluator cannot say which record was which."""
    of = terms()
    lists = {SHELTER: one_key("a", "b", "c", "d"), POLICE: one_key("b"), LABOUR: []}
    places = Counter[int]()
    for _ in range(60):
        net, _ = await recorded(of, lists)
        mine, theirs = (columns(of, net.seen[EVALUATOR], origin) for origin in (0, 1))
        pieces = [mine[at : at + TOKEN] for at in range(0, len(mine), TOKEN)]
        places[next(at for at, piece in enumerate(pieces) if piece in theirs)] += 1
    assert set(places) == {0, 1, 2, 3}  # by chance one is missing once in seven million runs


# --- R: two runs -----------------------------------------------------------------------


@pytest.mark.parametrize("other", [{}, {"run": "run-2"}, {"agreement": "agreement-8"}])
async def test_r1_no_token_is_seen_in_two_runs(other: dict[str, str]) -> None:
    one, _ = await recorded(terms(keys=KEYS), PEOPLE)
    two, _ = await recorded(terms(keys=KEYS, **other), PEOPLE)
    seen = [{t for view in net.seen.values() for t in tokens(view)} for net in (one, two)]
    assert not seen[0] & seen[1]


# --- C: who works together -------------------------------------------------------------


@pytest.fixture
def scalars(monkeypatch: pytest.MonkeyPatch) -> list[Scalar]:
    """The secrets of a run, in the order of the ring: colluders use their own ones only."""
    made: list[Scalar] = []
    first = Scalar.__init__

    def noted(self: Scalar) -> None:
        first(self)
        made.append(self)

    monkeypatch.setattr(Scalar, "__init__", noted)
    monkeypatch.setattr(Scalar, "destroy", lambda self: None)
    return made


async def test_c1_the_neighbours_of_a_holder_can_count_their_overlap_with_it(
    scalars: list[Scalar],
) -> None:
    """Shelter and labour, on both sides of police, without the evaluator; but only count."""
    of = terms()
    lists = {SHELTER: one_key(*"abcde"), POLICE: one_key(*"cdef"), LABOUR: []}
    net, _ = await recorded(of, lists)
    seen = net.seen[LABOUR]
    shelter_twice = columns(of, seen, 0)  # blinded by shelter and police, shuffled by police
    police_twice = scalars[0].blind(columns(of, seen, 1))  # by police, and now by shelter
    pieces = [
        {table[at : at + TOKEN] for at in range(0, len(table), TOKEN)}
        for table in (shelter_twice, police_twice)
    ]
    assert len(pieces[0] & pieces[1]) == 3


async def test_c2_one_holder_alone_cannot(scalars: list[Scalar]) -> None:
    """Labour blinds what it sees with its own secret, once and again, in vain."""
    of = terms()
    everybody = one_key(*"abcd")
    net, _ = await recorded(of, dict.fromkeys(HOLDERS, everybody))
    own = hash_to_group(of.separation_tags()[0], [row[0] or b"" for row in everybody])
    made = [own, *(columns(of, net.seen[LABOUR], origin) for origin in (0, 1))]
    made += [scalars[2].blind(each) for each in made]
    pieces = [table[at : at + TOKEN] for table in made for at in range(0, len(table), TOKEN)]
    assert len(pieces) == len(set(pieces))


async def test_c4_two_holders_with_honest_ones_between_can_compare_those(
    scalars: list[Scalar],
) -> None:
    """Of a ring a, b, c, d: b and d get the lists of a and of c under both honest locks."""
    of = terms(holders=("a", "b", "c", "d"))
    lists = {"a": one_key(*"12345"), "b": [], "c": one_key(*"456"), "d": []}
    net = network(of)
    outcome, *_ = await count_all(of, lists, net)
    assert isinstance(outcome, Counted)
    at_d = scalars[3].blind(columns(of, net.seen["d"], 0))  # by a, b, c, and now d
    at_b = scalars[1].blind(columns(of, net.seen["b"], 2))  # by c, d, a, and now b
    pieces = [
        {table[at : at + TOKEN] for at in range(0, len(table), TOKEN)} for table in (at_d, at_b)
    ]
    assert len(pieces[0] & pieces[1]) == 2


async def test_c3_in_priorities_the_evaluator_and_an_owner_see_who_has_which_link(
    scalars: list[Scalar],
) -> None:
    """What a plan without LINK_REVEAL withholds, those two together have: places are kept."""
    of = terms(keys=("phone",), answer=Answer.ANY)
    cases = {
        SHELTER: [{"phone": [b"1", b"2", b"3"]}],
        POLICE: [{"phone": [b"2"]}],
        LABOUR: [{"phone": [b"3", b"9"]}],
    }
    net = network(of)
    await prioritise_all(of, cases, net)
    own = columns(of, net.seen[POLICE], 0)  # as shelter sent it, in the order it remembers
    final = [columns(of, net.seen[EVALUATOR], origin) for origin in range(3)]
    blinded = [
        scalars[0].blind(hash_to_group(of.separation_tags()[0], [p])) for p in (b"2", b"3")
    ]
    for mine, other in zip(blinded, (1, 2), strict=True):
        at = own.index(mine)
        assert final[0][at : at + TOKEN] in final[other]


# --- P: priorities ---------------------------------------------------------------------

LINKS: dict[str, list[dict[str, list[bytes]]]] = {
    SHELTER: [{"phone": [b"1", b"2"], "place": [b"p"]}, {"phone": [b"1"]}],
    POLICE: [{"phone": [b"1"]}],
    LABOUR: [{"phone": [b"1"], "place": [b"p"]}],
}


@pytest.mark.parametrize("answer", list(Answer))
async def test_p1_an_owner_is_answered_for_its_own_list_only(answer: Answer) -> None:
    of = terms(keys=("place", "phone"), answer=answer)
    net = network(of)
    await prioritise_all(of, LINKS, net)
    for place, name in enumerate(HOLDERS):
        marks = [m for s, m in net.seen[name] if isinstance(m, Marks)]
        assert {m.origin for m in marks} == {place}
        values = Counter(b"".join(m.marks for m in marks)[1::2])
        most = {Answer.ANY: 1, Answer.LEVEL: 2, Answer.REVEAL: 0b111}[answer]
        assert max(values) <= most
        assert not any(value >> place & 1 for value in values) or answer is not Answer.REVEAL


async def test_p2_others_see_buckets_and_the_evaluator_no_case_and_no_size() -> None:
    of = terms(keys=("place", "phone"), answer=Answer.ANY)
    others: dict[str, list[dict[str, list[bytes]]]] = {
        SHELTER: [{}], POLICE: [{"place": [b"1", b"2", b"3"]}], LABOUR: [{"phone": [b"7"]}] * 9
    }  # fmt: skip
    nets = [network(of), network(of)]
    for net, cases in zip(nets, (LINKS, others), strict=True):
        await prioritise_all(of, cases, net)
    for name in (*HOLDERS, EVALUATOR):
        assert shape(nets[0].seen[name]) == shape(nets[1].seen[name])
    for name in HOLDERS:
        seen = tokens(nets[0].seen[name])
        assert len(seen) == len(set(seen))


async def test_p3_a_link_of_two_own_cases_is_sent_once() -> None:
    of = terms(keys=("place", "phone"), answer=Answer.ANY)
    net = network(of)
    await prioritise_all(of, LINKS, net)
    for origin in range(3):
        table = columns(of, net.seen[EVALUATOR], origin)
        pieces = [table[at : at + TOKEN] for at in range(0, len(table), TOKEN)]
        assert len(pieces) == len(set(pieces))


# --- the document ----------------------------------------------------------------------


def test_every_claim_shown_here_stands_in_the_document() -> None:
    page = (ROOT / "docs/dataspace/leaks-ring.md").read_text(encoding="utf-8")
    source = Path(__file__).read_text(encoding="utf-8")
    shown = {
        word.split("_")[1].upper()
        for word in source.replace("(", " ").split()
        if word.startswith("test_") and word.split("_")[1][1:].isdigit()
    }
    assert len(shown) >= 13
    assert [claim for claim in sorted(shown) if f"**{claim}**" not in page] == []
