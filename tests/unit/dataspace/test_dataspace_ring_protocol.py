"""Attacks and failures of a run: nothing wrong is taken or released, and nobody waits on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ring_world import EVALUATOR, HOLDERS, count_all, network, one_key, prioritise_all, terms

from core.errors import Forbidden, HavenError, InvalidInput, Unavailable, VerificationError
from dataspace.ring.collecting import Incoming
from dataspace.ring.group import TOKEN, Scalar
from dataspace.ring.messages import Attested, Batch, Done, Marks, Message, Stopped
from dataspace.ring.protocol import Blinder, count_with, one_run
from dataspace.ring.terms import Answer

SHELTER, POLICE, LABOUR = HOLDERS
LISTS = {
    SHELTER: one_key(*"abcdefgh"),
    POLICE: one_key(*"efghij"),
    LABOUR: one_key(*"hjk"),
}
GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def failed(outcomes: list[Any]) -> list[HavenError]:
    """Every party's error: none came to a result."""
    assert all(isinstance(each, HavenError) for each in outcomes), outcomes
    return outcomes


# --- messages changed on their way -----------------------------------------------------

type Change = Callable[[Batch], Message]
CHANGES: list[tuple[str, Change, str]] = [
    ("another run", lambda m: replace(m, run=bytes(32)), "run"),
    ("a hop twice", lambda m: replace(m, hops=m.hops + 1), "hops"),
    ("no hop", lambda m: replace(m, hops=m.hops - 1), "hops"),
    ("a stranger's list", lambda m: replace(m, origin=12), "hops"),
    ("the list comes back", lambda m: replace(m, origin=1), "hops"),
    ("cut", lambda m: replace(m, tokens=m.tokens[:-TOKEN]), "batch-length"),
    ("half a token", lambda m: replace(m, tokens=m.tokens[:-1]), "batch-length"),
    ("more than declared", lambda m: replace(m, tokens=m.tokens * 2), "batch-length"),
    ("nothing", lambda m: replace(m, tokens=b""), "batch-length"),
    ("a part later", lambda m: replace(m, part=m.part + 1), "part"),
    ("more parts", lambda m: replace(m, of=m.of + 1), "declared"),
    ("no bucket", lambda m: replace(m, records=7), "list-size"),
    ("too long", lambda m: replace(m, records=2**31), "list-size"),
    ("no point", lambda m: replace(m, tokens=b"\xff" * len(m.tokens)), "point"),
    ("the identity", lambda m: replace(m, tokens=bytes(len(m.tokens))), "point"),
    ("an answer instead", lambda m: Marks(m.run, m.origin, 0, 1, 8, b""), "sender"),
    ("done too early", lambda m: Done(m.run), "sender"),
    ("attested to a holder", lambda m: Attested(m.run, m.origin, 8), "sender"),
]


