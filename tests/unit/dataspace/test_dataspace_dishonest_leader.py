"""An asker's node that leads runs as it likes: what the others do not let it get away with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controllers.dataspace.runs import RunState
from core.canonical import Json
from core.errors import HavenError, NotFound
from dataspace.agreeing.agreement import Limits
from dataspace.planning.statements import RunRequest, fresh_tag, sign_request
from tests.support.space import Space, running_space


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    limits = Limits(least_list=2, most_runs=2)
    async with running_space(tmp_path, seconds=20.0, limits=limits, cases_each=30) as running:
        yield running


class Leader:
    """The node that asked, with its software changed: it says what it wants, when it wants."""

    def __init__(self, space: Space, digest: str) -> None:
        self.node, self.others, self.digest = space.nodes[0], space.nodes[1:], digest
        self.tag, self.clock = fresh_tag(), space.outside.clock

    async def all(self, kind: str, **body: Any) -> list[Json]:
        """One step at every node, its own first."""
        whole = {"run": self.tag, **body}
        me = self.node.books.agreements.own
        own, asked = await asyncio.gather(
            self.node.partaking.steps[kind](me, whole),
            self.node.peers.ask_all(kind, whole, seconds=40),
        )
        return [own, *asked.values()]

    async def begin(self, number: int = 1) -> list[Json]:
        plan = (await self.node.plans.kept(self.digest)).document
        return await self.all("run-begin", plan=plan, decisions=[], **self.request(number))

    def request(self, number: int) -> dict[str, Any]:
        """The analyst's word for this run."""
        now, signer = self.clock.now(), self.node.books.identity.analyst
        said = RunRequest(plan=self.digest, tag=self.tag, number=number, at=now)
        return {"request": sign_request(said, signer, now)}

    async def conclude(self) -> dict[str, Any]:
        """As far as the logs; what a comparison is asked with."""
        readies = [each["ready"] for each in await self.begin()]
        computed = [e["computed"] for e in await self.all("run-go", readies=readies)]
        entries = await self.all("run-conclude", computed=computed)
        everybody = [each.books.identity.did for each in (self.node, *self.others)]
        shown = {d: e["entries"] for d, e in zip(everybody, entries, strict=True)}
        return {"entries": shown}

    async def see(self, number: int = 1) -> None:
        """Compute, which is when a receiver that computes sees the answer; and say no more."""
        readies = [each["ready"] for each in await self.begin(number)]
        await self.all("run-go", readies=readies)
        await self.all("run-abort", code="given-up")


async def test_a_run_that_is_given_up_when_its_answer_was_seen_counts(space: Space) -> None:
    """Else two runs would be as many as one likes, each with an answer that costs nothing."""
    digest = await space.approved(space.draft(runs=2))
    for number in (1, 2):
        leader = Leader(space, digest)
        await leader.see(number)
        run = await space.nodes[1].books.runs.run(leader.tag)
        assert (run.state, run.phase) == (RunState.FAILED, "opened")
    with pytest.raises(HavenError) as refused:
        await Leader(space, digest).see(2)
    assert refused.value.code == "approval-runs"
    for node in space.holders[1:]:  # the evaluator takes no part in it
        assert (await node.gate.ledger()).runs_of(digest) == 2


async def test_a_run_that_ends_before_it_computes_is_given_back(space: Space) -> None:
    digest = await space.approved(space.draft(runs=1))
    leader = Leader(space, digest)
    await leader.begin()
    await leader.all("run-abort", code="given-up")
    tag = await space.run(digest)
    assert (await space.nodes[1].books.runs.run(tag)).state is RunState.RELEASED


async def test_comparing_again_and_again_does_not_hold_a_run_open(space: Space) -> None:
    """Each comparison gives more time: one that may be repeated would close the others' nodes
    to every other run, for as long as the leader likes."""
    digest = await space.approved(space.draft(runs=2))
    leader = Leader(space, digest)
    compared = await leader.conclude()
    await leader.all("run-compare", **compared)
    with pytest.raises(HavenError) as refused:
        await leader.all("run-compare", **compared)
    assert refused.value.code == "run-state"
    assert space.nodes[0].open_runs.now is None


async def test_an_approval_withdrawn_while_the_run_goes_on(space: Space) -> None:
    digest = await space.approved(space.draft(runs=2))
    leader = Leader(space, digest)
    readies = [each["ready"] for each in await leader.begin()]
    await space.nodes[1].plans.withdraw(digest)
    with pytest.raises(HavenError) as refused:
        await leader.all("run-go", readies=readies)
    assert refused.value.code == "approval-withdrawn"


async def test_an_agreement_ended_before_the_result_is_agreed_on(space: Space) -> None:
    digest = await space.approved(space.draft(runs=2))
    leader = Leader(space, digest)
    compared = await leader.conclude()
    await space.nodes[2].books.agreements.end()
    with pytest.raises(HavenError) as refused:
        await leader.all("run-compare", **compared)
    assert refused.value.code == "agreement-terminated"
    with pytest.raises(NotFound):
        await space.nodes[0].books.runs.result(leader.tag)


async def test_of_two_runs_that_begin_at_once_one_is_refused(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the second is judged by a ledger, and by earlier answers, without the first."""
    digest = await space.approved(space.draft(runs=1))
    other = space.nodes[1]
    judge = other.gate.judge

    async def slowly(plan: Any) -> Any:
        await asyncio.sleep(0.2)
        return await judge(plan)

    monkeypatch.setattr(other.gate, "judge", slowly)
    me, plan = (
        space.nodes[0].books.agreements.own,
        (await other.plans.kept(digest)).document,
    )
    bodies = [Leader(space, digest).request(1) for _ in range(2)]
    begun = await asyncio.gather(
        *(other.partaking.begin(me, {"plan": plan, "decisions": []} | b) for b in bodies),
        return_exceptions=True,
    )
    assert sum(isinstance(each, HavenError) for each in begun) == 1
