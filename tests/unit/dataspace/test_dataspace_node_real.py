"""Real MPyC, real processes: a few tests, for they take seconds each."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from controllers.dataspace.commands import app
from controllers.dataspace.identity import Identity
from controllers.dataspace.joining import PARTICIPANTS, SIGNERS
from controllers.dataspace.node import opened_books
from controllers.dataspace.runs import RunState
from controllers.dataspace.serving import outside_of
from controllers.dataspace.settings import NodeSettings
from controllers.moment import now
from core.clock import SystemClock
from core.errors import ConfigurationError, VerificationError
from dataspace.agreeing.agreement import Environment
from dataspace.computing.launch import compute
from dataspace.vocabulary.model import cases
from tests.architecture.source import ROOT
from tests.support.space import (
    AUTHORITY,
    ROLES,
    authority_document,
    framework,
    free_ports,
    identities,
    made_up,
    running_space,
    space_file,
    terms_of,
)

SECONDS = 30.0


async def test_three_nodes_compute_with_mpyc_over_tls(tmp_path: Path) -> None:
    async with running_space(tmp_path, compute=compute, seconds=SECONDS) as space:
        digest = await space.approved(space.draft())
        tag = await space.run(digest)
        run = await space.nodes[0].books.runs.run(tag)
        assert [run.state, run.failure, run.detail] == [RunState.RELEASED, None, None]
        kept = await space.nodes[0].books.runs.result(tag)
        expected = sum(
            int((node.cases.now.gathered.table.columns["gender"] == 1).sum())
            for node in space.holders
        )
        assert ["feminine", expected] in kept.result["rows"]
        assert None in [row[1] for row in kept.result["rows"]]  # below the threshold


# --- processes ------------------------------------------------------------------------------


async def started(folder: Path, port: int) -> Process:
    environment = {
        **os.environ,
        "HAVEN_NODE_FOLDER": str(folder),
        "HAVEN_NODE_HOST": "127.0.0.1",
        "HAVEN_NODE_OFFICER_PORT": str(port),
        "HAVEN_NODE_ANSWER_SECONDS": "8",
        "HAVEN_NODE_COMPUTE_SECONDS": str(SECONDS),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controllers.dataspace.serving", cwd=ROOT, env=environment,
        stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip


def called(*words: str | Path) -> str:
    done = CliRunner().invoke(app, [str(each) for each in words])
    assert done.exit_code == 0, done.output
    return done.stdout


async def answers(client: httpx.AsyncClient) -> None:
    for _ in range(400):
        try:
            if (await client.get("/node")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("a node does not answer")


class Organisations:
    """Four processes, set up by the commands that people use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.who = identities(folder, 3)
        self.ports = free_ports(len(self.who))
        self.clients: list[httpx.AsyncClient] = []
        self.processes: dict[int, Process] = {}

    def set_up(self) -> None:
        terms = terms_of(self.who, cases())
        file = self.folder / "space.json"
        file.write_text(json.dumps(space_file(terms, self.who)))
        at = datetime.now(UTC) - timedelta(minutes=1)
        signed = framework({e.did: r for e, r in zip(self.who[:-1], ROLES, strict=False)}, at)
        signers = json.dumps([authority_document(AUTHORITY)])
        for number, (each, port) in enumerate(zip(self.who, self.ports, strict=True)):
            (each.folder / "framework.json").write_bytes(signed)
            (each.folder / SIGNERS).write_text(signers)
            called("node", "agreement", "adopt", file, "--folder", each.folder)
            key = called(
                "node", "officer", "add", "data", "legal", "analyst", "--folder", each.folder
            ).strip()
            if number < len(self.who) - 1:
                listed = self.folder / f"{number}.csv"
                listed.write_bytes(made_up(50, number))
                called("node", "import", listed, "--folder", each.folder)
            self.clients.append(
                httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}/api",
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=20,
                )
            )

    async def start(self, number: int) -> None:
        self.processes[number] = await started(self.who[number].folder, self.ports[number])
        await answers(self.clients[number])

    async def post(self, number: int, path: str, body: Any = None) -> Any:
        answer = await self.clients[number].post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def ended(self, number: int, tag: str) -> dict[str, Any]:
        for _ in range(600):
            run: dict[str, Any] = (await self.clients[number].get(f"/runs/{tag}")).json()
            if run["state"] in ("released", "failed"):
                return run
            await asyncio.sleep(0.1)
        raise AssertionError("the run does not end")

    async def stop(self) -> None:
        for each in self.clients:
            await each.aclose()
        for process in self.processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 20)


