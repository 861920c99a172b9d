"""A node that shows one log to some peers and another one to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controllers.dataspace.comparing import SINCE
from controllers.dataspace.node import Node
from controllers.dataspace.runs import OPEN, RunState
from core.canonical import Json
from core.errors import Conflict, HavenError, NotFound, VerificationError
from dataspace.agreeing.agreement import Participant
from dataspace.agreeing.signatures import read, sign
from dataspace.planning.statements import RunRequest, fresh_tag, sign_request
from dataspace.recording.heads import entries_of, require_one_face, sign_head
from dataspace.recording.log import Kind, LogEntry
from tests.support.space import Space, running_space


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path, seconds=5.0, cases_each=30) as running:
        yield running


class TwoFaces:
    """A node with its software changed: it signs a second log, in which the entries after a
    number have other times, and shows it to one of its peers."""

    def __init__(self, node: Node, deceived: Node) -> None:
        self.node, self.deceived = node, deceived.books.identity.did
        self.from_number = 0

    async def begin(self, *, after: int | None = None) -> None:
        """From the next entry on, or after a number."""
        entries = await self.node.books.journal.entries()
        self.from_number = len(entries) if after is None else after
        self.node.peers.on(SINCE, self.since)

    async def second(self) -> Sequence[Json]:
        """The other face: as long as the first, each entry rightly signed."""
        identity, documents = self.node.books.identity, list[Json]()
        for real in await self.node.books.journal.entries():
            entry = read(LogEntry, real)
            if entry.number > self.from_number:
                previous = read(LogEntry, documents[-1]).digest if documents else "none"
                at = entry.at + timedelta(milliseconds=1)
                entry = entry.model_copy(update={"previous": previous, "at": at})
                real = sign(entry, identity.signer, identity.did, at)  # noqa: PLW2901
            documents.append(real)
        return documents

    async def since(self, sender: Participant, body: Json) -> Json:
        if sender.did != self.deceived:
            return await self.node.comparing._on_since(sender, body)
        after, documents = body["after"], await self.second()
        last = read(LogEntry, documents[-1])
        identity, now = self.node.books.identity, self.node.outside.clock.now()
        return {
            "at": documents[after - 1] if after else None,
            "entries": documents[after:],
            "head": sign_head((last.number, last.digest), identity.signer, identity.did, now),
        }


async def released(space: Space, tag: str) -> None:
    for node in space.nodes:
        run = await node.books.runs.run(tag)
        assert [run.state, run.failure] == [RunState.RELEASED, None]


async def forked_everywhere(space: Space, tag: str, nodes: Sequence[Node]) -> None:
    """It has failed with this code, and nobody sees a result."""
    for node in nodes:
        until = asyncio.get_running_loop().time() + 15
        while (run := await node.books.runs.run(tag)).state in OPEN:
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.02)
        assert [run.state, run.failure] == [RunState.FAILED, "log-forked"]
        with pytest.raises(NotFound):
            await node.books.runs.result(tag)


@pytest.mark.parametrize("from_the_first", [True, False])
async def test_a_log_with_two_faces_releases_nothing(
    space: Space, from_the_first: bool
) -> None:
    digest = await space.approved(space.draft())
    if not from_the_first:  # what was shown before stays as it was
        await released(space, await space.run(digest))
    await TwoFaces(space.nodes[2], space.nodes[1]).begin(after=0 if from_the_first else None)
    tag = await space.run(digest)
    await forked_everywhere(space, tag, space.nodes)


async def test_a_log_is_read_to_where_it_has_to_reach(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer holds so many entries, and a node may write more than that during a run."""
    for node in space.nodes:
        monkeypatch.setattr(node.books.journal, "entries", _one_at_a_time(node))
    digest = await space.approved(space.draft())
    await released(space, await space.run(digest))


def _one_at_a_time(node: Node) -> Any:
    every = node.books.journal.entries

    async def entries(after: int = 0) -> Sequence[Json]:
        return (await every(after))[:1]

    return entries


async def test_a_second_face_that_comes_between_the_entries_of_a_run(space: Space) -> None:
    """What stood before is the same, and the run's first entry too."""
    digest = await space.approved(space.draft())
    faces, go = TwoFaces(space.nodes[2], space.nodes[1]), space.nodes[2].partaking.steps
    faces.node.peers.on("run-go", _then(go["run-go"], faces))
    tag = await space.run(digest)
    await forked_everywhere(space, tag, space.nodes)


def _then(step: Any, faces: TwoFaces) -> Any:
    async def handler(sender: Participant, body: Json) -> Json:
        await faces.begin()
        answer: Json = await step(sender, body)
        return answer

    return handler


