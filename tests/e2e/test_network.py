"""A network that is lost at any step of anything: nothing is done twice, nothing is stuck.

Each test cuts the line at one request, before it is sent or after it has arrived. The app has
to say what happened, in the page's language; then the network is back, and the button is
pressed that the app offers. On agents in memory, and a few on real ones.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from playwright.async_api import Route
from sqlalchemy import func, select

from controllers.store.models import WalletDevice, WalletRecovery
from controllers.story.cast import Cast
from controllers.story.issuing import eligibility
from controllers.story.people import Json
from tests.e2e.app import PIN, App
from tests.e2e.hiding import HIDDEN, SEEN
from tests.e2e.line import Cut, Line, cuts
from tests.e2e.phones import Phones, Site
from tests.fakes.network import FakeNetwork, Wallet
from tests.support.installation import Swift

pytestmark = pytest.mark.browser

NEW_PIN = "615204"
OFFLINE, UNSURE = "problem.offline", "outcome.interrupted"
LOCALES = ("en-US", "es-MX", "km-KH")


@dataclass
class Hand:
    """A phone whose line can be cut, and what lies behind the server that it speaks to."""

    app: App
    line: Line
    cast: Cast
    house: Swift

    @property
    def network(self) -> FakeNetwork:
        return self.house.network

    @property
    def wallet(self) -> Wallet:
        """The wallet that was made last."""
        return list(self.network.wallets.values())[-1]

    # --- doing ------------------------------------------------------------------------------

    async def set_up(self) -> None:
        """A new wallet; its code is put off."""
        await self.app.begin()
        await self.app.press("start.new", "newpin")
        await self.app.choose_pin()
        await self.app.screen("code")
        await self.app.press("code.later", "home")

    async def see_offer(self) -> Json:
        """An offer on the screen, not taken yet."""
        made = await self.cast.issuing("shelter-a").offer(
            "service-eligibility", **eligibility()
        )
        await self.app.paste(made["link"], "deskcode")
        await self.app.enter_desk_code(made["code"])
        return made

    async def take(self) -> Json:
        """A card."""
        made = await self.see_offer()
        await self.app.press("offer.accept")
        await self.app.outcome("received")
        await self.app.press("outcome.home", "home")
        return made

    async def see_request(self) -> Json:
        """A question on the screen, not answered yet."""
        asked = await self.cast.checking("shelter-b").ask("shelter")
        await self.app.paste(asked["link"], "request")
        return asked

    async def fill_pins(self, *pins: str) -> None:
        for place, pin in enumerate(pins):
            await self.app.write(self.app.pins.nth(place), pin)

    # --- being without a network ------------------------------------------------------------

    async def is_told(self, key: str) -> None:
        """The app says this sentence, and can be used again."""
        words = self.app.says(key)
        await self.app.page.locator("main", has_text=words).wait_for(timeout=8000)
        await self.app.page.wait_for_selector("#app:not([aria-busy])")

    async def again(self, key: str) -> None:
        """Press what the app offers: to try again, or the same button as before."""
        offered = self.app.button("go.again")
        await (offered if await offered.count() else self.app.button(key)).first.click()

    async def resumes(self, key: str, button: str = "") -> None:
        """The line was cut: it is said; the network is back, and it goes on."""
        await self.is_told(key)
        self.line.back()
        await self.again(button)

    # --- looking ----------------------------------------------------------------------------

    def notes(self, kind: str) -> list[str]:
        """What the wallet has noted: the events of its history, or what else there is."""
        found = [note for (named, _), note in self.wallet.notes.items() if named == kind]
        return [str(each.get("event", "")) for each in found]

    def issued(self) -> int:
        """How many credentials were signed for this wallet."""
        mine = [
            each
            for each in self.network.issuances
            if each.connection.wallet_id == self.wallet.wallet_id
        ]
        return sum(each.index is not None for each in mine)

    async def rows(self) -> tuple[int, int]:
        """How many devices and how many recovery codes the server knows of."""
        async with self.house.haven.database.reading() as session:
            devices = await session.scalar(select(func.count()).select_from(WalletDevice))
            codes = await session.scalar(select(func.count()).select_from(WalletRecovery))
        return devices or 0, codes or 0


class Hands:
    """Makes them: each phone in the next language."""

    def __init__(self, phones: Phones, site: Site, cast: Cast, house: Swift) -> None:
        self._phones, self._site, self._cast, self._house = phones, site, cast, house

    async def __call__(self, locale: str = "en-US", *, set_up: bool = True) -> Hand:
        phone = await self._phones(self._site, locale=locale, service_workers="block")
        phone.expect(
            "40[149]", "410", "registration blocked"
        )  # what is refused, the browser notes
        hand = Hand(App(phone), await Line.of(phone), self._cast, self._house)
        if set_up:
            await hand.set_up()
        return hand


@pytest.fixture
async def hands(
    phones: Phones, swift_site: Site, swift_cast: Cast, swift_house: Swift
) -> Hands:
    return Hands(phones, swift_site, swift_cast, swift_house)


def each_cut(*places: str | tuple[str, int]) -> pytest.MarkDecorator:
    """Both ways to lose each request, each in another language than the one before."""
    found = cuts(*places)
    cases = [
        pytest.param(cut, LOCALES[place % len(LOCALES)], id=f"{cut.name}, {LOCALES[place % 3]}")
        for place, cut in enumerate(found)
    ]
    return pytest.mark.parametrize(("cut", "locale"), cases)


# --- setting up and opening ----------------------------------------------------------------


@each_cut("POST /wallets", "POST /wallets/*/sessions", "PUT /recovery", "POST /devices")
async def test_a_wallet_is_made_once(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale, set_up=False)
    app, before = hand.app, await hand.rows()
    wallets = len(hand.network.wallets)
    await app.begin()
    await app.press("start.new", "newpin")
    hand.line.cut(cut)
    await app.choose_pin()
    await hand.is_told(OFFLINE)
    hand.line.back()
    await hand.again("go.on")
    await the_code_works(app)
    assert len(hand.network.wallets) == wallets + 1
    assert await hand.rows() == (before[0] + 1, before[1] + 1)
    await app.go("more")
    await app.press("phones.title", "phones")
    assert app.says("phones.none") in await app.text()
    await app.lock()
    await app.unlock()


async def the_code_works(app: App) -> None:
    """The code on the screen is tried, and leads to the cards."""
    await app.screen("code")
    words = " ".join(await app.code_words())
    await app.press("code.written", "trial")
    await app.write(app.page.locator("main textarea"), words)
    await app.press("trial.check")
    await app.outcome("code-tried")
    await app.press("outcome.home", "home")


async def test_another_pin_may_be_chosen_after_an_answer_was_lost(hands: Hands) -> None:
    hand = await hands(set_up=False)
    app, before = hand.app, await hand.rows()
    await app.begin()
    await app.press("start.new", "newpin")
    hand.line.cut(Cut("POST /devices", arrives=True))
    await app.choose_pin()
    await hand.is_told(OFFLINE)
    hand.line.back()
    await app.choose_pin(NEW_PIN)
    await the_code_works(app)
    assert await hand.rows() == (before[0] + 1, before[1] + 1)
    await app.lock()
    await app.unlock(NEW_PIN)


async def test_who_looks_away_while_setting_up_can_go_on(hands: Hands) -> None:
    """She looks into the phone's settings for the network: there is no PIN to ask for yet."""
    hand = await hands(set_up=False)
    app, wallets = hand.app, len(hand.network.wallets)
    await app.begin()
    await app.press("start.new", "newpin")
    hand.line.cut(Cut("PUT /recovery"))
    await app.choose_pin()
    await hand.is_told(OFFLINE)
    await app.page.evaluate(HIDDEN)
    await app.page.evaluate(SEEN)
    await app.screen("start")
    hand.line.back()
    await app.press("start.new", "newpin")
    await app.choose_pin()
    await the_code_works(app)
    assert len(hand.network.wallets) == wallets + 1


