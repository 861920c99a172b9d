"""The app's shell on a phone: small over a slow network, and there without any."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.async_api import CDPSession, TimeoutError, expect
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from controllers.shell import Shell, routes
from tests.e2e.figures import line
from tests.e2e.phones import Phone, Phones, Site
from tests.support.waiting import until

pytestmark = pytest.mark.browser

MOST_BYTES = 150_000  # of the first load, as sent: four seconds at 300 kbit/s
MOST_WHOLE = 200_000  # of everything, which comes in the background after that
NOT_KEPT = {"sw.js", "shell.js"}  # the worker itself and its list, which the browser keeps
FILES_KEPT = """
async () => {
  await navigator.serviceWorker.ready;
  const [kept] = await caches.keys();
  return (await (await caches.open(kept)).keys()).length;
}
"""


_MOST_STARTS, _DECIDED_MS = 5, 6_000
LEADS_TO = """() => document.querySelector('meta[name="leave-to"]')?.content"""
FETCHED_ANEW = """
async () => {
  const registration = await navigator.serviceWorker.ready;
  await registration.update();
  while (!registration.waiting) await new Promise((go) => setTimeout(go, 20));
}
"""


class Transferred:
    """What a page has fetched: bytes over the network, by address."""

    def __init__(self) -> None:
        self.bytes: dict[str, int] = {}
        self._addresses: dict[str, str] = {}

    async def watch(self, session: CDPSession) -> None:
        """From now on."""
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", self._finished)
        await session.send("Network.enable")

    def _answered(self, event: dict) -> None:
        self._addresses[event["requestId"]] = event["response"]["url"]

    def _finished(self, event: dict) -> None:
        address = self._addresses[event["requestId"]]
        self.bytes[address] = self.bytes.get(address, 0) + int(event["encodedDataLength"])

    def __str__(self) -> str:
        """The largest first."""
        listed = sorted(self.bytes.items(), key=lambda each: -each[1])
        return "\n".join(f"{size:>8} {address}" for address, size in listed)


async def test_the_first_load_is_small(
    phones: Phones, swift_site: Site, figures: list[str]
) -> None:
    phone = await phones(swift_site)
    fetched = Transferred()
    await fetched.watch(await phone.context.new_cdp_session(phone.page))
    await phone.open()
    await phone.screen("notice")
    await phone.page.evaluate(FILES_KEPT)
    total = sum(fetched.bytes.values())
    figures.append(line("first load of the app", total / 1000, "kB", MOST_BYTES / 1000))
    assert f"{swift_site.app}src/main.js" in fetched.bytes
    assert total <= MOST_BYTES, str(fetched)


async def test_so_is_the_whole_app(swift_site: Site) -> None:
    """Every screen, language and library, which the worker fetches in the background."""
    shell = Shell(swift_site.leave_to)
    files = [shell.file(path) for path in shell.paths]
    total = sum(len(file.packed or file.plain) for file in files)
    print(f"{total} bytes in {len(files)} files")
    assert total <= MOST_WHOLE


async def test_the_app_starts_without_a_network(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site)
    await phone.open()
    await phone.screen("notice")
    kept = len({*Shell(swift_site.leave_to).paths} - NOT_KEPT)
    assert await phone.page.evaluate(FILES_KEPT) == kept
    await phone.context.set_offline(True)
    await phone.reopen()
    await phone.screen("notice")
    await phone.press(phone.t("notice.go-on"))
    await phone.screen("start")  # a screen that was never loaded before


@dataclass
class Released:
    """A server that has nothing but the app, in the release that it is given."""

    shell: Shell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Starlette(routes=[Mount("/wallet", routes(self.shell))])(scope, receive, send)


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))

    async def is_started() -> bool:
        return server.started

    task = asyncio.create_task(server.serve())
    await until(is_started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def test_a_new_release_takes_over_at_the_next_start(phones: Phones) -> None:
    """As soon as it was fetched, though the tab was never closed. Some browsers hold on to the
    old one for a start or two: an answer of its own is still under way to them."""
    before, after = "https://one.example/", "https://two.example/"
    released = Released(Shell(before))
    async with serving(released) as address:
        phone = await phones(Site(address, before))
        await phone.open()
        await phone.screen("notice")
        await phone.page.evaluate(FILES_KEPT)
        await phone.page.reload()
        released.shell = Shell(after)
        await phone.page.evaluate(FETCHED_ANEW)
        assert await leads_to(phone) == before, "not while it is used"
        for _ in range(_MOST_STARTS):
            await phone.page.evaluate("location.reload(); 0")
            if await _becomes(phone, after):
                break
        assert await leads_to(phone) == after
        await phone.screen("notice")
        assert len(await phone.page.evaluate("caches.keys()")) == 1


async def _becomes(phone: Phone, leads: str) -> bool:
    """Whether this start is one of the release that leads there, once it has decided."""
    found = phone.page.locator(f"meta[name=leave-to][content='{leads}']")
    try:
        await found.wait_for(state="attached", timeout=_DECIDED_MS)
    except TimeoutError:
        return False
    return True


async def leads_to(phone: Phone) -> str:
    return str(await phone.page.evaluate(LEADS_TO))


async def test_what_needs_the_network_says_so(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site)
    await phone.open()
    await phone.screen("notice")
    await phone.page.evaluate(FILES_KEPT)
    await phone.reopen()  # from now on from what is kept
    await phone.screen("notice")
    phone.expect("ERR_INTERNET_DISCONNECTED")
    await phone.context.set_offline(True)
    await phone.press(phone.t("notice.go-on"))
    await phone.screen("start")
    await phone.button(re.compile(re.escape(phone.t("start.new")))).click()
    await phone.screen("newpin")
    for place in range(2):
        await phone.page.locator("input.pin").nth(place).fill("482915")
    await phone.press(phone.t("go.on"))
    said = phone.page.get_by_role("alert")
    await expect(said).to_have_text(phone.t("problem.offline"))
