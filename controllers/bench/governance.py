"""`haven bench governance`: the rules of ten thousand participants, decided, loaded, asked.

    governance.decide.*       one decision from memory (microseconds), of each kind; beside it
                              the same question to Cedar, with its policies parsed once
    governance.load           bytes to a framework that passed all nine checks; beside it only
                              reading the JSON and one signature over it
    governance.trqp.*         `POST /trqp/authorization` of the real controllers' process on one
                              core, asked by wrk from another; beside it an application that
                              answers the same bytes without looking at the question

Needs wrk (Debian's package) for the last; without it those are not measured, and said so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import secrets
import shutil
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from agent.webvh.didlog import create_log, verify_log
from controllers.bench.figures import Report
from controllers.registry.service import RegistryService
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.models import FrameworkVersion
from core.errors import NotFound, Unavailable
from core.proof import SeedSigner
from governance.checks import instantiate
from governance.documents import new_framework, packaged_rules, serialise
from governance.engine import Act, Ask, Framework, Issue, Query, Rely, decide
from governance.faces.cedar import CedarFace
from governance.loading import Trust, load_framework
from governance.signing import sign, with_proof
from governance.timestamps import format_time

PARTICIPANTS = 10_000
_DECISIONS, _LOADS, _CEDAR = 20_000, 7, 200
_SECONDS, _CONNECTIONS = 10, 16
_DOMAIN, _PORT = "haven.localhost", 28_400
_ROLES = ("shelter", "court", "payment-provider", "support-fund", "police")


@dataclass(frozen=True, slots=True)
class Ruled:
    """A signed framework, the log of its authority, and who takes part."""

    data: bytes
    did: str
    opaque: str
    entry: str
    dids: tuple[str, ...]
    framework: Framework


def ruled(participants: int = PARTICIPANTS) -> Ruled:
    """Make one; the keys are random and go with the process."""
    update, following, assertion = (SeedSigner(secrets.token_bytes(32)) for _ in range(3))
    at = datetime.now(UTC).replace(microsecond=0)
    opaque = f"bench{secrets.token_hex(8)}"
    made = create_log(
        domain=_DOMAIN,
        opaque=opaque,
        update_key=update,
        next_update_key=following.multikey,
        assertion_key=assertion.multikey,
        now=at,
    )
    document = new_framework(packaged_rules(), made.did, at)
    dids = tuple(f"did:webvh:Qm{n:044d}:{_DOMAIN}:o:other{n:06d}" for n in range(participants))
    document["schemas"] = {each: f"{made.did}/s/{each}" for each in document["credentials"]}
    document["participants"] = [_entry(did, n, at) for n, did in enumerate(dids)]
    document["grants"] = [_grant(did, n, at) for n, did in enumerate(dids) if n % 5 == 0]
    proof = sign(document, assertion, method=made.verification_method, created=at)
    data = serialise(with_proof(document, proof))
    read = load_framework(data, Trust(made.did), _documents(made.did, made.entry), now=at)
    return Ruled(data, made.did, opaque, made.entry, dids, read.framework)


def _entry(did: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "did": did,
        "role": _ROLES[number % len(_ROLES)],
        "name": {"en": f"Organisation {number}", "km": f"អង្គការ {number}"},
        "jurisdictions": ["KH"],
        "from": format_time(at),
        "until": None,
        "ended_because": None,
    }


def _grant(did: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"g-{number}",
        "participant": did,
        "credential": "identity",
        "definition_id": f"{did}/d/identity",
        "from": format_time(at),
        "until": None,
        "withdrawn_from": None,
    }


def _documents(did: str, entry: str) -> Callable[[str], dict[str, Any]]:
    known = verify_log([entry]).document

    def look_up(wanted: str) -> dict[str, Any]:
        if wanted != did:
            raise NotFound("there is no such identity")
        return known

    return look_up


async def measure_governance(folder: Path, participants: int = PARTICIPANTS) -> Report:
    """Print every figure."""
    made = ruled(participants)
    report = Report({"participants": participants, "bytes": len(made.data)})
    _decide(report, made)
    _load(report, made)
    await _ask(report, made, folder)
    return report


# --- decisions ------------------------------------------------------------------------------


def _questions(made: Ruled) -> dict[str, list[Query]]:
    chosen = random.sample(made.dids, min(len(made.dids), 500))
    schema = made.framework.schemas["identity"]
    return {
        "act": [Act(did, "issue", "identity") for did in chosen],
        "issue": [Issue(did, "identity", f"{did}/d/identity") for did in chosen],
        "rely": [Rely(did, schema, f"{did}/d/identity") for did in chosen],
        "ask": list(_asks(made, chosen)),
    }


def _asks(made: Ruled, chosen: list[str]) -> Iterator[Query]:
    now = datetime.now(UTC)
    plan = instantiate(made.framework, "shelter", "plain", {}, as_of=now)
    for did in chosen:
        yield Ask(did, plan.purpose, plan.ask)


def _decide(report: Report, made: Ruled) -> None:
    now = datetime.now(UTC)
    every: list[float] = []
    for name, queries in _questions(made).items():
        taken = list(_timed(lambda q: decide(made.framework, q, as_of=now), queries))
        every += taken
        report.add(f"governance.decide.{name}.median", statistics.median(taken) * 1e6, "us")
    report.add("governance.decide.median", statistics.median(every) * 1e6, "us")
    face, acts = CedarFace(made.framework), _questions(made)["act"]
    asked = [each for each in acts if isinstance(each, Act)]
    cedar = list(_timed(lambda q: face.decide(q, as_of=now), asked, _CEDAR))
    report.add("governance.decide.cedar.median", statistics.median(cedar) * 1e6, "us")


def _timed[Q](
    work: Callable[[Q], object], queries: list[Q], times: int = _DECISIONS
) -> Iterator[float]:
    for number in range(times // 4):
        query = queries[number % len(queries)]
        began = time.perf_counter()
        work(query)
        yield time.perf_counter() - began


# --- loading --------------------------------------------------------------------------------


def _load(report: Report, made: Ruled) -> None:
    known, now = _documents(made.did, made.entry), datetime.now(UTC)

    def whole() -> object:
        return load_framework(made.data, Trust(made.did), known, now=now)

    taken = [_seconds(whole) for _ in range(_LOADS)]
    report.add("governance.load", statistics.median(taken), "s", f"{len(made.data)} bytes")
    floor = [_seconds(lambda: json.loads(made.data)) for _ in range(_LOADS)]
    report.add("governance.load.only_json", statistics.median(floor), "s")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# --- the registry ---------------------------------------------------------------------------


async def _ask(report: Report, made: Ruled, folder: Path) -> None:
    if shutil.which("wrk") is None:
        report.add("governance.trqp.requests", float("nan"), "1/s", "wrk is not here")
        return
    query = {
        "entity_id": made.dids[0],
        "authority_id": made.did,
        "action": "issue",
        "resource": "identity",
    }
    async with _served(made, folder) as address:
        answer = await _first_answer(f"{address}/trqp/authorization", query)
        found = await _wrk(f"{address}/trqp/authorization", query, folder)
        report.add("governance.trqp.requests", found.per_second, "1/s")
        report.add("governance.trqp.p99", found.p99_ms, "ms")
        report.add("governance.trqp.failed", found.failed, "")
    async with _bare(answer) as address:
        floor = await _wrk(f"{address}/", query, folder)
        report.add("governance.trqp.floor", floor.per_second, "1/s", "the same bytes, unasked")


@asynccontextmanager
async def _served(made: Ruled, folder: Path) -> AsyncIterator[str]:
    """The controllers' process with this framework in its database, on the first core."""
    settings = Settings(data_dir=folder / "governance", port_base=_PORT, did_domain=_DOMAIN)
    load_or_create(settings.data_dir)
    database = Database(settings.store_url)
    await database.migrate()
    await RegistryService(database, domain=_DOMAIN).append_log(
        made.opaque, [made.entry], expected_version=None
    )
    async with database.transaction() as session:
        row = FrameworkVersion(
            version=1, document=made.data.decode(), created_at=datetime.now(UTC)
        )
        session.add(row)
    await database.close()
    environment = {
        "HAVEN_DATA_DIR": str(settings.data_dir),
        "HAVEN_PORT_BASE": str(_PORT),
        "HAVEN_DID_DOMAIN": _DOMAIN,
    }
    async with _process(("-m", "controllers.serve"), environment):
        yield f"http://127.0.0.1:{settings.public_port}"


