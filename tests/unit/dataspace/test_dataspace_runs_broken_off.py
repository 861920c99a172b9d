"""A run that breaks off at one node, or whose end cannot be written: the next one works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from controllers.dataspace.node import Node
from controllers.dataspace.runs import RunState
from controllers.store.brief import table_of
from controllers.store.models import DataspaceResult
from core.canonical import Json
from core.errors import Conflict
from dataspace.recording.log import Kind
from tests.support.space import Space, running_space

LONG = 30.0  # seconds, none of which a test waits for
QUICK = 10.0


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path, seconds=LONG) as running:
        yield running


async def works(space: Space, digest: str) -> None:
    """Another run of the plan comes to its end."""
    async with asyncio.timeout(QUICK):
        tag = await space.run(digest)
    for node in space.nodes:
        run = await node.books.runs.run(tag)
        assert [run.state, run.failure, run.detail] == [RunState.RELEASED, None, None]


async def written(node: Node, tag: str) -> list[str]:
    """The last entry about a run in a node's log."""
    entries = await node.books.journal.entries()
    return [each["kind"] for each in entries if each["body"].get("run") == tag][-1:]


async def test_who_is_still_making_ready_hears_that_the_run_was_given_up(space: Space) -> None:
    digest = await space.approved(space.draft())
    leader, refusing, slow = space.nodes[:3]
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    judge, begin = slow.gate.judge, slow.partaking.steps["run-begin"]

    async def slowly(plan: Any) -> Any:  # as over a long list
        begun.set()
        await go_on.wait()
        return await judge(plan)

    async def begin_slowly(sender: Any, body: Json) -> Json:
        try:
            return await begin(sender, body)
        finally:
            ended.set()

    async def refuse(_sender: Any, _body: Json) -> Json:
        await begun.wait()
        raise Conflict("not here", code="out-of-order")

    slow.gate.judge = slowly  # type: ignore[method-assign] # the fault
    slow.peers.on("run-begin", begin_slowly)
    refusing.peers.on("run-begin", refuse)
    tag = await leader.coordinating.start(digest)
    await leader.coordinating.finished(tag)
    slow.gate.judge = judge  # type: ignore[method-assign] # mended
    refusing.peers.on("run-begin", refusing.partaking.steps["run-begin"])
    go_on.set()
    await ended.wait()
    await works(space, digest)


def full(node: Node) -> Any:
    """Nothing more can be written at a node; what mends it."""
    database: Any = node.books.database
    write = database.write

    async def failing(_work: Any) -> Any:
        raise OperationalError("", {}, Exception("database or disk is full"))

    database.write = failing

    def mend() -> None:
        database.write = write

    return mend


@pytest.mark.parametrize("step", ["run-go", "run-conclude", "run-compare"])
@pytest.mark.parametrize("at", [0, 2])  # who leads the run, and another
async def test_a_disk_that_is_full_during_a_run(space: Space, at: int, step: str) -> None:
    digest = await space.approved(space.draft())
    leader, node = space.nodes[0], space.nodes[at]
    mends: list[Any] = []
    known = node.partaking.steps[step]

    async def fills(sender: Any, body: Json) -> Json:
        mends.append(full(node))
        return await known(sender, body)

    name = step.removeprefix("run-")
    setattr(node.partaking, name, fills)
    node.partaking.steps = {**node.partaking.steps, step: fills}
    node.peers.on(step, fills)
    async with asyncio.timeout(QUICK):
        tag = await leader.coordinating.start(digest)
        await leader.coordinating.finished(tag)
    for other in space.nodes:
        if other is not node:
            assert (await other.books.runs.run(tag)).state is RunState.FAILED
    for mend in mends:
        mend()
    setattr(node.partaking, name, known)
    node.partaking.steps = {**node.partaking.steps, step: known}
    node.peers.on(step, known)
    await works(space, digest)
    assert (await node.books.runs.run(tag)).failure == "internal"
    assert await written(node, tag) == [Kind.RUN_FAILED]


async def test_a_run_that_failed_while_its_result_was_kept_keeps_none(space: Space) -> None:
    digest = await space.approved(space.draft())
    node = space.nodes[0]
    keep = node.books.runs.keep_result

    async def given_up_before(tag: str, result: Json) -> None:
        run = node.open_runs.tagged(tag)
        await node.open_runs.fail(run, Conflict("given up elsewhere", code="out-of-order"))
        await keep(tag, result)

    node.books.runs.keep_result = given_up_before  # type: ignore[method-assign]
    tag = await space.run(digest)
    assert (await node.books.runs.run(tag)).state is RunState.FAILED
    rows = await node.books.database.rows(select(table_of(DataspaceResult).c.tag))
    assert rows == []
    assert await written(node, tag) == [Kind.RUN_FAILED]


async def test_two_runs_that_begin_at_once_do_not_share_the_last_one(space: Space) -> None:
    """Both are judged before either has begun, and the first comes to its end meanwhile."""
    first = await space.approved(space.draft(runs=1))
    node = space.nodes[0]
    judged, go_on = asyncio.Event(), asyncio.Event()
    judge = node.gate.judge

    async def pausing(plan: Any) -> Any:
        outcome = await judge(plan)
        if not judged.is_set():
            judged.set()
            await go_on.wait()
        return outcome

    node.gate.judge = pausing  # type: ignore[method-assign] # many earlier runs to look at
    waiting = asyncio.create_task(node.coordinating.start(first))
    await judged.wait()
    await works(space, first)
    go_on.set()
    with pytest.raises(Conflict) as refused:
        await waiting
    assert refused.value.code == "busy"
    assert (await node.gate.ledger()).runs_of(first) == 1
    assert (await node.gate.ledger()).entries[0].counts


async def test_a_leader_that_ends_before_it_has_concluded_can_try_again(space: Space) -> None:
    """No other node counts a run that the leader does not: its next number would be used up."""
    digest = await space.approved(space.draft())
    leader = space.nodes[0]
    conclude = leader.partaking.conclude

    async def ends(sender: Any, body: Json) -> Json:
        await asyncio.sleep(1)
        raise Conflict("killed", code="stopped")

    leader.partaking.conclude = ends  # type: ignore[method-assign] # the fault
    leader.partaking.steps = {**leader.partaking.steps, "run-conclude": ends}
    await space.run(digest)
    leader.partaking.conclude = conclude  # type: ignore[method-assign] # mended
    leader.partaking.steps = {**leader.partaking.steps, "run-conclude": conclude}
    await works(space, digest)
