"""A deed is written in the unit of work that makes it true: of the two, neither is alone."""

from __future__ import annotations

import re

import pytest
from controllers_house import ENTITLEMENT, PAYMENT, House
from desk_hands import hands_of
from test_desk_checking import begun
from test_desk_issuing import in_a_wallet, issued
from test_desk_people import KEYS

from controllers.access import Role
from controllers.staff.people import Duty
from controllers.store.models import Check
from core.errors import Unavailable


@pytest.fixture
def no_second_unit(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed after each act, before another unit of work."""

    async def killed(*_: object) -> None:
        raise Unavailable("killed")

    monkeypatch.setattr(small_house.haven.desks.deeds, "note", killed)


async def deeds_of(house: House, slug: str) -> list[tuple[str, str | None, str | None]]:
    found = await house.haven.desks.deeds.latest(house.of(slug).id)
    return [(each.what, each.member_id, each.subject_id) for each in found]


async def paid(house: House) -> Check:
    """A payment that was accepted."""
    check, _ = await house.check("payer", "payment", PAYMENT)
    wallet = await house.new_wallet()
    await house.issue(wallet, "fund", "support-entitlement", ENTITLEMENT)
    assert await house.accepted(check, wallet)
    return check


@pytest.mark.usefixtures("no_second_unit")
async def test_what_is_done_with_a_card_is_a_deed(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE, Duty.REVOKE)
    card, offer = await in_a_wallet(small_house, await issued(hands)), await issued(hands)
    path = f"/desk/issued/{card}/withdraw"
    assert (await hands.send(await hands.open(path), path, because="lost")).status == 200
    assert (await hands.send(offer, f"{offer.path}/take-back")).status == 200
    me, taken_back = hands.person.id, offer.path.rpartition("/")[2]
    latest = (await deeds_of(small_house, "harbour"))[:2]
    assert latest == [("taken-back", me, taken_back), ("withdrawn", me, card)]


@pytest.mark.usefixtures("no_second_unit")
async def test_what_is_done_with_a_check_is_a_deed(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.CHECK, slug="payer")
    check = await paid(small_house)
    given = await hands.post(f"/desk/check/one/{check.id}/give-back", {})
    assert given.path == f"/desk/check/one/{check.id}"
    assert given.status == 503  # values are shown only after the deed that says so
    page = await begun(hands, "payment", **{"p-amount_minor": "45", "p-currency": "USD"})
    assert (await hands.send(page, f"{page.path}/stop")).status == 200
    me, stopped = hands.person.id, page.path.rpartition("/")[2]
    latest = (await deeds_of(small_house, "payer"))[:3]
    assert ("given-back", me, check.id) in latest
    assert latest[0] == ("check-stopped", me, stopped)


@pytest.mark.usefixtures("no_second_unit")
async def test_what_is_done_with_a_key_is_a_deed(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ADMINISTER)
    page = await hands.send(await hands.open("/desk/organisation"), KEYS)
    found = re.search(r"data-key>hvn_([^_<]+)_", page.text)
    assert found
    for _ in range(2):  # ending it again changes nothing
        assert (await hands.send(page, f"{KEYS}/{found[1]}/end")).status == 200
    me = hands.person.id
    latest = (await deeds_of(small_house, "harbour"))[:3]
    wanted = [("key-ended", me, found[1]), ("key-made-issue", me, found[1])]
    assert latest == [*wanted, ("signed-in", me, None)]


async def test_what_a_machine_does_with_a_check_is_a_deed(small_house: House) -> None:
    check, waiting = (
        await paid(small_house),
        (await small_house.check("payer", "payment", PAYMENT))[0],
    )
    async with small_house.client(await small_house.key("payer", Role.CHECK)) as client:
        checks = "/api/verifier/checks"
        assert (await client.get(f"{checks}/{check.id}/disclosed")).status_code == 200
        for _ in range(2):
            released = await client.post(f"{checks}/{check.id}/release")
            closed = await client.post(f"{checks}/{waiting.id}/cancel")
    assert (released.status_code, closed.status_code) == (409, 200)
    assert await deeds_of(small_house, "payer") == [
        ("check-stopped", None, waiting.id),
        ("given-back", None, check.id),
        ("disclosed-read", None, check.id),
    ]


@pytest.mark.usefixtures("no_second_unit")
async def test_what_a_machine_does_with_a_card_is_a_deed(small_house: House) -> None:
    card = await small_house.issue(await small_house.new_wallet())
    offer, *_ = await small_house.offered()
    async with small_house.client(await small_house.key("harbour", Role.ISSUE)) as client:
        for _ in range(2):
            body = {"issuance_ids": [card.id]}
            gone = await client.post("/api/issuer/revocations", json=body)
            assert gone.status_code == 200
        taken = await client.post(f"/api/issuer/issuances/{offer.id}/cancel")
    assert taken.status_code == 200
    assert await deeds_of(small_house, "harbour") == [
        ("taken-back", None, offer.id),
        ("withdrawn", None, card.id),
    ]
