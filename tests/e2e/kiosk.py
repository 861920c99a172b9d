"""The wallet at a desk's own device: the same app, opened with a card of paper."""

from __future__ import annotations

from typing import Any

from tests.e2e.app import LONG_MS, PIN, App
from tests.e2e.kept import Kept
from tests.e2e.phones import texts

ADDRESS = "/wallet/kiosk"


class Kiosk(App):
    """The app there. Some of its sentences are its own."""

    def says(self, key: str, **parts: object) -> str:
        own = f"kiosk.{key}"
        return super().says(own if own in texts(self.phone.language) else key, **parts)

    async def open(self, fragment: str = "") -> None:
        await self.phone.open(f"{ADDRESS}{fragment}")
        await self.screen("kiosk")

    async def new_wallet(self, pin: str = PIN) -> str:
        """A new wallet with a card that was tried; answers what stands on the card."""
        await self.press("kiosk.new", "newpin")
        await self.choose_pin(pin)
        digits = await try_card(self, pin)
        await self.press("outcome.home", "home")
        return digits

    async def open_card(self, digits: str, pin: str = PIN, then: str | None = "home") -> None:
        """From the first page: the card typed, and its PIN."""
        await self.press("kiosk.open", "opencard")
        await enter_card(self, digits)
        await self.enter_pin(pin)
        if then:
            await self.screen(then)

    async def enter_pin(self, pin: str, button: str = "locked.open") -> None:
        """The PIN of a card that was read."""
        await self.write(self.pins, pin)
        await self.press(button)

    async def finish(self) -> None:
        """As everybody is told to when she is done."""
        await self.press("lock.now", "kiosk")


async def digits_of(app: App) -> str:
    """What stands on the card on the screen, as it would be typed."""
    await app.screen("newcard")
    return " ".join(await app.page.locator("main .digits span").all_inner_texts())


async def try_card(app: App, pin: str = PIN) -> str:
    """The card on the screen is typed back in, with its PIN; answers what stands on it."""
    digits = await digits_of(app)
    await app.press("code.written", "opencard")
    await enter_card(app, digits)
    await app.write(app.pins, pin)
    await app.press("trial.check")
    await app.outcome("card-made")
    return digits


async def enter_card(app: App, digits: str) -> None:
    """What stands on a card, typed; the question for its PIN follows."""
    await app.write(app.page.locator("main textarea"), digits)
    await app.press("go.on")
    await app.pins.wait_for(timeout=LONG_MS)


async def make_card(app: App, pin: str = PIN) -> str:
    """Another card for the wallet that is open, on a phone or at a desk's device."""
    await app.go("more")
    await app.press("carry.title", "carry")
    await app.write(app.pins, pin)
    await app.press("carry.make")
    digits = await try_card(app, pin)
    await app.press("outcome.home", "home")
    return digits


def storage(kept: Kept) -> dict[str, Any]:
    """What is kept beyond the page, without the app's own files."""
    names = ("local", "session", "cookies", "jar", "databases", "state")
    return {name: kept.found[name] for name in names}
