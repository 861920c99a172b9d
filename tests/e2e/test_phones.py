"""The phones themselves: what they see, what they tell, and that complaints do not get lost."""

from __future__ import annotations

import re

import pytest

from controllers.story.cast import Cast
from tests.e2e.phones import Phone, Phones, Site

pytestmark = pytest.mark.browser

PIN = "482915"


async def test_the_camera_shows_one_picture_after_the_other(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    phone = await phones(swift_site)
    await _set_up(phone)
    made = await swift_cast.issuing("shelter-a").post(
        "/api/issuer/issuances",
        {
            "credential": "service-eligibility",
            "values": {
                "status": "self-referred",
                "shelter_until": 20270131,
                "household_size": 2,
                "region": "US-OR",
            },
        },
    )
    phone.camera.show(made["link"])
    await phone.press(phone.t("home.scan"))
    await phone.screen("deskcode")

    check = await swift_cast.checking("shelter-b").post(
        "/api/verifier/checks", {"check": "shelter", "parameters": {}}
    )
    phone.camera.look_away()
    await phone.press(phone.t("scan.title"))
    await phone.screen("scan")
    phone.camera.show_picture(check["qr"]["png"])  # the camera is on already
    await phone.page.locator('main:not([data-screen="scan"])').wait_for()
    taken = [line for line in phone.requests if line.endswith("/api/wallet/links")]
    assert len(taken) == 2


async def test_a_complaint_of_a_page_is_noted_until_it_is_expected(
    phones: Phones, swift_site: Site
) -> None:
    phone = await phones(swift_site)
    await phone.open()
    await phone.screen("notice")
    await phone.page.evaluate("setTimeout(() => { throw new Error('one') })")
    await phone.page.evaluate("console.error('two')")
    await phone.page.evaluate("fetch('https://three.example').catch(() => null)")
    await phone.context.route("https://four.example/", lambda route: route.fulfill(body="4"))
    await phone.page.goto("https://four.example/")
    noted = "\n".join(phone.troubles)
    assert re.search(r"page error: .*one", noted)
    assert re.search(r"console error: two", noted)
    assert re.search(r"console error: .*three.*Content Security Policy", noted)
    assert "asked somebody else: GET https://four.example/" in noted
    phone.expect("one$", "two", "Content Security Policy", "four")
    assert phone.troubles == []


async def test_leaving_leads_to_a_page_that_is_answered_here(
    phones: Phones, swift_site: Site
) -> None:
    phone = await phones(swift_site)
    await phone.open()
    await phone.screen("notice")
    await phone.press(phone.t("leave.button"))
    await phone.page.wait_for_url(swift_site.leave_to)
    assert phone.left_to == [swift_site.leave_to]


async def test_a_phone_speaks_the_language_it_was_set_to(
    phones: Phones, swift_site: Site
) -> None:
    phone = await phones(swift_site, locale="km-KH")
    await phone.open()
    main = await phone.screen("notice")
    assert phone.t("notice.title") in await main.inner_text()
    assert phone.language == "km"


async def test_a_phone_may_refuse_its_camera(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site, camera=False)
    await phone.open()
    asked = "navigator.mediaDevices.getUserMedia({video: true}).then(() => '', e => e.name)"
    assert await phone.page.evaluate(asked) == "NotAllowedError"


async def _set_up(phone: Phone) -> None:
    await phone.open()
    await phone.screen("notice")
    await phone.press(phone.t("notice.go-on"))
    await phone.screen("start")
    await phone.press(re.compile(re.escape(phone.t("start.new"))))
    await phone.screen("newpin")
    for place in range(2):
        await phone.page.locator("input.pin").nth(place).fill(PIN)
    await phone.press(phone.t("go.on"))
    await phone.screen("code")
    await phone.press(phone.t("code.later"))
    await phone.screen("home")
