"""What goes wrong at a node, or is done by one: nothing is released, and another run works."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from controllers.dataspace.node import Node, opened_books, running_node
from controllers.dataspace.runs import OPEN, RunState
from controllers.dataspace.sources import gather_file
from core.canonical import Json
from core.errors import Conflict, Gone, HavenError, InvalidInput, NotFound
from core.proof import SeedSigner
from dataspace.agreeing.agreement import Limits
from dataspace.planning.statements import Duty, RunRequest, fresh_tag, sign_request
from tests.support.space import Space, import_made_up, running_space

STALL_SECONDS = 2.5  # also a busy machine answers within it
STEPS = ("run-begin", "run-go", "run-conclude", "run-compare")


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path, seconds=8.0) as running:
        yield running


async def settled(space: Space) -> None:
    """Wait until no node has a run open; the deadlines are not long."""
    until = asyncio.get_running_loop().time() + 30
    for node in space.nodes:
        while any(run.state in OPEN for run in await node.books.runs.all()):
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.02)


async def failed_everywhere(space: Space, tag: str, *, without: int | None = None) -> set[str]:
    """It has failed at every node that had begun it, and nothing came out; the codes."""
    codes: set[str] = set()
    for number, node in enumerate(space.nodes):
        with pytest.raises(NotFound):
            await node.books.runs.result(tag)
        try:
            run = await node.books.runs.run(tag)
        except NotFound:
            continue
        if number != without:
            assert run.state is RunState.FAILED, run
            assert run.failure
            assert run.phase in ("preparing", "computing", "opened", "comparing")
            codes.add(run.failure)
    return codes


async def works(space: Space, digest: str) -> None:
    """Another run of the plan comes to its end."""
    tag = await space.run(digest)
    for node in space.nodes:
        run = await node.books.runs.run(tag)
        assert [run.state, run.failure, run.detail] == [RunState.RELEASED, None, None]


# --- a node that dies, stalls or refuses, in each phase -------------------------------------

type Break = Callable[[Node, str], Awaitable[Callable[[], Awaitable[None]]]]


def _replaced(node: Node, step: str, handler: Any) -> Callable[[], Awaitable[None]]:
    node.peers.on(step, handler)

    async def mend() -> None:
        node.peers.on(step, node.partaking.steps[step])

    return mend


async def stalls(node: Node, step: str) -> Callable[[], Awaitable[None]]:
    """It takes the step and never answers."""

    async def handler(_sender: Any, _body: Json) -> Json:
        await asyncio.sleep(4 * STALL_SECONDS)
        return {}

    return _replaced(node, step, handler)


async def refuses(node: Node, step: str) -> Callable[[], Awaitable[None]]:
    """It answers with an error of its own."""

    async def handler(_sender: Any, _body: Json) -> Json:
        raise Conflict("not here", code="out-of-order")

    return _replaced(node, step, handler)


async def dies(node: Node, step: str) -> Callable[[], Awaitable[None]]:
    """Its network is gone from this step on, in the middle of the answer."""

    async def handler(_sender: Any, _body: Json) -> Json:
        task = asyncio.create_task(node.peers.stop())
        node_tasks.append(task)
        await asyncio.sleep(4 * STALL_SECONDS)
        return {}

    node_tasks: list[asyncio.Task[None]] = []
    mend = _replaced(node, step, handler)

    async def alive() -> None:
        await asyncio.gather(*node_tasks)
        await mend()
        await node.peers.start("127.0.0.1", node.books.agreements.own.port)

    return alive


@pytest.mark.parametrize("broken", [stalls, refuses, dies], ids=lambda each: each.__name__)
async def test_a_node_that_breaks_in_any_phase(tmp_path: Path, broken: Break) -> None:
    async with running_space(tmp_path, seconds=STALL_SECONDS) as space:
        digest = await space.approved(space.draft(runs=9))
        for step in STEPS:
            mend = await broken(space.nodes[2], step)
            tag = await space.run(digest)
            await settled(space)
            codes = await failed_everywhere(space, tag)
            assert codes <= {"out-of-order", "peer-unavailable", "deadline", "unavailable"}, (
                step,
                codes,
            )
            await mend()
            await works(space, digest)


async def test_a_coordinator_that_vanishes_leaves_nothing_open(tmp_path: Path) -> None:
    async with running_space(tmp_path, seconds=STALL_SECONDS) as space:
        digest = await space.approved(space.draft())
        leader = space.nodes[0]
        asked: list[str] = []
        ask_all = leader.peers.ask_all

        async def vanishing(kind: str, body: Json, **more: Any) -> Any:
            asked.append(kind)
            if kind == "run-go":
                await asyncio.sleep(4 * STALL_SECONDS)
            return await ask_all(kind, body, **more)

        leader.peers.ask_all = vanishing  # type: ignore[method-assign] # the fault
        tag = await leader.coordinating.start(digest)
        await asyncio.sleep(4 * STALL_SECONDS)
        leader.peers.ask_all = ask_all  # type: ignore[method-assign] # mended
        for node in space.nodes[1:]:
            run = await node.books.runs.run(tag)
            assert (run.state, run.failure) == (RunState.FAILED, "deadline")


async def test_what_was_open_when_a_node_was_killed_has_failed(tmp_path: Path) -> None:
    async with running_space(tmp_path, seconds=2.0) as space:
        digest = await space.approved(space.draft())
        node = space.nodes[1]
        tag = fresh_tag()
        await node.books.runs.begin(
            tag=tag,
            plan=digest,
            agreement=space.terms.id,
            coordinator=space.nodes[0].books.identity.did,
            epsilon_milli=0,
            at=space.outside.clock.now(),
        )
        entries = len(await node.books.journal.entries())
        await node.peers.stop()
        settings = space.settings[1].model_copy()
        identity, clock = node.books.identity, space.outside.clock
        async with (
            opened_books(settings, identity, clock) as books,
            running_node(books, space.outside) as again,
        ):
            run = await again.books.runs.run(tag)
            assert (run.state, run.failure) == (RunState.FAILED, "stopped")
            assert len(await again.books.journal.entries()) == entries + 1
            assert len(again.cases.now.gathered.table) == len(node.cases.now.gathered.table)
            assert again.cases.now.gathered.people == node.cases.now.gathered.people


# --- plans and approvals --------------------------------------------------------------------


async def refused_to_start(space: Space, digest: str) -> HavenError:
    """The error with which the asker's node, or the run, ends."""
    node = space.nodes[0]
    try:
        tag = await node.coordinating.start(digest)
    except HavenError as error:
        return error
    await node.coordinating.finished(tag)
    await settled(space)  # who was still making ready hears of it a moment later
    await failed_everywhere(space, tag)
    run = await node.books.runs.run(tag)
    return Conflict(run.detail or "", code=run.failure or "")


