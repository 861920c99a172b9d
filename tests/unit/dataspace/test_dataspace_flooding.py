"""A peer that says too much: it must not keep a node, or the others, from working."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from controllers.dataspace.catching_up import CatchingUp, fair
from controllers.dataspace.envelopes import Envelope, fresh_id, open_envelope, seal_envelope
from controllers.dataspace.judging import plan_in
from controllers.dataspace.node import Node
from controllers.dataspace.peers import MOST_MESSAGE
from controllers.dataspace.runs import RunState
from controllers.store.models import DataspacePlan
from core.canonical import Json, canonicalize, decode_multibase, encode_multibase
from core.errors import Conflict, HavenError, InvalidInput, VerificationError
from dataspace.agreeing.agreement import Limits
from dataspace.agreeing.signatures import proof_of, sign
from dataspace.planning.plan import Plan, read_plan
from dataspace.planning.statements import Approval, Duty, fresh_tag
from dataspace.vocabulary.model import cases
from tests.support.space import identities, running_space, terms_of
from tests.support.waiting import until

MOST_SECONDS = 1.0


def test_a_signature_as_long_as_a_message_costs_no_time(tmp_path: Path) -> None:
    """Base 58 takes the square of its length: a megabyte of it would take minutes."""
    who = identities(tmp_path, 3)
    terms, now = terms_of(who, cases()), datetime.now(UTC)
    me, sender = terms.participants[:2]
    envelope = Envelope(
        kind="echo",
        id=fresh_id(),
        sender=sender.did,
        to=me.did,
        agreement=terms.digest,
        at=now,
        body={},
    )
    document = seal_envelope(envelope, who[1])
    document["proof"]["proofValue"] = "z" + "2" * 1_000_000
    data = canonicalize(document, step="test")
    before = time.perf_counter()
    with pytest.raises(VerificationError) as refused:
        open_envelope(data, sender=sender, to=me.did, agreement=terms.digest, now=now)
    assert refused.value.step == "proof"
    assert time.perf_counter() - before < MOST_SECONDS


def test_what_is_a_key_or_a_signature_is_read_as_before() -> None:
    for size in (32, 34, 64, 128):
        assert decode_multibase(encode_multibase(b"\x05" * size)) == b"\x05" * size
    with pytest.raises(ValueError, match="longer"):
        decode_multibase("z" + "2" * 512)


def test_a_plan_of_a_megabyte_is_none(tmp_path: Path) -> None:
    plan = long_plan("did:web:org0.example", "zAgreement")
    document = plan.document()
    assert read_plan(document) == plan
    document["options"]["of"] = ["x" * 99] * 10_000
    with pytest.raises(InvalidInput) as refused:
        read_plan(document)
    assert refused.value.code == "plan-form"


def long_plan(asker: str, agreement: str, title: str = "Long") -> Plan:
    """A plan nearly as long as it may be."""
    return Plan(
        operation="counts",
        title=title,
        agreement=agreement,
        asker=asker,
        analyst="z" + "6" * 47,
        purpose="prevalence",
        options={"of": ("x" * 60_000,)},
        receivers=(asker,),
        expires=datetime.now(UTC) + timedelta(days=1),
    )


def catching_up_of(node: Node) -> CatchingUp:
    books = node.books
    return CatchingUp(
        books.agreements, books.keeping, node.plans, node.peers, node.outside.clock
    )


async def titles_at(node: Node) -> list[str]:
    """Of every plan that a node keeps."""
    rows = await node.books.database.rows(select(DataspacePlan.document))
    return [json.loads(row.document)["title"] for row in rows]


def signed_plan(node: Node, agreement: str, title: str) -> Json:
    me = node.books.identity
    plan = long_plan(me.did, agreement, title)
    proof = proof_of(plan.digest, me.signer, me.did, datetime.now(UTC))
    return {**plan.document(), "proof": proof}


async def test_one_asker_cannot_fill_a_node_with_plans(tmp_path: Path) -> None:
    limits = Limits(least_list=2, most_plans=4)
    async with running_space(tmp_path, cases_each=10, limits=limits) as space:
        asker, other, node = space.nodes[0], space.nodes[1], space.nodes[2]
        terms = space.terms.digest
        flood = [signed_plan(asker, terms, f"Flood {number}") for number in range(9)]
        catching = catching_up_of(node)
        wanted = signed_plan(other, terms, "Wanted")
        await catching._take({"plans": [*flood, wanted], "decisions": []})
        kept = await titles_at(node)
        assert sorted(kept) == ["Flood 0", "Flood 1", "Flood 2", "Flood 3", "Wanted"]
        await node.plans.take_plan(flood[0])  # one that is there is no new one
        with pytest.raises(Conflict) as refused:
            await node.plans.take_plan(flood[5])
        assert refused.value.code == "plans-many"

        entries = len(await asker.books.journal.entries())
        for number in range(4):
            await asker.plans.propose(space.draft(title=f"Own {number}"))
        with pytest.raises(Conflict) as refused:
            await asker.plans.propose(space.draft(title="One more"))
        assert refused.value.code == "plans-many"
        assert len(await asker.books.journal.entries()) == entries + 4


async def test_many_at_once_are_counted_one_after_the_other(tmp_path: Path) -> None:
    limits = Limits(least_list=2, most_plans=4)
    async with running_space(tmp_path, cases_each=30, limits=limits) as space:
        asker, node = space.nodes[0], space.nodes[2]
        flood = [signed_plan(asker, space.terms.digest, f"Flood {each}") for each in range(30)]
        taken = (node.plans.take_plan(each) for each in flood)
        refused = await asyncio.gather(*taken, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in refused) == 26
        assert len(await titles_at(node)) == 4
        plan = plan_in(flood[0])
        told = [approval(asker, plan) for _ in range(90)]
        taken = (node.plans.take_decision(each) for each in told)
        refused = await asyncio.gather(*taken, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in refused) == 30
        assert len(await node.plans.decisions(plan.digest)) == 60


def approval(node: Node, plan: Plan) -> Json:
    me, now = node.books.identity, datetime.now(UTC)
    until = now + timedelta(days=1)
    said = Approval(
        plan=plan.digest, organisation=me.did, made=now, until=until, nonce=fresh_tag()
    )
    return sign(said, me.signer, me.did, now)


def test_who_floods_crowds_nobody_out_of_what_is_told() -> None:
    known = {f"a{n}": "did:web:a" for n in range(1_000)} | {"b": "did:web:b", "c": "did:web:c"}
    drawn = fair(known, 200)
    assert len(drawn) == 200 == len(set(drawn))
    assert {"b", "c"} <= set(drawn)
    assert drawn != fair(known, 200)  # other ones each time
    assert sorted(fair(known, 5_000)) == sorted(known)


async def test_an_answer_that_nobody_foresaw_does_not_end_catching_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_space(tmp_path, cases_each=10) as space:
        node, asked = space.nodes[2], list[int]()
        catching = catching_up_of(node)
        monkeypatch.setattr("controllers.dataspace.catching_up.EVERY_SECONDS", 0.01)

        async def broken() -> None:
            asked.append(1)
            raise OverflowError("not foreseen")

        monkeypatch.setattr(catching, "catch_up", broken)
        catching.start()
        await until(lambda: asyncio.sleep(0, len(asked) > 2))
        await catching.stop()


async def test_one_organisation_cannot_fill_what_a_run_begins_with(tmp_path: Path) -> None:
    """And it can always withdraw what it approved."""
    async with running_space(tmp_path, cases_each=30) as space:
        digest = await space.approved(space.draft())
        node, (duty, *_) = space.nodes[1], (Duty.DATA,)
        own = [each for each in await node.plans.decisions(digest) if by(node, each)]
        for _ in range(60 - len(own)):
            await node.plans.approve(digest, duty, 1)
        entries = len(await node.books.journal.entries())
        with pytest.raises(Conflict) as refused:
            await node.plans.approve(digest, duty, 1)
        assert refused.value.code == "decisions-many"
        assert len(await node.books.journal.entries()) == entries  # it did not say so, either
        at = space.nodes[0]
        tag = await space.run(digest)
        assert (await at.books.runs.run(tag)).state is RunState.RELEASED
        await node.plans.withdraw(digest)
        with pytest.raises(HavenError):
            await space.run(digest)


def by(node: Node, document: Json) -> bool:
    return bool(document["organisation"] == node.books.identity.did)


async def test_what_a_peer_floods_a_node_with_does_not_keep_others_from_catching_up(
    tmp_path: Path,
) -> None:
    """Many long plans are told in parts: one answer with all of them would be thrown away."""
    async with running_space(tmp_path, seconds=20.0, cases_each=10) as space:
        asker, node = space.nodes[0].books, space.nodes[1]
        me, now = asker.identity, datetime.now(UTC)
        for number in range(MOST_MESSAGE // 60_000 + 10):
            plan = long_plan(me.did, space.terms.digest, f"Long {number}")
            signed = {**plan.document(), "proof": proof_of(plan.digest, me.signer, me.did, now)}
            await node.books.keeping.add_plan(plan, signed, {"refused": None}, now)
        late = space.nodes[2]
        catching = catching_up_of(late)
        before = len(await titles_at(late))
        answer = await late.peers.ask(
            space.terms.participants[1],
            "plans-missed",
            {"plans": [], "decisions": []},
            seconds=20,
        )
        assert 0 < len(answer["plans"]) < 60
        await catching._take({"plans": answer["plans"][:1], "decisions": []})
        assert len(await titles_at(late)) == before + 1

        evaluator = space.nodes[-1].books.identity
        said = Approval(
            plan=plan.digest,
            organisation=evaluator.did,
            made=now,
            until=now + timedelta(days=1),
            nonce=fresh_tag(),
        )
        document = sign(said, evaluator.signer, evaluator.did, now)
        with pytest.raises(VerificationError) as refused:
            await node.plans.take_decision(document)
        assert refused.value.step == "holder"
        assert await node.plans.decisions(plan.digest) == []
