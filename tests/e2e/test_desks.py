"""The whole story at the desks, two browsers at once: a desk's and a wallet's.

A shelter issues, a court, a shelter and a payer check; in three languages on agents in memory,
and once on real ones. What a hand does is counted.
"""

from __future__ import annotations

import pytest

from controllers.haven import Haven
from controllers.staff.people import Duty, invitation_link
from tests.e2e.app import App
from tests.e2e.desk import LONG_MS, Desk, day, desk_at, site_of_desks
from tests.e2e.figures import line
from tests.e2e.phones import Phones, Site
from tests.support.installation import Installation, Swift

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-US", "es": "es-MX", "km": "km-KH"}
MOST_ACTIONS = 12
# on the phone: to the scanner, six letters of the code, on, yes
ON_THE_PHONE = 1 + 6 + 1 + 1


async def comes_in(
    desk: Desk, haven: Haven, site: Site, slug: str, *duties: Duty, name: str = "Worker"
) -> None:
    """Somebody new at this desk, with her one-time link."""
    organisation = await haven.organisations.by_slug(slug)
    _, invitation = await haven.desks.people.enrol(organisation.id, name, duties, by=None)
    link = invitation_link(site_of_desks(site).base_url, invitation.token)
    await desk.sign_up(link)


async def gives(desk: Desk, app: App, credential: str, values: dict[str, str]) -> int:
    """From the form into the wallet; answers how many actions beside the values it took."""
    await desk.open(f"/desk/issue/{credential}")
    before = desk.hand.actions
    for name, value in values.items():
        await desk.fill(name, value)
    await desk.press("issuing.review")
    await desk.press("issuing.issue")
    await scans(desk, app, "deskcode")
    await app.enter_desk_code(await desk.page.locator("[data-code]").inner_text())
    await app.press("offer.accept")
    await app.outcome("received")
    await desk.wait_for("issuing.state.issued")  # by itself
    await app.press("outcome.home", "home")
    return desk.hand.actions - before + ON_THE_PHONE


async def scans(desk: Desk, app: App, then: str) -> None:
    """The phone is held before the desk's screen."""
    app.phone.camera.show_picture(await desk.code_on_screen())
    await app.go("scan", then)
    app.phone.camera.look_away()


async def checks(desk: Desk, app: App, name: str, **fields: str) -> int:
    """A check with one action on each side; answers how many it took at the desk."""
    await desk.open("/desk/check")
    before = desk.hand.actions
    form = desk.page.locator(f'form[action="/desk/check/start/{name}"]')
    for field, value in fields.items():
        found = form.locator(f"[name='p-{field}']")
        tag = await found.evaluate("each => each.tagName")
        await (found.select_option(value) if tag == "SELECT" else found.fill(value))
    await desk.click(form.get_by_role("button"))
    taken = desk.hand.actions - before
    await scans(desk, app, "request")
    await app.press("request.accept")
    accepted = desk.page.locator("[data-verdict=accepted]")
    await accepted.wait_for(timeout=LONG_MS)  # by itself
    await app.outcome("shown")
    await app.press("outcome.home", "home")
    return taken


async def the_story(
    desk: Desk, app: App, haven: Haven, site: Site, figures: list[str] | None = None
) -> None:
    """Shelter A gives two cards, the fund one; three desks check."""
    await app.set_up()
    await comes_in(desk, haven, site, "shelter-a", Duty.ISSUE)
    services = {"f-a-status": "assessed", "f-a-shelter_until": day(60)}
    actions = await gives(desk, app, "service-eligibility", services)
    assert actions <= MOST_ACTIONS
    identity = {
        "f-a-given_names": "Planted-Given",
        "f-a-family_name": "Planted-Family",
        "f-a-assurance_level": "3",
        "f-a-issued_dateint": day(0),
        "f-a-expires_dateint": day(900),
        "f-reference": "2026-0113",
    }
    await gives(desk, app, "identity", identity)
    await comes_in(desk, haven, site, "fund", Duty.ISSUE)
    support = {"f-a-limit_minor": "50000", "f-a-currency": "USD", "f-a-support_until": day(60)}
    await gives(desk, app, "support-entitlement", support)
    await comes_in(desk, haven, site, "shelter-b", Duty.CHECK)
    taken = await checks(desk, app, "shelter")
    await comes_in(desk, haven, site, "court", Duty.CHECK)
    await checks(desk, app, "court")
    assert "Planted-Given" in await desk.text()
    await comes_in(desk, haven, site, "payer", Duty.CHECK)
    await checks(desk, app, "payment", amount_minor="45.00", currency="USD")
    assert taken == 1
    if figures is not None:
        figures += [
            line("form to card, beside the values", actions, "actions", MOST_ACTIONS),
            line("a check, at the desk", taken, "actions", 1),
        ]


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.usefixtures("swift_cast")
async def test_the_story_at_the_desks(
    phones: Phones, swift_house: Swift, swift_site: Site, language: str, figures: list[str]
) -> None:
    desk = await desk_at(phones, swift_site, locale=LOCALES[language])
    app = App(await phones(swift_site, locale=LOCALES[language]))
    noted = figures if language == "en" else None
    await the_story(desk, app, swift_house.haven, swift_site, noted)


@pytest.mark.agents
@pytest.mark.usefixtures("cast")
async def test_the_story_at_the_desks_on_real_agents(
    phones: Phones, installation: Installation, site: Site
) -> None:
    desk = await desk_at(phones, site)
    await the_story(desk, App(await phones(site)), installation.haven, site)
