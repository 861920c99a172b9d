"""A second PIN, seen by whoever looks at the phone or at its network: nothing tells of it.

What is asked and answered at each opening has the same shape, of the same length, whether one
PIN is there or two, and whichever is typed; and the phone keeps the same as before.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Response

from tests.e2e.app import PIN, App
from tests.e2e.kept import Kept, kept_by
from tests.e2e.phones import Phone, Phones, Site
from tests.e2e.tour import SECOND_PIN

pytestmark = pytest.mark.browser

WRONG_PIN = "908172"


@dataclass
class Wire:
    """What goes over it, as whoever listens behind the encryption could measure it."""

    talks: list[tuple[Any, ...]] = field(default_factory=list)
    _reading: list[asyncio.Task[tuple[Any, ...]]] = field(default_factory=list)

    def listen(self, phone: Phone) -> None:
        phone.context.on("response", self._heard)

    async def since(self) -> list[tuple[Any, ...]]:
        """Everything since the last time: what was asked, and the answer, in shapes. In which
        order answers of one page come is by chance."""
        talks = await asyncio.gather(*self._reading)
        self._reading.clear()
        return sorted(talks, key=str)

    def _heard(self, response: Response) -> None:
        if "/api/" in response.url:
            self._reading.append(asyncio.ensure_future(_measured(response)))


async def _measured(response: Response) -> tuple[Any, ...]:
    request = response.request
    path = urlsplit(request.url).path
    asked = json.loads(request.post_data) if request.post_data else None
    answered = None if "session/close" in path else await response.json()
    names = sorted(await request.all_headers())
    length = len(request.post_data or "")
    return (
        request.method,
        _shape_of_path(path),
        names,
        length,
        shape(asked),
        response.status,
        shape(answered),
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


async def settled(app: App) -> None:
    """Nothing is under way any more."""
    await app.page.wait_for_load_state("networkidle")


def storage(kept: Kept) -> dict[str, Any]:
    """What is kept beyond the page."""
    names = ("local", "session", "cookies", "jar", "databases", "cached", "state")
    return {name: kept.found[name] for name in names}


async def opened_with(app: App, wire: Wire, pin: str) -> list[tuple[Any, ...]]:
    """Open the wallet with a PIN, lock it again; what was said meanwhile."""
    await app.unlock(pin)
    await settled(app)
    await app.lock()
    await settled(app)
    return await wire.since()


async def make_second(app: App, pin: str = PIN, second: str = SECOND_PIN) -> None:
    await app.go("more")
    for _ in range(5):
        await app.button("more.version", number="0.1").click()
    await app.screen("second")
    for place, each in enumerate((pin, second, second)):
        await app.write(app.pins.nth(place), each)
    await app.press("second.make")
    await app.outcome("second-made")
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
    await settled(app)
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
    await settled(app)
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
        await app.go("more")
        for _ in range(5):
            await app.button("more.version", number="0.1").click()
        await app.screen("second")
        said.append((more, phones_said, await app.main.inner_text()))
    assert said[0] == said[1]
