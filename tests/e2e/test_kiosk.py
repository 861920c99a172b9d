"""A card of paper, and the wallet at a desk's own device: what opens, what counts, what ends,
and that nothing of her is left there. On agents in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from controllers.story.cast import Cast
from controllers.story.issuing import IDENTITY, eligibility, in_days
from tests.e2e.app import PIN, App
from tests.e2e.heard import Heard
from tests.e2e.hiding import BLURRED, HIDDEN
from tests.e2e.kept import Kept, kept_by
from tests.e2e.kiosk import (
    ADDRESS,
    Kiosk,
    digits_of,
    enter_card,
    make_card,
    storage,
    try_card,
)
from tests.e2e.phones import Phones, Site
from tests.e2e.tour import take
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("swift_cast")]

OTHER_PIN, SECOND_PIN = "615204", "730164"
GIVEN, FAMILY = "Qwertimaria", "Zxcvgonzalez"
# an origin's other page, to look at what is kept there when the app is not running
PLAIN = "/wallet/manifest.en.webmanifest"
# a card of the size of a bank card, at 96 pixels to an inch
WIDE, HIGH = 85.6 / 25.4 * 96, 54 / 25.4 * 96


async def kiosk_of(phones: Phones, site: Site, locale: str = "en-US") -> Kiosk:
    device = await phones(site, locale=locale)
    device.expect("status of 4(01|04|22|29)")
    kiosk = Kiosk(device)
    await kiosk.open()
    return kiosk


async def phone_of(phones: Phones, site: Site) -> App:
    phone = await phones(site)
    phone.expect("status of 4(01|04|22|29)")
    return App(phone)


# --- the story ------------------------------------------------------------------------------


@dataclass
class Trace:
    """What was told and shown there, to be searched for afterwards."""

    heard: Heard = field(default_factory=Heard)
    planted: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def everything(self) -> dict[str, str]:
        return self.planted | self.heard.without()


async def a_stay(kiosk: Kiosk, cast: Cast) -> Trace:
    """A wallet is made, used, and open on the card with her name; nothing is left out."""
    found = Trace()
    found.heard.listen(kiosk.phone)
    digits = await kiosk.new_wallet()
    identity = IDENTITY | {"given_names": GIVEN, "family_name": FAMILY}
    dates = {"issued_dateint": in_days(0), "expires_dateint": in_days(365)}
    made = await take(kiosk, cast.issuing("shelter-a"), "identity", **identity | dates)
    found.planted |= {
        "card": digits,
        "card, its digits": digits.replace(" ", ""),
        "card, a part": digits[:14],
        "PIN": PIN,
        "given": GIVEN,
        "family": FAMILY,
        "link": str(made["link"]).rpartition("/")[2],
        "desk code": made["code"],
    }
    await kiosk.tap(kiosk.page.locator("main button.card").first)
    await kiosk.screen("card")
    await found.heard.complete()
    assert {"given", "family"} <= (await kept_by(kiosk.page)).told(found.planted)
    return found


def is_empty(kept: Kept) -> None:
    """Nothing at all is kept beside the page."""
    assert dict(kept.found["local"]) == {}
    assert kept.found["session"] == {}
    assert (kept.found["cookies"], kept.found["jar"]) == ("", [])
    assert kept.found["databases"] == {}
    assert kept.found["cached"] == {}


async def test_a_card_serves_a_person_without_a_phone(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.press("kiosk.new", "newpin")
    await kiosk.choose_pin()
    digits = await digits_of(kiosk)
    kiosk.phone.camera.show(digits.replace(" ", ""))  # printed, cut out, held to the camera
    await kiosk.press("code.written", "opencard")
    await kiosk.press("opencard.scan")
    await kiosk.pins.wait_for()
    kiosk.phone.camera.look_away()
    await kiosk.enter_pin(PIN, "trial.check")
    await kiosk.outcome("card-made")
    await kiosk.press("outcome.home", "home")
    await kiosk.finish()

    await kiosk.open_card(digits)
    await take(kiosk, swift_cast.issuing("shelter-a"), "service-eligibility", **eligibility())
    await kiosk.finish()
    await kiosk.open_card(digits)
    assert await kiosk.cards() == [("service-eligibility", "valid")]
    river = swift_cast.checking("shelter-b")
    asked = await river.ask("shelter")
    await kiosk.paste(asked["link"], "request")
    await kiosk.press("request.accept")
    await kiosk.outcome("shown")
    assert (await river.verdict(asked))["verdict"] == "accepted"
    await kiosk.finish()


# --- it forgets -----------------------------------------------------------------------------


async def finish(kiosk: Kiosk) -> None:
    await kiosk.finish()


async def reload(kiosk: Kiosk) -> None:
    await kiosk.page.reload()
    await kiosk.screen("kiosk")


async def close(kiosk: Kiosk) -> None:
    await kiosk.phone.reopen(ADDRESS)
    await kiosk.screen("kiosk")


async def hide(kiosk: Kiosk) -> None:
    await kiosk.page.evaluate(HIDDEN)
    await kiosk.screen("kiosk")


async def leave(kiosk: Kiosk) -> None:
    await kiosk.leave_quickly()
    await kiosk.open()


ENDINGS: list[Callable[[Kiosk], Awaitable[None]]] = [finish, reload, close, hide, leave]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda each: each.__name__)
async def test_nothing_of_her_is_left(
    phones: Phones,
    swift_site: Site,
    swift_cast: Cast,
    ending: Callable[[Kiosk], Awaitable[None]],
) -> None:
    """However it ends: neither on the page, nor in any storage; and the session is over."""
    kiosk = await kiosk_of(phones, swift_site)
    found = await a_stay(kiosk, swift_cast)
    is_empty(await kept_by(kiosk.page))  # nor is there anything while it is open
    await ending(kiosk)
    kept = await kept_by(kiosk.page)
    assert kept.told(found.everything) == set()
    is_empty(kept)
    page = kept.found["page"]
    assert page["address"] == f"{swift_site.base_url}{ADDRESS}"
    assert set(json.loads(page["state"])) == {"behind"}
    assert page["fields"] == [""] * len(page["fields"])
    if ending is not close:  # a browser that closes a tab does not promise to send a last word
        await until(lambda: found.heard.over(swift_site.base_url))
    await kiosk.page.goto(swift_site.base_url + PLAIN)  # the same tab: its session storage
    is_empty(await kept_by(kiosk.page))


async def test_a_page_that_goes_away_ends_the_session(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    """What the app does when it is told; one that is never told ends with its idle time."""
    kiosk = await kiosk_of(phones, swift_site)
    found = await a_stay(kiosk, swift_cast)
    await kiosk.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    await until(lambda: found.heard.over(swift_site.base_url))


async def test_back_leads_to_nothing_of_hers(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    found = await a_stay(kiosk, swift_cast)
    await kiosk.finish()
    await kiosk.page.evaluate("history.back()")
    await kiosk.page.wait_for_url("about:blank")  # what was before the app
    await kiosk.page.go_forward()
    await kiosk.screen("kiosk")
    assert (await kept_by(kiosk.page)).told(found.everything) == set()


async def test_doing_nothing_ends_it_after_a_question(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.page.clock.install()
    await kiosk.new_wallet()
    await kiosk.page.clock.fast_forward(121_000)
    dialog = kiosk.page.get_by_role("dialog")
    await dialog.wait_for()
    assert kiosk.says("lock.soon") in await dialog.inner_text()
    await kiosk.press("lock.stay")
    await dialog.wait_for(state="detached")
    await kiosk.screen("home")
    await kiosk.page.clock.fast_forward(121_000)
    await dialog.wait_for()
    await kiosk.page.clock.fast_forward(41_000)
    await kiosk.screen("kiosk")


async def test_a_card_that_was_read_is_not_left_for_the_next_one(
    phones: Phones, swift_site: Site
) -> None:
    """She scanned it, and went away before she typed her PIN."""
    kiosk = await kiosk_of(phones, swift_site)
    digits = await kiosk.new_wallet()
    await kiosk.finish()
    await kiosk.page.clock.install()
    await kiosk.press("kiosk.open", "opencard")
    await enter_card(kiosk, digits)
    await kiosk.page.evaluate(BLURRED)
    await kiosk.page.clock.fast_forward(21_000)
    await kiosk.screen("kiosk")
    await kiosk.press("kiosk.open", "opencard")
    await enter_card(kiosk, digits)
    await kiosk.page.clock.fast_forward(121_000)
    await kiosk.page.get_by_role("dialog").wait_for()
    await kiosk.page.clock.fast_forward(41_000)
    await kiosk.screen("kiosk")
    assert await kiosk.page.locator("main textarea, main input").count() == 0


async def test_what_a_phone_s_wallet_keeps_there_is_neither_read_nor_changed(
    phones: Phones, swift_site: Site
) -> None:
    """Somebody has used the device as a phone, in another language."""
    phone = await phones(swift_site, locale="es-MX")
    phone.expect("status of 4(01|04)")
    app = App(phone)
    await app.set_up()
    await app.lock()
    before = storage(await kept_by(app.page))
    kiosk = Kiosk(phone)
    await kiosk.open()
    await kiosk.tap(kiosk.page.get_by_role("button", name="English"))
    phone.language = "en"
    await kiosk.screen("kiosk")
    await kiosk.new_wallet(OTHER_PIN)
    await kiosk.go("more")
    await kiosk.press("remove.title", "remove")
    await kiosk.write(kiosk.pins, OTHER_PIN)
    await kiosk.press("remove.yes", "gone")
    phone.language = "es"
    await kiosk.tap(kiosk.page.locator("header .finish"))
    await kiosk.screen("kiosk")
    assert storage(await kept_by(app.page)) == before
    await app.open()
    await app.unlock()


async def test_what_would_stay_on_the_device_is_not_offered(
    phones: Phones, swift_site: Site
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.new_wallet()
    await kiosk.go("more")
    assert await kiosk.button("copy.title").count() == 0
    assert await kiosk.page.locator("link[rel=manifest]").count() == 0
    registered = "navigator.serviceWorker.getRegistrations().then((all) => all.length)"
    assert await kiosk.page.evaluate(registered) == 0


async def test_a_link_in_the_address_does_not_wait_for_whoever_comes_next(
    phones: Phones, swift_site: Site
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.open("#l=https%3A%2F%2Fone.example%2Fl%2Fabc")
    assert kiosk.page.url == f"{swift_site.base_url}{ADDRESS}"
    await kiosk.new_wallet()
    assert await kiosk.button("home.link-waits").count() == 0


# --- the card alone -------------------------------------------------------------------------


async def test_a_card_alone_opens_nothing_and_wrong_pins_are_counted(
    phones: Phones, swift_site: Site
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    heard = Heard()
    digits = await kiosk.new_wallet()
    await kiosk.finish()
    heard.listen(kiosk.phone)
    await kiosk.open_card(digits, "908172", then=None)
    assert await kiosk.said() == kiosk.says("locked.wrong-left", left=4)
    for pin in ("908173", "908174", "908175", "908176"):
        await kiosk.enter_pin(pin)
        await kiosk.screen("opencard")
    wait = kiosk.says("locked.wait", time=kiosk.says("time.minute.one", count=1))
    await kiosk.main.get_by_text(wait).wait_for()
    await kiosk.finish()
    await kiosk.open_card(digits, PIN, then=None)
    assert re.search(r"\d", await kiosk.said()), "the right one waits, too, and says how long"
    await heard.complete()
    assert heard.sessions == []
    assert [name for name in heard.secrets if name.split()[0] in ("box", "key")] == []


async def test_a_slip_of_the_hand_is_seen_before_anything_is_asked(
    phones: Phones, swift_site: Site
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.press("kiosk.new", "newpin")
    await kiosk.choose_pin()
    digits = await digits_of(kiosk)
    wrong = f"{digits[:7]}{(int(digits[7]) + 1) % 10}{digits[8:]}"
    await kiosk.press("code.written", "opencard")
    for typed in (wrong, digits[:-1], "1 2 3"):
        await kiosk.write(kiosk.page.locator("main textarea"), typed)
        await kiosk.press("go.on")
        assert await kiosk.said() == kiosk.says("opencard.no-card")
    khmer = digits.translate(str.maketrans("0123456789", "០១២៣៤៥៦៧៨៩"))
    await enter_card(kiosk, khmer)
    await kiosk.enter_pin(OTHER_PIN, "trial.check")
    assert await kiosk.said() == kiosk.says("opencard.other-pin")
    await kiosk.enter_pin(PIN, "trial.check")
    await kiosk.outcome("card-made")


# --- making and ending ----------------------------------------------------------------------


async def test_a_phone_makes_a_card_and_ends_it(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    app = await phone_of(phones, swift_site)
    await app.set_up()
    await take(app, swift_cast.issuing("shelter-a"), "service-eligibility", **eligibility())
    before = storage(await kept_by(app.page))
    digits = await make_card(app)
    assert storage(await kept_by(app.page)) == before, "nothing of the card stays on the phone"
    await app.go("more")
    await app.press("phones.title", "phones")
    assert app.says("phones.none") in await app.text(), "a card is no phone"

    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.open_card(digits)
    assert await kiosk.cards() == [("service-eligibility", "valid")]
    await kiosk.finish()

    await app.press("carry.title", "carry")
    await app.press("carry.end")
    await app.outcome("cards-ended")
    await kiosk.open_card(digits, then=None)
    assert await kiosk.said() == kiosk.says("problem.card-ended")


async def test_a_card_counts_when_it_was_tried_and_ends_the_one_before(
    phones: Phones, swift_site: Site
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    first = await kiosk.new_wallet()
    await kiosk.go("more")
    await kiosk.press("carry.title", "carry")
    await kiosk.write(kiosk.pins, PIN)
    await kiosk.press("carry.make")
    untried = await digits_of(kiosk)
    await kiosk.finish()
    await kiosk.open_card(untried, then=None)
    assert await kiosk.said() == kiosk.says("problem.card-ended")
    await kiosk.finish()
    await kiosk.open_card(first)
    second = await make_card(kiosk)
    await kiosk.finish()
    await kiosk.open_card(first, then=None)
    assert await kiosk.said() == kiosk.says("problem.card-ended")
    await kiosk.finish()
    await kiosk.open_card(second)


async def test_another_card_is_not_the_one_that_is_tried(
    phones: Phones, swift_site: Site
) -> None:
    app = await phone_of(phones, swift_site)
    await app.set_up()
    first = await make_card(app)
    await app.go("more")
    await app.press("carry.title", "carry")
    await app.write(app.pins, PIN)
    await app.press("carry.make", "newcard")
    await app.press("code.written", "opencard")
    await app.write(app.page.locator("main textarea"), first)
    await app.press("go.on")
    assert await app.said() == app.says("opencard.another")
    await app.press("opencard.again", "newcard")
    digits = await digits_of(app)
    await app.press("code.written", "opencard")
    await enter_card(app, digits)
    await app.write(app.pins, OTHER_PIN)
    await app.press("trial.check")
    assert await app.said() == app.says("problem.wrong-pin-left", left=4), "a wrong try counts"


async def test_deleting_everything_ends_the_card(phones: Phones, swift_site: Site) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    digits = await kiosk.new_wallet()
    await kiosk.go("more")
    await kiosk.press("remove.title", "remove")
    await kiosk.write(kiosk.pins, PIN)
    await kiosk.press("remove.yes", "gone")
    await kiosk.finish()
    await kiosk.open_card(digits, then=None)
    assert await kiosk.said() == kiosk.says("problem.card-ended")


async def test_a_lost_phone_is_closed_with_the_card(phones: Phones, swift_site: Site) -> None:
    app = await phone_of(phones, swift_site)
    await app.set_up()
    digits = await make_card(app)
    await app.lock()
    kiosk = await kiosk_of(phones, swift_site)
    await kiosk.open_card(digits)
    await kiosk.go("more")
    await kiosk.press("phones.title", "phones")
    await kiosk.press("phones.close")
    await kiosk.outcome("closed-elsewhere")
    await app.unlock(then=None)
    assert await app.said() == app.says("locked.wrong-left", left=4)
    await kiosk.finish()
    await kiosk.open_card(digits)


async def test_a_recovery_code_makes_a_new_card(phones: Phones, swift_site: Site) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    lost = await kiosk.new_wallet()
    await kiosk.tap(kiosk.page.locator("main button.row").first)
    await kiosk.screen("newcode")
    await kiosk.write(kiosk.pins, PIN)
    await kiosk.press("newcode.make", "code")
    code = " ".join(await kiosk.code_words())
    await kiosk.finish()
    await kiosk.press("start.code", "recover")
    await kiosk.write(kiosk.page.locator("main textarea"), code)
    await kiosk.press("go.on", "newpin")
    await kiosk.choose_pin(OTHER_PIN)
    digits = await try_card(kiosk, OTHER_PIN)
    await kiosk.finish()
    await kiosk.open_card(lost, then=None)
    assert await kiosk.said() == kiosk.says("problem.card-ended")
    await kiosk.finish()
    await kiosk.open_card(digits, OTHER_PIN)


async def test_a_pin_is_changed_and_a_second_one_made_for_a_card(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    kiosk = await kiosk_of(phones, swift_site)
    digits = await kiosk.new_wallet()
    await take(kiosk, swift_cast.issuing("shelter-a"), "service-eligibility", **eligibility())
    await kiosk.go("more")
    await kiosk.press("changepin.title", "changepin")
    for place, each in enumerate((PIN, OTHER_PIN, OTHER_PIN)):
        await kiosk.write(kiosk.pins.nth(place), each)
    await kiosk.press("changepin.change")
    await kiosk.outcome("pin-changed")
    await kiosk.make_second(OTHER_PIN, SECOND_PIN)
    await kiosk.finish()
    await kiosk.open_card(digits, SECOND_PIN)
    assert await kiosk.cards() == []
    await kiosk.finish()
    await kiosk.open_card(digits, OTHER_PIN)
    assert len(await kiosk.cards()) == 1
    await make_card(kiosk, OTHER_PIN)  # it is still known as a card, and ends
    await kiosk.finish()
    await kiosk.open_card(digits, OTHER_PIN, then=None)
    assert await kiosk.said() == kiosk.says("problem.card-ended")


# --- on paper -------------------------------------------------------------------------------

_PRINTED = """
() => {
  const card = document.querySelector(".carried");
  const box = card.getBoundingClientRect();
  const inside = [...card.querySelectorAll("*")].map((each) => each.getBoundingClientRect());
  const shown = [...document.body.querySelectorAll("*")]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height > 0)
    .filter((each) => !each.closest(".carried") && !each.contains(card));
  const overlaps = (one, other) => one.left < other.right - 1 && other.left < one.right - 1
    && one.top < other.bottom - 1 && other.top < one.bottom - 1;
  const parts = [...card.children].map((each) => each.getBoundingClientRect());
  const later = (at) => parts.slice(at + 1);
  return {
    wide: box.width,
    high: box.height,
    outside: inside.filter((it) => it.right > box.right || it.bottom > box.bottom).length,
    overlapping: parts.some((one, at) => later(at).some((each) => overlaps(one, each))),
    picture: parts[1].width,
    others: shown.map((each) => each.outerHTML.slice(0, 60)),
  };
}
"""


@pytest.mark.parametrize("locale", ["en-US", "es-MX", "km-KH"])
async def test_the_card_is_printed_in_the_size_of_a_bank_card(
    phones: Phones, swift_site: Site, locale: str
) -> None:
    kiosk = await kiosk_of(phones, swift_site, locale)
    await kiosk.press("kiosk.new", "newpin")
    await kiosk.choose_pin()
    await digits_of(kiosk)
    await kiosk.page.emulate_media(media="print")
    found = await kiosk.page.evaluate(_PRINTED)
    assert abs(found["wide"] - WIDE) < 1
    assert abs(found["high"] - HIGH) < 1
    assert found["picture"] > 105  # 28 mm: a camera reads it from afar
    assert (found["outside"], found["overlapping"], found["others"]) == (0, False, [])
