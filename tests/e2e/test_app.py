"""What the app does, one thing a test, on agents in memory."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Route

from controllers.story.cast import Cast
from controllers.story.issuing import eligibility, in_days
from controllers.story.people import Json
from tests.e2e.app import PIN, App
from tests.e2e.phones import Phone, Phones, Site
from tests.e2e.tour import SECOND_PIN, take
from tests.e2e.voices import voices

pytestmark = pytest.mark.browser

# a phone that reads codes itself
READER = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return [{ rawValue: "LINK" }]; }
}; 0
"""


async def opened(phones: Phones, site: Site, **options: object) -> App:
    app = App(await phones(site, **options))
    await app.set_up()
    return app


async def holding(phones: Phones, site: Site, cast: Cast) -> tuple[App, Json]:
    """An open wallet with one card, and its issuance."""
    app = await opened(phones, site)
    made = await take(app, cast.issuing("shelter-a"), "service-eligibility", **eligibility())
    return app, made


# --- read aloud ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "locale", "voice"),
    [("en", "en-US", "en-GB"), ("es", "es-MX", "es-ES"), ("km", "km-KH", "km-KH")],
)
async def test_each_page_is_read_aloud(
    phones: Phones, swift_site: Site, language: str, locale: str, voice: str
) -> None:
    phone = await phones(swift_site, locale=locale)
    await phone.page.add_init_script(voices("fr-FR", f"{language}-REMOTE", voice))
    app = App(phone)
    await app.open()
    await app.screen("notice")
    await phone.page.get_by_label(app.says("speak.start")).click()
    said = [each for each in await phone.page.evaluate("said") if each != "hush"]
    assert {(each[0], each[1]) for each in said} == {(language, voice)}
    text = " ".join(each[2] for each in said)
    for key in ("notice.title", "notice.watched", "notice.remove-how"):
        assert app.says(key)[:40] in text
    await phone.page.get_by_label(app.says("speak.stop")).click()
    assert (await phone.page.evaluate("said"))[-1] == "hush"


async def test_a_phone_without_a_voice_says_so(phones: Phones, swift_site: Site) -> None:
    app = App(await phones(swift_site))
    await app.open()
    await app.screen("notice")
    await app.page.get_by_label(app.says("speak.start")).click()
    assert await app.said() == app.says("speak.no-voice")


async def test_leaving_a_page_ends_its_reading(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site)
    await phone.page.add_init_script(voices("en-US"))
    app = App(phone)
    await app.begin()
    await phone.page.get_by_label(app.says("speak.start")).click()
    await app.press("start.new", "newpin")
    assert (await phone.page.evaluate("said"))[-1] == "hush"


def read(path: Path) -> str:
    return path.read_text()


# --- ways to a link --------------------------------------------------------------------------