@pytest.mark.parametrize(
    ("change", "step"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
async def test_a_changed_list_is_refused_by_the_next_holder(change: Change, step: str) -> None:
    net = network(terms())

    def changed(sender: str, to: str, message: Message) -> Message:
        meant = isinstance(message, Batch) and (sender, to) == (SHELTER, POLICE)
        return change(message) if meant and message.origin == 0 else message

    net.change = changed
    outcomes = failed(await count_all(terms(), LISTS, net))
    police = outcomes[1 + HOLDERS.index(POLICE)]
    assert isinstance(police, VerificationError)
    assert police.step == step
    # and everybody else is told, long before the deadline
    assert all(isinstance(each, Unavailable) for each in outcomes if each is not police)


LATER = {"done too early", "a stranger's list", "the list comes back", "attested to a holder"}


@pytest.mark.parametrize(
    ("change", "step"),
    [c[1:] for c in CHANGES if c[0] not in LATER],
    ids=[c[0] for c in CHANGES if c[0] not in LATER],
)
async def test_a_changed_list_is_refused_by_the_evaluator(change: Change, step: str) -> None:
    net = network(terms())

    def changed(sender: str, to: str, message: Message) -> Message:
        meant = isinstance(message, Batch) and to == EVALUATOR and message.origin == 1
        return change(message) if meant else message

    net.change = changed
    outcome, *holders = failed(await count_all(terms(), LISTS, net))
    assert isinstance(outcome, VerificationError)
    assert outcome.step == step
    assert all(isinstance(each, Unavailable) for each in holders)


async def test_a_list_sent_again_is_refused() -> None:
    net = network(terms())
    batches: list[Batch] = []

    def changed(sender: str, to: str, message: Message) -> Message:
        if isinstance(message, Batch) and to == POLICE:
            batches.append(message)
            return batches[0]
        return message

    net.change = changed
    outcomes = failed(await count_all(terms(), LISTS, net))
    assert isinstance(outcomes[2], VerificationError)
    assert outcomes[2].step == "part"


async def test_a_part_after_the_last_is_refused() -> None:
    incoming = Incoming(terms(), TOKEN)
    parts = [
        Batch(b"", 0, 1, part, 2, 4, bytes(size * TOKEN)) for part, size in ((0, 3), (1, 1))
    ]
    for each in parts:
        incoming.take(each)
    assert incoming.complete
    for each in (*parts, replace(parts[0], part=2)):
        with pytest.raises(VerificationError) as refused:
            incoming.take(each)
        assert refused.value.step == "part"


async def test_a_record_marked_by_repetition_is_refused_by_the_next_holder() -> None:
    """Whoever repeats a token could find it again behind all shuffling, with the evaluator."""
    net = network(terms())

    def changed(sender: str, to: str, message: Message) -> Message:
        if isinstance(message, Batch) and (sender, message.origin) == (SHELTER, 0):
            count = len(message.tokens) // TOKEN
            return replace(message, tokens=message.tokens[:TOKEN] * count)
        return message

    net.change = changed
    outcomes = failed(await count_all(terms(), LISTS, net))
    assert isinstance(outcomes[2], VerificationError)
    assert outcomes[2].step == "repeated-token"


async def test_a_message_of_somebody_elses_turn_is_refused() -> None:
    net = network(terms())
    stranger = Batch(terms().tag(), 2, 1, 0, 1, 4, GENERATOR)
    await net.carry(SHELTER, LABOUR, stranger)
    outcomes = failed(await count_all(terms(), LISTS, net))
    assert isinstance(outcomes[3], VerificationError)
    assert outcomes[3].step == "sender"


@pytest.mark.parametrize(
    ("size", "step"), [(3, "attested-size"), (4, "attested-size"), (9, "attested-size")]
)
async def test_a_wrong_attestation_is_refused(size: int, step: str) -> None:
    net = network(terms())

    def changed(sender: str, to: str, message: Message) -> Message:
        return (
            replace(message, size=size)
            if sender == SHELTER and is_attested(message)
            else message
        )

    net.change = changed
    outcome, *_ = failed(await count_all(terms(), LISTS, net))
    assert isinstance(outcome, VerificationError)
    assert outcome.step == step


def is_attested(message: Message) -> bool:
    return isinstance(message, Attested)


@pytest.mark.parametrize("origin", [1, 3, 2**16 - 1])
async def test_nobody_attests_for_another(origin: int) -> None:
    net = network(terms())

    def changed(sender: str, to: str, message: Message) -> Message:
        mine = sender == SHELTER and isinstance(message, Attested)
        return replace(message, origin=origin) if mine else message

    net.change = changed
    outcome, *_ = failed(await count_all(terms(), LISTS, net))
    assert isinstance(outcome, VerificationError)
    assert outcome.step == "sender"


async def test_nodes_with_other_terms_refuse_each_other() -> None:
    of = terms(seconds=0.5)
    net = network(of)
    others = terms(seconds=0.5, minimum=2)
    outcomes = await asyncio.gather(
        count_with(of, SHELTER, LISTS[SHELTER], net.node(SHELTER)),
        count_with(others, POLICE, LISTS[POLICE], net.node(POLICE)),
        count_with(of, LABOUR, LISTS[LABOUR], net.node(LABOUR)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], VerificationError)
    assert outcomes[1].step == "run"
    failed(outcomes)


# --- refusals --------------------------------------------------------------------------


async def test_a_short_list_takes_no_part_and_nobody_waits() -> None:
    of = terms(minimum=4)
    net = network(of)
    outcomes = failed(await count_all(of, LISTS, net))
    assert isinstance(outcomes[3], Forbidden)
    assert all(isinstance(each, Unavailable) for each in (*outcomes[:3],))
    # not even in blinded form did anything of it leave
    assert not [
        m
        for seen in net.seen.values()
        for _, m in seen
        if isinstance(m, Batch) and m.origin == 2
    ]


@pytest.mark.parametrize(
    ("rows", "kind"), [([(b"a", b"b")], InvalidInput), ([(b"",)], InvalidInput)]
)
async def test_malformed_rows_take_no_part(rows: list[Any], kind: type[HavenError]) -> None:
    outcomes = failed(await count_all(terms(), {**LISTS, POLICE: rows}, network(terms())))
    assert isinstance(outcomes[2], kind)


async def test_a_stranger_takes_no_part() -> None:
    net = network(terms(holders=(*HOLDERS, "stranger")))
    with pytest.raises(Forbidden):
        await count_with(terms(), "stranger", [], net.node("stranger"))


# --- who dies or stalls ----------------------------------------------------------------

# shelter sends: attested, then parts of its own list and of two others; the evaluator: Done
WHO = [*[(name, after) for name in HOLDERS for after in (0, 1, 2, 4, 6)], (EVALUATOR, 0)]


async def test_a_stalled_party_ends_the_run_for_all_at_the_deadline() -> None:
    async def run(name: str, after: int) -> list[Any]:
        net = network(of)
        net.stall(name, after=after)
        return failed(await asyncio.wait_for(count_all(of, LISTS, net), 30))

    of = terms(seconds=1)
    for outcomes in await asyncio.gather(*[run(name, after) for name, after in WHO]):
        assert all(isinstance(each, Unavailable) for each in outcomes)


@pytest.mark.parametrize(("name", "after"), WHO)
async def test_a_party_that_dies_ends_the_run_for_all(name: str, after: int) -> None:
    of = terms(seconds=5)
    net = network(of)
    net.die(name, after=after)
    outcomes = await asyncio.wait_for(count_all(of, LISTS, net), 10)
    assert all(isinstance(each, Unavailable) for each in failed(outcomes))


@pytest.mark.parametrize(("name", "after"), [(POLICE, 0), (LABOUR, 3), (EVALUATOR, 0)])
async def test_priorities_end_at_the_deadline_too(name: str, after: int) -> None:
    of = terms(seconds=0.25, answer=Answer.REVEAL)
    net = network(of)
    net.stall(name, after=after)
    cases = {each: [{of.keys[0]: [b"1", b"2"]}] for each in HOLDERS}
    outcomes = await asyncio.wait_for(prioritise_all(of, cases, net), 10)
    assert all(isinstance(each, Unavailable) for each in failed(outcomes))


async def test_after_a_failure_a_new_run_works() -> None:
    of = terms(seconds=0.25)
    net = network(of)
    net.stall(POLICE, after=2)
    failed(await count_all(of, LISTS, net))
    again = terms(run="run-2")
    outcome, *holders = await count_all(again, LISTS, network(again))
    assert holders == [None] * 3
    assert outcome.distinct == 11


async def test_giving_up_a_run_tells_the_others_and_destroys_the_key() -> None:
    net = network(terms())
    blinder = Blinder()
    reached = asyncio.Event()

    async def give_up() -> None:
        async with one_run(terms(), SHELTER, net.node(SHELTER)):
            with blinder:
                reached.set()
                await asyncio.Event().wait()

    task = asyncio.create_task(give_up())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance((await net.deliver(EVALUATOR))[1], Stopped)
    assert not any(blinder._scalar._value.raw)


async def test_the_key_of_a_run_is_destroyed_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Scalar] = []
    first = Scalar.__init__

    def noted(self: Scalar) -> None:
        first(self)
        made.append(self)

    monkeypatch.setattr(Scalar, "__init__", noted)
    await count_all(terms(), LISTS, network(terms()))
    assert len(made) == 3
    assert not any(any(each._value.raw) for each in made)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
async def test_threads_keep_the_order(threads: int, count: int) -> None:
    with Blinder(threads) as blinder:
        records = one_key(*"abcdefg"[:count])
        tokens = await blinder.first_blind(records, terms().separation_tags())
        assert await blinder.blind(tokens) == blinder._scalar.blind(tokens)
        one_by_one = [
            await blinder.first_blind([each], terms().separation_tags()) for each in records
        ]
        assert tokens == b"".join(one_by_one)


@pytest.mark.parametrize(("bounds", "size"), [({"minimum": 17}, 16), ({"most": 17}, 18)])
def test_errors_hold_no_numbers_of_people(bounds: dict[str, int], size: int) -> None:
    with pytest.raises(HavenError) as refused:
        terms(bucket=1, **bounds).require_own_size(size)
    assert not any(sign.isdigit() for sign in refused.value.detail)
