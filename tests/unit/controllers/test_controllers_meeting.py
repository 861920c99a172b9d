"""A wallet and an issuer that know each other meet again: docs/adr/0024."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from controllers_house import ELIGIBILITY, ENTITLEMENT, House

from controllers.issuer.service import State
from controllers.store.models import Issuance
from controllers.wallet.notes import CONTACTS, PENDING
from controllers.wallet.schemas import OfferPreview, TakeUp
from controllers.wallet.sessions import OpenWallet
from core.errors import Gone, HavenError, Unavailable
from core.ports import Document, OfferState


def offer_at_once(house: House) -> Any:
    """A worker that answers at once, so that an offer arrives."""

    async def announce(announcement: Any) -> None:
        found = await house.haven.issuer.by_connection(announcement.invitation_id or "")
        found = found or await house.haven.issuer.by_exchange(announcement.record_id)
        if found is not None:
            with suppress(HavenError):
                await house.haven.issuer.advance(found)

    return announce


@pytest.fixture
def served(small_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    small_house.network.listener = offer_at_once(small_house)
    monkeypatch.setattr("controllers.wallet.offers._OFFER_SECONDS", 0.05)
    return small_house


@pytest.fixture
def asked(served: House, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What wallets told the sites of links, beside claim and code."""
    told: list[dict[str, Any]] = []
    accept = served.wallet.fetcher.accept

    async def listen(link: str, claim: str, code: str | None, **more: Any) -> Document:
        told.append(more)
        return await accept(link, claim, code, **more)

    monkeypatch.setattr(served.wallet.fetcher, "accept", listen)
    return told


async def preview(
    house: House, wallet: OpenWallet, slug: str = "harbour", credential: str = "", **values: Any
) -> tuple[Issuance, OfferPreview]:
    """An offer that the wallet has taken up."""
    name = credential or "service-eligibility"
    chosen = ENTITLEMENT if credential else {**ELIGIBILITY, **values}
    issuance, link, code = await house.offered(slug, name, chosen)
    seen = await house.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")
    assert isinstance(seen, OfferPreview)
    return issuance, seen


async def take(house: House, wallet: OpenWallet, *which: str) -> Issuance:
    issuance, seen = await preview(house, wallet, *which)
    await house.wallet.accept_offer(wallet, seen.id, "en")
    return await house.issuance(issuance.id)


async def test_a_second_credential_comes_over_the_same_connection(
    served: House, asked: list[dict[str, Any]]
) -> None:
    wallet = await served.new_wallet()
    first = await take(served, wallet)
    signed = served.network.calls["sign"]
    second = await take(served, wallet)
    assert (first.state, second.state) == (State.ISSUED, State.ISSUED)
    assert second.connection_id == first.connection_id
    assert (second.invitation_id, second.sealed_invitation) == (None, None)
    assert len(served.network.connections) == 1
    assert served.network.calls["sign"] == signed  # nothing to say about an invitation
    assert len(await served.fakes[1].credentials(wallet.token)) == 2
    assert [sorted(each) for each in asked] == [[], ["only_who"], ["earlier"]]
    third = await take(served, wallet)
    assert third.connection_id == first.connection_id


async def test_two_wallets_are_never_taken_for_one(served: House) -> None:
    first, other = await served.new_wallet(), await served.new_wallet()
    one = await take(served, first)
    another = await take(served, other)
    assert one.connection_id != another.connection_id
    again = await take(served, first)
    assert again.connection_id == one.connection_id


async def test_another_issuer_learns_nothing_of_the_first(
    served: House, asked: list[dict[str, Any]]
) -> None:
    wallet = await served.new_wallet()
    first = await take(served, wallet)
    asked.clear()
    second = await take(served, wallet, "fund", "support-entitlement")
    assert second.connection_id != first.connection_id
    assert [sorted(each) for each in asked] == [["only_who"], []]


async def test_another_site_is_not_even_asked_who_it_is(
    served: House, asked: list[dict[str, Any]]
) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    notes = served.fakes[1]
    ((key, contact),) = (await notes.notes(wallet.token, CONTACTS)).items()
    elsewhere = {**contact, "site": "https://elsewhere.example"}
    await notes.put_note(wallet.token, CONTACTS, key, elsewhere)
    asked.clear()
    await take(served, wallet)
    assert asked == [{}]


async def test_an_earlier_claim_is_good_for_its_own_organisation_only(served: House) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    (contact,) = (await served.fakes[1].notes(wallet.token, CONTACTS)).values()
    issuance, *_ = await served.offered("fund", "support-entitlement", ENTITLEMENT)
    meetings = served.haven.issuer.meetings
    assert not await meetings.over_connection(issuance.id, "c" * 40, contact["claim"])
    assert not await meetings.over_connection(issuance.id, "c" * 40, "nobody's claim" * 3)
    assert (await served.issuance(issuance.id)).state == State.WAITING