async def test_the_phones_own_reader_is_used_where_there_is_one(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await opened(phones, swift_site)
    asked = await swift_cast.checking("court").ask("court")
    await app.page.evaluate(READER.replace("LINK", asked["link"]))
    loaded: list[str] = []  # by the page; the service worker keeps the library all the same
    app.page.on("request", lambda each: loaded.append(each.url))
    await app.go("scan", "request")
    assert not any("qr-decode" in each for each in loaded)


async def test_a_camera_that_is_refused_leaves_the_link(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await opened(phones, swift_site, camera=False)
    asked = await swift_cast.checking("court").ask("court")
    await app.go("scan")
    assert await app.said() == app.says("scan.no-camera")
    await app.page.evaluate("(link) => navigator.clipboard.writeText(link)", asked["link"])
    await app.press("scan.paste")
    await app.press("go.on", "request")


async def test_a_link_opens_the_wallet_and_leaves_the_address(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await opened(phones, swift_site)
    asked = await swift_cast.checking("court").ask("court")
    await app.phone.open(
        asked["link"].removeprefix(re.match(r"https?://[^/]+", asked["link"])[0])
    )
    await app.page.get_by_role("link", name="Open it in the wallet on this phone").click()
    await app.screen("locked")
    assert app.page.url == swift_site.app
    await app.unlock()
    await app.press("home.link-waits", "request")
    assert app.page.url == swift_site.app


async def test_a_link_that_is_opened_in_the_open_app_waits_there(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await opened(phones, swift_site)
    asked = await swift_cast.checking("court").ask("court")
    await app.go("history")
    await app.page.evaluate(
        "(link) => { location.hash = 'l=' + encodeURIComponent(link); }", asked["link"]
    )
    await app.screen("home")
    await app.press("home.link-waits", "request")
    assert app.page.url == swift_site.app


# --- locking ---------------------------------------------------------------------------------


async def test_what_arrives_after_it_was_locked_is_not_shown(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await opened(phones, swift_site)
    app.phone.expect("ERR_")
    asked = await swift_cast.checking("court").ask("court")
    held = asyncio.Event()

    async def slowly(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await app.go("scan")
    await app.page.route("**/api/wallet/links", slowly)
    await app.write(app.page.locator("main textarea"), asked["link"])
    await app.press("go.on")
    await app.lock()
    held.set()
    await app.page.wait_for_timeout(800)
    assert await app.main.get_attribute("data-screen") == "locked"
    assert "District Court" not in await app.page.content()


async def test_nothing_stays_while_the_lock_screen_is_loaded(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app, _ = await holding(phones, swift_site, swift_cast)
    lock = app.page.locator("header").get_by_label(app.says("lock.now"))
    left = "(button) => { button.click(); return document.getElementById('app').innerHTML; }"
    assert await lock.evaluate(left) == ""


async def test_a_pin_is_not_read_out(phones: Phones, swift_site: Site) -> None:
    app = await opened(phones, swift_site)
    await app.lock()
    await app.write(app.pins, PIN)
    session = await app.phone.context.new_cdp_session(app.page)
    assert PIN not in str(await session.send("Accessibility.getFullAXTree"))


# --- cards -----------------------------------------------------------------------------------


async def test_a_card_whose_time_is_over_says_so(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await opened(phones, swift_site)
    await take(
        app,
        swift_cast.issuing("shelter-a"),
        "service-eligibility",
        **eligibility(shelter_until=in_days(-1)),
    )
    assert await app.cards() == [("service-eligibility", "expired")]
    card = app.page.locator("main button.card")
    start = app.says("state.expired-on", day="").strip()
    assert start in await card.inner_text()


async def test_a_card_is_deleted_after_a_second_question(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app, _ = await holding(phones, swift_site, swift_cast)
    await app.tap(app.page.locator("main button.card"))
    await app.screen("card")
    await app.press("card.delete")
    await app.page.get_by_text(app.says("card.delete-about")).wait_for()
    await app.press("card.delete-yes", "home")
    assert await app.cards() == []


async def test_a_receipt_is_deleted(phones: Phones, swift_site: Site, swift_cast: Cast) -> None:
    app, _ = await holding(phones, swift_site, swift_cast)
    await app.go("history")
    await app.tap(app.page.locator("main button.row"))
    await app.screen("receipt")
    await app.press("receipt.delete")
    await app.press("card.delete-yes", "history")
    await app.page.get_by_text(app.says("history.empty")).wait_for()


async def test_a_copy_is_saved_for_the_right_pin_alone(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app, _ = await holding(phones, swift_site, swift_cast)
    app.phone.expect("status of 401")
    await app.go("more")
    await app.press("copy.title", "copy")
    await app.write(app.pins, "640281")
    await app.press("copy.save")
    assert await app.said() == app.says("problem.wrong-pin-left", left=4)
    async with app.page.expect_download() as download:
        await app.write(app.pins, PIN)
        await app.press("copy.save")
    saved = read(await (await download.value).path())
    assert "Harbour House" in saved
    assert "US-OR" in saved
    await app.outcome("copied")


async def test_a_move_is_asked_for(phones: Phones, swift_site: Site, swift_cast: Cast) -> None:
    app, made = await holding(phones, swift_site, swift_cast)
    await app.go("more")
    await app.press("move.title", "move")
    await app.press("move.ask")
    await app.page.get_by_text(app.says("move.asked")).wait_for()
    shelter = swift_cast.issuing("shelter-a")
    (asked,) = (await shelter.get("/api/issuer/issuances", asked="move"))["items"]
    assert asked["id"] == made["id"]


# --- opening ---------------------------------------------------------------------------------


async def test_after_five_wrong_pins_it_waits_and_the_code_works(
    phones: Phones, swift_site: Site
) -> None:
    app = App(await phones(swift_site))
    app.phone.expect("status of 401", "status of 429")
    code = await app.set_up()
    await app.lock()
    for pin in ("640281", "640282", "640283", "640284", "640285", PIN):
        await app.unlock(pin, then=None)
        said = await app.said()
    assert said == app.says("locked.wait", time="1 minute")
    await app.press("locked.forgot")
    await app.recover(code)
    # this very phone is no other phone
    await app.page.get_by_text(app.says("phones.none")).wait_for()


async def test_parts_of_the_code_bring_a_wallet_back(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    """Any two of three; and the paper's own code goes on working beside them."""
    app = App(await phones(swift_site))
    code = await app.set_up()
    await take(app, swift_cast.issuing("shelter-a"), "service-eligibility", **eligibility())
    await app.go("more")
    await app.press("people.title", "people")
    await app.write(app.page.locator("main textarea"), code)
    await app.press("people.split")
    sheets = app.page.locator("main .sheet")
    await sheets.first.wait_for()
    third = " ".join(await sheets.nth(2).locator(".number").all_inner_texts())
    first = await sheets.nth(0).locator("canvas").screenshot()
    other = App(await phones(swift_site))
    await other.begin()
    await other.press("start.code", "recover")
    await other.write(other.page.locator("main textarea"), third)
    await other.press("go.on")
    await other.page.get_by_text(other.says("recover.parts", have=1, needed=2)).wait_for()
    other.phone.camera.show_picture(first)  # the other part is scanned from its sheet
    await other.press("recover.scan", "newpin")
    await other.choose_pin()
    await other.screen("phones")
    await other.press("outcome.home", "home")
    assert await other.cards() == [("service-eligibility", "valid")]
    await other.lock()
    await other.press("locked.forgot")
    await other.recover(code)


async def test_a_part_or_another_code_is_not_split(phones: Phones, swift_site: Site) -> None:
    """Only the whole code of the wallet that is open."""
    stranger, app = App(await phones(swift_site)), App(await phones(swift_site))
    other = await stranger.set_up()
    app.phone.expect("404")
    await app.set_up()
    await app.go("more")
    await app.press("people.title", "people")
    for wrong, words in ((other, "trial.wrong"), ("1 2 3", "recover.no-code")):
        await app.write(app.page.locator("main textarea"), wrong)
        await app.press("people.split")
        await app.page.get_by_text(app.says(words)).wait_for()
    assert await app.page.locator("main .sheet").count() == 0


async def test_a_printed_sheet_holds_the_code_and_nothing_else(
    phones: Phones, swift_site: Site
) -> None:
    app = App(await phones(swift_site))
    await app.begin()
    await app.press("start.new")
    await app.choose_pin()
    await app.screen("code")
    await app.page.emulate_media(media="print")
    assert await app.page.locator(".paper").is_visible()
    for rest in ("header", "main h1", "main button >> nth=0"):
        assert not await app.page.locator(rest).is_visible()


async def test_two_pins_open_two_wallets_that_look_alike(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app, _ = await holding(phones, swift_site, swift_cast)
    await app.make_second(PIN, SECOND_PIN)
    await app.lock()
    before = await outside(app.phone)
    await app.unlock(SECOND_PIN)
    assert await app.cards() == []
    await app.go("more")
    rows = await app.page.locator("main button").all_inner_texts()
    await app.press("phones.title", "phones")
    phone_words = await app.main.inner_text()
    await app.lock()
    assert await outside(app.phone) == before
    await app.unlock(PIN)
    assert len(await app.cards()) == 1
    await app.go("more")
    assert await app.page.locator("main button").all_inner_texts() == rows
    await app.press("phones.title", "phones")
    assert await app.main.inner_text() == phone_words


async def outside(phone: Phone) -> str:
    """What the locked phone shows."""
    html = await phone.page.locator("#app").inner_html()
    return re.sub(r"field-\d+", "field", html)  # numbered on and on, whatever was opened


async def test_on_a_desk_with_a_new_language(phones: Phones, swift_site: Site) -> None:
    app = App(await phones(swift_site))
    await app.open()
    await app.screen("notice")
    await app.page.get_by_role("button", name="ខ្មែរ").click()
    app.phone.language = "km"
    await app.page.get_by_role("heading", name=app.says("notice.title"), level=1).wait_for()
    assert await app.page.title() == app.says("app.name")
    manifest = app.page.locator("link[rel=manifest]")
    assert await manifest.get_attribute("href") == "manifest.km.webmanifest"
    await app.phone.reopen()
    await app.page.get_by_role("heading", name=app.says("notice.title"), level=1).wait_for()
