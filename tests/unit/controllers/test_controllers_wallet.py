"""A wallet between offers and requests: who really offers or asks, and what is ever sent."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from controllers_house import ELIGIBILITY, IDENTITY, House

from controllers.issuer.service import State
from controllers.moment import now
from controllers.statements import OfferStatement, RequestStatement, invitation_digest
from controllers.verifier.service import Verdict
from controllers.wallet.schemas import CodeNeeded, OfferPreview, RequestPreview, TakeUp
from controllers.wallet.sessions import OpenWallet
from core.errors import (
    Conflict,
    Forbidden,
    Gone,
    GovernanceDenied,
    HavenError,
    InvalidInput,
    NotFound,
    Unavailable,
    VerificationError,
)
from core.ports import AnswerState, Document
from core.presentation import CredentialAsk, PresentationAsk

SENDING = ("present", "refuse", "connect", "accept_offer")


def sent(house: House) -> list[str]:
    """Which calls that speak to the other side a wallet has made."""
    return [call for call in SENDING if house.network.calls[call]]


def offer_now(house: House) -> Any:
    """A worker that answers at once, so that an offer arrives."""

    async def announce(announcement: Any) -> None:
        found = await house.haven.issuer.by_connection(announcement.invitation_id or "")
        found = found or await house.haven.issuer.by_exchange(announcement.record_id)
        if found is not None:
            with suppress(HavenError):
                await house.haven.issuer.advance(found)

    return announce


@pytest.fixture
def served(small_house: House) -> House:
    """A house whose worker goes on with every issuance as soon as something moves."""
    small_house.network.listener = offer_now(small_house)
    return small_house


async def look(house: House, wallet: OpenWallet, link: str, code: str | None = None) -> Any:
    return await house.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")


# --- being offered --------------------------------------------------------------------------


async def test_an_offer_from_link_to_card(served: House) -> None:
    wallet = await served.new_wallet()
    issuance, link, code = await served.offered()
    assert isinstance(await look(served, wallet, link), CodeNeeded)
    preview = await look(served, wallet, link, code)
    assert isinstance(preview, OfferPreview)
    assert preview.who == "Harbour"
    assert {each.attribute: each.value for each in preview.values}["household_size"] == "2"
    assert await served.fakes[1].credentials(wallet.token) == []
    await served.wallet.accept_offer(wallet, preview.id, "en")
    (held,) = await served.fakes[1].credentials(wallet.token)
    assert held.values["region"] == "KH-12"
    assert (await served.issuance(issuance.id)).state == State.ISSUED
    (entry,) = (await served.wallet.history(wallet, "en")).items
    assert entry.event == "received"
    with pytest.raises(NotFound):
        await served.wallet.accept_offer(wallet, preview.id, "en")


async def test_a_wrong_code_is_one_wrong_code(served: House) -> None:
    wallet = await served.new_wallet()
    _, link, code = await served.offered()

    async def take_up(tried: str) -> Any:
        return await served.haven.sessions.within(
            wallet, lambda: look(served, wallet, link, tried)
        )

    for _ in range(4):
        with pytest.raises(Forbidden):
            await take_up("222222")
    assert isinstance(await take_up(code), OfferPreview)


async def test_an_offer_taken_up_survives_and_is_for_one_wallet(served: House) -> None:
    wallet, other = await served.new_wallet(), await served.new_wallet()
    _, link, code = await served.offered()
    first = await look(served, wallet, link, code)
    assert await look(served, wallet, link, code) == first
    assert served.network.calls["connect"] == 1
    with pytest.raises(Gone):
        await look(served, other, link, code)
    pending = await served.wallet.offers.pending(wallet, first.id)
    assert pending.credential == "service-eligibility"
    with pytest.raises(NotFound):
        await served.wallet.offers.pending(other, first.id)


async def test_saying_no_to_an_offer(served: House) -> None:
    wallet = await served.new_wallet()
    issuance, link, code = await served.offered()
    preview = await look(served, wallet, link, code)
    await served.wallet.offers.decline(wallet, preview.id)
    assert (await served.issuance(issuance.id)).state == State.DECLINED
    assert await served.fakes[1].credentials(wallet.token) == []


class Forged:
    """Answers a link with what a test made up."""

    def __init__(self, *documents: Document) -> None:
        self.documents = list(documents)

    async def get(self, _link: str, part: str = "", **_params: str) -> Document:
        return self.documents[-1] if part else self.documents[0]

    async def accept(self, *_: object) -> Document:
        return {"invitation": self.documents[0], "statement": self.documents[-1]}


async def statement(house: House, slug: str, made: OfferStatement | RequestStatement) -> Any:
    return await house.fakes[0].sign(house.tenant(slug), made.model_dump(mode="json"))


async def offer_statement(house: House, slug: str, invitation: Any, **changes: Any) -> Any:
    members = {
        "issuer": house.of(slug).did or "",
        "credential": "service-eligibility",
        "invitation_digest": invitation_digest(invitation),
        "expires": now() + timedelta(minutes=5),
        **changes,
    }
    return await statement(house, slug, OfferStatement(**members))


@pytest.mark.parametrize(
    ("signer", "changes", "error"),
    [
        ("court", {}, GovernanceDenied),  # may check, may not issue
        ("harbour", {"credential": "guardianship"}, GovernanceDenied),
        ("harbour", {"credential": "nothing"}, GovernanceDenied),
        ("harbour", {"invitation_digest": "0" * 64}, VerificationError),
        ("harbour", {"expires": "past"}, VerificationError),
    ],
)
async def test_no_wallet_connects_to_who_may_not_offer(
    small_house: House, signer: str, changes: dict[str, Any], error: type[HavenError]
) -> None:
    if changes.get("expires"):
        changes = {"expires": now() - timedelta(seconds=1)}
    wallet = await small_house.new_wallet()
    invitation = (await small_house.fakes[0].invite(small_house.tenant(signer), "A")).message
    signed = await offer_statement(small_house, signer, invitation, **changes)
    small_house.wallet.offers._fetcher = Forged(invitation, signed)  # type: ignore[assignment] # answers as a desk would
    with pytest.raises(error):
        await small_house.wallet.offers.take_up(wallet, "https://desk/l/x", "CODE12")
    assert sent(small_house) == []


@pytest.mark.parametrize("member", ["issuer", "credential", "expires", "proof"])
async def test_a_statement_that_was_changed_is_not_believed(
    small_house: House, member: str
) -> None:
    wallet = await small_house.new_wallet()
    invitation = (await small_house.fakes[0].invite(small_house.tenant("harbour"), "A")).message
    signed = await offer_statement(small_house, "harbour", invitation)
    changed: dict[str, Any] = {
        "issuer": small_house.of("river").did,
        "credential": "identity",
        "expires": (now() + timedelta(days=9)).isoformat(),
        "proof": {},
    }
    forged = {**copy.deepcopy(signed), member: changed[member]}
    small_house.wallet.offers._fetcher = Forged(invitation, forged)  # type: ignore[assignment] # answers as a desk would
    with pytest.raises(VerificationError):
        await small_house.wallet.offers.take_up(wallet, "https://desk/l/x", "CODE12")
    assert sent(small_house) == []


async def test_an_offer_by_another_than_the_statement_says_is_not_taken(
    small_house: House,
) -> None:
    """Harbour's statement over an invitation of the fund, which then offers."""
    wallet, org = await small_house.new_wallet(), small_house.fakes[0]
    issuance, *_ = await small_house.offered()
    fund = small_house.tenant("fund")
    invited = await org.invite(fund, "Community Fund")
    signed = await offer_statement(small_house, "harbour", invited.message)
    small_house.wallet.offers._fetcher = Forged(invited.message, signed)  # type: ignore[assignment] # answers as a desk would
    framework = await small_house.haven.governance.current()
    (definition,) = [
        grant.definition_id
        for grant in framework.grants.values()
        if grant.credential == "support-entitlement"
    ]
    attributes = small_house.network.schemas[framework.schemas["support-entitlement"]]

    async def offer(announcement: Any) -> None:
        if announcement.invitation_id == invited.invitation_id:
            values = dict.fromkeys(attributes, "1")
            await org.offer(fund, announcement.record_id, definition, values, issuance.id)

    small_house.network.listener = offer
    with pytest.raises(VerificationError):
        await small_house.wallet.offers.take_up(wallet, "https://desk/l/x", "CODE12")
    assert small_house.network.calls["accept_offer"] == 0


