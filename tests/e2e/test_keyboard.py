"""The whole app without a pointer: every screen reached, every button pressed, by keyboard.

What has the focus is always to be seen, and lies under nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.async_api import Locator

from controllers.story.cast import Cast
from tests.e2e.app import App
from tests.e2e.phones import Phones, Site
from tests.e2e.tour import a_guardian, cards_and_questions, everything_else, first_steps

pytestmark = pytest.mark.browser

DESK = {"width": 1024, "height": 768}
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
    phone = await phones(swift_site, viewport=DESK, has_touch=False, is_mobile=False)
    phone.expect("401")  # wrong PINs
    app, seen = ByKeyboard(phone), []

    async def look(name: str) -> None:
        seen.append(name)

    code = await first_steps(app, look)
    await cards_and_questions(app, swift_cast, look)
    await a_guardian(app, swift_cast, look)
    await everything_else(app, code, look)
    assert len(seen) > 35
    assert app.faults == []


async def test_shift_three_times_leaves(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site, viewport=DESK, has_touch=False, is_mobile=False)
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
    await phone.page.go_back()
    await app.screen("locked")