@each_cut(
    "POST /devices/unlock",
    "POST /wallets/*/sessions",
    "GET /credentials",
    "GET /pending",
    "GET /setup",
)
async def test_the_pin_opens_later(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app = hand.app
    await app.lock()
    hand.line.cut(cut)
    await app.unlock(then=None)
    await hand.is_told(OFFLINE)
    hand.line.back()
    if await app.pins.count():
        await app.write(app.pins, PIN)
    await hand.again("locked.open")
    await app.screen("home")


async def test_who_looks_away_while_it_opens_finds_it_locked(hands: Hands) -> None:
    """The answer comes when nobody looks: nothing stays open behind a blank page."""
    hand = await hands()
    app, held = hand.app, asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await app.lock()
    await app.page.route("**/sessions", hold)
    await app.write(app.pins, PIN)
    async with app.page.expect_request("**/sessions"):
        await app.press("locked.open")
    await app.page.evaluate(HIDDEN)
    closed = app.page.wait_for_event("request", lambda each: "session/close" in each.url)
    held.set()
    await closed
    await app.page.evaluate(SEEN)
    await app.screen("locked")
    await app.unlock()


async def test_the_app_starts_without_a_network(phones: Phones, swift_site: Site) -> None:
    phone = await phones(swift_site)
    phone.expect("ERR_INTERNET_DISCONNECTED")
    app = App(phone)
    await app.set_up()
    await app.page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    await phone.context.set_offline(True)
    await phone.reopen()
    await app.unlock(then=None)
    assert await app.said() == app.says(OFFLINE)
    await phone.context.set_offline(False)
    await app.unlock()


async def test_a_screen_that_cannot_be_fetched_says_why(hands: Hands) -> None:
    """At the first visit its files are not kept yet."""
    hand = await hands()
    hand.app.phone.expect("ERR_INTERNET_DISCONNECTED")
    await hand.app.phone.context.set_offline(True)
    await hand.app.go("history", "problem")
    await hand.is_told(OFFLINE)
    await hand.app.phone.context.set_offline(False)
    await hand.again("")
    await hand.app.screen("history")


# --- being offered a card ---------------------------------------------------------------------


@each_cut("POST /links", ("POST /links", 2), "POST /offers/*/accept")
async def test_a_card_is_taken_once(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app = hand.app
    made = await hand.cast.issuing("shelter-a").offer("service-eligibility", **eligibility())
    hand.line.cut(cut)
    await app.paste(made["link"])
    if cut.at == "POST /links" and cut.nth == 1:
        await hand.resumes(OFFLINE)
    await app.enter_desk_code(made["code"], then=None)
    if cut.nth == 2:
        await hand.resumes(OFFLINE)
    await app.screen("offer")
    await app.press("offer.accept")
    if "accept" in cut.at:
        await hand.resumes(UNSURE)
    await app.outcome("received")
    await hand.cast.issuing("shelter-a").issued(made)
    await has_one_card(hand)


async def has_one_card(hand: Hand) -> None:
    """One on the screen, one in the wallet, one signed, one entry; nothing waits."""
    await hand.app.press("outcome.home", "home")
    assert await hand.app.cards() == [("service-eligibility", "valid")]
    assert len(hand.wallet.credentials) == 1
    assert hand.issued() == 1
    assert hand.notes("history") == ["received"]
    assert hand.notes("pending") == []
    await hand.app.go("history")
    assert await hand.app.page.locator("main button.row").count() == 1
    await hand.app.go("home")


@each_cut("POST /offers/*/decline")
async def test_a_card_is_not_taken(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    await hand.see_offer()
    hand.line.cut(cut)
    await hand.app.press("offer.decline")
    await hand.resumes(UNSURE)
    await hand.app.outcome("declined")
    await hand.app.press("outcome.home", "home")
    assert await hand.app.cards() == []
    assert (hand.issued(), hand.notes("history"), hand.notes("pending")) == (0, [], [])


async def test_a_card_that_was_taken_elsewhere_is_not_said_to_be_declined(
    hands: Hands,
) -> None:
    hand = await hands()
    await hand.see_offer()
    there = await another_tab(hand)
    await there.press("home.offer-waits", "offer", who="Harbour House")
    await there.press("offer.accept")
    await there.outcome("received")
    await hand.app.press("offer.decline")
    await hand.is_told("problem.not-waiting")
    assert len(hand.wallet.credentials) == 1


# --- being asked ------------------------------------------------------------------------------


@each_cut("POST /links", "GET /credentials", "POST /requests/*/accept")
async def test_a_question_is_answered_once(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app, court = hand.app, hand.cast.checking("shelter-b")
    await hand.take()
    asked = await court.ask("shelter")
    await app.go("scan")
    await app.write(app.page.locator("main textarea"), asked["link"])
    hand.line.cut(cut)
    await app.press("go.on")
    if "requests" not in cut.at:
        await hand.resumes(OFFLINE)
    await app.screen("request")
    await app.press("request.accept")
    if "requests" in cut.at:
        await hand.resumes(UNSURE)
    await app.outcome("shown")
    assert (await court.verdict(asked))["verdict"] == "accepted"
    await has_shown_once(hand)


async def has_shown_once(hand: Hand) -> None:
    """One answer left the wallet, and one entry is there; nothing waits."""
    assert Counter(hand.notes("history")) == {"received": 1, "shown": 1}
    assert hand.notes("pending") == []
    assert sum(not each.open for each in hand.wallet.received.values()) == 1
    await hand.app.press("outcome.home", "home")
    await hand.app.go("history")
    assert await hand.app.page.locator("main button.row").count() == 2


@each_cut("POST /requests/*/decline")
async def test_a_question_is_not_answered(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    await hand.take()
    asked = await hand.see_request()
    hand.line.cut(cut)
    await hand.app.press("request.decline")
    await hand.resumes(UNSURE)
    await hand.app.outcome("said-no")
    verdict = await hand.cast.checking("shelter-b").verdict(asked)
    assert verdict["verdict"] == "not-shown"
    assert Counter(hand.notes("history")) == {"received": 1, "declined": 1}
    assert hand.notes("pending") == []


async def test_an_answer_that_was_not_sent_is_not_said_to_be_shown(hands: Hands) -> None:
    """The receipt is there before the answer leaves; the agent is away then."""
    hand = await hands()
    app, desk = hand.app, hand.cast.checking("shelter-b")
    app.phone.expect("503")
    await hand.take()
    asked = await hand.see_request()
    hand.network.fail_once("present")
    await app.press("request.accept")
    await hand.is_told("problem.unavailable")
    assert app.says("outcome.shown") not in await app.text()
    await app.press("go.again")
    await app.outcome("shown")
    assert (await desk.verdict(asked))["verdict"] == "accepted"
    await has_shown_once(hand)


# --- PIN, code, deleting ----------------------------------------------------------------------


@each_cut("POST /devices/unlock", "POST /devices/slot")
async def test_the_pin_is_changed(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app = hand.app
    await app.go("more")
    await app.press("changepin.title", "changepin")
    await hand.fill_pins(PIN, NEW_PIN, NEW_PIN)
    hand.line.cut(cut)
    await app.press("changepin.change")
    await hand.is_told(UNSURE if "slot" in cut.at else OFFLINE)
    hand.line.back()
    await hand.again("changepin.change")
    await app.outcome("pin-changed")
    await app.press("outcome.home", "home")
    await app.lock()
    await app.unlock(PIN, then=None)
    await app.said()
    await app.unlock(NEW_PIN)


@each_cut(
    "POST /devices/unlock",
    "POST /wallets",
    "POST /devices/slot",
    "POST /wallets/*/sessions",
    ("POST /devices/slot", 2),
)
async def test_a_second_pin_is_made_once(hands: Hands, cut: Cut, locale: str) -> None:
    """One other wallet, that this phone knows and that knows this phone."""
    hand = await hands(locale)
    app = hand.app
    before, rows = len(hand.network.wallets), await hand.rows()
    await app.to_second_pin()
    await hand.fill_pins(PIN, NEW_PIN, NEW_PIN)
    hand.line.cut(cut)
    await app.press("second.make")
    await hand.resumes(OFFLINE if "unlock" in cut.at else UNSURE, "second.make")
    await app.outcome("second-made")
    assert len(hand.network.wallets) == before + 1
    assert await hand.rows() == rows
    assert len(hand.notes("devices")) == 1
    await app.press("outcome.home", "home")
    for pin in (PIN, NEW_PIN):
        await app.lock()
        await app.unlock(pin)


@each_cut("POST /devices/unlock", "PUT /recovery")
async def test_a_new_code_is_made(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale, set_up=False)
    app = hand.app
    old = await app.set_up()
    before = await hand.rows()
    await app.go("more")
    await app.press("newcode.title", "newcode")
    await hand.fill_pins(PIN)
    hand.line.cut(cut)
    await app.press("newcode.make")
    await hand.is_told(UNSURE if "recovery" in cut.at else OFFLINE)
    hand.line.back()
    await hand.again("newcode.make")
    await the_code_works(app)
    assert await hand.rows() == before
    await app.lock()
    await app.press("locked.forgot", "recover")
    await app.write(app.page.locator("main textarea"), old)
    await app.press("go.on")
    assert await app.said() == app.says("problem.no-such-code")


async def test_who_does_not_try_again_is_told_that_the_code_is_untried(hands: Hands) -> None:
    """The code before may be worth nothing now: home asks for a new one."""
    hand = await hands(set_up=False)
    app = hand.app
    await app.set_up()
    await app.go("more")
    await app.press("newcode.title", "newcode")
    await hand.fill_pins(PIN)
    hand.line.cut(Cut("PUT /recovery", arrives=True))
    await app.press("newcode.make")
    await hand.is_told(UNSURE)
    hand.line.back()
    await app.go("home")
    assert app.says("home.no-code-help") in await app.text()


@each_cut(
    ("POST /recovery/open", 1),
    ("POST /recovery/open", 2),
    "POST /wallets/*/sessions",
    "POST /devices",
    "GET /setup",
)
async def test_a_wallet_is_brought_back(hands: Hands, cut: Cut, locale: str) -> None:
    first = await hands(set_up=False)
    code = await first.app.set_up()
    await first.take()
    hand = await hands(locale, set_up=False)
    app, before = hand.app, await first.rows()
    await app.begin()
    await app.press("start.code", "recover")
    await app.write(app.page.locator("main textarea"), code)
    hand.line.cut(cut)
    await app.press("go.on")
    if (cut.at, cut.nth) == ("POST /recovery/open", 1):
        await hand.resumes(OFFLINE, "go.on")
    await app.choose_pin()
    if (cut.at, cut.nth) != ("POST /recovery/open", 1):
        await hand.resumes(OFFLINE, "go.on")
    await app.screen("phones")
    assert app.says("phones.others", others=1) in await app.text()
    assert await hand.rows() == (before[0] + 1, before[1])
    await app.press("outcome.home", "home")
    assert len(await app.cards()) == 1
    await app.lock()
    await app.unlock()


@each_cut("POST /devices/others/forget")
async def test_a_forgotten_pin_makes_no_second_phone(
    hands: Hands, cut: Cut, locale: str
) -> None:
    """The code is used on the phone that there was. What tidies up after it may fail."""
    hand = await hands(locale, set_up=False)
    app = hand.app
    code = await app.set_up()
    await app.lock()
    await app.press("locked.forgot", "recover")
    await app.write(app.page.locator("main textarea"), code)
    await app.press("go.on", "newpin")
    hand.line.cut(cut)
    await app.choose_pin(NEW_PIN)
    await hand.is_told(OFFLINE)  # the next page needs the network, too
    hand.line.back()
    await hand.again("go.on")
    await app.screen("phones")
    assert len(hand.notes("devices")) <= 2  # this one, and the one before
    await app.press("outcome.home", "home")
    await app.lock()
    await app.unlock(NEW_PIN)


@each_cut("POST /devices/unlock", "POST /wallets/*/destroy", "POST /devices/forget")
async def test_everything_is_deleted(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app, wallet_id = hand.app, hand.wallet.wallet_id
    devices, codes = await hand.rows()
    await app.go("more")
    await app.press("remove.title", "remove")
    await hand.fill_pins(PIN)
    hand.line.cut(cut)
    await app.press("remove.yes")
    if cut.at != "POST /devices/forget":
        await hand.is_told(UNSURE if "destroy" in cut.at else OFFLINE)
        hand.line.back()
        await hand.again("remove.yes")
    await app.screen("gone")
    assert wallet_id not in hand.network.wallets
    assert await hand.rows() == (devices - 1, codes - 1)
    await app.phone.reopen()
    await app.screen("notice")


# --- deleting, moving, closing ----------------------------------------------------------------


@each_cut("GET /credentials", "DELETE /credentials/*", ("GET /credentials", 2))
async def test_a_card_is_deleted(hands: Hands, cut: Cut, locale: str) -> None:
    """Lost on the way to the second question, with the yes to it, or on the way back."""
    hand = await hands(locale)
    app = hand.app
    await hand.take()
    await app.tap(app.page.locator("main button.card"))
    await app.screen("card")
    hand.line.cut(cut)
    await app.press("card.delete")
    if (cut.at, cut.nth) == ("GET /credentials", 1):
        await hand.resumes(OFFLINE)
    await app.press("card.delete-yes")
    if "DELETE" in cut.at:
        await hand.resumes(UNSURE, "card.delete-yes")
    if cut.nth == 2:
        await hand.resumes(OFFLINE)
    await app.screen("home")
    assert await app.cards() == []
    assert (hand.wallet.credentials, hand.notes("origins")) == ({}, [])
    assert hand.notes("history") == ["received"]


@each_cut("DELETE /history/*", "GET /history")
async def test_a_receipt_is_deleted(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app = hand.app
    await hand.take()
    await app.go("history")
    await app.tap(app.page.locator("main button.row"))
    await app.screen("receipt")
    await app.press("receipt.delete", "receipt")
    hand.line.cut(cut)
    await app.press("card.delete-yes")
    await hand.resumes(UNSURE if "DELETE" in cut.at else OFFLINE, "card.delete-yes")
    await app.screen("history")
    assert app.says("history.empty") in await app.text()
    assert hand.notes("history") == []
    assert len(hand.wallet.credentials) == 1


@each_cut("GET /moves", "POST /credentials/*/move", ("GET /moves", 2))
async def test_a_move_is_asked_for_once(hands: Hands, cut: Cut, locale: str) -> None:
    hand = await hands(locale)
    app = hand.app
    made = await hand.take()
    await app.go("more")
    hand.line.cut(cut)
    await app.press("move.title")
    if (cut.at, cut.nth) == ("GET /moves", 1):
        await hand.resumes(OFFLINE)
    await app.screen("move")
    await app.press("move.ask")
    if "POST" in cut.at:
        await hand.resumes(UNSURE, "move.ask")
    if cut.nth == 2:
        await hand.resumes(OFFLINE)
    await hand.is_told("move.asked")
    assert await app.button("move.ask").count() == 0
    asked = await hand.cast.issuing("shelter-a").get("/api/issuer/issuances", asked="move")
    assert [each["id"] for each in asked["items"]].count(made["id"]) == 1
    assert len(hand.wallet.credentials) == 1


@each_cut("GET /setup", "POST /devices/others/forget")
async def test_other_phones_are_closed(hands: Hands, cut: Cut, locale: str) -> None:
    lost = await hands(set_up=False)
    code = await lost.app.set_up()
    hand = await hands(locale, set_up=False)
    app = hand.app
    await app.begin()
    await app.press("start.code", "recover")
    await app.recover(code)
    await app.press("outcome.home", "home")
    devices, codes = await hand.rows()
    await app.go("more")
    hand.line.cut(cut)
    await app.press("phones.title")
    if cut.at == "GET /setup":
        await hand.resumes(OFFLINE)
    await app.screen("phones")
    await app.press("phones.close")
    if cut.at != "GET /setup":
        await hand.resumes(UNSURE, "phones.close")
    await app.outcome("closed-elsewhere")
    assert await hand.rows() == (devices - 1, codes)
    assert len(hand.notes("devices")) == 1
    await lost.app.lock()
    await lost.app.unlock(then=None)
    await lost.app.said()
    await app.press("outcome.home", "home")
    await app.lock()
    await app.unlock()


# --- the same twice ---------------------------------------------------------------------------


async def another_tab(hand: Hand) -> App:
    """The same wallet, open in another tab."""
    phone = hand.app.phone
    app = App(replace(phone, page=await phone.context.new_page()))
    await app.open()
    await app.unlock()
    return app


async def another_phone(hands: Hands, code: str) -> App:
    """The same wallet, open on another phone."""
    hand = await hands("es-MX", set_up=False)
    await hand.app.begin()
    await hand.app.press("start.code", "recover")
    await hand.app.recover(code)
    await hand.app.press("outcome.home", "home")
    return hand.app


async def test_a_link_that_was_used_gives_nothing_more(hands: Hands) -> None:
    """Neither to the wallet that used it, nor to another one."""
    hand = await hands()
    made = await hand.take()
    await again_with_the_link(hand, made, "problem.link-ended")
    await has_one_card(hand)
    other = await hands("km-KH")
    await again_with_the_link(other, made, "problem.link-used")
    await other.app.press("outcome.home", "home")
    assert await other.app.cards() == []


async def again_with_the_link(hand: Hand, made: Json, key: str) -> None:
    """Open it once more, whatever it asks for; a sentence says that it is used up."""
    await hand.app.paste(made["link"])
    await hand.app.page.wait_for_selector(
        "main[data-screen=deskcode], main[data-screen=outcome]"
    )
    if await hand.app.page.locator("main[data-screen=deskcode]").count():
        await hand.app.enter_desk_code(made["code"], then=None)
    await hand.app.screen("outcome")
    await hand.is_told(key)


async def test_a_question_that_was_answered_cannot_be_answered_again(hands: Hands) -> None:
    hand = await hands()
    await hand.take()
    asked = await hand.see_request()
    other = await hands("es-MX")
    await other.take()
    await other.app.paste(asked["link"], "request")
    await hand.app.press("request.accept")
    await hand.app.outcome("shown")
    await hand.cast.checking("shelter-b").verdict(asked)
    # the other had it on the screen; nothing of hers leaves
    await other.app.press("request.accept")
    await other.is_told("problem.link-ended")
    assert "shown" not in other.notes("history")
    await other.app.press("outcome.home", "home")
    # and whoever opens it now is told at once
    await other.app.paste(asked["link"], "outcome")
    await other.is_told("problem.link-ended")


async def at_once(*presses: tuple[App, str]) -> None:
    """Press in several pages; one that lies behind another is not waited for."""
    await asyncio.gather(
        *(app.button(key).evaluate("it => it.click()") for app, key in presses)
    )


async def both_take(hand: Hand, other: App) -> None:
    await other.page.bring_to_front()
    await other.go("home")
    await other.press("home.offer-waits", "offer", who="Harbour House")
    await at_once((hand.app, "offer.accept"), (other, "offer.accept"))
    await asyncio.gather(hand.app.outcome("received"), other.outcome("received"))
    await hand.app.page.bring_to_front()
    await has_one_card(hand)


async def both_answer(hand: Hand, other: App) -> None:
    asked = await hand.see_request()
    await other.page.bring_to_front()
    await other.go("home")
    await other.press("home.request-waits", "request", who="River House")
    await at_once((hand.app, "request.accept"), (other, "request.accept"))
    await asyncio.gather(hand.app.outcome("shown"), other.outcome("shown"))
    await hand.app.page.bring_to_front()
    verdict = await hand.cast.checking("shelter-b").verdict(asked)
    assert verdict["verdict"] == "accepted"
    await has_shown_once(hand)


async def both_take_and_answer(hand: Hand, other: App) -> None:
    await both_take(hand, other)
    await other.page.bring_to_front()
    await other.press("outcome.home", "home")
    await hand.app.page.bring_to_front()
    await both_answer(hand, other)


async def test_two_tabs_at_once(hands: Hands) -> None:
    hand = await hands()
    other = await another_tab(hand)
    await hand.app.page.bring_to_front()
    await hand.see_offer()
    await both_take_and_answer(hand, other)


async def test_two_phones_at_once(hands: Hands) -> None:
    hand = await hands(set_up=False)
    code = await hand.app.set_up()
    other = await another_phone(hands, code)
    await hand.see_offer()
    await both_take_and_answer(hand, other)


async def test_yes_and_no_at_once(hands: Hands) -> None:
    """One of the two counts, and each tab says a sentence."""
    hand = await hands()
    await hand.take()
    asked = await hand.see_request()
    other = await another_tab(hand)
    await other.press("home.request-waits", "request", who="River House")
    await at_once((hand.app, "request.accept"), (other, "request.decline"))
    await asyncio.gather(hand.app.screen("outcome"), other.screen("outcome"))
    verdict = (await hand.cast.checking("shelter-b").verdict(asked))["verdict"]
    counted = "shown" if verdict == "accepted" else "declined"
    assert Counter(hand.notes("history")) == {"received": 1, counted: 1}
    said = {"shown": "outcome.shown", "declined": "outcome.said-no"}
    texts = [await hand.app.text(), await other.text()]
    assert [hand.app.says(said[counted]) in each for each in texts].count(True) == 1


# --- on real agents ---------------------------------------------------------------------------


@pytest.mark.agents
async def test_real_agents_carry_out_what_arrived(
    phones: Phones, site: Site, cast: Cast
) -> None:
    """The answer is lost after saying yes to an offer, and after answering a question."""
    phone = await phones(site, service_workers="block")
    phone.expect("404", "registration blocked")
    app, line = App(phone), await Line.of(phone)
    await app.set_up()
    shelter, desk = cast.issuing("shelter-a"), cast.checking("shelter-b")
    made = await shelter.offer("service-eligibility", **eligibility())
    await app.paste(made["link"], "deskcode")
    await app.enter_desk_code(made["code"])
    await lost_and_back(app, line, "POST /offers/*/accept", "offer.accept")
    await app.outcome("received")
    await shelter.issued(made)
    await app.press("outcome.home", "home")
    assert await app.cards() == [("service-eligibility", "valid")]

    asked = await desk.ask("shelter")
    await app.paste(asked["link"], "request")
    await lost_and_back(app, line, "POST /requests/*/accept", "request.accept")
    await app.outcome("shown")
    assert (await desk.verdict(asked))["verdict"] == "accepted"
    await app.press("outcome.home", "home")
    await app.go("history")
    assert await app.page.locator("main button.row").count() == 2


async def lost_and_back(app: App, line: Line, at: str, key: str) -> None:
    """Press; the answer is lost; the network is back; try again."""
    line.cut(Cut(at, arrives=True))
    await app.press(key)
    await app.outcome("interrupted")
    line.back()
    await app.press("go.again")
