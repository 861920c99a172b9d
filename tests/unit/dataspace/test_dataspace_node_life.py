"""The whole life of a plan over nodes that speak over real TLS."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from controllers.dataspace.node import Node
from controllers.dataspace.runs import RunState
from controllers.dataspace.sources import gather_file
from core.errors import NotFound
from dataspace.agreeing.agreement import Limits
from dataspace.planning.statements import Duty
from dataspace.releasing.report import verify_report
from tests.support.space import Space, made_up, running_space


async def released(space: Space, tag: str) -> None:
    """It ended well, at every node."""
    for node in space.nodes:
        run = await node.books.runs.run(tag)
        assert [run.state, run.failure, run.detail] == [RunState.RELEASED, None, None], run


def women(nodes: list[Node]) -> int:
    """Over all of the nodes, in the clear."""
    tables = [node.cases.now.gathered.table for node in nodes]
    return sum(int((each.columns["gender"] == 1).sum()) for each in tables)


async def test_a_count_goes_through_all_its_steps(tmp_path: Path) -> None:
    async with running_space(tmp_path) as space:
        digest = await space.approved(space.draft())
        tag = await space.run(digest)
        await released(space, tag)
        kept = await space.nodes[0].books.runs.result(tag)
        assert ["feminine", women(space.holders)] in kept.result["rows"]
        report = verify_report(kept.report, space.terms, kept.result)
        assert (report.tag, report.method.together) == (tag, 1)
        for node in space.nodes[1:]:
            with pytest.raises(NotFound):
                await node.books.runs.result(tag)
        again = await space.run(digest)
        await released(space, again)
        seen = await space.nodes[1].comparing.look_at_all()
        assert all(each.agrees for each in seen)
        ledger = await space.nodes[2].gate.ledger()
        assert ledger.runs_of(digest) == 2


async def test_who_does_not_compute_hands_shares_to_who_does(tmp_path: Path) -> None:
    async with running_space(tmp_path, holders=5, computes=3) as space:
        asker = 4  # holds data, does not compute, and receives
        digest = await space.approved(space.draft(), by=asker)
        tag = await space.run(digest, by=asker)
        await released(space, tag)
        kept = await space.nodes[asker].books.runs.result(tag)
        assert ["feminine", women(space.holders)] in kept.result["rows"]
        for node in space.nodes[:asker]:  # they computed it, and their people do not see it
            with pytest.raises(NotFound):
                await node.books.runs.result(tag)


RINGS: list[tuple[str, dict[str, Any]]] = [
    ("overlaps", {"link": ["national_id", "name_and_birth_date"]}),
    (
        "total",
        {"link": ["name_and_birth_date"], "options": {"method": "independence"}},
    ),
]


@pytest.mark.parametrize(("operation", "more"), RINGS, ids=[name for name, _ in RINGS])
async def test_lists_are_compared_by_the_ring(
    tmp_path: Path, operation: str, more: dict[str, Any]
) -> None:
    async with running_space(tmp_path, overlap=True) as space:
        draft = space.draft(operation=operation, groups=[], **more)
        tag = await space.run(await space.approved(draft))
        await released(space, tag)
        kept = await space.nodes[0].books.runs.result(tag)
        assert kept.result["rows"]
        evaluator = await space.nodes[-1].books.runs.run(tag)
        assert evaluator.result_digest is not None


@pytest.mark.parametrize(("operation", "more"), RINGS, ids=[name for name, _ in RINGS])
async def test_who_has_no_case_of_this_kind_stops_no_ring(
    tmp_path: Path, operation: str, more: dict[str, Any]
) -> None:
    limits = Limits(least_list=15)
    async with running_space(tmp_path, overlap=True, limits=limits) as space:
        only_men = made_up(60, 1, family=0).replace(b"feminine", b"masculine")
        file = gather_file("x.csv", BytesIO(only_men), space.outside.vocabulary)
        await space.nodes[1].import_cases(file, "0" * 64)
        women_only = [{"column": "gender", "codes": ["feminine"]}]
        draft = space.draft(operation=operation, groups=[], filters=women_only, **more)
        tag = await space.run(await space.approved(draft))
        await released(space, tag)
        if operation == "overlaps":
            rows = (await space.nodes[0].books.runs.result(tag)).result["rows"]
            without = space.nodes[1].books.identity.did
            assert any(people for _, _, people in rows)
            assert all(people is None for _, of, people in rows if without in of.split(" + "))


async def test_a_node_that_was_away_catches_up(tmp_path: Path) -> None:
    async with running_space(tmp_path, seconds=8.0) as space:
        away, digest = space.nodes[1], ""
        await away.peers.stop()
        plan = await space.nodes[0].plans.propose(space.draft())
        digest = plan.digest
        for node in (space.nodes[0], space.nodes[2]):
            await node.plans.approve(digest, Duty.DATA, 2)
        with pytest.raises(NotFound):
            await away.plans.kept(digest)
        await away.peers.start("127.0.0.1", away.books.agreements.own.port)
        await away.catching_up.catch_up()
        assert len(await away.plans.decisions(digest)) == 2
        await away.plans.approve(digest, Duty.DATA, 2)
        await released(space, await space.run(digest))