@asynccontextmanager
async def _bare(answer: bytes) -> AsyncIterator[str]:
    arguments = ("-m", "controllers.bench.unasked", str(_PORT), answer.decode())
    async with _process(arguments, {}):
        await _first_answer(f"http://127.0.0.1:{_PORT}/", {})
        yield f"http://127.0.0.1:{_PORT}"


@asynccontextmanager
async def _process(arguments: tuple[str, ...], more: dict[str, str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *_on_core(0), sys.executable, *arguments, env={**os.environ, **more}
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


def _on_core(core: int) -> tuple[str, ...]:
    """Each side on a core of its own, where the system can do that."""
    here = shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1
    return ("taskset", "--cpu-list", str(core)) if here else ()


async def _first_answer(address: str, query: dict[str, str], seconds: float = 60) -> bytes:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(int(seconds / 0.2)):
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(address, json=query)
                if answer.status_code == 200:
                    return answer.content
            await asyncio.sleep(0.2)
    raise Unavailable("The process that was to be measured does not answer")


@dataclass(frozen=True, slots=True)
class Measured:
    """What wrk says."""

    per_second: float
    p99_ms: float
    failed: int


async def _wrk(address: str, query: dict[str, str], folder: Path) -> Measured:
    script = folder / "ask.lua"
    body = json.dumps(query).replace("\\", "\\\\").replace("'", "\\'")
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = '{body}'\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
    )
    process = await asyncio.create_subprocess_exec(
        *_on_core(1), "wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "--latency",
        "-s", str(script), address,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return read_wrk(output.decode())


def read_wrk(text: str) -> Measured:
    """Requests a second, the 99th percentile, and answers that were none of success."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if rate is None or p99 is None:
        raise Unavailable("wrk did not say what it measured")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Measured(float(rate[1]), float(p99[1]) * unit, int(failed[1]) if failed else 0)
