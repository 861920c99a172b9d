"""The whole life of a plan over nodes that speak over real TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.dataspace.runs import RunState
from core.errors import NotFound
from tests.support.space import Space, running_space


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path) as running:
        yield running


async def test_a_count_goes_through_all_its_steps(space: Space) -> None:
    digest = await space.approved(space.draft())
    tag = await space.run(digest)
    for node in space.nodes:
        run = await node.books.runs.run(tag)
        assert (run.state, run.failure, run.detail) == (RunState.RELEASED, None, None)
    kept = await space.nodes[0].books.runs.result(tag)
    expected = sum(
        int((node.cases.now.gathered.table.columns["gender"] == 1).sum())
        for node in space.holders
    )
    assert ["feminine", expected] in kept.result["rows"]
    assert len(kept.report["proofs"]) == len(space.nodes)
    for node in space.nodes[1:]:
        with pytest.raises(NotFound):
            await node.books.runs.result(tag)