# --- being asked ----------------------------------------------------------------------------


async def card_holder(house: House) -> OpenWallet:
    wallet = await house.new_wallet()
    await house.issue(wallet)
    house.network.calls.clear()
    return wallet


async def test_a_request_from_link_to_verdict(small_house: House) -> None:
    wallet = await card_holder(small_house)
    check, link = await small_house.check("river", "shelter")
    preview = await look(small_house, wallet, link)
    assert isinstance(preview, RequestPreview)
    assert (preview.who, preview.purpose, preview.can_answer) == (
        "River",
        "shelter-intake",
        True,
    )
    assert sent(small_house) == []
    await small_house.wallet.answer(wallet, preview.id, None, "en")
    assert (await small_house.judged(check)).verdict == Verdict.ACCEPTED
    entries = (await small_house.wallet.history(wallet, "en")).items
    assert entries[0].event == "shown"
    assert "KH-12" not in str(entries)


async def test_answering_twice_sends_once(small_house: House) -> None:
    wallet = await card_holder(small_house)
    _, link = await small_house.check("river", "shelter")
    preview = await look(small_house, wallet, link)
    outcomes = await asyncio.gather(
        *(small_house.wallet.answer(wallet, preview.id, None, "en") for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, RequestPreview) for each in outcomes) == 1
    assert all(isinstance(each, (RequestPreview, Conflict, NotFound)) for each in outcomes)
    with pytest.raises(NotFound):
        await small_house.wallet.answer(wallet, preview.id, None, "en")
    answered = [
        each
        for each in small_house.network.requests.values()
        if each.state is AnswerState.RECEIVED
    ]
    assert len(answered) == 1


