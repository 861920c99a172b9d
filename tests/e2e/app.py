"""The wallet app as its holder uses it: screens by their name, buttons by their words.

Words come from the app's own language files, so the same steps run in every language, and a
button that says something else is not found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.async_api import Locator, Page

from tests.e2e.phones import Phone

PIN = "482915"
LONG_MS = 30_000


@dataclass
class App:
    """The app on a phone."""

    phone: Phone

    @property
    def page(self) -> Page:
        """The tab that is open now."""
        return self.phone.page

    # --- finding ----------------------------------------------------------------------------

    def says(self, key: str, **parts: object) -> str:
        """A sentence of the app."""
        return self.phone.t(key, **parts)

    def button(self, key: str, **parts: object) -> Locator:
        """A button by its words; what a row says below them may follow."""
        words = re.compile(rf"^\s*{re.escape(self.says(key, **parts))}")
        return self.page.get_by_role("button", name=words)

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    @property
    def pins(self) -> Locator:
        return self.page.locator("main input.pin")

    async def text(self) -> str:
        """Everything that the page shows."""
        return await self.page.locator("body").inner_text()

    async def said(self) -> str:
        """What the app says at the top of the screen."""
        said = self.page.locator("#said")
        await said.wait_for(state="visible", timeout=LONG_MS)
        return await said.inner_text()

    # --- how: by touch here, by keyboard in test_keyboard.py --------------------------------

    async def tap(self, what: Locator) -> None:
        """Press something."""
        await what.click()

    async def write(self, field: Locator, text: str) -> None:
        """Fill a field."""
        await field.fill(text)

    # --- doing ------------------------------------------------------------------------------

    async def open(self, fragment: str = "") -> None:
        """Load the app, as from the address bar or the home screen."""
        await self.phone.open(f"/wallet/{fragment}")

    async def screen(self, name: str) -> None:
        """Wait for a screen, ready to be used."""
        ready = f"#app:not([aria-busy]) main[data-screen={name}]"
        await self.page.wait_for_selector(ready, timeout=LONG_MS)

    async def press(self, key: str, then: str | None = None, **parts: object) -> None:
        """Press a button, and wait for the screen that it leads to."""
        await self.tap(self.button(key, **parts).first)
        if then:
            await self.screen(then)

    async def go(self, place: str, then: str | None = None) -> None:
        """To one of the four places of the bar."""
        bar = self.page.locator("nav.bar")
        name = self.says(f"{place}.title")
        await self.tap(bar.get_by_role("button", name=name, exact=True))
        await self.screen(then or place)

    async def begin(self) -> None:
        """From the first page to the choice between a new wallet and an old one."""
        await self.open()
        await self.screen("notice")
        await self.press("notice.go-on", "start")

    async def choose_pin(self, pin: str = PIN) -> None:
        await self.screen("newpin")
        await self.write(self.pins.nth(0), pin)
        await self.write(self.pins.nth(1), pin)
        await self.press("go.on")

    async def set_up(self, pin: str = PIN) -> str:
        """A new wallet, its code tried once; answers the code in words."""
        await self.begin()
        await self.press("start.new", "newpin")
        await self.choose_pin(pin)
        await self.screen("code")
        code = " ".join(await self.code_words())
        await self.press("code.written", "trial")
        await self.write(self.page.locator("main textarea"), code)
        await self.press("trial.check", "outcome")
        await self.press("outcome.home", "home")
        return code

    async def code_words(self) -> Sequence[str]:
        """The words of the code on the screen."""
        return await self.page.locator("main .words .word").all_inner_texts()

    async def unlock(self, pin: str = PIN, then: str | None = "home") -> None:
        await self.screen("locked")
        await self.write(self.pins, pin)
        await self.press("locked.open")
        if then:
            await self.screen(then)

    async def lock(self) -> None:
        await self.tap(self.page.locator("header").get_by_label(self.says("lock.now")))
        await self.screen("locked")

    async def paste(self, link: str, then: str | None = None) -> None:
        """Open a link by hand."""
        await self.go("scan")
        await self.write(self.page.locator("main textarea"), link)
        await self.press("go.on", then)

    async def enter_desk_code(self, code: str, then: str | None = "offer") -> None:
        await self.screen("deskcode")
        await self.write(self.page.locator("main input.desk"), code)
        await self.press("go.on", then)

    async def to_second_pin(self) -> None:
        """To the screen that who was told of it finds."""
        await self.go("more")
        for _ in range(5):
            await self.tap(self.button("more.version", number="0.1"))
        await self.screen("second")

    async def make_second(self, pin: str, second: str) -> None:
        """A second PIN beside this one."""
        await self.to_second_pin()
        for place, each in enumerate((pin, second, second)):
            await self.write(self.pins.nth(place), each)
        await self.press("second.make")
        await self.outcome("second-made")

    async def recover(self, code: str, pin: str = PIN) -> None:
        """On another phone, or after forgetting the PIN; ends on the screen about phones."""
        await self.screen("recover")
        await self.write(self.page.locator("main textarea"), code)
        await self.press("go.on", "newpin")
        await self.choose_pin(pin)
        await self.screen("phones")

    # --- looking ----------------------------------------------------------------------------

    async def cards(self) -> list[tuple[str, str]]:
        """Kind and state of each card on the screen with the cards."""
        found = await self.page.locator("main button.card").all()
        return [
            (
                await each.get_attribute("data-card") or "",
                await each.get_attribute("data-state") or "",
            )
            for each in found
        ]

    async def outcome(self, key: str) -> None:
        """Wait for an outcome with this title."""
        await self.screen("outcome")
        title = self.page.get_by_role(
            "heading", level=1, name=self.says(f"outcome.{key}.title")
        )
        await title.wait_for(timeout=LONG_MS)

    async def scan(self, picture: str, then: str) -> None:
        """Hold the phone before a desk's screen (the `qr.png` of an answer) and scan it; what
        it leads to may be there before the scanner was seen."""
        self.phone.camera.show_picture(picture)
        await self.go("scan", then)
        self.phone.camera.look_away()

    async def leave_quickly(self) -> None:
        """Press the button that is on every screen."""
        await self.tap(self.button("leave.button"))
        await self.page.wait_for_url(f"{self.phone.site.leave_to}**")