async def test_a_log_that_an_officer_looks_at_in_the_middle_of_a_run(space: Space) -> None:
    """A head that is newer than the run's entries is no other face."""
    digest = await space.approved(space.draft())
    node = space.nodes[1]
    compare = node.partaking.steps["run-compare"]

    async def looking(sender: Participant, body: Json) -> Json:
        more = {"number": 1, "rows_at_least": 1, "file": "0" * 64}
        await space.nodes[2].books.journal.append(Kind.IMPORT, **more)
        assert all(each.agrees for each in await node.comparing.look_at_all())
        answer: Json = await compare(sender, body)
        return answer

    node.peers.on("run-compare", looking)
    for _ in range(2):
        await released(space, await space.run(digest))


# --- who leads has two faces ----------------------------------------------------------------


class Leader:
    """It leads by itself, and tells one node of the entries of its other face."""

    def __init__(self, space: Space, digest: str) -> None:
        self.node, self.others = space.nodes[0], space.nodes[1:]
        self.digest, self.tag = digest, fresh_tag()
        self.faces = TwoFaces(self.node, space.nodes[1])

    async def each(self, kind: str, whole: Json, other: Json | None = None) -> dict[str, Json]:
        """One step at every node; the one that is deceived gets another message."""
        peers, me = self.node.peers, self.node.books.agreements.own
        bodies = {
            each.did: other if other and each.did == self.faces.deceived else whole
            for each in peers.others
        }
        asked = await asyncio.gather(
            self.node.partaking.steps[kind](me, whole),
            *(peers.ask(each, kind, bodies[each.did], seconds=20) for each in peers.others),
        )
        return dict(zip((me.did, *bodies), asked, strict=True))

    async def agreed(self) -> dict[str, Any]:
        """As far as what all have signed that they agree on."""
        now, signer = self.node.outside.clock.now(), self.node.books.identity.analyst
        request = RunRequest(plan=self.digest, tag=self.tag, number=1, at=now)
        begin = {
            "run": self.tag,
            "plan": (await self.node.plans.kept(self.digest)).document,
            "decisions": [],
            "request": sign_request(request, signer, now),
        }
        readies = _all(await self.each("run-begin", begin), "ready")
        go = await self.each("run-go", {"run": self.tag, "readies": readies})
        said = {"run": self.tag, "computed": _all(go, "computed")}
        entries = {d: a["entries"] for d, a in (await self.each("run-conclude", said)).items()}
        second = entries_of(self.tag, await self.faces.second())
        deceiving = entries | {self.node.books.identity.did: second}
        asked = await self.each(
            "run-compare",
            {"run": self.tag, "entries": entries},
            {"run": self.tag, "entries": deceiving},
        )
        return {
            "run": self.tag,
            "agreed": _all(asked, "agreed"),
            "reports": _all(asked, "report"),
        }


def _all(answers: dict[str, Json], name: str) -> list[Any]:
    return [answer[name] for answer in answers.values()]


async def test_each_node_sees_what_a_leader_with_two_faces_told_the_others(
    space: Space,
) -> None:
    """Every comparison is clean by itself; what they signed is not the same."""
    digest = await space.approved(space.draft())
    leader = Leader(space, digest)
    await leader.faces.begin()
    whole = await leader.agreed()
    for member in leader.node.peers.others:
        with pytest.raises(HavenError) as refused:
            await leader.node.peers.ask(member, "run-release", whole, seconds=20)
        assert refused.value.code == "log-forked"
    await forked_everywhere(space, leader.tag, leader.others)


async def test_what_a_node_saw_cannot_be_said_in_its_name(space: Space) -> None:
    """A leader cannot bring what was signed into line."""
    digest = await space.approved(space.draft())
    leader = Leader(space, digest)
    await leader.faces.begin()
    whole = await leader.agreed()
    logs = whole["agreed"][0]["logs"]
    alike = {**whole, "agreed": [{**each, "logs": logs} for each in whole["agreed"]]}
    me = leader.node.books.agreements.own
    for node in leader.others:
        with pytest.raises(HavenError):
            await node.partaking.release(me, alike)
        with pytest.raises(Conflict):  # it has ended there
            await node.partaking.release(me, whole)
        with pytest.raises(NotFound):
            await node.books.runs.result(leader.tag)


def test_all_have_to_be_told_of_the_same_entries() -> None:
    told = {"did:web:a.example": "zOne", "did:web:b.example": "zTwo"}
    require_one_face([told, dict(told)])
    for other in (told | {"did:web:b.example": "zOther"}, {"did:web:a.example": "zOne"}):
        with pytest.raises(VerificationError) as caught:
            require_one_face([told, told, other])
        assert caught.value.code == "log-forked"