async def test_a_request_taken_up_survives_an_agent_that_is_away(small_house: House) -> None:
    wallet = await card_holder(small_house)
    check, link = await small_house.check("river", "shelter")
    preview = await look(small_house, wallet, link)
    small_house.network.fail_once("receive")
    with pytest.raises(Unavailable):
        await small_house.wallet.answer(wallet, preview.id, None, "en")
    await small_house.wallet.answer(wallet, preview.id, None, "en")
    assert (await small_house.judged(check)).verdict == Verdict.ACCEPTED


async def test_a_wallet_without_the_card_says_why_to_its_holder_alone(
    small_house: House,
) -> None:
    wallet = await small_house.new_wallet()
    check, link = await small_house.check("river", "shelter")
    preview = await look(small_house, wallet, link)
    assert not preview.can_answer
    assert {each.kind for each in preview.obstacles} == {"none"}
    with pytest.raises(Conflict):
        await small_house.wallet.answer(wallet, preview.id, None, "en")
    await small_house.wallet.requests.decline(wallet, preview.id)
    done = await small_house.judged(check)
    assert (done.verdict, done.result) == (Verdict.NOT_SHOWN, [])


async def test_only_a_choice_that_answers_is_sent(small_house: House) -> None:
    wallet = await card_holder(small_house)
    await small_house.issue(wallet, "harbour", "identity", IDENTITY)
    await small_house.issue(wallet, "harbour", "service-eligibility", ELIGIBILITY)
    _, link = await small_house.check("river", "shelter")
    preview = await look(small_house, wallet, link)
    assert len(preview.choices) == 2
    held = await small_house.fakes[1].credentials(wallet.token)
    (wrong,) = [each for each in held if "given_names" in each.values]
    for choice in ({"eligibility": wrong.credential_id}, {}, {"other": "x"}):
        with pytest.raises(InvalidInput):
            await small_house.wallet.answer(wallet, preview.id, choice, "en")
    assert small_house.network.calls["present"] == 0
    await small_house.wallet.answer(wallet, preview.id, preview.choices[1].credentials, "en")


async def asked_by(
    house: House,
    slug: str,
    ask: PresentationAsk,
    purpose: str,
    changes: Mapping[str, Any],
) -> tuple[Document, Any]:
    """An invitation and a statement that an organisation made by itself, past our service."""
    org, tenant = house.fakes[0], house.tenant(slug)
    exchange_id = await org.request(tenant, ask, purpose, now() + timedelta(minutes=5))
    invitation = (await org.invite_to(tenant, exchange_id, "Any")).message
    members = {
        "issuer": house.of(slug).did or "",
        "check": "shelter",
        "purpose": purpose,
        "variant": "plain",
        "variants": ("plain",),
        "retention_seconds": 0,
        "invitation_digest": invitation_digest(invitation),
        "expires": now() + timedelta(minutes=5),
        **changes,
    }
    return invitation, await statement(house, slug, RequestStatement(**members))


async def shelter_ask(house: House, *more: str) -> PresentationAsk:
    check, _ = await house.check("river", "shelter")
    made = await house.haven.verifier.request(check.id, "plain")
    asked = (await house.fakes[0].answer(house.tenant("river"), made.exchange_id)).asked
    assert asked
    (one,) = asked.asks
    widened = CredentialAsk(**{**one.model_dump(), "reveal": (*one.reveal, *more)})
    return PresentationAsk(asks=(widened,))


