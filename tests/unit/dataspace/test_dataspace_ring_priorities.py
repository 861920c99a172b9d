"""Priorities: an owner learns which of its cases share a link, and nobody anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ring_world import HOLDERS, network, prioritise_all, ranked, terms

from core.errors import Forbidden, InvalidInput, VerificationError
from dataspace.ring.messages import Done, Marks, Message
from dataspace.ring.priorities import Case, Ranked
from dataspace.ring.terms import Answer

KINDS = ("trafficker", "place", "phone")
SHELTER, POLICE, LABOUR = HOLDERS
CASES: dict[str, list[Case]] = {
    SHELTER: [
        {"phone": [b"1", b"2"]},
        {"trafficker": [b"x"], "phone": [b"1"]},
        {"place": [b"harbour"]},
        {},
        {"trafficker": [b"x"]},
    ],
    POLICE: [{"phone": [b"1"]}, {"trafficker": [b"y"], "place": [b"1"]}],
    LABOUR: [{"phone": [b"8", b"1"], "trafficker": [b"x"]}, {"place": [b"harbour"]}],
}


def others(told: list[Ranked]) -> list[tuple[int, dict[str, int]]]:
    return [(each.case, {r.kind: r.others for r in each.reasons}) for each in told]


@pytest.mark.parametrize(
    ("answer", "phone"), [(Answer.ANY, 1), (Answer.LEVEL, 2), (Answer.REVEAL, 2)]
)
async def test_cases_are_ranked_with_reasons(answer: Answer, phone: int) -> None:
    told = await ranked(terms(keys=KINDS, answer=answer), CASES)
    shelter = [(1, {"trafficker": 1, "phone": phone}), (4, {"trafficker": 1})]
    # shared with more others stands in front of a more important kind
    shelter.append((2, {"place": 1}))
    shelter.insert(1 if phone == 2 else 3, (0, {"phone": phone}))
    assert others(told[SHELTER]) == shelter
    assert others(told[POLICE]) == [(0, {"phone": phone})]
    assert others(told[LABOUR]) == [
        (0, {"trafficker": 1, "phone": phone}),
        (1, {"place": 1}),
    ]


async def test_only_a_revealing_run_says_who() -> None:
    for answer in Answer:
        told = await ranked(terms(keys=KINDS, answer=answer), CASES)
        who = {each.case: {r.kind: r.who for r in each.reasons} for each in told[SHELTER]}
        revealed = answer is Answer.REVEAL
        assert who[1] == {
            "trafficker": frozenset({LABOUR} if revealed else ()),
            "phone": frozenset({POLICE, LABOUR} if revealed else ()),
        }


_CASES = st.lists(
    st.dictionaries(
        st.sampled_from(KINDS), st.sets(st.sampled_from([b"1", b"2", b"3", b"4"]), max_size=2)
    ),
    max_size=4,
)


@settings(max_examples=25)
@given(_CASES, _CASES, _CASES)
def test_marks_are_those_of_plain_sets(
    one: list[Case], two: list[Case], three: list[Case]
) -> None:
    cases = dict(zip(HOLDERS, (one, two, three), strict=True))
    told = asyncio.run(ranked(terms(keys=KINDS, answer=Answer.REVEAL), cases))
    has = {
        name: {(kind, each) for case in given_ for kind in case for each in case[kind]}
        for name, given_ in cases.items()
    }
    for name, given_ in cases.items():
        for at, case in enumerate(given_):
            reasons = {
                r.kind: r.who for each in told[name] if each.case == at for r in each.reasons
            }
            expected = {
                kind: frozenset(
                    other
                    for other in HOLDERS
                    if other != name and any((kind, each) in has[other] for each in case[kind])
                )
                for kind in case
            }
            assert reasons == {kind: who for kind, who in expected.items() if who}


async def test_own_cases_alone_are_no_reason() -> None:
    nothing: dict[str, list[Case]] = {name: [] for name in HOLDERS}
    cases = {**nothing, SHELTER: [{"phone": [b"1"]}, {"phone": [b"1"]}]}
    assert await ranked(terms(keys=KINDS, answer=Answer.ANY), cases) == nothing


@pytest.mark.parametrize(
    "case", [{"car": [b"1"]}, {"phone": [b""]}, {"phone": [b"%d" % n for n in range(9)]}]
)
async def test_what_the_plan_does_not_have_is_refused(case: Case) -> None:
    of = terms(keys=KINDS, answer=Answer.ANY, most=8, seconds=0.3)
    outcomes = await prioritise_all(of, {**CASES, POLICE: [case]}, network(of))
    assert isinstance(outcomes[2], InvalidInput)
    assert not any(isinstance(each, list) for each in outcomes)


async def test_too_few_links_are_refused() -> None:
    of = terms(keys=KINDS, answer=Answer.ANY, minimum=3, seconds=0.3)
    outcomes = await prioritise_all(of, CASES, network(of))
    assert isinstance(outcomes[2], Forbidden)
    assert not any(isinstance(each, list) for each in outcomes)


async def test_who_has_no_link_stops_no_ring() -> None:
    of = terms(keys=KINDS, answer=Answer.ANY, minimum=3)
    three: list[Case] = [{"phone": [b"%d" % n]} for n in range(3)]
    cases = {SHELTER: three, POLICE: three[:0], LABOUR: three}
    found = await ranked(of, cases)
    assert [len(found[name]) for name in (SHELTER, POLICE, LABOUR)] == [3, 0, 3]


type Change = Callable[[Marks], Message]
CHANGES: list[tuple[Change, str]] = [
    (lambda m: replace(m, origin=(m.origin + 1) % 3), "answer"),
    (lambda m: replace(m, marks=m.marks[2:]), "batch-length"),
    (lambda m: replace(m, of=2), "declared"),
    (lambda m: replace(m, records=m.records * 2, marks=m.marks * 2), "answer"),
    (lambda m: replace(m, run=bytes(32)), "run"),
    (lambda m: Done(m.run), "answer"),
]


@pytest.mark.parametrize(("change", "step"), CHANGES)
async def test_wrong_answers_are_refused(change: Change, step: str) -> None:
    of = terms(keys=KINDS, answer=Answer.ANY, batch=64)
    net = network(of)

    def changed(sender: str, to: str, message: Message) -> Message:
        meant = isinstance(message, Marks) and to == POLICE
        return change(message) if meant else message

    net.change = changed
    outcomes = await prioritise_all(of, CASES, net)
    assert isinstance(outcomes[2], VerificationError)
    assert outcomes[2].step == step
