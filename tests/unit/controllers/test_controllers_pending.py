"""What a wallet's holder finds when she comes back: what waits for her yes or no."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from controllers_house import ENTITLEMENT, House

from controllers.wallet.notes import PENDING
from controllers.wallet.pending import pending
from controllers.wallet.schemas import OfferPreview, RequestPreview, TakeUp
from controllers.wallet.sessions import OpenWallet
from core.errors import HavenError, Unavailable
from core.ports import AnswerState


@pytest.fixture
def served(small_house: House) -> House:
    """A house whose worker goes on with every issuance as soon as something moves."""

    async def announce(announcement: Any) -> None:
        issuer = small_house.haven.issuer
        found = await issuer.by_connection(announcement.invitation_id or "")
        found = found or await issuer.by_exchange(announcement.record_id)
        if found is not None:
            with suppress(HavenError):
                await issuer.advance(found)

    small_house.network.listener = announce
    return small_house


async def asked(house: House, wallet: OpenWallet) -> RequestPreview:
    """A request that she has looked at."""
    _, link = await house.check("river", "shelter")
    preview = await house.wallet.take_up(wallet, TakeUp(link=link), "en")
    assert isinstance(preview, RequestPreview)
    return preview


async def offered(house: House, wallet: OpenWallet, **what: Any) -> OfferPreview:
    """An offer that she has looked at."""
    _, link, code = await house.offered(**what)
    preview = await house.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")
    assert isinstance(preview, OfferPreview)
    return preview


async def listed(house: House, wallet: OpenWallet) -> list[Any]:
    return await pending(house.wallet, wallet, "en")


async def noted(house: House, wallet: OpenWallet) -> Mapping[str, Any]:
    return await house.wallet.notes.all(wallet.token, PENDING)


async def test_what_was_taken_up_is_shown_as_it_was_then(served: House) -> None:
    wallet, other = await served.new_wallet(), await served.new_wallet()
    assert await listed(served, wallet) == []
    await served.issue(wallet)
    seen = [await offered(served, wallet), await asked(served, wallet)]
    assert sorted(await listed(served, wallet), key=_id) == sorted(seen, key=_id)
    assert await listed(served, other) == []


def _id(preview: OfferPreview | RequestPreview) -> str:
    return preview.id


async def test_the_route_answers_in_her_language(served: House) -> None:
    key, client = "A" * 43, served.client()
    async with client:
        made = await client.post("/api/wallet/wallets", json={"key": key})
        path = f"/api/wallet/wallets/{made.json()['wallet_id']}/sessions"
        session = (await client.post(path, json={"key": key})).json()["session"]
        wallet = await served.haven.sessions.recognise(session)
        await offered(served, wallet)
        headers = {"Authorization": f"Bearer {session}", "Accept-Language": "es"}
        (item,) = (await client.get("/api/wallet/pending", headers=headers)).json()["items"]
    assert item["kind"] == "offer"
    assert item["title"] != (await listed(served, wallet))[0].title


async def test_what_was_answered_or_declined_waits_no_more(served: House) -> None:
    wallet = await served.new_wallet()
    await served.issue(wallet)
    taken, refused = await offered(served, wallet), await offered(served, wallet)
    shown, declined = await asked(served, wallet), await asked(served, wallet)
    assert len(await listed(served, wallet)) == 4
    await served.wallet.accept_offer(wallet, taken.id, "en")
    await served.wallet.offers.decline(wallet, refused.id)
    await served.wallet.answer(wallet, shown.id, None, "en")
    await served.wallet.requests.decline(wallet, declined.id)
    assert await listed(served, wallet) == []


async def test_an_answer_that_was_sent_is_not_asked_for_again(served: House) -> None:
    """The wallet's agent fell between sending and noting that it was sent."""
    wallet = await served.new_wallet()
    await served.issue(wallet)
    request = await asked(served, wallet)
    served.network.fail_once("change_notes")
    with pytest.raises(Unavailable):
        await served.wallet.answer(wallet, request.id, None, "en")
    assert request.id in await noted(served, wallet)
    assert await listed(served, wallet) == []
    states = [each.state for each in served.network.requests.values()]
    assert states == [AnswerState.RECEIVED]


async def test_what_is_past_is_not_shown_and_in_the_end_removed(served: House) -> None:
    wallet = await served.new_wallet()
    await served.issue(wallet)
    await offered(served, wallet), await asked(served, wallet)
    served.pass_time(days=6)
    assert await listed(served, wallet) == []
    assert len(await noted(served, wallet)) == 2
    served.pass_time(days=2)
    before = served.network.calls["close_offer"]
    assert await listed(served, wallet) == []
    assert await noted(served, wallet) == {}
    assert served.network.calls["close_offer"] == before, "nobody is told"
    left = [each for each in served.network.issuances if each.holder_side is not None]
    assert len(left) == 1, "the offer's values are gone; what she holds is not"


async def test_what_cannot_be_verified_any_more_is_left_out_and_the_rest_shown(
    served: House,
) -> None:
    wallet = await served.new_wallet()
    await offered(
        served, wallet, slug="fund", credential="support-entitlement", values=ENTITLEMENT
    )
    good = await offered(served, wallet)
    grant = served.grants["fund", "support-entitlement"]
    await served.haven.accreditation.withdraw_grant(grant)
    assert [each.id for each in await listed(served, wallet)] == [good.id]


async def test_an_offer_that_has_not_arrived_does_not_hold_up_the_others(
    served: House,
) -> None:
    wallet = await served.new_wallet()
    served.network.listener = None
    _, link, code = await served.offered()
    with pytest.raises(TimeoutError):  # she does not wait for it
        async with asyncio.timeout(0.5):
            await served.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")
    assert len(await noted(served, wallet)) == 1
    request = await asked(served, wallet)
    assert [each.id for each in await listed(served, wallet)] == [request.id]


async def test_an_offer_that_was_taken_back_is_left_out(served: House) -> None:
    wallet = await served.new_wallet()
    issuance, link, code = await served.offered()
    await served.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")
    await served.haven.issuer.cancel(served.of("harbour"), issuance.id)
    assert await listed(served, wallet) == []
