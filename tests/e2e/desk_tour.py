"""Through every page of the desks, with a look at each: what accessibility, width, pictures and
languages are tested on. The story itself is in test_desks.py."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from controllers.desks.governing_shown import key_of
from controllers.desks.numbers.counting import last_weeks
from controllers.haven import Haven
from controllers.moment import now
from controllers.staff.options import Option
from controllers.staff.people import Duty, Person, invitation_link
from controllers.store.models import Check, Issuance, Organisation
from tests.e2e.app import App
from tests.e2e.desk import LONG_MS, Desk, day, site_of_desks
from tests.e2e.phones import Site

type Look = Callable[[str], Awaitable[None]]


@dataclass
class Tour:
    """A desk, a phone beside it, and what is done at each page."""

    desk: Desk
    app: App
    haven: Haven
    site: Site
    look: Look

    async def every_page(self) -> None:
        """The whole walk."""
        await self.at_the_door()
        await self.issuing()
        await self.issued()
        await self.two_people()
        await self.administering()
        await self.governing()
        await self.paper()
        await self.checking()
        await self.counter()

    async def see(self, name: str, path: str) -> None:
        """A page by its address."""
        await self.desk.open(path)
        await self.look(name)

    async def comes_in(self, slug: str, *duties: Duty, name: str = "Sam Porter") -> Person:
        """Somebody new at this desk."""
        organisation = await self.haven.organisations.by_slug(slug)
        people = self.haven.desks.people
        person, invitation = await people.enrol(organisation.id, name, duties, by=None)
        base = site_of_desks(self.site).base_url
        await self.desk.sign_up(invitation_link(base, invitation.token))
        return person

    async def at_the_door(self) -> None:
        await self.see("sign-in", "/desk/sign-in")
        await self.see("enrol", "/desk/enrol#nothing")
        await self.desk.press("enrol.button")
        await self.desk.wait_for("enrol.ended")
        await self.look("enrol-ended")
        await self.comes_in("shelter-a")
        await self.look("home-nothing")
        await self.comes_in("shelter-a", *Duty)
        await self.look("home")
        await self.see("hidden", "/desk/hidden")

    async def issuing(self) -> None:
        await self.see("choose", "/desk/issue")
        await self.see("form-identity", "/desk/issue/identity")
        await self.see("form", "/desk/issue/service-eligibility")
        await self.desk.press("issuing.review")
        await self.desk.wait_for("issuing.wrong")
        await self.look("form-wrong")
        await self.desk.fill("f-a-status", "assessed")
        await self.desk.fill("f-a-shelter_until", day(60))
        await self.desk.fill("f-reference", "2026-0113")
        await self.desk.press("issuing.review")
        await self.desk.wait_for("issuing.look")
        await self.look("review")
        await self.desk.press("issuing.issue")
        await self.desk.page.locator(".qr svg").wait_for()
        await self.look("code")
        await self.app.set_up()
        self.app.phone.camera.show_picture(await self.desk.code_on_screen())
        await self.app.go("scan", "deskcode")
        self.app.phone.camera.look_away()
        code = await self.desk.page.locator("[data-code]").inner_text()
        await self.app.enter_desk_code(code)
        await self.app.press("offer.accept")
        await self.app.outcome("received")
        await self.desk.wait_for("issuing.state.issued")
        await self.look("in-the-wallet")
        await self.app.press("outcome.home", "home")

    async def issued(self) -> None:
        await self.see("issued", "/desk/issued")
        await self.desk.fill("f-search", "2026-0113")
        await self.desk.press("issued.search.button")
        await self.desk.wait_for("issued.all")
        await self.look("found")
        await self.desk.click(self.desk.page.locator("main table a").first)
        await self.desk.press("issued.withdraw")
        await self.desk.wait_for("issued.withdraw.about")
        await self.look("withdraw")

    async def two_people(self) -> None:
        organisation = await self.haven.organisations.by_slug("shelter-a")
        for option in Option:
            await self.haven.desks.options.turn(organisation.id, option, on=True, by=None)
        await self.desk.click(self.desk.page.locator("#f-lost"))
        await self.desk.press("issued.withdraw.now")
        await self.desk.wait_for("tasks.own.about")
        await self.look("asked-a-colleague")
        task = self.desk.page.url
        await self.see("tasks", "/desk/tasks")
        await self.comes_in("shelter-a", *Duty, name="Kim Lee")
        await self.desk.page.goto(task)
        await self.look("task")
        await self.desk.press("tasks.decline.button")
        await self.desk.wait_for("tasks.none")
        await self.desk.page.goto(task)
        await self.look("task-decided")

    async def administering(self) -> None:
        organisation = await self.haven.organisations.by_slug("shelter-a")
        await self.haven.desks.places.add(organisation.id, "North desk", by=None)
        await self.see("people", "/desk/people")
        await self.desk.fill("f-name", "Ana Ruiz")
        await self.desk.click(self.desk.page.locator("#f-issue"))
        await self.desk.press("people.enrol.button")
        await self.desk.page.locator("[data-link]").wait_for()
        await self.look("link")
        await self.desk.press("people.dismiss")
        await self.desk.wait_for("people.dismiss.about")
        await self.look("dismiss")
        await self.see("organisation", "/desk/organisation")
        words = self.desk.says("organisation.key.make", what=self.desk.says("duty.issue"))
        await self.desk.click(self.desk.page.get_by_role("button", name=words))
        await self.desk.page.locator("[data-key]").wait_for()
        await self.look("key")
        await self.see("deeds", "/desk/deeds")
        await counted(self.haven, organisation)
        await self.see("numbers", "/desk/numbers?weeks=13")
        await self.see("not-there", "/desk/issued/00000000-0000-4000-8000-000000000000")

    async def governing(self) -> None:
        await self.comes_in("authority", Duty.GOVERN)
        await self.see("rules", "/desk/governance")
        await self.see("rules-join", "/desk/governance/join")
        await self.desk.page.locator("#f-organisation").select_option(index=1)
        await self.desk.fill("f-role", "court")
        await self.desk.fill("f-name", "Hill House")
        await self.desk.fill("f-jurisdictions", "Cambodia")
        await self.desk.press("governing.look")
        await self.desk.wait_for("governing.wrong")
        await self.look("rules-join-wrong")
        shelter = await self.haven.organisations.by_slug("shelter-b")
        path = f"/desk/governance/participants/{key_of(shelter.did or '')}"
        await self.see("rules-one", path)
        await self.desk.press("governing.kind.suspend")
        await self.desk.click(self.desk.page.locator("#f-withdraw"))
        await self.look("rules-suspend")
        await self.desk.page.locator("#f-withdraw").uncheck()
        await self.desk.press("governing.look")
        await self.desk.wait_for("governing.draft.open")
        await self.look("rules-draft")
        await self.see("rules-waiting", "/desk/governance")
        await self.desk.click(self.desk.page.locator("main .tiles a").first)
        await self.desk.press("governing.sign")
        await self.desk.page.locator("[data-state=published]").wait_for()
        await self.look("rules-in-force")
        await self.see("rules-suspended", path)
        await self.desk.press("governing.kind.come-back")
        await self.look("rules-come-back")
        await self.desk.press("governing.look")
        await self.desk.press("governing.sign")
        await self.desk.page.locator("[data-state=published]").wait_for()
        await self.see("rules-history", "/desk/governance/history")

    async def paper(self) -> None:
        await self.see("paper", "/desk/paper")
        await self.see("sheet", f"/desk/paper/sheet?in={self.desk.phone.language}")

    async def checking(self) -> None:
        await self.comes_in("payer", Duty.CHECK)
        await self.see("check-payment", "/desk/check")
        await self.desk.page.locator("[name=p-amount_minor]").fill("many")
        await self.desk.press("checking.start")
        await self.desk.wait_for("checking.wrong.money")
        await self.look("check-wrong")
        await self.comes_in("shelter-b", Duty.CHECK)
        await self.see("check", "/desk/check")
        await self.desk.press("checking.start")
        await self.desk.page.locator(".qr svg").wait_for()
        await self.look("waiting")
        self.app.phone.camera.show_picture(await self.desk.code_on_screen())
        await self.app.go("scan", "request")
        self.app.phone.camera.look_away()
        await self.app.press("request.accept")
        await self.desk.page.locator("[data-verdict=accepted]").wait_for(timeout=LONG_MS)
        await self.look("accepted")
        await self.desk.press("checking.next")
        await self.desk.page.locator(".qr svg").wait_for()
        await self.desk.press("checking.stop")
        await self.desk.page.locator("[data-verdict=not-shown]").wait_for()
        await self.look("not-shown")
        await self.see("past", "/desk/check/past")

    async def counter(self) -> None:
        await self.desk.open("/desk/check")
        begin = self.desk.page.locator('form[action="/desk/kiosk/begin"] button').first
        await self.desk.click(begin)
        await self.desk.wait_for("kiosk.ready")
        await self.look("counter")
        await self.desk.press("kiosk.begin")
        await self.desk.page.locator(".qr svg").wait_for()
        await self.look("counter-code")
        await self.see("counter-only", "/desk/people")
        await self.desk.open("/desk/kiosk")
        await self.desk.press("kiosk.end")
        await self.desk.wait_for("signing.out")
        organisation = await self.haven.organisations.by_slug("shelter-a")
        for option in Option:
            await self.haven.desks.options.turn(organisation.id, option, on=False, by=None)


async def counted(haven: Haven, organisation: Organisation) -> None:
    """Something to count, in weeks that are past."""
    token = secrets.token_hex(4)
    async with haven.database.transaction() as session:
        for number, monday in enumerate(last_weeks(now(), 12)):
            at = datetime(monday.year, monday.month, monday.day, 9, tzinfo=UTC)
            common = {
                "organisation_id": organisation.id,
                "created_at": at,
                "updated_at": at,
                "expires_at": at,
            }
            for count in range(3 + number * 2):
                session.add(
                    Issuance(
                        id=f"{day(0)}-{token}-{number}-{count}",
                        credential=("identity", "service-eligibility")[count % 2],
                        definition_id="d",
                        state="issued",
                        **common,
                    )
                )
                session.add(
                    Check(
                        id=f"{day(0)}-{token}-{number}-{count}",
                        name="shelter",
                        parameters={},
                        framework_version=1,
                        state="done",
                        verdict=("accepted", "accepted", "refused")[count % 3],
                        result=[
                            {"name": "revocation", "outcome": "failed", "reason": "revoked"}
                        ],
                        forgotten_at=at,
                        **common,
                    )
                )