async def test_offers_that_are_open_at_once_are_told_apart(served: House) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    one, first = await preview(served, wallet, household_size=4)
    two, second = await preview(served, wallet, household_size=5)
    assert [_size(first), _size(second)] == ["4", "5"]
    await served.wallet.accept_offer(wallet, second.id, "en")
    assert (await served.issuance(two.id)).state == State.ISSUED
    assert (await served.issuance(one.id)).state == State.OFFERED
    await served.wallet.offers.decline(wallet, first.id)
    await served.haven.issuer.advance(one.id)
    assert (await served.issuance(one.id)).state == State.DECLINED
    held = await served.fakes[1].credentials(wallet.token)
    assert sorted(each.values["household_size"] for each in held) == ["2", "5"]


def _size(seen: OfferPreview) -> str:
    return {each.attribute: each.value for each in seen.values}["household_size"]


async def test_an_agent_that_lost_the_connection_invites_anew(served: House) -> None:
    wallet = await served.new_wallet()
    first = await take(served, wallet)
    (connection,) = served.network.connections
    connection.inviter_side = "restored from a day before"
    second = await take(served, wallet)
    assert second.state == State.ISSUED
    assert second.connection_id not in (first.connection_id, None)
    third = await take(served, wallet)  # now by the new connection
    assert third.connection_id == second.connection_id


async def test_an_offer_that_did_not_come_over_the_connection_comes_by_an_invitation(
    served: House,
) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    issuance, link, code = await served.offered()
    taking = TakeUp(link=link, code=code)
    await _lose_next_offer(served)
    with pytest.raises(Unavailable):
        await served.wallet.take_up(wallet, taking, "en")
    served.pass_time(seconds=21)
    seen = await served.wallet.take_up(wallet, taking, "en")
    assert len(served.network.connections) == 2
    await served.wallet.accept_offer(wallet, seen.id, "en")
    assert (await served.issuance(issuance.id)).state == State.ISSUED
    assert len(await served.fakes[1].credentials(wallet.token)) == 2


async def test_an_agent_that_did_not_answer_is_asked_again(served: House) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    issuance, link, code = await served.offered()
    taking = TakeUp(link=link, code=code)
    served.network.fail_once("offer")
    with pytest.raises(Unavailable):
        await served.wallet.take_up(wallet, taking, "en")
    served.pass_time(seconds=21)
    await served.haven.issuer.advance(issuance.id)  # as the sweep does
    seen = await served.wallet.take_up(wallet, taking, "en")
    await served.wallet.accept_offer(wallet, seen.id, "en")
    assert (await served.issuance(issuance.id)).state == State.ISSUED
    assert len(served.network.connections) == 1


async def _lose_next_offer(house: House) -> None:
    offer = house.network.listener

    async def lose(announcement: Any) -> None:
        for each in house.network.issuances:
            if each.issuer_side == announcement.record_id and each.state is OfferState.OFFERED:
                each.holder_side = None
        house.network.listener = offer

    house.network.listener = lose


async def test_taking_up_a_link_again_offers_nothing_twice(served: House) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    issuance, link, code = await served.offered()
    taking = TakeUp(link=link, code=code)
    first = await served.wallet.take_up(wallet, taking, "en")
    await served.fakes[1].delete_note(wallet.token, PENDING, first.id)  # an answer got lost
    assert await served.wallet.take_up(wallet, taking, "en") == first
    made = [each for each in served.network.issuances if each.reference == issuance.id]
    assert len(made) == 1


async def test_an_offer_half_made_is_not_mixed_up_with_another_on_the_connection(
    served: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    other, _ = await preview(served, wallet)
    issuance, link, code = await served.offered()
    served.network.fail_once("offer")  # before the deed: there is nothing to adopt
    with pytest.raises(Unavailable):
        await served.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")
    served.pass_time(seconds=21)
    await served.haven.issuer.advance(issuance.id)
    mine = await served.issuance(issuance.id)
    assert mine.state == State.OFFERED
    assert mine.exchange_id not in (None, (await served.issuance(other.id)).exchange_id)


async def test_what_is_forgotten_makes_strangers_again(
    served: House, asked: list[dict[str, Any]]
) -> None:
    wallet = await served.new_wallet()
    first = await take(served, wallet)
    (entry,) = (await served.wallet.history(wallet, "en")).items
    await served.wallet.notes.forget(wallet.token, entry.id)
    assert await served.fakes[1].notes(wallet.token, CONTACTS) == {}
    asked.clear()
    second = await take(served, wallet)
    assert second.connection_id != first.connection_id
    assert asked == [{}]


async def test_an_ended_offer_is_not_made_over_a_connection_either(served: House) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    (contact,) = (await served.fakes[1].notes(wallet.token, CONTACTS)).values()
    issuance, *_ = await served.offered()
    await served.haven.issuer.cancel(served.of("harbour"), issuance.id)
    with pytest.raises(Gone):
        await served.haven.issuer.meetings.over_connection(
            issuance.id, "c" * 40, contact["claim"]
        )


async def test_the_database_keeps_no_claim(served: House) -> None:
    wallet = await served.new_wallet()
    await take(served, wallet)
    (contact,) = (await served.fakes[1].notes(wallet.token, CONTACTS)).values()
    assert contact["claim"] not in await served.raw_rows()
