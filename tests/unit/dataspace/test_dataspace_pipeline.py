"""Through everything: five nodes hold one list each of the United Kingdom's table of 2013.

Rows are made whose overlaps are the published ones. They are imported, their people become
match keys, the keys go round the ring, the evaluator estimates: what is released is what was
published.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from controllers.dataspace.runs import RunState
from controllers.dataspace.sources import gather_file
from dataspace.estimating.side_by_side import Model
from dataspace.gathering.coding import Gathered
from dataspace.gathering.made_up import from_overlaps
from dataspace.gathering.writing import write_csv
from dataspace.vocabulary.model import Vocabulary, cases
from tests.support.mse import UK_COUNTS, UK_LISTS
from tests.support.space import Space, running_space


def gathered(rows: Iterable[Mapping[str, str]], vocabulary: Vocabulary) -> Gathered:
    """Rows as a file of an organisation, read as the node reads it."""
    kept = list(rows)
    columns = [name for name in vocabulary.columns if any(name in row for row in kept)]
    written = BytesIO()
    write_csv(kept, columns, written)
    written.seek(0)
    return gather_file("cases.csv", written, vocabulary)


@pytest.fixture(scope="module")
async def space(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Space]:
    patterns = {frozenset(way.split()): count for way, count in UK_COUNTS.items()}
    lists = {each.name: each.rows for each in from_overlaps(patterns, cases()).lists}
    folder: Path = tmp_path_factory.mktemp("uk")
    async with running_space(folder, holders=len(UK_LISTS), cases_each=1, seconds=30) as made:
        for node, name in zip(made.holders, UK_LISTS, strict=True):
            digest = hashlib.sha256(name.encode()).hexdigest()
            await node.import_cases(gathered(lists[name], cases()), digest)
        yield made


async def answer(space: Space, **options: Any) -> dict[str, Any]:
    draft = space.draft(
        operation="total", groups=[], link=["name_and_birth_date"], options=options
    )
    tag = await space.run(await space.approved(draft))
    run = await space.nodes[0].books.runs.run(tag)
    assert (run.state, run.failure) == (RunState.RELEASED, None)
    result: dict[str, Any] = (await space.nodes[0].books.runs.result(tag)).result
    return result


async def test_the_published_estimates_come_out(space: Space) -> None:
    released = await answer(space)
    found = {row[0]: row[1:] for row in released["rows"]}
    assert found[Model.INDEPENDENCE.value] == [13_444, 12_004, 15_160]
    assert found[Model.STEPWISE.value][0] == 11_313
    assert found[Model.BALES_HESKETH_SILVERMAN.value] == [11_313, 9_889, 13_063]
    assert abs(found[Model.BAYESIAN_AVERAGE.value][0] / 23_016 - 1) < 0.02


async def test_independence_inside_secret_sharing_is_the_same(space: Space) -> None:
    released = await answer(space, method="independence")
    assert released["rows"] == [["independence", 13_444, None, None]]
