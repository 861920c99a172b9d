"""Leaving quickly, looking away, and doing nothing: the page is blank, the wallet locked.

On agents in memory: what the browser does is the same. Time is the browser's clock, moved on.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from controllers.story.cast import Cast
from controllers.story.issuing import IDENTITY, in_days
from tests.e2e.app import PIN, App
from tests.e2e.heard import Heard
from tests.e2e.hiding import BLURRED, FOCUSED, HIDDEN, SEEN
from tests.e2e.kept import kept_by
from tests.e2e.phones import Phone, Phones, Site
from tests.e2e.tour import take
from tests.e2e.voices import voices
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("swift_cast")]

GIVEN, FAMILY = "Qwertimaria", "Zxcvgonzalez"
NAMES = {"given": GIVEN, "family": FAMILY}


@dataclass
class Open:
    """An open wallet with a card, the card on the screen."""

    app: App
    heard: Heard

    async def is_over(self) -> None:
        site = self.app.phone.site
        await until(lambda: self.heard.over(site.base_url))

    async def is_covered(self) -> bool:
        """Whether the page is blank, all of it."""
        covers = """() => {
          const cover = document.getElementById("cover");
          const at = (x, y) => document.elementFromPoint(x, y) === cover;
          return !cover.hidden && at(5, 5) && at(innerWidth / 2, innerHeight / 2)
            && at(innerWidth - 5, innerHeight - 5);
        }"""
        return bool(await self.app.page.evaluate(covers))


@pytest.fixture
async def wallet(phones: Phones, swift_site: Site, swift_cast: Cast) -> Open:
    """Set up, with a card of marked values that is on the screen."""
    return await a_wallet(App(await phones(swift_site)), swift_cast)


@pytest.fixture
async def timed(phones: Phones, swift_site: Site, swift_cast: Cast) -> Open:
    """The same on a phone whose clock the test moves."""
    return await on_a_clock(await phones(swift_site), swift_cast)


@pytest.fixture
async def timed_aloud(phones: Phones, swift_site: Site, swift_cast: Cast) -> Open:
    """And on one that can read aloud."""
    phone = await phones(swift_site)
    await phone.context.add_init_script(voices("en-GB"))
    return await on_a_clock(phone, swift_cast)


async def on_a_clock(phone: Phone, cast: Cast) -> Open:
    await phone.page.clock.install()
    return await a_wallet(App(phone), cast)


async def a_wallet(app: App, cast: Cast) -> Open:
    heard = Heard()
    heard.listen(app.phone)
    app.phone.expect("ERR_ABORTED")
    await app.begin()
    await app.press("start.new", "newpin")
    await app.choose_pin()
    await app.screen("code")
    await app.press("code.later", "home")
    dates = {"issued_dateint": in_days(0), "expires_dateint": in_days(365)}
    identity = IDENTITY | dates | {"given_names": GIVEN, "family_name": FAMILY}
    await take(app, cast.issuing("shelter-a"), "identity", **identity)
    await app.page.locator("main button.card").click()
    await app.screen("card")
    assert FAMILY in await app.text()
    return Open(app, heard)


async def is_elsewhere(wallet: Open) -> None:
    """Another page took its place, the session is over; going back does not come here, and who
    opens the app again finds it locked."""
    app, site = wallet.app, wallet.app.phone.site
    await app.page.wait_for_url(site.leave_to)
    assert app.phone.left_to == [site.leave_to]
    await wallet.is_over()
    await app.page.go_back()
    assert not app.page.url.startswith(site.app)
    await app.open()
    await app.screen("locked")
    found = await kept_by(app.page)
    assert found.told(NAMES | wallet.heard.without("device")) == set()


async def test_shift_three_times_leaves(wallet: Open) -> None:
    app = wallet.app
    for count in (1, 2):
        await app.page.keyboard.press("Shift")
        sign = app.page.locator("#presses")
        assert await sign.inner_text() == app.says("leave.presses", count=count, of=3)
    await app.page.keyboard.press("Shift")
    await is_elsewhere(wallet)


async def test_shift_among_other_keys_does_not_leave(wallet: Open) -> None:
    """Who types capitals stays; so does who presses Escape, which closes what is open."""
    app = wallet.app
    for key in ("Shift", "Shift", "a", "Shift", "Shift", "Escape", "Escape", "Escape", "Shift"):
        await app.page.keyboard.press(key)
    assert await app.page.locator("main[data-screen=card]").is_visible()
    assert app.phone.left_to == []


async def test_the_button_leaves_by_keyboard(wallet: Open) -> None:
    app = wallet.app
    button = app.button("leave.button")
    for _ in range(40):  # around the page
        await app.page.keyboard.press("Tab")
        if await button.evaluate("(each) => each === document.activeElement"):
            break
    await app.page.keyboard.press("Enter")
    await is_elsewhere(wallet)


async def test_leaving_without_a_network_leaves(wallet: Open) -> None:
    """The page goes in any case; the session ends by itself then."""
    app = wallet.app
    app.phone.expect("ERR_")
    await app.page.route("**/session/close", lambda route: route.abort("internetdisconnected"))
    await app.leave_quickly()
    assert app.phone.left_to == [app.phone.site.leave_to]
    await app.open()
    await app.screen("locked")


async def test_what_is_hidden_is_locked(wallet: Open) -> None:
    """Another app, another tab, the screen off: blank at once, and locked."""
    app = wallet.app
    await app.page.evaluate(HIDDEN)
    assert await wallet.is_covered()
    await app.screen("locked")
    await wallet.is_over()
    await app.page.evaluate(SEEN)
    assert not await wallet.is_covered()
    assert (await kept_by(app.page)).told(NAMES) == set()
    await app.unlock()


async def test_a_page_that_goes_away_is_locked(wallet: Open) -> None:
    app = wallet.app
    await app.page.goto(app.phone.site.base_url + "/wallet/manifest.en.webmanifest")
    await wallet.is_over()
    await app.page.go_back()
    await app.screen("locked")
    assert FAMILY not in await app.page.content()


async def test_a_window_without_focus_is_covered(wallet: Open) -> None:
    """What lies over it, or the switcher between apps, shows a blank page; it stays open."""
    app = wallet.app
    await app.page.evaluate(BLURRED)
    assert await wallet.is_covered()
    await app.page.evaluate(FOCUSED)
    assert not await wallet.is_covered()
    assert FAMILY in await app.text()


async def test_after_a_link_in_the_open_app_back_leads_before_it(wallet: Open) -> None:
    """A link that is opened there makes an entry of its own."""
    await wallet.app.page.evaluate("location.hash = 'l=https://desk.example/l/x'")
    await wallet.app.screen("home")
    await wallet.app.leave_quickly()
    await is_elsewhere(wallet)


async def test_a_question_of_the_phone_that_nobody_answered_keeps_nothing_open(
    wallet: Open,
) -> None:
    """Whether the camera may be used: she goes on without an answer, and looks away."""
    app = wallet.app
    await app.page.evaluate(
        "navigator.mediaDevices.getUserMedia = () => new Promise(() => {}); 0"
    )
    await app.go("scan")
    await app.page.evaluate(HIDDEN)
    assert await app.page.locator("main[data-screen=scan]").count(), "the phone asks"
    await app.page.evaluate(SEEN)
    await app.go("home")
    await app.page.evaluate(HIDDEN)
    await app.screen("locked")


async def test_what_is_opened_while_nobody_looks_locks(timed: Open) -> None:
    phone = timed.app.phone
    app = timed.app
    await app.lock()
    await app.write(app.pins, PIN)
    await phone.page.evaluate(f"document.querySelector('main form').requestSubmit(); {BLURRED}")
    await phone.page.wait_for_selector("main[data-screen=home]", state="attached")
    assert await timed.is_covered()
    await phone.page.clock.fast_forward(21_000)
    await app.screen("locked")


async def test_a_machine_that_slept_wakes_locked(timed: Open) -> None:
    """No timer ran meanwhile: the first touch tells, and opens nothing."""
    phone = timed.app.phone
    await phone.page.clock.set_system_time(await later(phone, seconds=600))
    await phone.page.mouse.click(180, 400)
    await timed.app.screen("locked")
    assert timed.app.says("lock.idle") in await timed.app.text()


async def test_a_window_long_without_focus_is_locked(timed: Open) -> None:
    """Also when the phone slept, and no timer ran."""
    phone = timed.app.phone
    app = timed.app
    await phone.page.evaluate(BLURRED)
    await phone.page.clock.fast_forward(19_000)
    await phone.page.evaluate(FOCUSED)
    assert FAMILY in await app.text()
    await phone.page.clock.fast_forward(21_000)  # that it was looked away from is forgotten
    assert FAMILY in await app.text()
    await phone.page.evaluate(BLURRED)
    await phone.page.clock.fast_forward(21_000)
    await app.screen("locked")
    await timed.is_over()
    await phone.page.evaluate(FOCUSED)
    await app.unlock()
    await phone.page.evaluate(BLURRED)
    await phone.page.clock.set_system_time(await later(phone, seconds=30))
    await phone.page.evaluate(FOCUSED)
    await app.screen("locked")
    assert app.says("lock.away") in await app.text()


async def later(phone: Phone, seconds: int) -> int:
    """The page's clock, so much later, in ms."""
    return int(await phone.page.evaluate("Date.now()")) + seconds * 1000


