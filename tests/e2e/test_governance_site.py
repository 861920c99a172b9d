"""The framework's pages in every language and width: for everybody, by keyboard, from here.

The pictures are in build/screens (rules-*).
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.accessible import SCREENS, TAKES_PICTURES, axe, outside
from tests.e2e.phones import Phone, Phones, Site
from tests.support.installation import Swift

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-US", "es": "es-MX", "km": "km-KH"}
# one language is looked at in the dark, for the colours
OPTIONS: dict[str, dict[str, Any]] = {"es": {"color_scheme": "dark"}}
SIZES = (
    {"width": 360, "height": 740},
    {"width": 768, "height": 1024},
    {"width": 1280, "height": 800},
)
FOUND = {"en": "card", "es": "tarjeta", "km": "កាត"}
NO_SCRIPT: dict[str, Any] = {"java_script_enabled": False}


def pages(language: str, shelter: str) -> dict[str, str]:
    """Names for pictures, and addresses."""
    return {
        "start": "/governance",
        "documents": "/governance/documents",
        "glossary": "/governance/documents/glossary",
        "primary": "/governance/documents/primary",
        "business": "/governance/documents/business-requirements",
        "participants": "/governance/participants",
        "who-may": "/governance/who-may",
        "answer": f"/governance/who-may?organisation={shelter}&about=ask:court-proceeding"
        "&date=2099-01-01",
        "checks": "/governance/checks",
        "history": "/governance/history",
        "search": f"/governance/search?q={FOUND[language]}",
        "nothing": "/governance/documents/nothing",
    }


async def a_shelter(house: Swift) -> str:
    framework = await house.haven.governance.current()
    return next(
        did for did, found in framework.participants.items() if found[0].role == "shelter"
    )


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.usefixtures("swift_cast")
async def test_every_page(
    phones: Phones, swift_house: Swift, swift_site: Site, language: str
) -> None:
    phone = await phones(swift_site, locale=LOCALES[language], **OPTIONS.get(language, {}))
    phone.expect("status of 404")
    found: list[str] = []
    for name, path in pages(language, await a_shelter(swift_house)).items():
        await phone.open(path)
        assert await phone.page.evaluate("document.documentElement.lang") == language
        found += [f"{name}: {each}" for each in await faults(phone.page)]
        if TAKES_PICTURES:
            await pictures(phone.page, f"rules-{language}-{name}")
    assert not found, "\n".join(found)
    own = swift_site.base_url
    assert [each for each in phone.requests if not each.split(" ")[1].startswith(own)] == []


async def faults(page: Page) -> list[str]:
    found: list[str] = []
    for size in SIZES:
        await page.set_viewport_size(size)  # type: ignore[arg-type] # a typed dict in their words
        found += [
            f"{size['width']}: {each}" for each in (*await axe(page), *await outside(page))
        ]
    return found


async def pictures(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    for size in (SIZES[0], SIZES[2]):
        await page.set_viewport_size(size)  # type: ignore[arg-type] # likewise
        path = SCREENS / f"{name}-{size['width']}.png"
        await page.screenshot(path=path, full_page=True, animations="disabled", scale="css")


@pytest.mark.usefixtures("swift_cast")
async def test_a_question_is_put_without_a_script_or_a_pointer(
    phones: Phones, swift_site: Site
) -> None:
    """Every step is a key, and what has the focus is to be seen."""
    phone = await phones(swift_site, has_touch=False, is_mobile=False, **NO_SCRIPT)
    await phone.open("/governance")
    await go_to(phone, "a.skip")
    await phone.page.keyboard.press("Enter")
    await expect(phone.page).to_have_url(f"{swift_site.base_url}/governance#main")
    await go_to(phone, '.tiles a[href="/governance/who-may"]')
    await phone.page.keyboard.press("Enter")
    await go_to(phone, "#organisation")
    await phone.page.keyboard.press("ArrowDown")
    await go_to(phone, "#about")
    await phone.page.keyboard.press("ArrowDown")
    await go_to(phone, "form button")
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.locator(".answer code").first).to_be_visible()
    assert "about=issue%3A" in phone.page.url


@pytest.mark.usefixtures("swift_cast")
async def test_what_stands_behind_a_requirement_opens_by_a_key(
    phones: Phones, swift_site: Site
) -> None:
    phone = await phones(swift_site, has_touch=False, is_mobile=False, **NO_SCRIPT)
    await phone.open("/governance/documents/business-requirements")
    item = phone.page.locator("#HTF-ISS-03")
    await expect(item.locator("code").first).to_be_hidden()
    await go_to(phone, "#HTF-ISS-03 summary", most=120)
    await phone.page.keyboard.press("Enter")
    await expect(item.locator("code").first).to_be_visible()


async def go_to(phone: Phone, selector: str, most: int = 60) -> None:
    """Press Tab until it has the focus, which has to be seen then."""
    wanted = phone.page.locator(selector).first
    for _ in range(most):
        await phone.page.keyboard.press("Tab")
        focused = phone.page.locator(f"{selector}:focus-visible")
        if await focused.count():
            await expect(focused).to_be_in_viewport()
            assert await focused.evaluate("(it) => getComputedStyle(it).outlineStyle") != "none"
            return
    pytest.fail(f"the keyboard does not reach {wanted}")