async def test_a_plan_that_was_changed_after_approval_at_one_node(space: Space) -> None:
    digest = await space.approved(space.draft())
    node = space.nodes[1]
    kept = await node.plans.kept(digest)
    changed = {**kept.document, "threshold": 12}
    async with node.books.database.transaction() as session:
        await session.execute(
            text("UPDATE dataspace_plan SET document = :d WHERE digest = :g"),
            {"d": json.dumps(changed), "g": digest},
        )
    assert await refused_to_start(space, digest)
    (run,) = await space.nodes[0].books.runs.runs_of(digest)
    assert run.state is RunState.FAILED


async def test_an_approval_that_was_withdrawn_stops_everything(space: Space) -> None:
    digest = await space.approved(space.draft())
    await space.nodes[2].plans.withdraw(digest)
    assert (await refused_to_start(space, digest)).code == "approval-withdrawn"
    await space.nodes[2].plans.approve(digest, Duty.DATA, 3)
    await works(space, digest)


async def test_a_withdrawal_that_the_asker_never_heard_of(space: Space) -> None:
    digest = await space.approved(space.draft())
    node = space.nodes[1]
    node.plans._peers = None  # it tells nobody
    await node.plans.withdraw(digest)
    assert (await refused_to_start(space, digest)).code == "approval-withdrawn"


async def test_an_approval_that_is_missing(space: Space) -> None:
    plan = await space.nodes[0].plans.propose(space.draft())
    for node in space.nodes[:2]:
        await node.plans.approve(plan.digest, Duty.DATA, 3)
    assert (await refused_to_start(space, plan.digest)).code == "approval-approved"


async def test_a_sixth_run_of_five(tmp_path: Path) -> None:
    async with running_space(tmp_path, limits=Limits(least_list=2, most_runs=5)) as space:
        digest = await space.approved(space.draft(runs=5))
        for _ in range(5):
            await works(space, digest)
        with pytest.raises(Gone) as refused:
            await space.nodes[0].coordinating.start(digest)
        assert refused.value.code == "approval-runs"


async def test_a_run_that_another_key_asked_for_and_a_tag_used_twice(space: Space) -> None:
    digest = await space.approved(space.draft())
    leader, other = space.nodes[0], space.nodes[1]
    now = space.outside.clock.now()

    def body(signer: SeedSigner, tag: str, plan: Json) -> Json:
        request = RunRequest(plan=digest, tag=tag, number=2, at=now)
        return {"plan": plan, "decisions": [], "request": sign_request(request, signer, now)}

    plan = (await leader.plans.kept(digest)).document
    forged = body(SeedSigner(b"\x05" * 32), fresh_tag(), plan)
    me = leader.books.agreements.own
    with pytest.raises(HavenError) as refused:
        await other.partaking.begin(me, forged)
    assert refused.value.code == "approval-analyst"
    tag = await space.run(digest)
    with pytest.raises(HavenError) as refused:
        await other.partaking.begin(me, body(leader.books.identity.analyst, tag, plan))
    assert refused.value.code == "approval-tag"


