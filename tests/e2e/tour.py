"""Through every screen of the app, with a look at each: what accessibility, width, pictures and
languages are tested on. The story itself is in test_by_hand.py."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
from playwright.async_api import Locator

from controllers.story.cast import Cast
from controllers.story.issuing import eligibility, entitlement, guardianship, new_links, only
from controllers.story.people import Desk, Json
from tests.e2e.app import PIN, App
from tests.e2e.kiosk import Kiosk, digits_of, enter_card

type Look = Callable[[str], Awaitable[None]]

NEW_PIN, SECOND_PIN = "615204", "730164"
# what is refused or lost on the way is part of it, and the browser notes it
_NOTED = ("status of 4(01|04|22|29)", "ERR_INTERNET_DISCONNECTED")


async def every_screen(
    app: App, other: App, cast: Cast, looking: Callable[[App], Look]
) -> None:
    """The whole walk: on one phone, then on another one, whose camera is not to be used, which
    is a desk's own device at last."""
    for each in (app, other):
        each.phone.expect(*_NOTED)
    look = looking(app)
    code = await first_steps(app, look)
    await cards_and_questions(app, cast, look)
    await a_guardian(app, cast, look)
    parts = await everything_else(app, code, look)
    look = looking(other)
    await another_phone(other, parts, look)
    await for_good(other, look)
    await what_goes_wrong(other, cast, parts, look)
    await the_end(other, look)
    kiosk = Kiosk(other.phone)
    await at_a_desk(kiosk, looking(kiosk))


async def take(
    app: App, desk: Desk, credential: str, look: Look | None = None, **values: str | int
) -> Json:
    """A card from a desk, taken by pasting its link."""
    made = await desk.offer(credential, **values)
    await app.paste(made["link"], "deskcode")
    if look:
        await look("deskcode")
    await app.enter_desk_code(made["code"])
    if look:
        await look("offer")
    await app.press("offer.accept")
    await app.outcome("received")
    if look:
        await look("received")
    await app.press("outcome.home", "home")
    return made


async def first_steps(app: App, look: Look) -> str:
    """A wallet is set up; answers its code."""
    await app.open()
    await app.screen("notice")
    await look("notice")
    await app.press("notice.go-on", "start")
    await look("start")
    await app.press("start.new", "newpin")
    await look("newpin")
    await app.choose_pin("111111")
    await app.said()
    await look("newpin-easy")
    await app.choose_pin()
    await app.screen("code")
    await look("code")
    code = " ".join(await app.code_words())
    await app.press("code.written", "trial")
    await app.write(app.page.locator("main textarea"), "1 2 3")
    await app.press("trial.check")
    await app.said()
    await look("trial")
    await app.write(app.page.locator("main textarea"), code)
    await app.press("trial.check")
    await app.outcome("code-tried")
    await look("code-tried")
    await app.press("outcome.home", "home")
    await look("home-empty")
    return code


async def cards_and_questions(app: App, cast: Cast, look: Look) -> None:
    """Cards come in, questions are answered, declined, refused."""
    shelter = cast.issuing("shelter-a")
    await app.go("scan")
    await look("scan")
    await app.write(app.page.locator("main textarea"), "hello")
    await app.press("go.on")
    await app.outcome("not-a-link")
    await look("not-a-link")
    await app.press("outcome.home", "home")
    asked = await cast.checking("shelter-b").ask("shelter")
    await app.paste(asked["link"], "request")
    await look("request-nothing-fits")
    await app.press("request.decline")
    await app.outcome("said-no")
    await look("said-no")
    await app.press("outcome.home", "home")
    made = await take(app, shelter, "service-eligibility", look, **eligibility())
    await take(app, cast.issuing("fund"), "support-entitlement", **entitlement())
    await look("home")
    await app.tap(app.page.locator("main button.card").first)
    await app.screen("card")
    await look("card")
    await app.press("card.delete", "card")
    await look("card-delete")
    asked = await cast.checking("shelter-b").ask("shelter")
    await app.press("go.no", "card")
    await app.paste(asked["link"], "request")
    await look("request")
    await app.press("request.accept")
    await app.outcome("shown")
    await look("shown")
    await app.press("outcome.home", "home")
    await shelter.revoke(made)
    await app.go("history")
    await look("history")
    await app.tap(app.page.locator("main button.row").first)
    await app.screen("receipt")
    await look("receipt")
    await app.press("receipt.delete", "receipt")
    await look("receipt-delete")
    await app.go("home")
    await app.tap(app.page.locator("main button.card[data-state=revoked]"))
    await app.screen("card")
    await look("card-revoked")


