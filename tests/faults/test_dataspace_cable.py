"""Nodes on hosts of their own, real processes with real MPyC; one cable is pulled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from controllers.dataspace.identity import Identity
from controllers.dataspace.node import Node, Outside, opened_books
from controllers.dataspace.officers import OfficerDuty, create_officer
from controllers.dataspace.settings import NodeSettings
from controllers.dataspace.sources import gather_file
from core.clock import SystemClock
from dataspace.computing.launch import compute
from dataspace.gathering.coding import Gathered
from dataspace.gathering.made_up import made_up
from dataspace.gathering.writing import write_csv
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import Vocabulary, cases
from tests.support import asking
from tests.support.hosts import Hosts, hosts, missing
from tests.support.space import (
    AUTHORITY,
    authority_document,
    identities,
    rules,
    space_file,
    terms_of,
)

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

_HOLDERS, _OFFICERS = 3, 8060
_ANSWER, _COMPUTE = 5, 20  # seconds that the nodes wait


# a computation of many rounds: long enough to be cut off in its middle
LONG: dict[str, Any] = {
    "operation": "risk",
    "title": "What goes with it",
    "purpose": "prevalence",
    "groups": [{"column": "gender"}, {"column": "age_group"}],
    "measures": ["outcome"],
    "options": {
        "codes": list(cases().levels("outcome")[:1]),
        "least_rows": 100,
        "iterations": 100,
    },
}


@dataclass
class Far:
    """A node on a host of its own, and its officer's key."""

    hosts: Hosts
    number: int
    key: str

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What its officer API answers."""
        command = self.hosts.inside(
            self.number, sys.executable, asking.__file__, method,
            f"http://127.0.0.1:{_OFFICERS}/api{path}",
        )  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        given = json.dumps({"key": self.key, "body": body}).encode()
        told, _ = await process.communicate(given)
        answer = json.loads(told)
        assert answer["status"] < 300, answer
        return answer["body"]

    async def until(self, tag: str, *states: str) -> Any:
        """The run, when it has come to one of these states."""
        for _ in range(200):
            run = await self.ask("GET", f"/runs/{tag}")
            if run["state"] in states:
                return run
            await asyncio.sleep(0.1)
        raise AssertionError(run)


@asynccontextmanager
async def far_space(folder: Path, made: Hosts) -> AsyncIterator[list[Far]]:
    """Three organisations and an evaluator, each on a host; the cases are imported."""
    who, vocabulary = identities(folder, _HOLDERS), cases()
    outside = Outside(
        rules(folder, {each.did: each.role for each in who[:-1]}),
        catalogue(), vocabulary, SystemClock(), compute,
    )  # fmt: skip
    terms = terms_of(who, vocabulary)
    at = [
        each.model_copy(update={"host": made.address(number)})
        for number, each in enumerate(terms.participants)
    ]
    file = space_file(terms.model_copy(update={"participants": tuple(at)}), who)
    nodes = [await _settled(each, number, file, outside) for number, each in enumerate(who)]
    async with AsyncExitStack() as stack:
        for number, identity in enumerate(who):
            await stack.enter_async_context(_running(made, number, identity))
        far = [Far(made, number, key) for number, key in enumerate(nodes)]
        for each in far:
            await _listening(each)
        yield far


async def _settled(identity: Identity, number: int, file: Any, outside: Outside) -> str:
    """Everything in its folder as `haven dataspace node` leaves it; its officer's key."""
    folder = identity.folder
    signers = json.dumps([authority_document(AUTHORITY)])
    (folder / "framework-signers.json").write_text(signers)
    (folder / "framework.json").write_bytes((folder.parent / "framework.json").read_bytes())
    settings = NodeSettings(folder=folder)
    async with opened_books(settings, identity, outside.clock) as books:
        await books.agreements.adopt(file)
        if number < _HOLDERS:
            node = Node(books, outside)
            await node.cases.load()
            await node.import_cases(_cases(number, outside.vocabulary), "0" * 64)
        key = await create_officer(books.database, frozenset(OfficerDuty), datetime.now(UTC))
    return key.reveal()


def _cases(number: int, vocabulary: Vocabulary) -> Gathered:
    written = BytesIO()
    write_csv(made_up(vocabulary).lists[number].rows, tuple(vocabulary.columns), written)
    written.seek(0)
    return gather_file("cases.csv", written, vocabulary)


@asynccontextmanager
async def _running(made: Hosts, number: int, identity: Identity) -> AsyncIterator[None]:
    environment = {
        **os.environ,
        "HAVEN_NODE_FOLDER": str(identity.folder),
        "HAVEN_NODE_HOST": made.address(number),
        "HAVEN_NODE_OFFICER_PORT": str(_OFFICERS),
        "HAVEN_NODE_ANSWER_SECONDS": str(_ANSWER),
        "HAVEN_NODE_COMPUTE_SECONDS": str(_COMPUTE),
    }
    command = made.inside(number, sys.executable, "-m", "controllers.dataspace.serving")
    with (identity.folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _listening(far: Far) -> None:
    for _ in range(150):
        try:
            await far.ask("GET", "/node")
        except (AssertionError, ValueError):
            await asyncio.sleep(0.2)
        else:
            return
    raise AssertionError(f"node {far.number} does not answer")


@pytest.fixture(scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Far]]:
    """The space of this module."""
    with hosts(_HOLDERS + 1) as made:
        async with far_space(tmp_path_factory.mktemp("far"), made) as started:
            yield started


async def approved(far: list[Far], draft: dict[str, Any]) -> str:
    """A plan that all holders have said yes to."""
    plan: str = (await far[0].ask("POST", "/plans", draft))["digest"]
    for each in far[:_HOLDERS]:
        await each.ask("POST", f"/plans/{plan}/approve", {"duty": "data", "days": 1})
    return plan


async def test_a_cable_is_pulled_while_all_compute(far: list[Far]) -> None:
    """Everybody hears in words and in time, nothing comes out, and the next run goes well."""
    plan = await approved(far, LONG)
    tag = (await far[0].ask("POST", f"/plans/{plan}/run"))["tag"]
    await far[0].until(tag, "computing")
    far[1].hosts.cut(1)
    try:
        failed = [await each.until(tag, "failed", "released") for each in far]
    finally:
        far[1].hosts.mend(1)
    assert [run["state"] for run in failed] == ["failed"] * len(far)
    assert all(run["failure"]["code"] and run["failure"]["detail"] for run in failed)
    again = (await far[0].ask("POST", f"/plans/{plan}/run"))["tag"]
    ended = [await each.until(again, "failed", "released") for each in far]
    assert [(run["state"], run["failure"]) for run in ended] == [("released", None)] * len(far)
    result = await far[0].ask("GET", f"/results/{again}")
    assert result["released"]["rows"]
