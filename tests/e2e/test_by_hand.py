"""The story by hand: a survivor with a phone, on real agents, desks' codes scanned by camera.

Set up, take what is offered, answer three checks, say no, be refused, see a card end, lock,
leave, come back on another phone, change the PIN, open the second wallet, delete.
"""

from __future__ import annotations

import base64
import json
import statistics
import time
from dataclasses import dataclass, field

import pytest

from controllers.story.cast import Cast
from controllers.story.issuing import IDENTITY, eligibility, entitlement, in_days
from controllers.story.outside import Outside
from controllers.story.people import Desk, Json
from core.presentation import CredentialAsk, PresentationAsk
from tests.e2e.app import PIN, App
from tests.e2e.figures import line
from tests.e2e.phones import Phones, Site

pytestmark = [pytest.mark.agents, pytest.mark.browser]

NEW_PIN, SECOND_PIN = "615204", "730164"
AMOUNT: dict[str, str | int] = {"amount_minor": 4_500, "currency": "USD"}


@dataclass
class Times:
    """From the scan to what is waited for, in seconds; the person's own time is not counted."""

    to_have: list[float] = field(default_factory=list)
    to_verdict: list[float] = field(default_factory=list)


async def take(
    app: App, desk: Desk, credential: str, times: Times, **values: str | int
) -> Json:
    """Scan an offer's code, look at it, take it."""
    made = await desk.offer(credential, **values)
    began = time.perf_counter()
    await app.scan(made["qr"]["png"], "deskcode")
    await app.enter_desk_code(made["code"])
    await app.press("offer.accept")
    await app.outcome("received")
    times.to_have.append(time.perf_counter() - began)
    await desk.issued(made)
    await app.press("outcome.home", "home")
    return made


async def answer(
    app: App, desk: Desk, check: str, times: Times, **parameters: str | int
) -> Json:
    """Scan a question's code, look at it, say yes; answers the desk's verdict."""
    asked = await desk.ask(check, **parameters)
    began = time.perf_counter()
    await app.scan(asked["qr"]["png"], "request")
    await app.press("request.accept")
    verdict = await desk.verdict(asked)
    times.to_verdict.append(time.perf_counter() - began)
    await app.outcome("shown")
    await app.press("outcome.home", "home")
    return verdict


async def a_stranger_asks(outside: Outside) -> str:
    """An invitation of somebody whom the framework does not know, under a known name."""
    stranger = await outside.organisation("stranger", "River House")
    ask = PresentationAsk(
        asks=(CredentialAsk(label="eligibility", schema_id="any", reveal=("region",)),)
    )
    invitation, _, _ = await outside.invitation(stranger, ask, "shelter-intake", "shelter")
    encoded = base64.urlsafe_b64encode(json.dumps(invitation).encode()).decode().rstrip("=")
    return f"didcomm://invite?oob={encoded}"


@pytest.mark.measured
async def test_a_survivor_with_a_phone(
    site: Site, cast: Cast, phones: Phones, outside: Outside, figures: list[str]
) -> None:
    times, phone = Times(), await phones(site)
    phone.expect("401", "404", "422")  # wrong PINs, a refusal: the browser notes the status
    app = App(phone)
    code = await app.set_up()
    shelter, river = cast.issuing("shelter-a"), cast.checking("shelter-b")

    # three cards
    identity = IDENTITY | {"issued_dateint": in_days(0), "expires_dateint": in_days(3650)}
    await take(app, shelter, "identity", times, **identity)
    made = await take(app, shelter, "service-eligibility", times, **eligibility())
    await take(app, cast.issuing("fund"), "support-entitlement", times, **entitlement())
    kinds = ["identity", "service-eligibility", "support-entitlement"]
    assert sorted(await app.cards()) == [(each, "valid") for each in kinds]

    # three questions, each answered by scanning
    for desk, check, parameters in (
        (river, "shelter", {}),
        (cast.checking("court"), "court", {}),
        (cast.checking("payer"), "payment", AMOUNT),
    ):
        verdict = await answer(app, desk, check, times, **parameters)
        assert verdict["verdict"] == "accepted"

    # what is asked is said before anything is shown; saying no shows nothing
    asked = await cast.checking("court").ask("court")
    await app.scan(asked["qr"]["png"], "request")
    text = await app.text()
    assert "District Court" in text
    assert "Gonzalez" in text  # what the court would see
    await app.press("request.decline")
    await app.outcome("said-no")
    assert (await cast.checking("court").verdict(asked))["verdict"] == "not-shown"
    await app.press("outcome.home", "home")

    # the wallet itself refuses whoever it cannot make sure of
    await app.paste(await a_stranger_asks(outside), "outcome")
    await app.outcome("refused")
    await app.press("outcome.home", "home")

    # a card ends, and she is told in words
    await shelter.revoke(made)
    await app.go("history")
    await app.go("home")
    await app.page.wait_for_selector("main button.card[data-state=revoked]")
    assert app.says("state.revoked") in await app.text()
    refused = await answer(app, river, "shelter", Times())
    assert refused["verdict"] == "refused"

    # lock; the wrong PIN opens nothing
    await app.lock()
    await app.unlock("908172", then=None)
    assert "4" in await app.said()
    await app.unlock()

    # change the PIN: only the new one opens
    await app.go("more")
    await app.press("changepin.title", "changepin")
    for place, pin in enumerate((PIN, NEW_PIN, NEW_PIN)):
        await app.write(app.pins.nth(place), pin)
    await app.press("changepin.change")
    await app.outcome("pin-changed")
    await app.lock()
    await app.unlock(PIN, then=None)
    await app.said()
    await app.unlock(NEW_PIN)

    # a second PIN opens another wallet, which is empty
    await app.make_second(NEW_PIN, SECOND_PIN)
    await app.lock()
    await app.unlock(SECOND_PIN)
    assert await app.cards() == []
    await app.lock()
    await app.unlock(NEW_PIN)
    assert len(await app.cards()) == 3

    # leave quickly; what is left is locked
    await app.leave_quickly()
    assert phone.left_to == [site.leave_to]
    await phone.reopen()
    await app.screen("locked")

    # another phone, the code, everything is there; the first phone is closed
    other = await phones(site)
    other.expect("401")
    there = App(other)
    await there.begin()
    await there.press("start.code")
    await there.recover(code, "380516")
    await there.press("phones.close")
    await there.outcome("closed-elsewhere")
    await there.press("outcome.home", "home")
    assert len(await there.cards()) == 3
    await app.unlock(NEW_PIN, then=None)
    await app.said()

    # everything is deleted
    await there.go("more")
    await there.press("remove.title", "remove")
    await there.write(there.pins, "380516")
    await there.press("remove.yes", "gone")
    await other.reopen()
    await there.screen("notice")
    await app.press("locked.forgot", "recover")
    await app.write(app.page.locator("main textarea"), code)
    await app.press("go.on")
    assert await app.said() == app.says("problem.no-such-code")

    figures += [
        line("scan to 'you have it', median", middle(times.to_have), "s", 2),
        line("scan to the verdict, median", middle(times.to_verdict), "s", 2),
    ]


def middle(seconds: list[float]) -> float:
    """The median, in hundredths of a second."""
    return round(statistics.median(seconds), 2)