async def a_guardian(app: App, cast: Cast, look: Look) -> None:
    """Cards of others, kept apart; a question with several ways to answer."""
    links = new_links()
    office, shelter = cast.issuing("guardianship-office"), cast.issuing("shelter-a")
    await app.go("home")
    await take(app, office, "guardianship", **guardianship(links))
    child = {"held_for_other": 1, **only(links, "shelter", "court")}
    await take(app, shelter, "service-eligibility", **eligibility(**child))
    await look("guardian-home")
    asked = await cast.checking("shelter-b").ask("shelter")
    await app.paste(asked["link"], "request")
    if await app.button("request.for-another").count():  # she has cards of her own as well
        await app.press("request.for-another", "request")
    await look("guardian-request")
    await app.tap(app.page.locator("header").get_by_label(app.says("go.back")))
    await app.screen("home")
    await look("home-pending")
    await app.tap(app.page.locator("main button.row").first)  # for whom can be chosen here, too
    await app.screen("request")
    assert await app.button("request.for-me").or_(app.button("request.for-another")).count()
    await app.tap(app.page.locator("header").get_by_label(app.says("go.back")))
    await app.screen("home")


async def everything_else(app: App, code: str, look: Look) -> Sequence[str]:
    """The screens behind `More`, and being locked out; answers the parts of the code."""
    await app.go("more")
    await look("more")
    for place, name in (
        ("language.title", "language"),
        ("changepin.title", "changepin"),
        ("newcode.title", "newcode"),
        ("carry.title", "carry"),
        ("phones.title", "phones"),
        ("move.title", "move"),
        ("copy.title", "copy"),
        ("notice.title", "notice"),
        ("remove.title", "remove"),
    ):
        await app.press(place, name)
        await look(f"more-{name}")
        await app.tap(app.page.locator("header").get_by_label(app.says("go.back")))
        await app.screen("more")
    await a_card_to_carry(app, look)
    await app.press("people.title", "people")
    await look("people")
    await app.write(app.page.locator("main textarea"), code)
    await app.press("people.split")
    await app.page.locator("main .sheet").first.wait_for()
    sheets = await app.page.locator("main .sheet").all()
    numbers = [await each.locator(".number").all_inner_texts() for each in sheets]
    await look("people-parts")
    await app.press("go.done", "home")
    await app.to_second_pin()
    await look("second")
    await write_pins(app, PIN, SECOND_PIN, SECOND_PIN)
    await app.press("second.make")
    await app.outcome("second-made")
    await look("second-made")
    await app.lock()
    await look("locked")
    await locked_out(app, look)
    await app.press("locked.forgot", "recover")
    await look("recover")
    await app.press("recover.neither", "anew")
    await look("anew")
    await app.press("anew.yes", "start")
    await look("start-anew")
    return [" ".join(each) for each in numbers]


async def a_card_to_carry(app: App, look: Look) -> None:
    """Made, tried, and ended; from the screen behind `More`, and back to it."""
    await app.press("carry.title", "carry")
    await write_pins(app, PIN)
    await app.press("carry.make", "newcard")
    await look("newcard")
    digits = await digits_of(app)
    await app.press("code.written", "opencard")
    await look("opencard-try")
    await enter_card(app, digits)
    await write_pins(app, PIN)
    await app.press("trial.check")
    await app.outcome("card-made")
    await look("card-made")
    await app.paste(digits)
    await app.outcome("own-card")
    await look("own-card")
    await app.go("more")
    await app.press("carry.title", "carry")
    await app.press("carry.end")
    await app.outcome("cards-ended")
    await look("cards-ended")
    await app.go("more")