async def test_only_the_asker_leads_a_run(space: Space) -> None:
    digest = await space.approved(space.draft())
    with pytest.raises(HavenError) as refused:
        await space.nodes[1].coordinating.start(digest)
    assert refused.value.code == "not-the-asker"
    plan = (await space.nodes[0].plans.kept(digest)).document
    with pytest.raises(HavenError) as refused:
        await space.nodes[2].partaking.begin(
            space.nodes[1].books.agreements.own, {"plan": plan, "decisions": []}
        )
    assert refused.value.code == "not-the-asker"


async def test_cases_that_were_imported_in_the_middle(space: Space) -> None:
    digest = await space.approved(space.draft())
    node = space.nodes[1]
    go = node.partaking.steps["run-go"]

    async def importing(sender: Any, body: Json) -> Json:
        await import_made_up(node, 90, 7)
        return await go(sender, body)

    node.peers.on("run-go", importing)
    assert (await refused_to_start(space, digest)).code == "import"


# --- logs -----------------------------------------------------------------------------------


async def test_a_log_that_was_rewritten_at_one_node_is_found(space: Space) -> None:
    digest = await space.approved(space.draft())
    await works(space, digest)
    node = space.nodes[2]
    async with node.books.database.transaction() as session:
        await session.execute(text("DELETE FROM dataspace_log WHERE number > 2"))
    for _ in range(12):  # as long as before, each entry rightly signed
        await node.books.journal.append("import", number=1, rows_at_least=1, file="0" * 64)
    seen = await space.nodes[0].comparing.look_at_all()
    assert [each.code for each in seen] == [None, "log-rewritten", None]
    assert (await refused_to_start(space, digest)).code == "log-rewritten"


# --- cases ----------------------------------------------------------------------------------


async def test_a_malformed_file_changes_nothing(space: Space) -> None:
    node = space.nodes[0]
    before = node.cases.now
    head = await node.books.journal.head()
    for wrong in (
        b"",
        b"gender\nfeminine\nZelenka",
        b"given_name,given_name\na,b",
        b"\xff\xfe",
    ):
        with pytest.raises(InvalidInput) as refused:
            gather_file("cases.csv", BytesIO(wrong), node.outside.vocabulary)
        assert "Zelenka" not in str(refused.value)
    assert node.cases.now is before
    after = await node.books.journal.head()
    assert head is not None
    assert after is not None
    assert (head["number"], head["hash"]) == (after["number"], after["hash"])


async def test_two_imports_that_differ_in_one_person(space: Space) -> None:
    """The same plan before and after one case was added is a question about that case."""
    digest = await space.approved(space.draft())
    await works(space, digest)
    await import_made_up(space.nodes[1], 71, 2)  # 70 of them were there
    assert (await refused_to_start(space, digest)).code == "own-data"


# --- nothing personal leaves ----------------------------------------------------------------

PLANTED = b"""case_reference,given_name,family_name,birth_date,national_id,gender
PLANTREF-1,Plantgiven,Plantfamily,1990-04-04,PLANTID99,feminine
PLANTREF-2,Plantother,Plantfamily,1991-05-05,PLANTID98,masculine
"""
TRACES = (b"PLANT", b"Plant", b"1990-04-04")


async def test_planted_values_are_nowhere_but_in_their_own_node(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_space(tmp_path, seconds=8.0) as space:
        node = space.nodes[0]
        sent: list[bytes] = []
        post = node.peers._post

        async def noting(to: Any, path: str, data: bytes, seconds: float) -> bytes:
            sent.append(data)
            return await post(to, path, data, seconds)

        node.peers._post = noting  # type: ignore[method-assign] # listens
        rows = b"".join(
            f"PLANTREF-{n},Plantgiven{n},Plantfamily,1990-04-04,PLANTID{n},feminine\n".encode()
            for n in range(3, 40)
        )
        gathered = gather_file("cases.csv", BytesIO(PLANTED + rows), node.outside.vocabulary)
        await node.import_cases(gathered, "0" * 64)
        for draft in (
            space.draft(),
            space.draft(operation="overlaps", groups=[], link=["national_id"]),
        ):
            await space.run(await space.approved(draft))
        keys = [key for person in gathered.people for key in person if key is not None]
        at_rest = b"".join(
            path.read_bytes() for path in node.books.settings.folder.glob("node.db*")
        )
        for everything in (b"".join(sent), caplog.text.encode(), at_rest):
            assert all(trace not in everything for trace in TRACES)
            assert all(
                key not in everything and key.hex().encode() not in everything for key in keys
            )
        assert len(sent) > 20


async def test_a_framework_that_does_not_let_a_role_take_part(space: Space) -> None:
    """The health service takes part in no linkage; every node asks its own framework."""
    late = space.outside.clock.now() + timedelta(days=1)
    decisions = space.outside.rules.decisions(space.terms, "linkage", at=late)
    assert {type(each).__name__ for each in decisions.values()} == {"Permit", "Deny"}
