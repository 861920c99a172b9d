"""The whole app without a pointer: every screen reached, every button pressed, by keyboard.

What has the focus is always to be seen, and lies under nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator

from controllers.story.cast import Cast
from tests.e2e.app import App
from tests.e2e.phones import Phones, Site, texts
from tests.e2e.tour import NEW_PIN, Look, every_screen

pytestmark = pytest.mark.browser

DESK = {"width": 1024, "height": 768}
ON_A_DESK: dict[str, Any] = {"viewport": DESK, "has_touch": False, "is_mobile": False}
SCREENS = Path(__file__).resolve().parents[2] / "wallet_app" / "src" / "screens"
_MOST_TABS = 120

_FOCUSED = """(wanted) => {
  const focused = document.activeElement;
  if (focused !== wanted) return null;
  const style = getComputedStyle(focused);
  const { left, top, width, height } = focused.getBoundingClientRect();
  const above = document.elementFromPoint(left + width / 2, top + height / 2);
  return {
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    free: above === focused || focused.contains(above) || above.contains(focused),
  };
}"""


@dataclass
class ByKeyboard(App):
    """Tab, Enter and letters; nothing else."""

    faults: list[str] = field(default_factory=list)

    async def tap(self, what: Locator) -> None:
        await self._focus(what)
        await self.page.keyboard.press("Enter")

    async def write(self, field: Locator, text: str) -> None:
        await self._focus(field)
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.type(text)

    async def _focus(self, what: Locator) -> None:
        """Tab on until it is there."""
        for _ in range(_MOST_TABS):
            wanted = await what.element_handle(timeout=15_000)  # a list may be drawn anew
            seen = await self.page.evaluate(_FOCUSED, wanted)
            if seen is not None:
                if not (seen["outlined"] and seen["free"]):
                    self.faults.append(f"{await what.inner_text()}: {seen}")
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached by Tab: {what}")


async def test_every_screen_by_keyboard(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    """And the walk leaves none out, nor any outcome: whoever adds one adds it there."""
    screens: set[str | None] = set()
    titles: set[str] = set()

    def looking(app: App) -> Look:
        async def look(_: str) -> None:
            screens.add(await app.main.get_attribute("data-screen"))
            titles.add(await app.main.locator("h1").inner_text())

        return look

    app, other = [
        ByKeyboard(await phones(swift_site, camera=camera, **ON_A_DESK))
        for camera in (True, False)
    ]
    await every_screen(app, other, swift_cast, looking)
    assert {each.stem for each in SCREENS.glob("*.js")} | {"problem"} == screens
    outcomes = {key for key in texts("en") if re.fullmatch(r"outcome\..+\.title", key)}
    assert {app.says(key) for key in outcomes} <= titles
    assert app.faults + other.faults == []


async def test_a_forgotten_pin_by_keyboard(phones: Phones, swift_site: Site) -> None:
    """The code as a whole, typed from paper; the walk brings a wallet back by its parts."""
    app = ByKeyboard(await phones(swift_site, **ON_A_DESK))
    code = await app.set_up()
    await app.lock()
    await app.press("locked.forgot", "recover")
    await app.recover(code, NEW_PIN)
    await app.press("outcome.home", "home")
    await app.lock()
    await app.unlock(NEW_PIN)
    assert app.faults == []


async def test_shift_three_times_leaves(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site, **ON_A_DESK)
    app = ByKeyboard(phone)
    await app.set_up()
    for count in (1, 2):
        await phone.page.keyboard.press("Shift")
        words = phone.t("leave.presses", count=count, of=3)
        await phone.page.get_by_text(words).wait_for()
    await phone.page.keyboard.press("a")  # somebody writes: it was not meant
    await phone.page.locator("#presses").wait_for(state="hidden")
    await phone.page.keyboard.press("Escape")  # closes things, and leaves nothing
    assert phone.left_to == []
    for _ in range(3):
        await phone.page.keyboard.press("Shift")
    await phone.page.wait_for_url(f"{swift_site.leave_to}**")
    await app.open()
    await app.screen("locked")