async def at_a_desk(kiosk: Kiosk, look: Look) -> None:
    """What is another screen, or says something else, at a desk's own device."""
    await kiosk.open()
    await look("kiosk")
    await kiosk.press("kiosk.new", "newpin")
    await look("kiosk-newpin")
    await kiosk.choose_pin()
    digits = await digits_of(kiosk)
    await look("kiosk-newcard")
    await kiosk.press("code.written", "opencard")
    await enter_card(kiosk, digits)
    await look("kiosk-pin")
    await kiosk.enter_pin(PIN, "trial.check")
    await kiosk.outcome("card-made")
    await kiosk.press("outcome.home", "home")
    await look("kiosk-home")
    await kiosk.go("more")
    await look("kiosk-more")
    for place, name in (
        ("carry.title", "carry"),
        ("changepin.title", "changepin"),
        ("phones.title", "phones"),
        ("remove.title", "remove"),
    ):
        await kiosk.press(place, name)
        await look(f"kiosk-{name}")
        await kiosk.tap(kiosk.page.locator("header").get_by_label(kiosk.says("go.back")))
        await kiosk.screen("more")
    await kiosk.finish()
    await kiosk.press("kiosk.open", "opencard")
    await look("opencard")
    await enter_card(kiosk, digits)
    await kiosk.enter_pin("999111")
    await kiosk.said()
    await look("opencard-wrong")
    await kiosk.enter_pin(PIN)
    await kiosk.screen("home")
    await nobody_looks(kiosk, look, "kiosk-still-there")
    await kiosk.to_second_pin()
    await look("kiosk-second")
    await kiosk.go("more")
    await kiosk.press("remove.title", "remove")
    await write_pins(kiosk, PIN)
    await kiosk.press("remove.yes", "gone")
    await look("kiosk-gone")
    await kiosk.finish()
    await kiosk.open_card(digits, then=None)
    await kiosk.said()
    await look("opencard-ended")


async def locked_out(app: App, look: Look) -> None:
    """So many wrong PINs that the next one has to wait."""
    await app.unlock("999111", then=None)
    await app.said()
    await look("locked-wrong")
    for pin in ("999112", "999113", "999114", "999115", "999116"):
        await app.unlock(pin, then=None)
        await app.page.wait_for_selector("#app:not([aria-busy])")
    words = app.says("locked.wait", time=app.says("time.minute.one", count=1))
    await app.main.get_by_text(words).wait_for()
    await look("locked-waits")


async def another_phone(app: App, parts: Sequence[str], look: Look) -> None:
    """Two parts of the code bring the wallet to this phone; the other ones are closed."""
    await app.begin()
    await app.press("start.code", "recover")
    await enter_code(app, parts[0])
    await app.main.get_by_text(app.says("recover.parts", have=1, needed=2)).wait_for()
    await look("recover-parts")
    await enter_code(app, parts[1])
    await app.screen("newpin")
    await look("recovered-newpin")
    await app.choose_pin()
    await app.screen("phones")
    await look("recovered-phones")
    await app.press("phones.close")
    await app.outcome("closed-elsewhere")
    await look("closed-elsewhere")
    await app.press("outcome.home", "home")