async def test_the_warning_can_be_heard_and_left(timed_aloud: Open) -> None:
    """Somebody who does not read hears what it says; somebody who must be gone is gone."""
    phone = timed_aloud.app.phone
    warning = phone.page.get_by_role("dialog")
    await phone.page.clock.fast_forward(121_000)
    await warning.wait_for()
    await timed_aloud.app.tap(warning.get_by_role("button", name=phone.t("speak.start")))
    assert phone.t("lock.soon").split(".")[0] in await phone.page.evaluate("said.join(' ')")
    await phone.page.clock.fast_forward(30_000)  # hearing it takes time as well
    await timed_aloud.app.tap(warning.get_by_role("button", name=phone.t("leave.button")))
    await phone.page.clock.fast_forward(1_000)
    await is_elsewhere(timed_aloud)


async def test_who_is_read_to_is_there(timed_aloud: Open) -> None:
    """But not for ever: some phones never say that they have ended."""
    phone = timed_aloud.app.phone
    warning = phone.page.get_by_role("dialog")
    await timed_aloud.app.tap(phone.page.locator("#reader"))
    await phone.page.clock.run_for(200_000)
    assert await warning.count() == 0
    await phone.page.clock.run_for(180_000)
    await warning.wait_for()
    await phone.page.clock.run_for(41_000)
    await timed_aloud.app.screen("locked")


