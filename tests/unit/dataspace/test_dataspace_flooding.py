"""A peer that says too much: it must not keep a node, or the others, from working."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controllers.dataspace.catching_up import CatchingUp
from controllers.dataspace.envelopes import Envelope, fresh_id, open_envelope, seal_envelope
from controllers.dataspace.peers import MOST_MESSAGE
from core.canonical import canonicalize, decode_multibase, encode_multibase
from core.errors import InvalidInput, VerificationError
from dataspace.agreeing.signatures import proof_of, sign
from dataspace.planning.plan import Plan, read_plan
from dataspace.planning.statements import Approval, fresh_tag
from dataspace.vocabulary.model import cases
from tests.support.space import identities, running_space, terms_of

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
            await node.books.keeping.add_plan(
                plan.digest, plan.agreement, signed, {"refused": None}, now
            )
        late = space.nodes[2]
        catching = CatchingUp(late.books.agreements, late.books.keeping, late.plans, late.peers)
        before = len(await late.plans.all())
        answer = await late.peers.ask(
            space.terms.participants[1],
            "plans-missed",
            {"plans": [], "decisions": []},
            seconds=20,
        )
        assert 0 < len(answer["plans"]) < 60
        await catching._take({"plans": answer["plans"][:1], "decisions": []})
        assert len(await late.plans.all()) == before + 1

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