async def for_good(app: App, look: Look) -> None:
    """What is changed, saved, deleted and asked for, and not only looked at."""
    await app.go("more")
    await app.press("changepin.title", "changepin")
    await write_pins(app, PIN, NEW_PIN, NEW_PIN)
    await app.press("changepin.change")
    await app.outcome("pin-changed")
    await look("pin-changed")
    await app.go("more")
    await app.press("copy.title", "copy")
    await write_pins(app, NEW_PIN)
    async with app.page.expect_download():
        await app.press("copy.save")
    await app.outcome("copied")
    await look("copied")
    await delete_first(app, "home", "card", app.page.locator("main button.card"))
    await delete_first(app, "history", "receipt", app.page.locator("main button.row"))
    await app.go("more")
    await app.press("move.title", "move")
    await app.press("move.ask")
    await app.main.get_by_text(app.says("move.asked")).wait_for()
    await look("move-asked")


async def delete_first(app: App, place: str, what: str, rows: Locator) -> None:
    """Delete the first card or the first receipt, by saying so twice."""
    await app.go(place)
    before = await rows.count()
    await app.tap(rows.first)
    await app.screen(what)
    await app.press(f"{what}.delete", what)
    await app.press("card.delete-yes", place)
    assert await rows.count() == before - 1


async def what_goes_wrong(app: App, cast: Cast, parts: Sequence[str], look: Look) -> None:
    """No camera, no network, nothing to open, somebody who may not ask, nobody who looks."""
    await app.go("scan")
    assert await app.said() == app.says("scan.no-camera")
    await look("scan-no-camera")
    await app.paste(parts[0])
    await app.outcome("own-code")
    await look("own-code")
    asked = await cast.checking("shelter-b").ask("shelter")
    await app.paste(re.sub(r"[^/]+$", "A" * 22, asked["link"]))
    await app.outcome("not-possible")
    await look("not-possible")
    await app.paste(await without_a_word(asked["link"]))
    await app.outcome("refused")
    assert not await app.button("go.again").count()  # it would be refused again
    await look("refused")
    await no_network(app, cast, look)
    await nobody_looks(app, look)


async def without_a_word(link: str) -> str:
    """What a link asks, as somebody's software passes it on who does not say who she is."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(link, headers={"Accept": "application/json"})
    encoded = base64.urlsafe_b64encode(answer.raise_for_status().content).decode()
    return f"didcomm://invite?oob={encoded.rstrip('=')}"


async def no_network(app: App, cast: Cast, look: Look) -> None:
    """Lost while something is answered, and while a screen is opened."""
    made = await cast.issuing("fund").offer("support-entitlement", **entitlement())
    await app.paste(made["link"], "deskcode")
    await app.enter_desk_code(made["code"])
    async with offline(app):
        await app.press("offer.decline")
        await app.outcome("interrupted")
        await look("interrupted")
    await app.press("go.again")
    await app.outcome("declined")
    await look("declined")
    async with offline(app):
        await app.go("history", "problem")
        await look("problem")
    await app.press("go.again", "history")


@asynccontextmanager
async def offline(app: App) -> AsyncIterator[None]:
    """The phone has no network for a while."""
    await app.phone.context.set_offline(True)
    yield
    await app.phone.context.set_offline(False)


async def nobody_looks(app: App, look: Look, name: str = "still-there") -> None:
    """Nothing is pressed for two minutes: the app asks before it locks itself."""
    await app.page.clock.install()
    await app.go("home")  # what is counted from now on, is counted by the clock of the test
    await app.page.clock.fast_forward(121_000)
    warning = app.page.get_by_role("dialog")
    await warning.wait_for()
    await look(name)
    await app.press("lock.stay")
    await warning.wait_for(state="detached")


async def the_end(app: App, look: Look) -> None:
    """Everything is deleted."""
    await app.go("more")
    await app.press("remove.title", "remove")
    await write_pins(app, NEW_PIN)
    await app.press("remove.yes", "gone")
    await look("gone")


async def enter_code(app: App, text: str) -> None:
    """A code, or a part of one, typed from paper."""
    await app.write(app.page.locator("main textarea"), text)
    await app.press("go.on")


async def write_pins(app: App, *pins: str) -> None:
    """Into the fields for PINs, from the first one on."""
    for place, pin in enumerate(pins):
        await app.write(app.pins.nth(place), pin)
