"""One contract for the agents in memory and the real ones (core/ports.py).

What stands here may be relied on by everything that is tested on the fakes alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from agent.keys import raw_wallet_key
from agent.organisations import attached_request
from agent.proof_format import from_proof_request, issuer_of
from controllers.registry.logs import did_document
from core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    SessionClosed,
    VerificationError,
)
from core.jwt import key_id, verify_jwt
from core.ports import (
    Answer,
    AnswerState,
    Awaited,
    Document,
    OfferState,
    OfferStatus,
    RevocationStatus,
    TenantRef,
)
from core.presentation import CredentialAsk, PresentationAsk, ShownCredential
from core.proof import assertion_key, verify_proof_over
from core.secret import Secret
from governance.signing import digest_of
from tests.adapters.ports.world import (
    PURPOSE,
    REFERENCE,
    VALUES,
    Agents,
    Asked,
    Held,
    Holder,
    Linked,
    World,
)
from tests.support.waiting import until


@pytest.fixture(scope="session")
async def held(world: World) -> Held:
    """A holder with one credential that no test revokes or deletes."""
    return await world.issue()


async def received(world: World, asked: Asked) -> Answer:
    """The answer to a request, once there is one."""
    return await until(
        lambda: world.org.answer(world.verifier, asked.exchange_id),
        lambda answer: answer.state is AnswerState.RECEIVED,
    )


async def abandoned(world: World, asked: Asked) -> Answer:
    return await until(
        lambda: world.org.answer(world.verifier, asked.exchange_id),
        lambda answer: answer.state is AnswerState.ABANDONED,
    )


async def shown_by(world: World, held: Held) -> tuple[ShownCredential, bool]:
    """What a holder shows now, and whether it verifies."""
    asked = await world.request()
    await world.present(asked, held.holder, {"eligibility": held.credential.credential_id})
    await received(world, asked)
    verified = await world.org.verify(world.verifier, asked.exchange_id)
    assert verified.answer.shown
    return verified.answer.shown.credentials[0], verified.holds


async def latest(world: World, registry_id: str) -> RevocationStatus:
    return await world.org.latest_list(world.verifier, registry_id, datetime.now(UTC))


# --- tenants ------------------------------------------------------------------------------


async def test_a_tenant_has_one_identity(world: World, names: Callable[[], str]) -> None:
    tenant, name = await world.org.create_tenant("House"), names()
    made = await world.org.create_identity(tenant, name)
    assert made.did.startswith("did:webvh:")
    assert made.did.endswith(f":{name}")
    assert made.verification_method.startswith(f"{made.did}#")
    assert await world.org.create_identity(tenant, name) == made
    assert await world.org.create_identity(tenant, names()) == made


@pytest.mark.parametrize("path", ["", "short", "../../etc", "Spoken-Name", "a" * 65])
async def test_an_identity_has_an_opaque_name(world: World, path: str) -> None:
    tenant = await world.org.create_tenant("House")
    with pytest.raises(InvalidInput):
        await world.org.create_identity(tenant, path)


async def test_only_the_tenants_own_token_speaks_for_it(world: World) -> None:
    for wrong in (TenantRef(str(uuid4()), 1), replace(world.issuer, issued_at=1)):
        with pytest.raises(Forbidden):
            await world.org.sign(wrong, {"a": 1})


async def test_what_is_published_is_published_under_the_identity(world: World) -> None:
    assert issuer_of(world.schema_id) == world.identity.did
    assert issuer_of(world.definition_id) == world.identity.did


async def test_a_schema_is_published_once(world: World) -> None:
    did = world.identity.did
    with pytest.raises(Conflict):
        await world.org.publish_schema(world.issuer, did, "eligibility", "1.0", ["other"])


async def test_agents_say_that_they_are_ready(world: World) -> None:
    assert await world.org.ready()


# --- statements ---------------------------------------------------------------------------


async def test_a_statement_is_signed_by_its_issuer(world: World, held: Held) -> None:
    signed = await world.org.sign(world.issuer, {"type": "Test", "issuer": "somebody else"})
    assert signed["issuer"] == world.identity.did
    assert await world.wallets.verify_statement(held.holder.token, signed) == signed["issuer"]
    token = world.org.token(world.verifier)
    assert await world.org.verify_statement(token, signed) == signed["issuer"]


def _without(name: str) -> Callable[[Document], Document]:
    return lambda signed: {key: value for key, value in signed.items() if key != name}


@pytest.mark.parametrize(
    "alter",
    [
        lambda signed: {**signed, "amount": 2},
        lambda signed: {**signed, "more": True},
        lambda signed: {**signed, "issuer": "did:webvh:nobody"},
        lambda signed: {**signed, "proof": {**signed["proof"], "proofValue": "z1"}},
        lambda signed: {**signed, "proof": {**signed["proof"], "expires": "2999-01-01"}},
        _without("amount"),
        _without("issuer"),
        _without("proof"),
    ],
    ids=["value", "added", "issuer", "signature", "proof", "removed", "no-issuer", "no-proof"],
)
async def test_an_altered_statement_is_refused(
    world: World, held: Held, alter: Callable[[Document], Document]
) -> None:
    signed = await world.org.sign(world.issuer, {"type": "Test", "amount": 1})
    with pytest.raises(VerificationError):
        await world.wallets.verify_statement(held.holder.token, alter(signed))


async def test_who_has_no_identity_signs_nothing(world: World) -> None:
    with pytest.raises(NotFound):
        await world.org.sign(world.verifier, {"type": "Test"})


async def test_a_framework_is_signed_with_the_key_of_the_identity(
    world: World, agents: Agents
) -> None:
    document: Document = {"sequence": 1, "signers": {}, "name": "ខ្មែរ"}
    proof = await world.org.sign_framework(world.issuer, document)
    known = await did_document(agents.logs, world.identity.did)
    hashed = bytes.fromhex(digest_of(document))
    assert verify_proof_over(hashed, proof, known) == world.identity.verification_method
    with pytest.raises(InvalidInput):
        await world.org.sign_framework(world.issuer, {"type": "HavenRequest"})


async def test_a_trust_list_is_signed_as_a_token_of_its_author(
    world: World, agents: Agents
) -> None:
    author = world.identity.did
    token = await world.org.sign_trust_list(world.issuer, {"format": "1.0", "author": author})
    key = assertion_key(await did_document(agents.logs, author), key_id(token))
    assert verify_jwt(token, key)["author"] == author
    for wrong in ({"format": "1.0", "author": "did:webvh:other"}, {"author": author}):
        with pytest.raises(InvalidInput):
            await world.org.sign_trust_list(world.issuer, wrong)


async def test_an_identity_announces_where_its_services_are(
    world: World, agents: Agents, names: Callable[[], str]
) -> None:
    tenant = await world.org.create_tenant("House")
    did = (await world.org.create_identity(tenant, names())).did
    service = {"id": "#here", "type": "Test", "serviceEndpoint": "https://here.example"}
    for _ in range(2):  # repeating it changes nothing
        await world.org.announce(tenant, [service])
    document = await did_document(agents.logs, did)
    assert document["service"] == [{**service, "id": f"{did}#here"}]
    await world.org.announce(tenant, [{**service, "type": "Moved"}])
    moved = await did_document(agents.logs, did)
    assert [each["type"] for each in moved["service"]] == ["Moved"]
    proof = await world.org.sign_framework(tenant, {"sequence": 1, "signers": {}})
    assert proof["verificationMethod"].startswith(f"{did}#")


async def test_a_statement_never_looks_like_something_published(world: World) -> None:
    with pytest.raises(InvalidInput):
        await world.org.sign(world.issuer, {"type": "Test", "content": {}})


# --- issuing ------------------------------------------------------------------------------


async def test_a_credential_is_offered_accepted_and_stored(world: World) -> None:
    linked = await world.linked()
    token = linked.holder.token
    assert await world.wallets.offers(token, linked.holder_side) == []
    exchange_id, offer = await world.offer(linked)
    assert (offer.definition_id, offer.schema_id) == (world.definition_id, world.schema_id)
    assert offer.values == VALUES
    assert await world.org.offer_status(world.issuer, exchange_id) == OfferStatus(
        exchange_id, OfferState.OFFERED
    )
    assert await world.wallets.credentials(token) == []

    await world.wallets.accept_offer(token, offer.exchange_id)
    status = await world.signed(exchange_id)
    assert status.state is OfferState.DONE
    (stored,) = await until(lambda: world.wallets.credentials(token))
    assert stored.values == VALUES
    assert (stored.definition_id, stored.schema_id) == (world.definition_id, world.schema_id)
    assert (stored.registry_id, stored.index) == (status.registry_id, status.index)
    assert issuer_of(stored.registry_id or "") == world.identity.did
    (done,) = await world.wallets.offers(token, linked.holder_side)
    assert (done.state, done.credential_id) == (OfferState.DONE, stored.credential_id)
    with pytest.raises(Conflict):
        await world.wallets.accept_offer(token, offer.exchange_id)


async def test_nothing_is_signed_before_we_say_so_and_then_once(world: World) -> None:
    linked = await world.linked()
    token = linked.holder.token
    exchange_id, offer = await world.offer(linked)
    await world.wallets.accept_offer(token, offer.exchange_id)
    requested = await world.requested(exchange_id)
    assert (requested.registry_id, requested.index) == (None, None)
    assert await world.wallets.credentials(token) == []
    done = await world.signed(exchange_id)
    with pytest.raises(Conflict):
        await world.org.issue(world.issuer, exchange_id)
    again = await world.org.offer_status(world.issuer, exchange_id)
    assert (again.registry_id, again.index) == (done.registry_id, done.index)
    assert again.state is not OfferState.FAILED
    assert len(await until(lambda: world.wallets.credentials(token))) == 1


async def test_requests_from_two_tabs_get_one_credential(world: World) -> None:
    linked = await world.linked()
    token = linked.holder.token
    exchange_id, offer = await world.offer(linked)
    answers = await asyncio.gather(
        *(world.wallets.accept_offer(token, offer.exchange_id) for _ in range(3)),
        return_exceptions=True,
    )
    assert [type(each) for each in answers if each is not None] == [Conflict, Conflict]
    await world.requested(exchange_id)
    await asyncio.sleep(0.5)
    await world.org.issue(world.issuer, exchange_id)
    for _ in range(2):
        with pytest.raises(Conflict):
            await world.org.issue(world.issuer, exchange_id)
    status = await world.org.offer_status(world.issuer, exchange_id)
    assert status.registry_id is not None
    assert len(await until(lambda: world.wallets.credentials(token))) == 1
    on_it = await world.org.offers_on(world.issuer, linked.issuer_side, REFERENCE)
    assert len(on_it) == 1


async def test_many_who_wait_hold_up_nobody(world: World) -> None:
    linked = await world.linked()
    token, side = linked.holder.token, linked.holder_side
    waits = [
        asyncio.create_task(
            world.wallets.offers(token, side, "never", awaited=Awaited.ARRIVAL, seconds=20)
        )
        for _ in range(80)
    ]
    try:
        await asyncio.sleep(0.3)
        held = await asyncio.wait_for(world.issue(), 15)
        await shown_by(world, held)
        assert not any(each.done() for each in waits)
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def test_what_nobody_requested_is_not_signed(world: World) -> None:
    linked = await world.linked()
    exchange_id, _ = await world.offer(linked)
    with pytest.raises(Conflict):
        await world.org.issue(world.issuer, exchange_id)
    status = await world.org.offer_status(world.issuer, exchange_id)
    assert status.state is OfferState.OFFERED
    with pytest.raises(NotFound):
        await world.org.issue(world.issuer, str(uuid4()))
    assert await world.wallets.credentials(linked.holder.token) == []


async def test_an_offer_that_is_forgotten_while_it_is_open_is_declined(world: World) -> None:
    linked = await world.linked()
    exchange_id, offer = await world.offer(linked)
    await world.wallets.accept_offer(linked.holder.token, offer.exchange_id)
    await world.requested(exchange_id)
    await world.org.forget_offer(world.issuer, exchange_id)
    (declined,) = await until(
        lambda: world.wallets.offers(linked.holder.token, linked.holder_side),
        lambda offers: offers[0].state is OfferState.FAILED,
    )
    assert declined.credential_id is None


async def test_a_declined_offer_leaves_nothing(world: World) -> None:
    linked = await world.linked()
    exchange_id, offer = await world.offer(linked)
    await world.wallets.close_offer(linked.holder.token, offer.exchange_id)
    assert (await world.settled(exchange_id)).state is OfferState.FAILED
    assert await world.wallets.credentials(linked.holder.token) == []
    with pytest.raises(NotFound):
        await world.wallets.accept_offer(linked.holder.token, offer.exchange_id)
    await world.wallets.close_offer(linked.holder.token, offer.exchange_id)


async def test_each_credential_has_an_entry_of_its_own(world: World, held: Held) -> None:
    another = await world.issue()
    assert (another.registry_id, another.index) != (held.registry_id, held.index)


@pytest.mark.parametrize(
    "wrong",
    [
        {"connection_id": str(uuid4())},
        {"definition_id": "did:webvh:nobody/resources/zQm"},
        {"values": {"region": "centre"}},
        {"values": {**VALUES, "name": "not asked for"}},
    ],
    ids=["connection", "definition", "missing-value", "extra-value"],
)
async def test_what_cannot_be_offered(world: World, held: Held, wrong: dict[str, Any]) -> None:
    linked = await world.linked(held.holder)
    good: dict[str, Any] = {
        "connection_id": linked.issuer_side,
        "definition_id": world.definition_id,
        "values": VALUES,
        "reference": REFERENCE,
    }
    with pytest.raises(Conflict):
        await world.org.offer(world.issuer, **{**good, **wrong})
    assert await world.org.offers_on(world.issuer, linked.issuer_side, REFERENCE) == []


async def test_an_offer_is_found_by_its_connection_and_by_its_tenant_only(
    world: World,
) -> None:
    linked = await world.linked()
    exchange_id, _ = await world.offer(linked)
    found = await world.org.offers_on(world.issuer, linked.issuer_side, REFERENCE)
    assert [each.exchange_id for each in found] == [exchange_id]
    assert await world.org.offers_on(world.verifier, linked.issuer_side, REFERENCE) == []
    foreign = await world.org.offer_status(world.verifier, exchange_id)
    assert foreign.state is OfferState.UNKNOWN


async def test_offers_on_one_connection_are_told_apart(world: World) -> None:
    linked = await world.linked()
    token, place = linked.holder.token, linked.holder_side
    first_id, first = await world.offer(linked)
    second_id, second = await world.offer(linked, reference="another")
    assert (first.reference, second.reference) == (REFERENCE, "another")
    assert await world.wallets.offers(token, place, "a third") == []
    found = await world.org.offers_on(world.issuer, linked.issuer_side, "another")
    assert [each.exchange_id for each in found] == [second_id]

    await world.wallets.accept_offer(token, second.exchange_id)
    await world.signed(second_id)
    # the first is still open: whoever waits for the second does not wait for it
    (settled,) = await world.wallets.offers(
        token, place, "another", awaited=Awaited.SETTLING, seconds=25
    )
    assert (settled.exchange_id, settled.state) == (second.exchange_id, OfferState.DONE)
    (open_still,) = await world.wallets.offers(token, place, REFERENCE)
    assert (open_still.exchange_id, open_still.state) == (first.exchange_id, OfferState.OFFERED)
    status = await world.org.offer_status(world.issuer, first_id)
    assert status.state is OfferState.OFFERED


async def test_forgetting_an_offer_can_be_repeated(world: World) -> None:
    linked = await world.linked()
    exchange_id, offer = await world.offer(linked)
    await world.wallets.accept_offer(linked.holder.token, offer.exchange_id)
    await world.signed(exchange_id)
    for _ in range(2):
        await world.org.forget_offer(world.issuer, exchange_id)
        status = await world.org.offer_status(world.issuer, exchange_id)
        assert status == OfferStatus(exchange_id, OfferState.UNKNOWN)
    assert await until(lambda: world.wallets.credentials(linked.holder.token))


async def test_an_invitation_is_good_for_one(world: World, held: Held) -> None:
    invitation = await world.org.invite(world.issuer, "House")
    invitation_id = invitation.invitation_id
    assert await world.org.connection_for(world.issuer, invitation_id) is None
    await world.wallets.connect(held.holder.token, invitation.message)
    first = await until(lambda: world.org.connection_for(world.issuer, invitation_id))
    await world.wallets.connect((await world.holder()).token, invitation.message)
    await asyncio.sleep(0.2)
    assert await world.org.connection_for(world.issuer, invitation_id) == first
    assert await world.org.connection_for(world.verifier, invitation_id) is None


async def test_deleting_a_credential_can_be_repeated(world: World) -> None:
    held = await world.issue()
    for _ in range(2):
        await world.wallets.delete_credential(held.holder.token, held.credential.credential_id)
        assert await world.wallets.credentials(held.holder.token) == []


# --- checking -----------------------------------------------------------------------------


async def test_a_request_travels_whole(world: World) -> None:
    asked = await world.request()
    request = attached_request(asked.invitation.message)
    assert request["name"] == PURPOSE
    assert from_proof_request(request) == asked.ask
    waiting = await world.org.answer(world.verifier, asked.exchange_id)
    assert waiting == Answer(AnswerState.WAITING, asked=asked.ask)
    with pytest.raises(Conflict):
        await world.org.verify(world.verifier, asked.exchange_id)


async def test_an_honest_answer_verifies(world: World, held: Held) -> None:
    asked = await world.request()
    chosen = {"eligibility": held.credential.credential_id}
    before = datetime.now(UTC)
    exchange_id = await world.present(asked, held.holder, chosen)
    answer = await received(world, asked)
    assert answer.asked == asked.ask
    assert answer.answered_at
    assert before - timedelta(seconds=2) <= answer.answered_at <= datetime.now(UTC)
    assert answer.shown
    assert answer.shown.missing == ()
    (shown,) = answer.shown.credentials
    newest = await latest(world, held.registry_id)
    assert shown == ShownCredential(
        label="eligibility",
        schema_id=world.schema_id,
        definition_id=world.definition_id,
        issuer_id=world.identity.did,
        registry_id=held.registry_id,
        status_time=newest.timestamp,
        sub_proofs=(0, 0),
        revealed={"region": "centre", "household": "2"},
        predicates=asked.ask.asks[0].predicates,
    )
    for _ in range(2):
        verified = await world.org.verify(world.verifier, asked.exchange_id)
        assert verified.holds
        assert verified.answer.shown == answer.shown
        assert verified.answer.state is AnswerState.VERIFIED
    settled = await world.org.answer(world.verifier, asked.exchange_id)
    assert (settled.state, settled.shown) == (AnswerState.VERIFIED, answer.shown)
    with pytest.raises(Conflict):
        await world.wallets.present(held.holder.token, exchange_id, asked.ask, chosen)


async def test_taking_in_a_request_twice_is_once(world: World, held: Held) -> None:
    asked = await world.request()
    message, token = asked.invitation.message, held.holder.token
    first = await world.wallets.receive(token, message)
    again = await asyncio.gather(*(world.wallets.receive(token, message) for _ in range(2)))
    assert set(again) == {first}
    await world.present(asked, held.holder, {"eligibility": held.credential.credential_id})
    await received(world, asked)
    assert (await world.org.verify(world.verifier, asked.exchange_id)).holds


async def test_credentials_of_two_kinds_are_told_apart(world: World, other: World) -> None:
    linked = await world.linked()
    north = await world.issue(linked, {**VALUES, "region": "north"})
    south = await other.issue(linked, {**VALUES, "region": "south"})
    (one,), (two,) = world.ask("one").asks, other.ask("two").asks
    asked = await world.request(PresentationAsk(asks=(one, two)))
    chosen = {"one": north.credential.credential_id, "two": south.credential.credential_id}
    await world.present(asked, linked.holder, chosen)
    shown = (await received(world, asked)).shown
    assert shown
    assert [each.revealed["region"] for each in shown.credentials] == ["north", "south"]
    assert [each.schema_id for each in shown.credentials] == [world.schema_id, other.schema_id]
    assert [len(set(each.sub_proofs)) for each in shown.credentials] == [1, 1]
    assert len({each.sub_proofs[0] for each in shown.credentials}) == 2
    assert (await world.org.verify(world.verifier, asked.exchange_id)).holds


async def test_two_credentials_of_one_registry_do_not_verify_together(world: World) -> None:
    # ACA-Py proves non-revocation once for each registry, so the second credential gets the
    # first one's proof. No check of ours asks for two credentials of one kind.
    linked = await world.linked()
    first, second = await world.issue(linked), await world.issue(linked)
    asked = await world.request(world.ask("one", "two"))
    chosen = {"one": first.credential.credential_id, "two": second.credential.credential_id}
    await world.present(asked, linked.holder, chosen)
    await received(world, asked)
    assert not (await world.org.verify(world.verifier, asked.exchange_id)).holds


async def test_one_credential_under_two_names_is_seen(world: World, held: Held) -> None:
    asked = await world.request(world.ask("one", "two"))
    chosen = dict.fromkeys(("one", "two"), held.credential.credential_id)
    await world.present(asked, held.holder, chosen)
    shown = (await received(world, asked)).shown
    assert shown
    assert {index for each in shown.credentials for index in each.sub_proofs} == {0}


async def test_a_later_answer_replaces_an_earlier_one_and_is_verified_anew(
    world: World, held: Held
) -> None:
    another = await world.issue(values={**VALUES, "region": "north"})
    asked = await world.request()
    await world.present(asked, held.holder, {"eligibility": held.credential.credential_id})
    await received(world, asked)
    assert (await world.org.verify(world.verifier, asked.exchange_id)).holds
    chosen = {"eligibility": another.credential.credential_id}
    await world.present(asked, another.holder, chosen)
    later = await received(world, asked)
    verified = await world.org.verify(world.verifier, asked.exchange_id)
    assert verified.holds
    assert verified.answer.shown == later.shown
    assert later.shown
    assert later.shown.credentials[0].revealed["region"] == "north"


async def test_a_false_predicate_cannot_be_shown(world: World, held: Held) -> None:
    asked = await world.request(world.ask(until_day=20300101))
    with pytest.raises(Conflict):
        await world.present(asked, held.holder, {"eligibility": held.credential.credential_id})
    assert (await abandoned(world, asked)).shown is None


@pytest.mark.parametrize(
    ("chosen", "error"),
    [({"eligibility": str(uuid4())}, Conflict), ({}, InvalidInput), ({"x": "y"}, InvalidInput)],
    ids=["unknown", "none", "other-name"],
)
async def test_what_was_not_chosen_well_is_not_shown(
    world: World, held: Held, chosen: dict[str, str], error: type[Exception]
) -> None:
    asked = await world.request()
    with pytest.raises(error):
        await world.present(asked, held.holder, chosen)
    answer = await world.org.answer(world.verifier, asked.exchange_id)
    assert answer.shown is None


async def test_a_credential_of_another_kind_does_not_reach_the_desk(
    world: World, held: Held
) -> None:
    other = f"{world.identity.did}/resources/zQmPzKhJ2M2jsxNkwDPx1iep7SEHT2Pc3Nqxm6WGx44v7pY"
    ask = CredentialAsk(label="eligibility", schema_id=other, reveal=("region",))
    asked = await world.request(PresentationAsk(asks=(ask,)))
    await world.present(asked, held.holder, {"eligibility": held.credential.credential_id})
    await asyncio.sleep(0.3)
    answer = await world.org.answer(world.verifier, asked.exchange_id)
    assert (answer.state, answer.shown) == (AnswerState.WAITING, None)


async def test_a_refusal_says_nothing_else(world: World, held: Held) -> None:
    asked = await world.request()
    exchange_id = await world.wallets.receive(held.holder.token, asked.invitation.message)
    await world.wallets.refuse(held.holder.token, exchange_id)
    assert await abandoned(world, asked) == Answer(AnswerState.ABANDONED, asked=asked.ask)
    with pytest.raises(Conflict):
        await world.org.verify(world.verifier, asked.exchange_id)
    chosen = {"eligibility": held.credential.credential_id}
    with pytest.raises(Conflict):
        await world.wallets.present(held.holder.token, exchange_id, asked.ask, chosen)


async def test_forgetting_a_request_can_be_repeated(world: World, held: Held) -> None:
    asked, token = await world.request(), held.holder.token
    exchange_id = await world.wallets.receive(token, asked.invitation.message)
    chosen = {"eligibility": held.credential.credential_id}
    for _ in range(2):
        await world.wallets.forget(token, exchange_id)
        await world.org.forget_request(world.verifier, asked.exchange_id)
        answer = await world.org.answer(world.verifier, asked.exchange_id)
        assert answer == Answer(AnswerState.UNKNOWN)
    for attempt in (
        world.wallets.present(token, exchange_id, asked.ask, chosen),
        world.wallets.refuse(token, exchange_id),
        world.org.verify(world.verifier, asked.exchange_id),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(Conflict):
        await world.org.invite_to(world.verifier, asked.exchange_id, "House")


async def test_a_request_is_its_tenants_alone(world: World) -> None:
    asked = await world.request()
    foreign = await world.org.answer(world.issuer, asked.exchange_id)
    assert foreign == Answer(AnswerState.UNKNOWN)
    await world.org.forget_request(world.issuer, asked.exchange_id)
    kept = await world.org.answer(world.verifier, asked.exchange_id)
    assert kept.state is AnswerState.WAITING


async def test_what_is_no_invitation_is_not_taken_up(world: World, held: Held) -> None:
    connection = (await world.org.invite(world.issuer, "House")).message
    nonsense: tuple[Document, ...] = ({}, {"@type": "hello"}, {"requests~attach": []})
    for message in (*nonsense, connection):
        with pytest.raises(InvalidInput):
            await world.wallets.receive(held.holder.token, message)
    with pytest.raises(InvalidInput):
        await world.wallets.connect(held.holder.token, {"@type": "hello"})


# --- revoking -----------------------------------------------------------------------------


async def test_a_revoked_credential_no_longer_verifies_and_others_do(world: World) -> None:
    withdrawn, kept = await world.issue(), await world.issue()
    registry_id = withdrawn.registry_id
    before = await latest(world, registry_id)
    timestamp = await world.org.revoke(world.issuer, registry_id, [withdrawn.index])
    after = await latest(world, registry_id)
    assert after == replace(before, timestamp=timestamp, revoked_count=before.revoked_count + 1)
    assert after.definition_id == world.definition_id
    assert after.timestamp > before.timestamp

    again = await world.org.revoke(world.issuer, registry_id, [withdrawn.index])
    assert (again, await latest(world, registry_id)) == (timestamp, after)

    _, verified = await shown_by(world, withdrawn)
    assert not verified
    shown, verified = await shown_by(world, kept)
    assert (shown.status_time, verified) == (timestamp, True)
    for one, revoked in ((withdrawn, True), (kept, False)):
        credential_id = one.credential.credential_id
        assert await world.wallets.is_revoked(one.holder.token, credential_id) is revoked


async def test_the_times_of_lists_strictly_grow(world: World) -> None:
    linked = await world.linked()
    issued = [await world.issue(linked) for _ in range(2)]
    registry_id = issued[0].registry_id
    times = [(await latest(world, registry_id)).timestamp]
    for each in issued:
        times.append(await world.org.revoke(world.issuer, registry_id, [each.index]))
    assert times == sorted(set(times))
    earlier = datetime.fromtimestamp(times[1], UTC)
    found = await world.org.latest_list(world.verifier, registry_id, earlier)
    assert found.timestamp == times[1]


async def test_what_cannot_be_revoked(world: World, held: Held) -> None:
    registry_id = held.registry_id
    before = await latest(world, registry_id)
    for tenant, where, indices, error in (
        (world.verifier, registry_id, [held.index], NotFound),
        (world.issuer, f"{world.identity.did}/resources/zQmNone", [1], NotFound),
        (world.issuer, registry_id, [31], InvalidInput),
        (world.issuer, registry_id, [0], InvalidInput),
        (world.issuer, registry_id, [held.index, 31], InvalidInput),
        (world.issuer, registry_id, [], InvalidInput),
    ):
        with pytest.raises(error):
            await world.org.revoke(tenant, where, indices)
    assert await latest(world, registry_id) == before


async def test_there_is_no_list_where_none_was(world: World, held: Held) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(NotFound):
        await world.org.latest_list(world.verifier, held.registry_id, long_ago)
    with pytest.raises(VerificationError):
        await latest(world, "not an identifier")
    with pytest.raises(NotFound):
        await world.wallets.is_revoked(held.holder.token, str(uuid4()))


# --- vaults -------------------------------------------------------------------------------


async def test_a_wallet_opens_with_its_key_alone(world: World) -> None:
    holder = await world.holder()
    with pytest.raises(Forbidden):  # while it is open
        await world.wallets.open(holder.wallet_id, raw_wallet_key(), "other")
    await world.wallets.close(holder.wallet_id, holder.session_id)
    with pytest.raises(Forbidden):
        await world.wallets.open(holder.wallet_id, raw_wallet_key(), "other")
    with pytest.raises(NotFound):
        await world.wallets.open(str(uuid4()), holder.key, "other")
    with pytest.raises(InvalidInput):
        await world.wallets.create(Secret("not a key"))


async def test_nothing_happens_outside_a_session(world: World) -> None:
    holder = await world.holder()
    other = world.wallets.token(holder.wallet_id, "never-opened")
    await world.wallets.close(holder.wallet_id, holder.session_id)
    for token in (holder.token, other, world.org.token(world.issuer)):
        for attempt in (
            world.wallets.credentials(token),
            world.wallets.notes(token, "history"),
            world.wallets.put_note(token, "history", "a", {}),
            world.wallets.verify_statement(token, {}),
            world.wallets.refuse(token, str(uuid4())),
        ):
            with pytest.raises(SessionClosed):
                await attempt


async def test_a_session_can_be_opened_and_closed_again(world: World) -> None:
    holder = await world.holder()
    await world.wallets.open(holder.wallet_id, holder.key, holder.session_id)
    assert await world.wallets.credentials(holder.token) == []
    for _ in range(2):
        await world.wallets.close(holder.wallet_id, holder.session_id)
    await world.wallets.close(str(uuid4()), holder.session_id)
    await world.wallets.open(holder.wallet_id, holder.key, holder.session_id)
    assert await world.wallets.credentials(holder.token) == []


async def test_closing_one_session_leaves_the_other(world: World) -> None:
    holder = await world.holder()
    await world.wallets.open(holder.wallet_id, holder.key, "second")
    await world.wallets.close(holder.wallet_id, holder.session_id)
    second = world.wallets.token(holder.wallet_id, "second")
    assert await world.wallets.credentials(second) == []
    with pytest.raises(SessionClosed):
        await world.wallets.credentials(holder.token)


async def test_a_destroyed_wallet_is_gone(world: World) -> None:
    holder = await world.holder()
    with pytest.raises(Forbidden):
        await world.wallets.destroy(holder.wallet_id, raw_wallet_key())
    assert await world.wallets.credentials(holder.token) == []
    await world.wallets.destroy(holder.wallet_id, holder.key)
    with pytest.raises(SessionClosed):
        await world.wallets.credentials(holder.token)
    for attempt in (
        world.wallets.open(holder.wallet_id, holder.key, "again"),
        world.wallets.destroy(holder.wallet_id, holder.key),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_wallet_is_read_for_the_last_time_and_destroyed(world: World) -> None:
    holder = await world.holder()
    name = "a" * 64  # a digest
    await world.wallets.put_note(holder.token, "devices", name, {})
    await world.wallets.close(holder.wallet_id, holder.session_id)
    await world.wallets.open(holder.wallet_id, holder.key, "to-destroy-it")
    token = world.wallets.token(holder.wallet_id, "to-destroy-it")
    assert await world.wallets.notes(token, "devices") == {name: {}}
    await world.wallets.destroy(holder.wallet_id, holder.key)
    with pytest.raises(NotFound):
        await world.wallets.open(holder.wallet_id, holder.key, "again")


# --- what comes while a wallet is locked ---------------------------------------------------


async def lock(world: World, holder: Holder) -> None:
    await world.wallets.close(holder.wallet_id, holder.session_id)


async def unlock(world: World, holder: Holder) -> None:
    await world.wallets.open(holder.wallet_id, holder.key, holder.session_id)


async def offer_to_the_locked(world: World, linked: Linked, reference: str) -> str:
    """An offer that reaches an agent whose wallet is locked."""
    exchange_id = await world.org.offer(
        world.issuer, linked.issuer_side, world.definition_id, VALUES, reference
    )
    await asyncio.sleep(0.3)
    return exchange_id


async def test_an_offer_waits_for_a_locked_wallet(world: World) -> None:
    linked = await world.linked()
    holder = linked.holder
    await lock(world, holder)
    exchange_id = await offer_to_the_locked(world, linked, REFERENCE)
    with pytest.raises(SessionClosed):
        await world.wallets.offers(holder.token, linked.holder_side)
    for _ in range(2):  # and comes once, however often the wallet is opened
        await unlock(world, holder)
        (offer,) = await world.wallets.offers(holder.token, linked.holder_side)
        assert (offer.state, offer.values) == (OfferState.OFFERED, VALUES)
        await lock(world, holder)
    await unlock(world, holder)
    await world.wallets.accept_offer(holder.token, offer.exchange_id)
    await world.signed(exchange_id)
    assert len(await until(lambda: world.wallets.credentials(holder.token))) == 1


async def test_several_wait_and_all_come_in(world: World) -> None:
    linked = await world.linked()
    holder = linked.holder
    await lock(world, holder)
    for reference in ("first", "second", "third"):
        await offer_to_the_locked(world, linked, reference)
    await asyncio.gather(  # two openings at once
        unlock(world, holder), world.wallets.open(holder.wallet_id, holder.key, "other")
    )
    offers = await world.wallets.offers(holder.token, linked.holder_side)
    assert sorted(str(each.reference) for each in offers) == ["first", "second", "third"]


async def test_an_offer_taken_back_while_the_wallet_was_locked_is_declined(
    world: World,
) -> None:
    linked = await world.linked()
    await lock(world, linked.holder)
    exchange_id = await offer_to_the_locked(world, linked, REFERENCE)
    await world.org.forget_offer(world.issuer, exchange_id)
    await asyncio.sleep(0.3)
    await unlock(world, linked.holder)
    (offer,) = await world.wallets.offers(linked.holder.token, linked.holder_side)
    assert offer.state is OfferState.FAILED


async def test_an_issuance_that_was_locked_away_ends_after_the_next_opening(
    world: World,
) -> None:
    linked = await world.linked()
    holder = linked.holder
    exchange_id, offer = await world.offer(linked)
    await world.wallets.accept_offer(holder.token, offer.exchange_id)
    await lock(world, holder)
    await world.requested(exchange_id)
    sent = await world.org.issue(world.issuer, exchange_id)
    await asyncio.sleep(0.3)
    assert (await world.org.offer_status(world.issuer, exchange_id)).state is OfferState.ISSUED
    await unlock(world, holder)
    (ended,) = await world.wallets.offers(
        holder.token, linked.holder_side, awaited=Awaited.SETTLING, seconds=20
    )
    assert ended.state is OfferState.DONE
    assert (await world.settled(exchange_id)).state is OfferState.DONE
    await lock(world, holder)
    await unlock(world, holder)
    (stored,) = await world.wallets.credentials(holder.token)
    assert (stored.registry_id, stored.index) == (sent.registry_id, sent.index)


async def test_what_waits_for_a_wallet_goes_with_it(world: World) -> None:
    linked = await world.linked()
    await lock(world, linked.holder)
    await offer_to_the_locked(world, linked, REFERENCE)
    await world.wallets.destroy(linked.holder.wallet_id, linked.holder.key)
    exchange_id = await offer_to_the_locked(world, linked, "another")
    status = await world.org.offer_status(world.issuer, exchange_id)
    assert status.state is OfferState.OFFERED


# --- notes --------------------------------------------------------------------------------


async def test_notes_are_kept_and_replaced_in_the_wallet(world: World) -> None:
    holder, another = await world.holder(), await world.holder()
    note = {"at": "2026-01-01", "with": ["a", {"b": None}], "ខ្មែរ": 1}
    await world.wallets.put_note(holder.token, "history", "first", {"old": True})
    await world.wallets.put_note(holder.token, "history", "first", note)
    await world.wallets.put_note(holder.token, "history", "second", {})
    await world.wallets.put_note(holder.token, "pending", "first", {"other": 1})
    assert await world.wallets.notes(holder.token, "history") == {"first": note, "second": {}}
    assert await world.wallets.notes(another.token, "history") == {}
    for _ in range(2):
        await world.wallets.delete_note(holder.token, "history", "first")
        assert await world.wallets.notes(holder.token, "history") == {"second": {}}
    await world.wallets.close(holder.wallet_id, holder.session_id)
    await world.wallets.open(holder.wallet_id, holder.key, holder.session_id)
    assert await world.wallets.notes(holder.token, "pending") == {"first": {"other": 1}}


async def test_an_exchange_that_ended_goes_with_the_notes_or_stays_with_them(
    world: World,
) -> None:
    linked = await world.linked()
    token = linked.holder.token
    exchange_id, offer = await world.offer(linked)
    await world.wallets.accept_offer(token, offer.exchange_id)
    await world.signed(exchange_id)
    (ended,) = await world.wallets.offers(
        token, linked.holder_side, awaited=Awaited.SETTLING, seconds=20
    )
    assert ended.state is OfferState.DONE
    wrong: dict[tuple[str, str], Document] = {("history", "no name"): {}}
    receipt: dict[tuple[str, str], Document] = {("history", "received"): {}}
    close = [ended.exchange_id]
    with pytest.raises(InvalidInput):
        await world.wallets.change_notes(token, put=wrong, delete=[], close=close)
    assert await world.wallets.offers(token, linked.holder_side)
    for _ in range(2):
        await world.wallets.change_notes(token, put=receipt, delete=[], close=close)
        assert await world.wallets.offers(token, linked.holder_side) == []
    assert await world.wallets.notes(token, "history") == {"received": {}}
    assert len(await world.wallets.credentials(token)) == 1


async def test_what_is_no_note(world: World, held: Held) -> None:
    token = held.holder.token
    for kind, key in (("his tory", "a"), ("history", "a.b"), ("history", "a" * 81)):
        with pytest.raises(InvalidInput):
            await world.wallets.put_note(token, kind, key, {})
    with pytest.raises(InvalidInput):
        await world.wallets.put_note(token, "history", "long", {"text": "x" * 300_000})
