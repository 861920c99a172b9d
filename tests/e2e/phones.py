"""Phones of the browser tests: Chromium with a small touch screen, a camera and nothing kept.

1. Each phone is a fresh profile. Browsers are dear and are lent on to the next test; one
   browser has one camera, so phones in use at the same time are in browsers of their own.
2. Whatever a page complains of is noted, and so is every request to somebody else's server.
   A test fails at its end for each of them, unless it said before that it expects it.
3. There is no internet: the page that "Leave quickly" leads to is answered here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    Route,
    async_playwright,
)

from tests.e2e.camera import Camera

SMALL = {"width": 360, "height": 740}
LANGUAGES = Path(__file__).resolve().parents[2] / "wallet_app" / "languages"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Quiet towards the network, as there is none. Whether the camera may be used is decided by the
# context's permissions; --use-fake-ui-for-media-stream would let nobody refuse it.
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)
_ELSEWHERE = "<!doctype html><html lang=en><title>Elsewhere</title><h1>About nothing</h1>"
_OWN_SCHEMES = ("data", "blob", "about")


def chromium_path() -> str | None:
    """Where Chromium is on this machine, if it is."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def chromium_flags() -> list[str]:
    """What Chromium is started with; a root user has no sandbox to give it."""
    return [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@cache
def texts(language: str) -> dict[str, str]:
    """The app's sentences in one language ("en", "es", "km"), by key."""
    return json.loads((LANGUAGES / f"{language}.json").read_text("utf-8"))["texts"]


@dataclass(frozen=True, slots=True)
class Site:
    """A running server as a phone sees it."""

    base_url: str
    leave_to: str

    @property
    def app(self) -> str:
        """The address of the wallet app."""
        return f"{self.base_url}/wallet/"


@dataclass
class Phone:
    """One phone. `page` and `context` are Playwright's own, for all that stands not here."""

    site: Site
    language: str
    context: BrowserContext
    page: Page
    camera: Camera
    left_to: list[str] = field(default_factory=list)  # pages that "Leave quickly" led to
    requests: list[str] = field(default_factory=list)  # "GET http://..." of everything asked
    _noted: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    async def open(self, path: str = "/wallet/") -> None:
        """Open an address of the site, as typed or from a link."""
        await self.page.goto(self.site.base_url + path)

    async def reopen(self, path: str = "/wallet/") -> None:
        """Close the tab and open the app again: storage stays, memory does not."""
        before, self.page = self.page, await self.context.new_page()
        async with before.expect_event("close"):
            # as a person closes a tab: the page is told, and may say its last word
            await before.close(run_before_unload=True)
        await self.open(path)

    async def screen(self, name: str, seconds: float = 15) -> Locator:
        """Wait until the app shows a screen (`main[data-screen]`) and is not waiting."""
        main = self.page.locator(f'main[data-screen="{name}"]')
        await main.wait_for(timeout=seconds * 1000)
        return main

    async def press(self, words: str | re.Pattern[str]) -> None:
        """Press the one button that is called so: all its words, or a pattern in them."""
        await self.button(words).click()

    def button(self, words: str | re.Pattern[str]) -> Locator:
        """The button that is called so."""
        return self.page.get_by_role("button", name=words, exact=isinstance(words, str))

    def t(self, key: str, **parts: object) -> str:
        """A sentence of the app in this phone's language, with its parts filled in."""
        text = texts(self.language)[key]
        return re.sub(r"\{(\w+)\}", lambda found: str(parts.get(found[1], "")), text)

    def expect(self, *patterns: str) -> None:
        """These complaints are part of the test (regular expressions, searched)."""
        self._expected.extend(patterns)

    def note(self, trouble: str) -> None:
        """Something that must not be."""
        self._noted.append(trouble)

    @property
    def troubles(self) -> list[str]:
        """What pages complained of and nobody expected."""
        return [
            each
            for each in self._noted
            if not any(re.search(pattern, each) for pattern in self._expected)
        ]


class Browsers:
    """The browsers of a run, each with a camera; free ones are lent again."""

    def __init__(self, playwright: Playwright, executable: str, folder: Path) -> None:
        self._playwright = playwright
        self._executable = executable
        self._folder = folder
        self._started = 0
        self._free: list[tuple[Browser, Camera]] = []

    @classmethod
    @asynccontextmanager
    async def running(cls, executable: str, folder: Path) -> AsyncIterator[Browsers]:
        """None at first; all are closed at the end."""
        async with async_playwright() as playwright:
            browsers = cls(playwright, executable, folder)
            yield browsers
            for browser, _ in browsers._free:
                await browser.close()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[tuple[Browser, Camera]]:
        """A browser that nobody else uses meanwhile."""
        lent = self._free.pop() if self._free else await self._start()
        try:
            yield lent
        finally:
            browser, camera = lent
            if browser.is_connected():
                camera.look_away()
                self._free.append(lent)

    async def _start(self) -> tuple[Browser, Camera]:
        self._started += 1
        camera = Camera(self._folder / f"camera-{self._started}.y4m")
        browser = await self._playwright.chromium.launch(
            executable_path=self._executable,
            args=[*chromium_flags(), f"--use-file-for-fake-video-capture={camera.file}"],
        )
        return browser, camera


class Phones:
    """Makes the phones of one test: `phone = await phones(site, locale="km-KH")`."""

    def __init__(self, browsers: Browsers, stack: AsyncExitStack) -> None:
        self._browsers = browsers
        self._stack = stack
        self._made: list[Phone] = []

    async def __call__(
        self,
        site: Site,
        *,
        locale: str = "en-US",
        camera: bool = True,
        **options: Any,
    ) -> Phone:
        """A phone fresh from the shop. Without `camera`, the person refuses the app its use;
        `options` are Playwright's for a context (viewport, color_scheme, reduced_motion)."""
        browser, lens = await self._stack.enter_async_context(self._browsers.one())
        wanted: dict[str, Any] = {
            "viewport": SMALL,
            "device_scale_factor": 2,
            "has_touch": True,
            "is_mobile": True,
            "service_workers": "allow",
            **options,
        }
        context = await browser.new_context(locale=locale, **wanted)
        self._stack.push_async_callback(context.close)
        allowed = ["camera", "clipboard-read", "clipboard-write"]
        await context.grant_permissions(
            allowed if camera else allowed[1:], origin=site.base_url
        )
        page = await context.new_page()
        phone = Phone(site, locale[:2], context, page, lens)
        await _watch(phone)
        self._made.append(phone)
        return phone

    @property
    def troubles(self) -> list[str]:
        """What all of them complained of."""
        return [trouble for phone in self._made for trouble in phone.troubles]


async def _watch(phone: Phone) -> None:
    """Note every complaint and every request, of pages and of the service worker."""

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            where = message.location.get("url", "")
            phone.note(f"console {message.type}: {message.text} ({where})")

    def asked(request: Request) -> None:
        phone.requests.append(f"{request.method} {request.url}")
        if _is_foreign(request.url, (phone.site.base_url, phone.site.leave_to)):
            phone.note(f"asked somebody else: {request.method} {request.url}")

    async def elsewhere(route: Route) -> None:
        if route.request.is_navigation_request():
            phone.left_to.append(route.request.url)
        await route.fulfill(status=200, content_type="text/html", body=_ELSEWHERE)

    context = phone.context
    context.on("console", said)
    context.on("weberror", lambda failed: phone.note(f"page error: {failed.error}"))
    context.on("request", asked)
    await context.route(f"{_origin(phone.site.leave_to)}/**", elsewhere)


def _is_foreign(url: str, known: Iterable[str]) -> bool:
    if urlsplit(url).scheme in _OWN_SCHEMES:
        return False
    return _origin(url) not in {_origin(each) for each in known}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
