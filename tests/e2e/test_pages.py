"""Every screen in every language: for everybody, in its width, with a picture to look at.

The pictures are in build/screens. `HAVEN_PICTURES=1` also writes those that the pages for
survivors and guardians show (docs/people/pictures).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from controllers.story.cast import Cast
from tests.e2e.accessible import TAKES_PICTURES, axe, outside, pictures
from tests.e2e.app import App
from tests.e2e.phones import SMALL, Phones, Site
from tests.e2e.tour import Look, every_screen

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-US", "es": "es-MX", "km": "km-KH"}
# one language is looked at in the dark, for the colours
OPTIONS: dict[str, dict[str, Any]] = {"es": {"color_scheme": "dark"}}
DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "people" / "pictures"
IN_DOCUMENTS = frozenset(
    (
        *("notice", "code", "home", "offer", "request", "received", "history", "locked"),
        *("guardian-home", "guardian-request"),
    )
)
# what 360 pixels are to a page that is shown at twice its size
ZOOMED = {"width": SMALL["width"] // 2, "height": SMALL["height"] // 2}
_LARGER = "document.documentElement.style.fontSize = '200%'"
_AS_BEFORE = "document.documentElement.style.fontSize = ''"


@pytest.mark.parametrize("language", LOCALES)
async def test_every_screen(
    phones: Phones, swift_site: Site, swift_cast: Cast, language: str
) -> None:
    options = {} if _for_documents() else OPTIONS.get(language, {})
    found: list[str] = []

    def looking(app: App) -> Look:
        async def look(name: str) -> None:
            if _for_documents():
                await _picture(app, name)
                return
            found.extend(f"{name}: {each}" for each in await _faults(app))
            if TAKES_PICTURES:
                await pictures(app.page, f"{language}-{name}")

        return look

    app, other = [
        App(await phones(swift_site, locale=LOCALES[language], camera=camera, **options))
        for camera in (True, False)
    ]
    await every_screen(app, other, swift_cast, looking)
    assert not found, "\n".join(found)


async def _faults(app: App) -> list[str]:
    """For whom the screen does not work, at its own size, zoomed, and in large letters."""
    page = app.page
    tall = await page.evaluate("document.documentElement.scrollHeight")
    # as high as it is long, so that the bars lie over nothing
    await page.set_viewport_size(
        {"width": SMALL["width"], "height": max(tall, SMALL["height"])}
    )
    found = [*await axe(page), *await outside(page)]
    assert await page.evaluate("document.documentElement.lang") == app.phone.language
    await page.set_viewport_size(ZOOMED)  # type: ignore[arg-type] # a typed dict in their words
    found += [f"zoomed: {each}" for each in await outside(page)]
    await page.set_viewport_size(SMALL)  # type: ignore[arg-type] # likewise
    await page.evaluate(_LARGER)
    found += [f"large letters: {each}" for each in await outside(page)]
    await page.evaluate(_AS_BEFORE)
    return found


def _for_documents() -> bool:
    return os.environ.get("HAVEN_PICTURES") == "1"


async def _picture(app: App, name: str) -> None:
    if name in IN_DOCUMENTS:
        DOCUMENTS.mkdir(parents=True, exist_ok=True)
        path = DOCUMENTS / f"{name}.{app.phone.language}.png"
        await app.page.screenshot(path=path, animations="disabled", scale="css")
