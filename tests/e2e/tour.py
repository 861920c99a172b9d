"""Through every screen of the app, with a look at each: what accessibility, width, pictures and
languages are tested on. The story itself is in test_by_hand.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from controllers.story.cast import Cast
from controllers.story.issuing import eligibility, entitlement, guardianship, new_links, only
from controllers.story.people import Desk, Json
from tests.e2e.app import PIN, App

type Look = Callable[[str], Awaitable[None]]

SECOND_PIN = "730164"


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


async def everything_else(app: App, code: str, look: Look) -> None:
    """The screens behind `More`."""
    await app.go("more")
    await look("more")
    for place, name in (
        ("language.title", "language"),
        ("changepin.title", "changepin"),
        ("newcode.title", "newcode"),
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
    await app.press("people.title", "people")
    await look("people")
    await app.write(app.pins, PIN)
    await app.press("people.split")
    await app.page.locator("main .sheet").first.wait_for()
    await look("people-parts")
    await app.press("go.done", "home")
    await app.to_second_pin()
    await look("second")
    await app.write(app.pins.nth(0), PIN)
    await app.write(app.pins.nth(1), SECOND_PIN)
    await app.write(app.pins.nth(2), SECOND_PIN)
    await app.press("second.make")
    await app.outcome("second-made")
    await app.lock()
    await look("locked")
    await app.unlock("999111", then=None)
    await app.said()
    await look("locked-wrong")
    await app.press("locked.forgot", "recover")
    await look("recover")
    await app.press("recover.neither", "anew")
    await look("anew")
    await app.press("anew.yes", "start")
    await look("start-anew")
