"""A card of paper: a device like a phone to the server, of which a wallet has one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from controllers_house import House
from test_controllers_locks import App, Json, answer, app_of, fresh, slot

from controllers.wallet.notes import DEVICES


@dataclass
class Card(App):
    """A card of a wallet, as the app in front of it reads it off the paper."""

    async def register(self) -> Card:
        body = {"device": self.device, "slots": self.slots, "card": True}
        assert (await self.ask("POST", "/devices", body)).json() == {"done": True}
        return self

    def proven(self, which: int | None) -> Json:
        return {**super().proven(which), "card": True}


def carried(app: App) -> Card:
    """Another card for this wallet, not made yet."""
    return Card(app.house, app.client, app.key, app.wallet_id, app.session)


@pytest.fixture
async def phone(house: House) -> AsyncIterator[App]:
    """A wallet on a phone; on SQLite and on PostgreSQL."""
    async for made in app_of(house):
        yield made


@pytest.fixture
async def small_phone(small_house: House) -> AsyncIterator[App]:
    async for made in app_of(small_house):
        yield made


def codes(*tried: httpx.Response) -> list[int]:
    return [each.status_code for each in tried]


async def test_a_card_opens_with_its_pin_and_is_no_phone(phone: App) -> None:
    card = await carried(phone).register()
    card.session = ""
    assert (await card.unlock(1)).json() == {"slot": 1, "box": card.slots[1]["box"]}
    assert await phone.setup() == {"recovery": "none", "devices": 1}


async def test_a_card_without_its_pin_releases_nothing_and_tries_are_counted(
    phone: App,
) -> None:
    card = await carried(phone).register()
    card.session = ""
    for left in (4, 3, 2, 1):
        told = answer(await card.unlock(None))
        assert told[:2] == (401, {**told[1], "tries_left": left})
    told = answer(await card.unlock(None))
    assert (told[0], told[1]["code"], told[1]["wait_seconds"]) == (429, "pin-waits", 60)
    assert (await card.unlock(0)).status_code == 429, "the right one waits as well"
    assert (await phone.unlock(0)).status_code == 200, "the phone has its own count"


async def test_a_fresh_card_ends_the_one_before(phone: App) -> None:
    first = await carried(phone).register()
    second = await carried(phone).register()
    ended = answer(await first.unlock(0))
    assert (ended[0], ended[1]["code"]) == (404, "card-ended")
    assert (await second.unlock(0)).status_code == 200
    assert (await phone.unlock(0)).status_code == 200
    await second.register()  # an answer got lost: asked again, it is the same card
    assert (await second.unlock(0)).status_code == 200


@pytest.mark.parametrize("step", ["notes", "change_notes"])
async def test_making_a_card_that_broke_off_is_finished_by_asking_again(
    small_phone: App, step: str
) -> None:
    first, second = await carried(small_phone).register(), carried(small_phone)
    small_phone.house.network.fail_once(step)
    body = {"device": second.device, "slots": second.slots, "card": True}
    assert (await second.ask("POST", "/devices", body)).status_code == 503
    await second.register()
    assert codes(await first.unlock(0), await second.unlock(0)) == [404, 200]


async def test_the_twenty_first_device_may_be_a_card_in_the_place_of_another(
    small_phone: App,
) -> None:
    first = await carried(small_phone).register()
    for _ in range(18):
        await small_phone.beside()
    second = await carried(small_phone).register()
    assert codes(await first.unlock(0), await second.unlock(0)) == [404, 200]


async def test_other_phones_and_the_card_are_ended_apart(phone: App) -> None:
    card, other = await carried(phone).register(), await phone.beside()
    answered = await phone.ask("POST", "/devices/others/forget", {"device": phone.device})
    assert answered.json() == {"forgotten": 1}
    assert codes(await card.unlock(0), await other.unlock(0)) == [200, 401]
    assert (await phone.ask("POST", "/devices/cards/forget", {})).json() == {"forgotten": 1}
    assert (await phone.ask("POST", "/devices/cards/forget", {})).json() == {"forgotten": 0}
    assert codes(await card.unlock(0), await phone.unlock(0)) == [404, 200]


async def test_opened_with_its_card_a_wallet_is_closed_on_every_phone(phone: App) -> None:
    card = await carried(phone).register()
    answered = await card.ask("POST", "/devices/others/forget", {"device": card.device})
    assert answered.json() == {"forgotten": 1}
    assert codes(await card.unlock(0), await phone.unlock(0)) == [200, 401]


async def test_another_wallet_s_card_stays(small_phone: App) -> None:
    stranger = await App(small_phone.house, small_phone.client).make()
    theirs = await carried(stranger).register()
    await carried(small_phone).register()
    assert (await small_phone.ask("POST", "/devices/cards/forget", {})).status_code == 200
    assert (await theirs.unlock(0)).status_code == 200


async def test_a_card_whose_pin_was_changed_is_still_a_card(small_phone: App) -> None:
    card, new = await carried(small_phone).register(), slot()
    assert (await card.change(0, 0, new)).json() == {"done": True}
    card.slots[0] = new
    assert (await card.unlock(0)).json()["box"] == new["box"]
    token = (await small_phone.opened()).token
    noted = await small_phone.house.fakes[1].notes(token, DEVICES)
    assert sorted(map(str, noted.values())) == ["{'card': True}", "{}"]
    assert (await small_phone.setup())["devices"] == 1


async def test_what_was_never_a_card_is_told_as_ended_too(small_phone: App) -> None:
    """A card that nobody made, and one that was ended, cannot be told apart."""
    card = await carried(small_phone).register()
    await small_phone.ask("POST", "/devices/cards/forget", {})
    ended = answer(await card.unlock(0))
    card.device = fresh()
    assert answer(await card.unlock(0)) == ended
    assert (await card.change(0, 0, slot())).status_code == 404


async def test_destroying_the_wallet_ends_its_card(phone: App) -> None:
    card = await carried(phone).register()
    assert await phone.destroy() == 200
    assert (await card.unlock(0)).status_code == 404


async def test_no_row_says_which_device_is_a_card(small_phone: App) -> None:
    await carried(small_phone).register()
    assert "card" not in await small_phone.house.raw_rows()
