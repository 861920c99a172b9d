"""The measures themselves: what is wrong is seen, and the app's first page has none of it."""

from __future__ import annotations

import struct

import pytest

from tests.e2e.accessible import axe, no_sideways_scroll, outside, pictures
from tests.e2e.phones import Phones, Site

pytestmark = pytest.mark.browser

WRONG = """
<!doctype html><title></title><meta name="viewport" content="width=device-width">
<img src="data:," style="width:40px;height:40px"><button></button>
<p style="width: 900px" id="wide">wide</p>
<p style="width: 9ch; overflow: hidden; white-space: nowrap" id="cut">much too long for this</p>
<div style="overflow-x: auto"><p style="width: 900px" id="own">scrolls by itself</p></div>
"""


async def test_what_is_wrong_is_seen(phones: Phones, swift_site: Site) -> None:
    page = (await phones(swift_site)).page
    await page.set_content(WRONG)
    found = "\n".join(await axe(page))
    assert "image-alt (critical)" in found
    assert "button-name (critical)" in found
    assert "image-alt" not in "\n".join(await axe(page, without=("image-alt",)))
    reaching = "\n".join(await outside(page))
    assert "the page scrolls sideways" in reaching
    assert "p#wide" in reaching
    assert 'p#cut "much too long for this" is cut off' in reaching
    assert "p#own" not in reaching


async def test_the_first_page_has_none_of_it(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site)
    await phone.open()
    await phone.screen("notice")
    assert await axe(phone.page) == []
    await no_sideways_scroll(phone.page)


async def test_pictures_are_of_both_widths(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site)
    await phone.open()
    await phone.screen("notice")
    sizes = [
        struct.unpack(">2I", path.read_bytes()[16:24])[0]
        for path in await pictures(phone.page, "notice")
    ]
    assert sizes == [720, 1536]  # two pixels of the screen for one of the page
    assert phone.page.viewport_size == {"width": 360, "height": 740}
