"""A second PIN, seen by whoever looks at the phone or at its network: nothing tells of it.

What is asked and answered at each opening has the same shape, of the same length, whether one
PIN is there or two, and whichever is typed; and the phone keeps the same as before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Request

from tests.e2e.app import PIN, App
from tests.e2e.kept import Kept, kept_by
from tests.e2e.phones import Phone, Phones, Site
from tests.e2e.tour import SECOND_PIN
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("swift_cast")]

WRONG_PIN = "908172"


@dataclass
class Wire:
    """What goes over it, as whoever listens behind the encryption could measure it."""

    _asked: list[Request] = field(default_factory=list)
    _ended: list[Request] = field(default_factory=list)

    def listen(self, phone: Phone) -> None:
        phone.context.on("request", lambda it: self._asked.append(it) if _ours(it) else None)
        for event in ("requestfinished", "requestfailed"):
            phone.context.on(event, lambda it: self._ended.append(it) if _ours(it) else None)

    async def quiet(self) -> None:
        """Wait until all that was asked is answered."""
        await until(self._is_quiet)

    async def since(self) -> list[tuple[Any, ...]]:
        """Everything since the last time: what was asked, and the answer, in shapes. In which
        order answers of one page come is by chance."""
        await self.quiet()
        ended = self._ended.copy()
        self._asked.clear()
        self._ended.clear()
        return sorted([await _measured(each) for each in ended], key=str)

    async def _is_quiet(self) -> bool:
        return len(self._asked) == len(self._ended)


def _ours(request: Request) -> bool:
    """Part of the API; but the end of a session, after which nothing is waited for."""
    return "/api/" in request.url and not request.url.endswith("/session/close")


async def _measured(request: Request) -> tuple[Any, ...]:
    response = await request.response()
    assert response is not None
    asked = request.post_data
    return (
        request.method,
        _shape_of_path(urlsplit(request.url).path),
        sorted(await request.all_headers()),
        len(asked or ""),
        shape(json.loads(asked) if asked else None),
        response.status,
        shape(await response.json()),
    )


def _shape_of_path(path: str) -> str:
    return "/".join(each if len(each) < 20 else f"*{len(each)}" for each in path.split("/"))


def shape(said: Any) -> Any:
    """Names and lengths, no values; of a slot's number only that it is one."""
    if isinstance(said, dict):
        return {name: shape(each) for name, each in said.items()}
    if isinstance(said, list):
        return [shape(each) for each in said]
    if isinstance(said, str):
        return len(said)
    return "number" if isinstance(said, int) and not isinstance(said, bool) else said


def storage(kept: Kept) -> dict[str, Any]:
    """What is kept beyond the page."""
    names = ("local", "session", "cookies", "jar", "databases", "cached", "state")
    return {name: kept.found[name] for name in names}


async def opened_with(app: App, wire: Wire, pin: str) -> list[tuple[Any, ...]]:
    """Open the wallet with a PIN, lock it again; what was said meanwhile."""
    await app.unlock(pin)
    await wire.quiet()
    await app.lock()
    return await wire.since()


async def make_second(app: App, pin: str = PIN, second: str = SECOND_PIN) -> None:
    await app.make_second(pin, second)
    await app.press("outcome.home", "home")


async def test_nothing_tells_that_there_is_a_second_pin(
    phones: Phones, swift_site: Site
) -> None:
    phone = await phones(swift_site)
    phone.expect("401")
    app, wire = App(phone), Wire()
    await app.set_up()
    await app.lock()
    await phone.reopen()  # with its shell cached, as on every day after the first
    wire.listen(phone)
    alone = await opened_with(app, wire, PIN)
    before = storage(await kept_by(app.page))
    await app.unlock(WRONG_PIN, then=None)
    wrong_alone = await app.said()
    wrong_alone_wire = await wire.since()

    await app.unlock()
    await make_second(app)
    assert storage(await kept_by(app.page)) == before, "making it changes nothing on the phone"
    await app.lock()
    await wire.since()

    first = await opened_with(app, wire, PIN)
    second = await opened_with(app, wire, SECOND_PIN)
    assert storage(await kept_by(app.page)) == before, "nor does opening with either"
    await app.unlock(WRONG_PIN, then=None)
    assert await app.said() == wrong_alone
    assert await wire.since() == wrong_alone_wire

    assert first == alone, "the first PIN is as it was when there was one"
    routes = [each[:2] for each in alone]
    assert [each[:2] for each in second] == routes
    assert opening(second) == opening(first)


def opening(talks: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What is said until the wallet is open; after that, what is in it differs."""
    found = [each for each in talks if "/devices/unlock" in each[1] or "sessions" in each[1]]
    assert len(found) == 2
    return found


async def test_the_other_pin_is_a_wrong_one_in_an_open_wallet(
    phones: Phones, swift_site: Site
) -> None:
    """What is changed or copied is what is seen: a new code, a copy, another PIN, a second one.
    It is told as any wrong PIN is."""
    phone = await phones(swift_site)
    phone.expect("401")
    app = App(phone)
    code = await app.set_up()
    await make_second(app)
    wrong = app.says("problem.wrong-pin-left", left=4)
    for place, screen, press in (
        ("newcode.title", "newcode", "newcode.make"),
        ("copy.title", "copy", "copy.save"),
        ("changepin.title", "changepin", "changepin.change"),
        (None, "second", "second.make"),
    ):
        if place is None:
            await app.to_second_pin()
        else:
            await app.go("more")
            await app.press(place, screen)
        for number, pin in enumerate((SECOND_PIN, "615204", "615204")):
            if number < await app.pins.count():
                await app.write(app.pins.nth(number), pin)
        await app.press(press)
        assert await app.said() == wrong, screen
    await app.lock()
    await app.unlock(SECOND_PIN)
    await app.lock()
    await app.unlock(PIN)
    await app.lock()
    await app.press("locked.forgot")
    await app.recover(code)


async def test_both_wallets_say_the_same_of_the_phone(phones: Phones, swift_site: Site) -> None:
    """The second one knows this phone, as the first does, and its screens are the same; so
    does making a second PIN when the second one is what was typed."""
    phone = await phones(swift_site)
    app = App(phone)
    await app.set_up()
    await make_second(app)
    said = []
    for pin in (PIN, SECOND_PIN):
        await app.lock()
        await app.unlock(pin)
        await app.go("more")
        more = await app.main.inner_text()
        await app.press("phones.title", "phones")
        phones_said = await app.main.inner_text()
        await app.to_second_pin()
        said.append((more, phones_said, await app.main.inner_text()))
    assert said[0] == said[1]
