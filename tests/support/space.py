"""A data space for tests: several nodes and an evaluator in this process, over real TLS.

    async with running_space(tmp_path, holders=3) as space:
        plan = await space.approved(space.draft())
        tag = await space.nodes[0].coordinating.start(plan)

Circuits are computed in the clear (tests/fakes/plain_circuits.py) unless `compute` says
otherwise. The framework is a small one, made and signed on the spot.
"""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from controllers.dataspace.framework import Rules, load_rules
from controllers.dataspace.identity import Identity, create_identity, load_identity
from controllers.dataspace.node import Node, Outside, opened_books, running_node
from controllers.dataspace.part import Compute
from controllers.dataspace.plans import Draft
from controllers.dataspace.settings import NodeSettings
from controllers.dataspace.sources import gather_file
from core.clock import SystemClock
from core.errors import Unavailable
from core.proof import SeedSigner
from dataspace.agreeing.agreement import Environment, Limits, Terms
from dataspace.agreeing.negotiating import Agreement, State, sign_terms
from dataspace.planning.statements import Duty
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import Vocabulary, cases
from governance.documents import new_framework, packaged_rules, serialise, with_participant
from governance.signing import sign, with_proof
from tests.fakes.plain_circuits import PlainComputing

AUTHORITY = "did:web:authority.example"
EVALUATOR = "evaluator"
ROLES = ("shelter", "shelter", "police", "labour-inspectorate", "shelter", *("shelter",) * 10)
_AUTHORITY_KEY = SeedSigner(b"\x07" * 32)


@dataclass
class Space:
    """The nodes that run, in the order of the terms; the evaluator is the last."""

    folder: Path
    terms: Terms
    nodes: list[Node]
    outside: Outside
    settings: list[NodeSettings] = field(default_factory=list)

    def node(self, name: str) -> Node:
        return next(each for each in self.nodes if each.books.identity.name == name)

    @property
    def holders(self) -> list[Node]:
        return [each for each in self.nodes if each.books.agreements.own.holds_data]

    def draft(self, **changed: Any) -> Draft:
        """A count that the built-in vocabulary allows."""
        usual: dict[str, Any] = {
            "operation": "counts",
            "title": "Cases by gender",
            "purpose": "prevalence",
            "groups": [{"column": "gender"}],
            "runs": 5,
        }
        return Draft(**usual | changed)

    async def approved(self, draft: Draft, by: int = 0, *, days: int = 3) -> str:
        """A plan that a node asked and every holder approved; its digest."""
        plan = await self.nodes[by].plans.propose(draft)
        for node in self.holders:
            for duty in node.plans.duties(plan):
                await node.plans.approve(plan.digest, Duty(duty), days)
        return plan.digest

    async def run(self, digest: str, by: int = 0) -> str:
        """Run a plan to its end, either way; its tag."""
        node = self.nodes[by]
        tag = await node.coordinating.start(digest)
        await node.coordinating.finished(tag)
        return tag


def made_up(count: int, seed: int = 1, *, family: int | None = None) -> bytes:
    """A file of cases in the vocabulary's own names and codes; with a family of their own the
    people of two files are others, else the first are the same."""
    drawn, family = random.Random(seed), seed if family is None else family
    header = "case_reference,given_name,family_name,birth_date,gender,registered_on"
    lines = [header]
    for at in range(count):
        day = f"{1970 + at % 30}-{1 + at % 12:02}-15"
        lines.append(
            f"C{seed}-{at},Given{at},Family{family},{day},"
            f"{drawn.choice(('feminine', 'masculine'))},2025-{1 + drawn.randrange(12):02}-10"
        )
    return "\n".join(lines).encode()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 500):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise Unavailable("There are no free ports on this machine")


def framework(dids: Mapping[str, str], at: datetime) -> bytes:
    """A framework in which these organisations have these roles, signed by its authority."""
    document = new_framework(packaged_rules(), AUTHORITY, at)
    for did, role in dids.items():
        document = with_participant(document, did=did, role=role, name=did, at=at)
    method = f"{AUTHORITY}#{_AUTHORITY_KEY.multikey}"
    proof = sign(document, _AUTHORITY_KEY, method=method, created=at)
    return serialise(with_proof(document, proof))


def authority_document(_did: str) -> dict[str, Any]:
    """The DID document of the framework's authority."""
    method = {
        "id": f"{AUTHORITY}#{_AUTHORITY_KEY.multikey}",
        "type": "Multikey",
        "controller": AUTHORITY,
        "publicKeyMultibase": _AUTHORITY_KEY.multikey,
    }
    return {"id": AUTHORITY, "assertionMethod": [method]}


