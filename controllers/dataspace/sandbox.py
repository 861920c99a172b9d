"""A sandbox: organisations' nodes and an evaluator on one machine, with made-up cases.

    <data>/space/sandbox.json         where each node listens, and its officer's key (mode 0600)
    <data>/space/nodes/<place>/       a node's own folder, as of any node: keys, database, log

Each node is a process of its own and speaks to the others over mutual TLS, as on six machines.
Its certificates say *sandbox*, and nodes of the real world refuse them. The folder is made
once, as a whole; later starts find the nodes as they were.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from agent.supervisor import Child, ChildSpec
from controllers.dataspace.console.nodes import NodeAddress
from controllers.dataspace.identity import Identity, create_identity
from controllers.dataspace.joining import trial_framework
from controllers.dataspace.node import Node, opened_books
from controllers.dataspace.officers import OfficerDuty, create_officer
from controllers.dataspace.serving import LOOPBACK, outside_of
from controllers.dataspace.settings import NodeSettings, read_node_settings
from controllers.dataspace.sources import gather_file
from controllers.moment import now
from controllers.running import only_one
from controllers.secrets import write_private
from core.clock import SystemClock
from core.errors import ConfigurationError
from dataspace.agreeing.agreement import Environment, Terms
from dataspace.agreeing.negotiating import Agreement, State, sign_terms
from dataspace.gathering.made_up import CaseRow, made_up
from dataspace.gathering.script import built_in
from dataspace.gathering.writing import write_csv
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import Vocabulary, cases

_CAST = Path(__file__).parent / "sandbox.json"
_NOTE = "sandbox.json"
_RUNS = "A sandbox runs already in this folder; stop it, or name another one with --data"
_FURTHEST = 200  # ports that are looked at, from the first one on


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the cast. `list` is the made-up list of cases; the evaluator has none."""

    place: str
    name: str
    role: str
    list: str | None = None
    no_linkage: bool = False

    @property
    def did(self) -> str:
        return f"did:web:{self.place}.sandbox.example"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is in a sandbox, and on what they agreed."""

    title: str
    authority: str
    purposes: tuple[str, ...]
    days: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class SandboxNode:
    """One node as the sandbox starts it."""

    place: str
    folder: Path
    peer_port: int
    officer_port: int
    key: str = field(repr=False)

    @property
    def address(self) -> NodeAddress:
        """Where its officer's API is."""
        return NodeAddress(self.place, f"http://{LOOPBACK}:{self.officer_port}", self.key)


def read_cast() -> Cast:
    """The cast that comes along."""
    kept = json.loads(_CAST.read_text(encoding="utf-8"))
    members = tuple(Member(**each) for each in kept["participants"])
    return Cast(
        kept["title"], kept["authority"], tuple(kept["purposes"]), kept["days"], members
    )


