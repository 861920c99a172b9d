"""Devices with PINs and recovery codes: what opens, what is counted, what is never told."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from controllers_house import House, planted
from sqlalchemy import select

from controllers.store.brief import table_of
from controllers.store.models import WalletDevice, WalletRecovery
from controllers.wallet.notes import RECOVERIES
from controllers.wallet.sessions import OpenWallet

Json = dict[str, Any]
_DEVICES = select(table_of(WalletDevice))
_RECOVERIES = select(table_of(WalletRecovery))


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


# --- changing PINs ------------------------------------------------------------------------


async def test_a_pin_is_changed_with_a_session_and_the_proof_of_either_slot(
    app_on_each: App,
) -> None:
    app, new = app_on_each, slot()
    assert (await app.change(None, 1, new)).status_code == 401
    assert (await app.change(0, 1, new)).json() == {"done": True}
    assert (await app.unlock(1)).status_code == 401
    app.slots[1] = new
    assert (await app.unlock(1)).json() == {"slot": 1, "box": new["box"]}
    again = slot()
    assert (await app.change(1, 1, again)).status_code == 200
    app.slots[1] = again
    assert (await app.unlock(1)).status_code == 200
    app.session = ""
    assert (await app.change(0, 1, new)).json()["detail"] == "Please open your wallet"


async def test_tries_to_change_a_pin_are_tries(app: App) -> None:
    for left in (4, 3, 2, 1):
        assert (await app.change(None, 1, slot())).json()["tries_left"] == left
    assert (await app.change(None, 1, slot())).json()["wait_seconds"] == 60
    assert (await app.change(0, 0, slot())).status_code == 429
    assert (await app.unlock(0)).status_code == 429


async def test_setting_a_pin_tells_nothing_of_the_other_one(app: App) -> None:
    """He has opened slot 1, and sets its PIN to what he believes to be that of slot 0."""
    guessed = {"proof": app.slots[0]["proof"], "box": fresh(90)}
    wrong = {"proof": fresh(), "box": fresh(90)}
    told = []
    for tried in (guessed, wrong):
        assert (await app.change(1, 1, tried)).json() == {"done": True}
        app.slots[1] = tried
        released = await app.unlock(1)
        told.append((released.status_code, released.json()["slot"]))
        assert released.json()["box"] == tried["box"]
    assert told == [(200, 1), (200, 1)]


async def test_a_wallet_that_changes_a_slot_knows_the_device(app: App) -> None:
    """So a second wallet on it, once it has set its own PIN, looks like the first."""
    second = await App(app.house, app.client, device=app.device).make()
    second.slots = [app.slots[0], slot()]
    assert (await second.setup())["devices"] == 0
    assert (await app.change(0, 1, second.slots[1])).status_code == 200
    assert (await second.change(1, 1, second.slots[1])).status_code == 200
    assert await second.setup() == await app.setup()


async def test_without_the_proof_no_wallet_gets_hold_of_a_device(app: App) -> None:
    stranger = await App(app.house, app.client, device=app.device).make()
    assert (await stranger.change(None, 1, slot())).status_code == 401
    body = {"device": app.device, "slots": [slot(), slot()]}
    assert (await stranger.ask("POST", "/devices", body)).status_code == 409
    forgotten = await stranger.ask("POST", "/devices/others/forget", {"device": fresh()})
    assert forgotten.json() == {"forgotten": 0}
    assert (await app.unlock(0)).status_code == 200
    assert (await stranger.setup())["devices"] == 0


async def test_registering_twice_is_once_and_counts_stay(app: App) -> None:
    await app.unlock(None)
    await app.register()
    assert (await app.unlock(None)).json()["tries_left"] == 3
    assert (await app.setup())["devices"] == 1


async def test_two_equal_proofs_and_too_many_devices_are_refused(app: App) -> None:
    both = slot()
    body = {"device": fresh(), "slots": [both, {**slot(), "proof": both["proof"]}]}
    assert (await app.ask("POST", "/devices", body)).status_code == 422
    for _ in range(19):
        await app.beside()
    body["slots"] = [slot(), slot()]
    assert (await app.ask("POST", "/devices", body)).status_code == 409
    assert (await app.setup())["devices"] == 20
    await app.ask("POST", "/devices/forget", app.proven(0))
    assert (await app.ask("POST", "/devices", body)).status_code == 200
    assert (await app.setup())["devices"] == 20, "what was forgotten is not counted any more"


@pytest.mark.parametrize(
    "change",
    [
        {"device": "short"},
        {"device": "!" * 43},
        {"slots": []},
        {"slots": [slot()] * 3},
        {"slots": [slot(), {**slot(), "box": "x" * 39}]},
        {"slots": [slot(), {**slot(), "box": "x" * 401}]},
        {"slots": [slot(), {**slot(), "proof": fresh(31)}]},
        {"more": 1},
    ],
)
async def test_what_is_not_in_form_is_refused(app: App, change: Json) -> None:
    body = {"device": fresh(), "slots": [slot(), slot()], **change}
    assert (await app.ask("POST", "/devices", body)).status_code == 422


# --- forgetting ---------------------------------------------------------------------------


async def test_a_forgotten_device_opens_nothing(app_on_each: App) -> None:
    app = app_on_each
    assert (await app.ask("POST", "/devices/forget", app.proven(None))).status_code == 401
    assert (await app.ask("POST", "/devices/forget", app.proven(1))).json() == {"done": True}
    assert (await app.unlock(0)).status_code == 401
    assert (await app.setup())["devices"] == 0
    assert await app.house.database.rows(_DEVICES) == []


async def test_every_other_device_is_forgotten(app_on_each: App) -> None:
    app = app_on_each
    others = [await app.beside() for _ in range(2)]
    elsewhere = await (await App(app.house, app.client).make()).register()
    assert (await app.setup())["devices"] == 3
    answered = await app.ask("POST", "/devices/others/forget", {"device": app.device})
    assert answered.json() == {"forgotten": 2}
    assert [(await each.unlock(0)).status_code for each in others] == [401, 401]
    assert (await app.unlock(0)).status_code == 200
    assert (await elsewhere.unlock(0)).status_code == 200
    assert (await app.setup())["devices"] == 1


async def test_one_of_the_other_devices_is_forgotten(app_on_each: App) -> None:
    app = app_on_each
    before, other = await app.beside(), await app.beside()
    stranger = await (await App(app.house, app.client).make()).register()
    for only, count in ((before.device, 1), (stranger.device, 0), (app.device, 0)):
        body = {"device": app.device, "only": only}
        answered = await app.ask("POST", "/devices/others/forget", body)
        assert answered.json() == {"forgotten": count}
    assert (await before.unlock(0)).status_code == 401
    for each in (app, other, stranger):
        assert (await each.unlock(0)).status_code == 200


# --- recovery -----------------------------------------------------------------------------


def code() -> Json:
    return {"lookup": fresh(), "box": fresh(90)}


async def opened_with(app: App, made: Json) -> httpx.Response:
    return await app.ask("POST", "/recovery/open", {"lookup": made["lookup"]})


async def test_a_recovery_code_releases_its_box_until_it_is_replaced(app_on_each: App) -> None:
    app, first, second = app_on_each, code(), code()
    assert (await app.setup())["recovery"] == "none"
    assert (await app.ask("POST", "/recovery/tried", {})).status_code == 409
    assert (await opened_with(app, first)).status_code == 404
    for made in (first, first, second):
        assert (await app.ask("PUT", "/recovery", made)).json() == {"done": True}
        assert (await app.setup())["recovery"] == "made"
        assert (await opened_with(app, made)).json() == {"box": made["box"]}
        assert (await app.ask("POST", "/recovery/tried", {})).json() == {"done": True}
        assert (await app.setup())["recovery"] == "tried"
    assert answer(await opened_with(app, first)) == answer(await opened_with(app, code()))
    app.session = ""
    assert (await opened_with(app, second)).status_code == 200


async def test_a_code_of_another_wallet_cannot_be_taken(app: App) -> None:
    made = code()
    await app.ask("PUT", "/recovery", made)
    other = await App(app.house, app.client).make()
    assert (await other.ask("PUT", "/recovery", {**made, "box": fresh(90)})).status_code == 409
    assert (await opened_with(app, made)).json()["box"] == made["box"]


@pytest.mark.parametrize("step", ["put_note", "change_notes"])
async def test_replacing_that_broke_off_is_finished_by_asking_again(
    app: App, step: str
) -> None:
    first, second, third = code(), code(), code()
    await app.ask("PUT", "/recovery", first)
    app.house.network.fail_once(step)
    assert (await app.ask("PUT", "/recovery", second)).status_code == 503
    assert (await app.setup())["recovery"] == "made"
    await app.ask("PUT", "/recovery", third)
    opens = [(await opened_with(app, each)).status_code for each in (first, second, third)]
    assert opens == [404, 404, 200]
    noted = await app.house.fakes[1].notes((await app.opened()).token, RECOVERIES)
    assert len(noted) == 1


# --- the wallet's end ---------------------------------------------------------------------


async def test_destroying_takes_devices_and_code_along(app_on_each: App) -> None:
    app, made = app_on_each, code()
    other, stranger = await app.beside(), await App(app.house, app.client).make()
    await app.ask("PUT", "/recovery", made)
    await stranger.register()
    assert await app.destroy(fresh()) == 401, "a wrong key deletes nothing"
    assert (await app.unlock(0)).status_code == 200
    assert (await opened_with(app, made)).status_code == 200
    assert await app.destroy() == 200
    app.session = ""
    assert [(await each.unlock(0)).status_code for each in (app, other)] == [401, 401]
    assert (await opened_with(app, made)).status_code == 404
    assert (await stranger.unlock(0)).status_code == 200
    rows = await app.house.database.rows(_DEVICES)
    assert len(rows) == 1


async def test_destroying_that_broke_off_is_finished_by_asking_again(app: App) -> None:
    for step in ("open", "notes", "destroy"):
        app.house.network.fail_once(step)
        assert await app.destroy() == 503
    sessions = app.house.network.wallets[app.wallet_id].sessions
    assert len(sessions) == 1, "what was opened to destroy is closed again"
    assert await app.destroy() == 200
    assert app.wallet_id not in app.house.network.wallets


# --- what is kept, and what is said -------------------------------------------------------


async def everything_tried(app: App, made: Json) -> list[httpx.Response]:
    answers = [await app.unlock(each) for each in (0, 1, None)]
    answers += [await app.change(None, 0, slot()), await app.change(0, 0, app.slots[0])]
    answers += [await app.ask("PUT", "/recovery", each) for each in (made, {**made, "x": 1})]
    answers += [await app.ask("POST", "/recovery/tried", {}), await opened_with(app, code())]
    answers += [await app.ask("POST", "/devices", {"device": app.device, "slots": [slot()]})]
    answers += [await app.ask("POST", "/devices/forget", app.proven(None))]
    answers += [await app.unlock(None) for _ in range(4)]
    return [each for each in answers if each.status_code >= 400]


async def test_the_rows_say_neither_whose_they_are_nor_what_is_in_them(
    app_on_each: App,
) -> None:
    app, made = app_on_each, code()
    await everything_tried(app, made)
    rows = str([await app.house.database.rows(each) for each in (_DEVICES, _RECOVERIES)])
    hidden = hidden_of(app, made)
    assert len(rows) > 500
    assert planted(*hidden, inside=rows) == []
    assert planted(*hidden[1:], inside=await app.house.raw_rows()) == []
    columns = {*WalletDevice.__table__.columns.keys(), *WalletRecovery.__table__.columns.keys()}
    assert columns == {"device_digest", "lookup_digest", "sealed", "forget_at"}


async def test_no_log_and_no_refusal_has_them(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx")  # the address that this test itself asks
    made = code()
    refusals = await everything_tried(app, made)
    assert await app.destroy(fresh()) == 401
    assert len(refusals) >= 8
    said = caplog.text + "".join(each.text + str(each.headers) for each in refusals)
    assert planted(*hidden_of(app, made), inside=said) == []


def hidden_of(app: App, made: Json) -> list[str]:
    """The wallet's id first; then what nobody but the device may have, in several spellings."""
    texts = [app.key, app.device, *made.values()]
    texts += [value for each in app.slots for value in each.values()]
    raw = [base64.urlsafe_b64decode(each + "=" * (-len(each) % 4)) for each in texts]
    return [app.wallet_id, *texts, *(each.hex() for each in raw)]