@pytest.mark.parametrize(
    ("slug", "more", "purpose", "changes", "error"),
    [
        ("river", ("link_court",), "shelter-intake", {}, GovernanceDenied),
        ("river", ("status",), "shelter-intake", {}, GovernanceDenied),
        ("river", (), "court-proceeding", {}, GovernanceDenied),
        ("river", (), "made-up", {}, GovernanceDenied),
        ("payer", (), "shelter-intake", {}, GovernanceDenied),
        ("authority", (), "shelter-intake", {}, GovernanceDenied),
        ("river", (), "shelter-intake", {"purpose": "court-proceeding"}, VerificationError),
        ("river", (), "shelter-intake", {"invitation_digest": "0" * 64}, VerificationError),
        (
            "river",
            (),
            "shelter-intake",
            {"expires": now() - timedelta(days=9)},
            VerificationError,
        ),
    ],
    ids=[
        "link",
        "attribute",
        "purpose",
        "no-purpose",
        "payer",
        "authority",
        "other-purpose",
        "digest",
        "expired",
    ],
)
async def test_whoever_may_not_ask_this_hears_nothing(
    small_house: House,
    *,
    slug: str,
    more: tuple[str, ...],
    purpose: str,
    changes: dict[str, Any],
    error: type[HavenError],
) -> None:
    wallet = await card_holder(small_house)
    ask = await shelter_ask(small_house, *more)
    invitation, signed = await asked_by(small_house, slug, ask, purpose, changes)
    with pytest.raises(error):
        await small_house.wallet.requests.take_in(wallet, invitation, signed)
    assert sent(small_house) == []
    assert await small_house.wallet.notes.all(wallet.token, "pending") == {}


async def test_a_statement_by_somebody_else_is_not_believed(small_house: House) -> None:
    wallet = await card_holder(small_house)
    ask = await shelter_ask(small_house)
    invitation, signed = await asked_by(small_house, "river", ask, "shelter-intake", {})
    for forged in (
        {**signed, "issuer": small_house.of("harbour").did},
        {**signed, "issuer": "did:webvh:Qm:evil.example:x"},
        {**signed, "retention_seconds": 9},
        {key: value for key, value in signed.items() if key != "proof"},
        {},
    ):
        with pytest.raises((VerificationError, GovernanceDenied)):
            await small_house.wallet.requests.take_in(wallet, invitation, forged)
    changed = {**invitation, "label": "Your shelter"}
    with pytest.raises(VerificationError):
        await small_house.wallet.requests.take_in(wallet, changed, signed)
    assert sent(small_house) == []


@pytest.mark.parametrize(
    "odd", [{"a": "\ud800"}, {"a": float("nan")}, {"a": 2**70}, {"a": {}}, {}]
)
async def test_an_invitation_of_any_form_is_refused_in_words(
    small_house: House, odd: dict[str, Any]
) -> None:
    wallet = await card_holder(small_house)
    ask = await shelter_ask(small_house)
    _, signed = await asked_by(small_house, "river", ask, "shelter-intake", {})
    with pytest.raises(HavenError):
        await small_house.wallet.requests.take_in(wallet, odd, signed)
    assert sent(small_house) == []


async def test_over_http_in_a_holders_language(served: House) -> None:
    key = "A" * 43
    _, link, code = await served.offered()
    check, asked = await served.check("river", "shelter")
    async with served.client() as client:
        made = (await client.post("/api/wallet/wallets", json={"key": key})).json()
        path = f"/api/wallet/wallets/{made['wallet_id']}"
        session = (await client.post(f"{path}/sessions", json={"key": key})).json()["session"]
    async with served.client(session) as client:
        client.headers["Accept-Language"] = "km"
        body = {"link": link, "code": code}
        offer = (await client.post("/api/wallet/links", json=body)).json()
        assert offer["kind"] == "offer"
        accepted = await client.post(f"/api/wallet/offers/{offer['id']}/accept")
        assert accepted.status_code == 200
        cards = (await client.get("/api/wallet/credentials", params={"state": "true"})).json()
        assert [card["revoked"] for card in cards["items"]] == [False]
        request = (await client.post("/api/wallet/links", json={"link": asked})).json()
        answer = f"/api/wallet/requests/{request['id']}/accept"
        assert (await client.post(answer, json={})).status_code == 200
        history = (await client.get("/api/wallet/history")).json()["items"]
        assert {entry["event"] for entry in history} == {"received", "shown"}
        assert (await client.post("/api/wallet/session/close")).status_code == 200
        assert (await client.get("/api/wallet/history")).status_code == 401
    assert (await served.judged(check)).verdict == Verdict.ACCEPTED


@pytest.mark.parametrize(
    "misstated",
    [{"check": "court"}, {"retention_seconds": 60}, {"variant": "made-up"}],
    ids=["another check", "another retention", "another variant"],
)
async def test_the_asker_cannot_choose_the_words_that_the_holder_reads(
    small_house: House, misstated: dict[str, object]
) -> None:
    wallet = await card_holder(small_house)
    ask = await shelter_ask(small_house)
    invitation, signed = await asked_by(small_house, "river", ask, "shelter-intake", misstated)
    with pytest.raises(VerificationError) as refused:
        await small_house.wallet.requests.take_in(wallet, invitation, signed)
    assert refused.value.step == "check"
    assert sent(small_house) == []