@asynccontextmanager
async def organisations(folder: Path) -> AsyncIterator[Organisations]:
    made = Organisations(folder)
    try:
        await asyncio.to_thread(made.set_up)
        await asyncio.gather(*(made.start(number) for number in range(len(made.who))))
        yield made
    finally:
        await made.stop()


async def test_a_process_that_is_killed_in_the_middle_and_comes_back(tmp_path: Path) -> None:
    async with organisations(tmp_path) as four:
        plan = {
            "operation": "counts",
            "title": "Cases by gender",
            "purpose": "prevalence",
            "groups": [{"column": "gender"}],
            "runs": 3,
        }
        digest = (await four.post(0, "/plans", plan))["digest"]
        for number in range(3):
            await four.post(number, f"/plans/{digest}/approve", {"duty": "data", "days": 2})
        tag = (await four.post(0, f"/plans/{digest}/run"))["tag"]
        await asyncio.sleep(0.3)
        victim = four.processes[2]
        victim.kill()
        await victim.wait()
        run = await four.ended(0, tag)
        if run["state"] == "failed":  # it was quick enough only on a very fast machine
            assert run["failure"]["code"]
            assert (await four.clients[0].get(f"/results/{tag}")).status_code == 404
        await four.start(2)
        again = (await four.post(0, f"/plans/{digest}/run"))["tag"]
        assert (await four.ended(0, again))["state"] == "released"
        rows = (await four.clients[0].get(f"/results/{again}")).json()["released"]["rows"]
        assert rows[0][1] + rows[1][1] == 150


# --- settings and commands ------------------------------------------------------------------


@pytest.mark.parametrize("name", NodeSettings.model_fields)
def test_every_setting_of_a_node_is_documented(name: str) -> None:
    page = (ROOT / "docs/dataspace/running-a-node.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if f"`HAVEN_NODE_{name.upper()}`" in line]
    assert len(rows) == 1
    default = NodeSettings.model_fields[name].default
    shown = "none" if default is None else f"`{default}`"
    assert rows[0].split("|")[2].strip().startswith(shown)


def test_init_prints_what_stands_in_the_terms(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    words = ("node", "init", "did:web:a.example", "A", "shelter", "--at", "a.example:8443")
    made = json.loads(called(*words, "--folder", folder))
    assert made["participant"]["host"] == "a.example"
    assert made["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    again = CliRunner().invoke(app, [*words, "--folder", str(folder)])
    assert again.exit_code == 1
    wrong = CliRunner().invoke(app, ["node", "run", "--folder", str(tmp_path / "nothing")])
    assert wrong.exit_code == 1


def did_document(identity: Identity, key: str) -> dict[str, Any]:
    method = {
        "id": f"{identity.did}#{key}",
        "type": "Multikey",
        "controller": identity.did,
        "publicKeyMultibase": key,
    }
    return {"id": identity.did, "assertionMethod": [method]}


@pytest.mark.parametrize("wrong", [None, "missing", "another"])
async def test_for_real_cases_the_keys_of_the_terms_are_the_participants_own(
    tmp_path: Path, wrong: str | None
) -> None:
    who = identities(tmp_path, 3, Environment.PRODUCTION)
    file, own = space_file(terms_of(who, cases()), who), who[0]
    listed = [did_document(each, each.signer.multikey) for each in who]
    if wrong == "another":
        listed[1] = did_document(who[1], who[2].signer.multikey)
    if wrong != "missing":
        (own.folder / PARTICIPANTS).write_text(json.dumps(listed))
    (own.folder / SIGNERS).write_text(json.dumps([authority_document(AUTHORITY)]))
    made = framework({each.did: each.role for each in who[:-1]}, now() - timedelta(minutes=1))
    (own.folder / "framework.json").write_bytes(made)
    settings, clock = NodeSettings(folder=own.folder), SystemClock()
    async with opened_books(settings, own, clock) as books:
        await books.agreements.adopt(file)
        if wrong is None:
            assert outside_of(books, clock).compute is compute
            return
        expected = ConfigurationError if wrong == "missing" else VerificationError
        with pytest.raises(expected) as refused:
            outside_of(books, clock)
    assert refused.value.code in ("configuration", "agreement-key")