async def test_nothing_pressed_locks_after_a_warning(timed: Open) -> None:
    phone = timed.app.phone
    app, warning = timed.app, phone.page.get_by_role("dialog")
    await phone.page.clock.fast_forward(119_000)
    assert not await warning.is_visible()
    await phone.page.clock.fast_forward(2_000)
    assert app.says("lock.soon") in await warning.inner_text()
    await app.press("lock.stay")
    await warning.wait_for(state="detached")
    await phone.page.clock.fast_forward(41_000)  # the time of the warning: it was answered
    assert await app.page.locator("main[data-screen=card]").is_visible()
    await phone.page.clock.fast_forward(80_000)
    await warning.wait_for()
    await phone.page.clock.fast_forward(41_000)
    await app.screen("locked")
    assert app.says("lock.idle") in await app.text()
    await timed.is_over()


async def test_any_sign_keeps_it_open(timed: Open) -> None:
    phone = timed.app.phone
    for _ in range(3):
        await phone.page.clock.fast_forward(100_000)
        await phone.page.mouse.click(180, 400)
    assert await phone.page.get_by_role("dialog").count() == 0
    assert await timed.app.page.locator("main[data-screen=card]").is_visible()


async def test_a_code_on_the_screen_waits_a_minute_for_a_pen(
    phones: Phones, swift_site: Site
) -> None:
    """Printing looks like going away; longer than a minute is going away."""
    phone = await phones(swift_site)
    await phone.page.clock.install()
    app, heard = App(phone), Heard()
    heard.listen(phone)
    await app.begin()
    await app.press("start.new", "newpin")
    await app.choose_pin()
    await app.screen("code")
    await phone.page.evaluate(HIDDEN)
    await phone.page.clock.fast_forward(50_000)
    await phone.page.evaluate(SEEN)
    assert await phone.page.locator("main[data-screen=code]").is_visible()
    words = await app.code_words()
    await phone.page.evaluate(HIDDEN)
    await phone.page.clock.fast_forward(61_000)
    await app.screen("locked")
    await phone.page.evaluate(SEEN)
    assert app.says("lock.away") in await app.text()
    shown = await app.text()
    assert not any(each in shown for each in words if len(each) > 5)
    await until(lambda: heard.over(swift_site.base_url))
