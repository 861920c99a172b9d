"""Devices with PINs and recovery codes: what opens, what is counted, what is never told."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from controllers_house import House
from sqlalchemy import select

from controllers.store.brief import table_of
from controllers.store.models import WalletDevice
from controllers.wallet.sessions import OpenWallet

Json = dict[str, Any]
_DEVICES = select(table_of(WalletDevice))


def fresh(size: int = 32) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).decode().rstrip("=")


def slot() -> Json:
    return {"proof": fresh(), "box": fresh(90)}


@dataclass
class App:
    """A wallet's app on one device: what it keeps, and what it asks."""

    house: House
    client: httpx.AsyncClient
    key: str = ""
    wallet_id: str = ""
    session: str = ""
    device: str = field(default_factory=fresh)
    slots: list[Json] = field(default_factory=lambda: [slot(), slot()])

    async def ask(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        return await self.client.request(
            method, f"/api/wallet{path}", json=body, headers=headers
        )

    async def make(self) -> App:
        self.key = fresh()
        self.wallet_id = await self.house.haven.sessions.create_wallet(self.key)
        self.session, _ = await self.house.haven.sessions.open(self.wallet_id, self.key)
        return self

    async def register(self) -> App:
        body = {"device": self.device, "slots": self.slots}
        assert (await self.ask("POST", "/devices", body)).json() == {"done": True}
        return self

    def proven(self, which: int | None) -> Json:
        proof = fresh() if which is None else self.slots[which]["proof"]
        return {"device": self.device, "proof": proof}

    async def unlock(self, which: int | None) -> httpx.Response:
        """With the PIN of a slot, or with a wrong one."""
        return await self.ask("POST", "/devices/unlock", self.proven(which))

    async def change(self, which: int | None, number: int, new: Json) -> httpx.Response:
        body = {**self.proven(which), "slot": number, "new": new}
        return await self.ask("POST", "/devices/slot", body)

    async def setup(self) -> Json:
        answer: Json = (await self.ask("GET", "/setup")).json()
        return answer

    async def destroy(self, key: str | None = None) -> int:
        path = f"/wallets/{self.wallet_id}/destroy"
        return (await self.ask("POST", path, {"key": key or self.key})).status_code

    async def opened(self) -> OpenWallet:
        return await self.house.haven.sessions.recognise(self.session)

    async def beside(self) -> App:
        """The same wallet on another device."""
        other = App(self.house, self.client, self.key, self.wallet_id, self.session)
        return await other.register()


async def app_of(house: House) -> AsyncIterator[App]:
    async with house.client() as client:
        yield await (await App(house, client).make()).register()


@pytest.fixture
async def app(small_house: House) -> AsyncIterator[App]:
    async for made in app_of(small_house):
        yield made


@pytest.fixture
async def app_on_each(house: House) -> AsyncIterator[App]:
    """On SQLite and on PostgreSQL."""
    async for made in app_of(house):
        yield made


def answer(response: httpx.Response) -> tuple[int, Json, str | None]:
    """All that is told, but for the number that the request has in the log."""
    body = {name: value for name, value in response.json().items() if name != "request_id"}
    return response.status_code, body, response.headers.get("retry-after")


# --- unlocking ----------------------------------------------------------------------------


async def test_a_pin_releases_its_own_box_and_no_session_is_needed(app_on_each: App) -> None:
    app, session = app_on_each, app_on_each.session
    app.session = ""
    for which in (0, 1):
        released = await app.unlock(which)
        assert released.json() == {"slot": which, "box": app.slots[which]["box"]}
    app.session = session
    assert await app.setup() == {"recovery": "none", "devices": 1}


async def test_a_wrong_pin_is_told_how_many_tries_are_left_and_then_to_wait(
    app_on_each: App,
) -> None:
    app = app_on_each
    for left in (4, 3, 2, 1):
        status, body, _ = answer(await app.unlock(None))
        assert (status, body["tries_left"]) == (401, left)
        assert body["type"] == "urn:haven:problem:not-authenticated"
    status, body, after = answer(await app.unlock(None))
    assert (status, body["wait_seconds"], after) == (429, 60, "60")
    assert body["type"] == "urn:haven:problem:too-many-tries"
    app.house.pass_time(seconds=20)
    waiting = await app.unlock(None)
    assert 39 <= waiting.json()["wait_seconds"] <= 40
    assert waiting.headers["retry-after"] == str(waiting.json()["wait_seconds"])


async def test_what_waits_opens_for_nobody_and_does_not_tell(app: App) -> None:
    for _ in range(5):
        await app.unlock(None)
    for which in (0, 1):
        right = await app.unlock(which)
        assert answer(right) == answer(await app.unlock(None))
    app.house.pass_time(seconds=61)
    assert (await app.unlock(1)).json()["slot"] == 1


async def test_guesses_at_once_are_each_counted(app_on_each: App) -> None:
    answers = await asyncio.gather(*(app_on_each.unlock(None) for _ in range(12)))
    assert sorted(each.status_code for each in answers) == [401] * 4 + [429] * 8
    assert sorted(each.json().get("tries_left", 0) for each in answers)[-4:] == [1, 2, 3, 4]
    assert (await app_on_each.unlock(0)).status_code == 429


async def test_opening_one_slot_gives_no_further_try_at_the_other(app: App) -> None:
    """He knows one of the two PINs, and opens with it whenever his tries run out."""
    for _ in range(2):
        for _ in range(4):
            assert (await app.unlock(None)).status_code == 401
        assert (await app.unlock(0)).status_code == 200
    told = answer(await app.unlock(1))
    assert told[:2] == (401, {**told[1], "tries_left": 4}), "it looks like a wrong one"
    app.house.pass_time(seconds=61)
    assert (await app.unlock(1)).json()["slot"] == 1


async def test_an_unknown_device_is_answered_like_a_wrong_pin(app: App) -> None:
    wrong = answer(await app.unlock(None))
    app.device = fresh()
    for which in (None, 0):
        assert answer(await app.unlock(which)) == wrong
        assert answer(await app.ask("POST", "/devices/forget", app.proven(which))) == wrong
        assert answer(await app.change(which, 0, slot())) == wrong


async def test_wrong_tries_and_their_time_are_forgotten_after_two_days(
    app_on_each: App,
) -> None:
    app, haven = app_on_each, app_on_each.house.haven
    await app.unlock(None)
    rows = await haven.database.rows(_DEVICES)
    assert rows[0].forget_at is not None
    app.house.pass_time(days=1, hours=23)
    await haven.locks.purge()
    assert (await haven.database.rows(_DEVICES))[0].forget_at is not None
    app.house.pass_time(hours=2)
    await haven.locks.purge()
    assert (await haven.database.rows(_DEVICES))[0].forget_at is None
    assert (await app.unlock(None)).json()["tries_left"] == 4


async def test_opening_leaves_no_time_behind(app: App) -> None:
    database = app.house.database
    before = await database.rows(_DEVICES)
    await app.unlock(0)
    assert await database.rows(_DEVICES) == before
