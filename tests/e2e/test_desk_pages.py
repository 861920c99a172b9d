"""Every page of the desks in every language: for everybody, in its width, with a picture to
look at (build/screens/desk-*). `HAVEN_PICTURES=1` also writes those of docs/desks/pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.accessible import SCREENS, TAKES_PICTURES, axe, outside
from tests.e2e.app import App
from tests.e2e.desk import Desk, desk_at, site_of_desks
from tests.e2e.desk_tour import Look, Tour
from tests.e2e.phones import Phones, Site
from tests.support.installation import Swift

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-US", "es": "es-MX", "km": "km-KH"}
OPTIONS: dict[str, dict[str, Any]] = {"es": {"color_scheme": "dark"}}
SIZES = ({"width": 768, "height": 1024}, {"width": 1280, "height": 800})
PHONE = {"width": 360, "height": 740}
DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "desks" / "pictures"
IN_DOCUMENTS = frozenset(
    (
        *("sign-in", "form", "review", "code", "found", "task", "people", "link"),
        *("organisation", "numbers", "deeds", "waiting", "accepted", "check-payment"),
        *("counter-code", "paper", "rules", "rules-one", "rules-draft"),
    )
)
# what a page of an error, or of a form that was sent wrongly, is answered with
_NOTED = ("status of 4(03|04|10|22)",)


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.usefixtures("swift_cast")
async def test_every_page(
    phones: Phones, swift_house: Swift, swift_site: Site, language: str
) -> None:
    for_documents = os.environ.get("HAVEN_PICTURES") == "1"
    options = {} if for_documents else OPTIONS.get(language, {})
    desk = await desk_at(phones, swift_site, locale=LOCALES[language], **options)
    app = App(await phones(swift_site, locale=LOCALES[language]))
    desk.phone.expect(*_NOTED)
    found: list[str] = []

    async def look(name: str) -> None:
        if for_documents:
            await _picture(desk, name)
            return
        found.extend(f"{name}: {each}" for each in await _faults(desk))
        if TAKES_PICTURES:
            await _pictures(desk, f"desk-{language}-{name}")

    seeing: Look = look
    await Tour(desk, app, swift_house.haven, swift_site, seeing).every_page()
    assert not found, "\n".join(found)
    own = site_of_desks(swift_site).base_url
    asked = [each for each in desk.phone.requests if not each.split(" ")[1].startswith(own)]
    assert asked == []


async def _faults(desk: Desk) -> list[str]:
    """For whom the page does not work, at each size."""
    page, found = desk.page, []
    assert await page.evaluate("document.documentElement.lang") == desk.phone.language
    found += await axe(page)
    for size in (PHONE, *SIZES):
        await page.set_viewport_size(size)  # type: ignore[arg-type] # a typed dict in their words
        found += [f"{size['width']}: {each}" for each in await outside(page)]
    return found


async def _pictures(desk: Desk, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        await desk.page.set_viewport_size(size)  # type: ignore[arg-type] # likewise
        path = SCREENS / f"{name}-{size['width']}.png"
        await desk.page.screenshot(path=path, full_page=True, animations="disabled")


async def _picture(desk: Desk, name: str) -> None:
    if name in IN_DOCUMENTS and desk.phone.language == "en":
        DOCUMENTS.mkdir(parents=True, exist_ok=True)
        await desk.page.set_viewport_size(SIZES[0])  # type: ignore[arg-type] # likewise
        path = DOCUMENTS / f"{name}.png"
        await desk.page.screenshot(path=path, animations="disabled", scale="css")
