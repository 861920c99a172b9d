"""A desk as the person who works there uses it: a browser of its own, with a passkey.

Words come from the desks' own language files, so the same steps run in every language. What a
hand does is counted: a click, a key, a field that is filled (a value) each for itself.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image
from playwright.async_api import CDPSession, Locator, Page

from controllers.desks.texts import say_in
from controllers.story.issuing import in_days
from tests.e2e.phones import Phone, Phones, Site

LONG_MS = 30_000
LARGE = {"width": 1280, "height": 800}


def day(days: int) -> str:
    """A day from today as a date field takes it."""
    number = str(in_days(days))
    return f"{number[:4]}-{number[4:6]}-{number[6:]}"


def site_of_desks(site: Site) -> Site:
    """The same server by its name: passkeys belong to a name, never to an address."""
    return replace(site, base_url=site.base_url.replace("127.0.0.1", "localhost"))


@dataclass
class Hand:
    """What a person's hand did at a desk."""

    actions: int = 0  # clicks and keys
    values: int = 0  # fields filled with what the credential says


@dataclass
class Keys:
    """What a laptop has built in for passkeys; it verifies whoever asks."""

    session: CDPSession
    id: str

    @classmethod
    async def on(cls, phone: Phone) -> Keys:
        """Give a browser one."""
        session = await phone.context.new_cdp_session(phone.page)
        await session.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, made["authenticatorId"])

    async def clear(self) -> None:
        """Forget every passkey."""
        await self.session.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})


@dataclass
class Desk:
    """A browser at a desk."""

    phone: Phone
    keys: Keys
    hand: Hand = field(default_factory=Hand)

    @property
    def page(self) -> Page:
        """The tab that is open now."""
        return self.phone.page

    def says(self, key: str, **parts: object) -> str:
        """A sentence of the desks' pages."""
        return say_in(self.phone.language)(key, **parts)

    # --- doing ------------------------------------------------------------------------------

    async def open(self, path: str = "/desk") -> None:
        """Load a page, as from the address bar."""
        await self.phone.open(path)

    async def sign_up(self, link: str) -> None:
        """Open a one-time link and make the passkey."""
        await self.keys.clear()  # the browser's stand-in for a device keeps three
        await self.page.goto(link)
        await self.press("enrol.button")
        await self.page.get_by_role("heading", name=self.says("home.title")).wait_for(
            timeout=LONG_MS
        )

    async def sign_in(self) -> None:
        """With the passkey that this browser has."""
        await self.press("signing.button")
        await self.page.wait_for_url(re.compile(r"/desk(?!/sign-in)"), timeout=LONG_MS)

    def button(self, key: str, **parts: object) -> Locator:
        """A button or a way on of the page itself, by its words."""
        words = re.compile(rf"^\s*{re.escape(self.says(key, **parts))}")
        main = self.page.locator("main")
        return main.get_by_role("button", name=words).or_(main.get_by_role("link", name=words))

    async def press(self, key: str, **parts: object) -> None:
        """Press it."""
        await self.click(self.button(key, **parts).first)

    async def click(self, what: Locator) -> None:
        """One action."""
        self.hand.actions += 1
        await what.click()

    async def fill(self, field_id: str, value: str) -> None:
        """One value, in the field of this id: typed, or chosen."""
        self.hand.values += 1
        found = self.page.locator(f"#{field_id}")
        kind = await found.evaluate("each => each.tagName + (each.type || '')")
        if kind.startswith("SELECT"):
            await found.select_option(value)
        else:
            await found.fill(value)

    # --- looking ----------------------------------------------------------------------------

    async def text(self) -> str:
        """What the page's main part shows."""
        return await self.page.locator("main").inner_text()

    async def heading(self) -> str:
        """The page's one heading."""
        return await self.page.locator("h1").inner_text()

    async def wait_for(self, key: str, **parts: object) -> None:
        """Until a sentence stands on the page."""
        words = self.page.get_by_text(self.says(key, **parts)).first
        await words.wait_for(timeout=LONG_MS)

    async def code_on_screen(self) -> bytes:
        """The QR code that the screen shows, as a camera sees it."""
        shown = self.page.locator(".qr svg").first
        await shown.wait_for(timeout=LONG_MS)
        picture = Image.open(io.BytesIO(await shown.screenshot())).convert("L")
        sharp = io.BytesIO()
        picture.save(sharp, "PNG")
        return sharp.getvalue()


async def desk_at(phones: Phones, site: Site, **options: Any) -> Desk:
    """A fresh browser at a desk, with an authenticator that answers by itself."""
    wanted: dict[str, Any] = {
        "viewport": LARGE,
        "device_scale_factor": 1,
        "has_touch": False,
        "is_mobile": False,
        **options,
    }
    phone = await phones(site_of_desks(site), **wanted)
    return Desk(phone, await Keys.on(phone))