def sample_day() -> date:
    """A day in the last third of the made-up cases, where there are most of them."""
    script = built_in()
    return script.first_day + timedelta(days=script.days * 3 // 4)


async def prepared(data: Path, first_port: int) -> Sequence[SandboxNode]:
    """The nodes of a sandbox in this folder; made, if there is none yet.

    Raises ConfigurationError: the folder is of something else, or no ports are free.
    """
    space = data / "space"
    if not (space / _NOTE).exists():
        making = data / "making"
        shutil.rmtree(making, ignore_errors=True)  # of a start that was broken off
        making.mkdir(mode=0o700, parents=True)
        await _make(making, read_cast(), _free_ports(first_port))
        making.rename(space)
    kept = json.loads((space / _NOTE).read_text())
    return [
        SandboxNode(
            each["place"],
            space / "nodes" / each["place"],
            each["peer_port"],
            each["officer_port"],
            each["key"],
        )
        for each in kept["nodes"]
    ]


async def _make(folder: Path, cast: Cast, ports: Iterator[int]) -> None:
    vocabulary, at = cases(), now()
    who = [_identity(folder / "nodes" / each.place, each, at) for each in cast.members]
    peer_ports = [next(ports) for _ in who]
    terms = _terms(cast, who, peer_ports, vocabulary, at)
    file, framework = _space_file(terms, who, at), _framework(cast, at)
    lists = {each.name: each.rows for each in made_up(vocabulary).lists}
    noted = []
    for member, identity, peer_port in zip(cast.members, who, peer_ports, strict=True):
        for name, content in framework.items():
            write_private(identity.folder / name, content)
        officer_port = next(ports)
        settings = _settings(identity.folder, officer_port)
        key = await _furnished(settings, identity, file, lists.get(member.list or ""))
        noted.append(
            {
                "place": member.place,
                "peer_port": peer_port,
                "officer_port": officer_port,
                "key": key,
            }
        )
    write_private(folder / _NOTE, json.dumps({"nodes": noted}, indent=1))


def _settings(folder: Path, officer_port: int) -> NodeSettings:
    return read_node_settings(
        folder=folder, host=LOOPBACK, officer_port=officer_port, compute_host=LOOPBACK
    )


def _identity(folder: Path, member: Member, at: datetime) -> Identity:
    return create_identity(
        folder,
        did=member.did,
        name=member.name,
        role=member.role,
        environment=Environment.SANDBOX,
        at=at,
    )


def _terms(
    cast: Cast,
    who: Sequence[Identity],
    ports: Sequence[int],
    vocabulary: Vocabulary,
    at: datetime,
) -> Terms:
    participants = tuple(
        identity.participant(
            LOOPBACK,
            port,
            holds_data=member.list is not None,
            computes=member.list is not None,
            no_linkage=member.no_linkage,
        )
        for member, identity, port in zip(cast.members, who, ports, strict=True)
    )
    return Terms(
        id=f"urn:uuid:{uuid4()}",
        environment=Environment.SANDBOX,
        title=cast.title,
        assigner=who[0].did,
        framework=cast.authority,
        vocabulary=vocabulary.digest(),
        operations=frozenset(catalogue()),
        purposes=frozenset(cast.purposes),
        participants=participants,
        starts=at - timedelta(minutes=1),
        ends=at + timedelta(days=cast.days),
    )


def _space_file(terms: Terms, who: Sequence[Identity], at: datetime) -> dict[str, Any]:
    """The terms, signed by each with its own key."""
    agreement = Agreement(terms, State.OFFERED)
    for each in who:
        agreement = sign_terms(agreement, each.signer, each.did, at)
    return {
        "terms": terms.document(),
        "certificates": {each.did: each.certificate for each in who},
        "proofs": list(agreement.proofs),
    }


def _framework(cast: Cast, at: datetime) -> Mapping[str, str]:
    members = [(e.did, e.role, e.name) for e in cast.members if e.list is not None]
    return trial_framework(cast.authority, members, at)


async def _furnished(
    settings: NodeSettings,
    identity: Identity,
    space_file: Mapping[str, Any],
    rows: Sequence[CaseRow] | None,
) -> str:
    """Let a node take in the agreement and its cases; its officer's key."""
    clock = SystemClock()
    async with opened_books(settings, identity, clock) as books:
        await books.agreements.adopt(space_file)
        if rows is not None:
            node = Node(books, outside_of(books, clock))
            await node.cases.load()
            await node.import_cases(*_gathered(rows, node.outside.vocabulary))
        key = await create_officer(books.database, frozenset(OfficerDuty), now())
    return key.reveal()


def _gathered(rows: Sequence[CaseRow], vocabulary: Vocabulary) -> tuple[Any, str]:
    written = io.BytesIO()
    write_csv(
        rows, [name for name in vocabulary.columns if any(name in r for r in rows)], written
    )
    written.seek(0)
    return gather_file("cases.csv", written, vocabulary), "0" * 64


def _free_ports(first: int) -> Iterator[int]:
    """Free ports behind the console's. Raises ConfigurationError when there are none near."""
    for port in range(first + 1, first + _FURTHEST):
        if _is_free(port):
            yield port
    raise ConfigurationError("There are too few free ports; choose another --port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


# --- running ------------------------------------------------------------------------------


@asynccontextmanager
async def running_nodes(data: Path, first_port: int) -> AsyncIterator[Sequence[SandboxNode]]:
    """Every node of the sandbox runs inside this block; none is left behind after it.

    Raises ConfigurationError (a port is taken, or a sandbox runs already), Unavailable.
    """
    with only_one(data, _RUNS):
        nodes = await prepared(data, first_port)
        taken = [p for n in nodes for p in (n.peer_port, n.officer_port) if not _is_free(p)]
        if taken:
            raise ConfigurationError(
                f"Port {taken[0]} belongs to this sandbox and is in use by another program. "
                "Stop that, or make another sandbox with --data and --port."
            )
        family = [Child(_spec(each, data / "log")) for each in nodes]
        try:
            for child in family:
                await child.start()
            await asyncio.gather(*(child.wait_ready() for child in family))
            yield nodes
        finally:
            await asyncio.gather(*(child.stop() for child in family))


def _spec(node: SandboxNode, logs: Path) -> ChildSpec:
    async def ready() -> bool:
        address = node.address
        headers = {"Authorization": f"Bearer {address.key}"}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                answer = await client.get(f"{address.url}/api/node", headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success

    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
    own = {
        "HAVEN_NODE_FOLDER": str(node.folder.resolve()),
        "HAVEN_NODE_HOST": LOOPBACK,
        "HAVEN_NODE_OFFICER_PORT": str(node.officer_port),
        "HAVEN_NODE_COMPUTE_HOST": LOOPBACK,
    }
    return ChildSpec(
        name=node.place,
        command=(sys.executable, "-m", "controllers.dataspace.serving"),
        environment=kept | own,
        log_file=logs / f"{node.place}.log",
        ready=ready,
        stop_seconds=5,
    )