def rules(folder: Path, dids: Mapping[str, str]) -> Rules:
    at = datetime.now(UTC) - timedelta(minutes=1)
    path = folder / "framework.json"
    path.write_bytes(framework(dids, at))
    return load_rules(path, AUTHORITY, authority_document, now=datetime.now(UTC))


def identities(
    folder: Path,
    holders: int,
    environment: Environment = Environment.SANDBOX,
    *,
    roles: Sequence[str] = ROLES,
) -> list[Identity]:
    """New nodes' folders: so many organisations, and an evaluator."""
    names = [*(f"org{number}" for number in range(holders)), EVALUATOR]
    now = datetime.now(UTC)
    return [
        create_identity(
            folder / name,
            did=f"did:web:{name}.example",
            name=name,
            role=EVALUATOR if name == EVALUATOR else roles[number],
            environment=environment,
            at=now,
        )
        for number, name in enumerate(names)
    ]


def terms_of(
    who: Sequence[Identity], vocabulary: Vocabulary, *, computes: int = 7, **changed: Any
) -> Terms:
    """Terms that name these nodes on loopback; the last one is the evaluator."""
    now = datetime.now(UTC)
    last = len(who) - 1
    participants = tuple(
        each.participant(
            "127.0.0.1", port, holds_data=at < last, computes=at < min(last, computes)
        )
        for at, (each, port) in enumerate(zip(who, free_ports(len(who)), strict=True))
    )
    usual: dict[str, Any] = {
        "id": f"urn:uuid:{uuid4()}",
        "environment": who[0].environment,
        "title": "A space for tests",
        "assigner": who[0].did,
        "framework": AUTHORITY,
        "vocabulary": vocabulary.digest(),
        "operations": frozenset(catalogue()),
        "purposes": frozenset({"prevalence", "prevention"}),
        "limits": Limits(least_list=2),
        "participants": participants,
        "starts": now - timedelta(days=1),
        "ends": now + timedelta(days=30),
    }
    return Terms(**usual | changed)


def space_file(terms: Terms, who: Sequence[Identity]) -> dict[str, Any]:
    """The terms signed by all, with everybody's certificate."""
    agreement = Agreement(terms, State.OFFERED)
    for each in who:
        agreement = sign_terms(agreement, each.signer, each.did, datetime.now(UTC))
    return {
        "terms": terms.document(),
        "certificates": {each.did: each.certificate for each in who},
        "proofs": list(agreement.proofs),
    }


@asynccontextmanager
async def running_space(
    folder: Path,
    *,
    holders: int = 3,
    computes: int = 7,
    cases_each: int = 60,
    compute: Compute | None = None,
    seconds: float = 5.0,
    database_url: str | None = None,
    overlap: bool = False,
    roles: Sequence[str] = ROLES,
    **changed: Any,
) -> AsyncIterator[Space]:
    """So many organisations and an evaluator that have agreed and imported their cases."""
    who, vocabulary = identities(folder, holders, roles=roles), cases()
    outside = Outside(
        rules=rules(folder, {each.did: each.role for each in who[:-1]}),
        questions=catalogue(),
        vocabulary=vocabulary,
        clock=SystemClock(),
        compute=compute or PlainComputing().compute,
    )
    terms = terms_of(who, vocabulary, computes=computes, **changed)
    file = space_file(terms, who)
    async with AsyncExitStack() as stack:
        space = Space(folder, terms, [], outside)
        for at, identity in enumerate(who):
            settings = settings_of(identity.folder, seconds)
            if at == 0 and database_url is not None:
                settings = settings.model_copy(update={"database_url": database_url})
            async with opened_books(settings, identity, outside.clock) as books:
                await books.agreements.adopt(file)
            known = load_identity(identity.folder)
            books = await stack.enter_async_context(
                opened_books(settings, known, outside.clock)
            )
            node = await stack.enter_async_context(running_node(books, outside))
            space.nodes.append(node)
            space.settings.append(settings)
        for number, node in enumerate(space.holders):
            more = 10 * number  # lists of different lengths
            family = 0 if overlap else None
            await import_made_up(node, cases_each + more, number + 1, family=family)
        yield space


def settings_of(folder: Path, seconds: float = 5.0) -> NodeSettings:
    """A node on loopback that waits no longer than a test does."""
    return NodeSettings(
        folder=folder,
        host="127.0.0.1",
        officer_port=0,
        compute_host="127.0.0.1",
        answer_seconds=seconds,
        compute_seconds=seconds,
    )


async def import_made_up(
    node: Node, count: int, seed: int, *, family: int | None = None
) -> None:
    """Replace a node's cases by made-up ones."""
    gathered = gather_file(
        "cases.csv", BytesIO(made_up(count, seed, family=family)), node.outside.vocabulary
    )
    await node.import_cases(gathered, "0" * 64)
