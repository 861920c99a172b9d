"""Other ways to work at a desk: without scripts, without a pointer, on paper; many at once; and
what Lighthouse says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from contextlib import aclosing
from dataclasses import dataclass

import httpx
import pytest
from playwright.async_api import Locator

from controllers.desks.entry import COOKIE
from controllers.haven import Haven
from controllers.staff.people import Duty
from controllers.store.models import Organisation
from tests.e2e.desk import Desk, day, desk_at, site_of_desks
from tests.e2e.desk_tour import Tour
from tests.e2e.figures import line
from tests.e2e.lighthouse import Report, measure, missing
from tests.e2e.phones import Phones, Site, chromium_path
from tests.support.installation import Swift
from tests.support.passkeys import proven

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("swift_cast")]

MANY = 200
ENOUGH = 95
AGENT = "Mozilla/5.0 (a desk of a test)"
FORM = "/desk/issue/service-eligibility"


async def cookie_of(haven: Haven, slug: str, *duties: Duty, agent: str) -> str:
    """A session of somebody new, for a browser that is signed in by hand."""
    organisation = await haven.organisations.by_slug(slug)
    person, _ = await haven.desks.people.enrol(organisation.id, "Worker", duties, by=None)
    who = await proven(haven.database, person.id)
    return await haven.desks.sessions.open(who, browser=agent, network="")


async def signed_in(
    phones: Phones, haven: Haven, site: Site, slug: str, *duties: Duty, **options: object
) -> Desk:
    """A desk's browser with a session, without a device that has a passkey."""
    desk = await desk_at(phones, site, user_agent=AGENT, **options)
    value = await cookie_of(haven, slug, *duties, agent=AGENT)
    base = site_of_desks(site).base_url
    await desk.phone.context.add_cookies(
        [{"name": COOKIE, "value": value, "url": f"{base}/desk", "httpOnly": True}]
    )
    return desk


async def test_a_desk_works_without_scripts(
    phones: Phones, swift_house: Swift, swift_site: Site
) -> None:
    haven = swift_house.haven
    desk = await signed_in(
        phones, haven, swift_site, "shelter-a", *Duty, java_script_enabled=False
    )
    await desk.open(FORM)
    await desk.page.locator("#f-a-status").select_option("assessed")
    await desk.page.locator("#f-a-shelter_until").fill(day(60))
    await desk.press("issuing.review")
    await desk.press("issuing.issue")
    assert await desk.page.locator(".qr svg").is_visible()
    await desk.press("issuing.look-again")
    await desk.press("issuing.take-back")
    await desk.wait_for("issuing.state.expired")
    await desk.open("/desk/check")
    await desk.press("checking.start")
    assert await desk.page.locator(".qr svg").is_visible()
    await desk.press("issuing.look-again")
    await desk.press("checking.stop")
    await desk.wait_for("checking.not-shown")
    for path in ("people", "organisation", "deeds", "numbers", "tasks", "paper", "issued"):
        await desk.open(f"/desk/{path}")
        assert await desk.page.locator("h1").is_visible()
    refresh = desk.page.locator('noscript meta[http-equiv="refresh"]')
    assert await refresh.count() == 1
    await desk.open("/desk/sign-in")
    assert await desk.page.locator("noscript p").is_visible()


# --- without a pointer ---------------------------------------------------------------------

_MOST_TABS = 60
_SEEN = """(wanted) => {
  const focused = document.activeElement;
  if (focused !== wanted) return null;
  const style = getComputedStyle(focused);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


@dataclass
class ByKeyboard(Desk):
    """Tab, Enter, Space and letters; nothing else."""

    async def click(self, what: Locator) -> None:
        await self._focus(what)
        kind = await what.get_attribute("type")
        await self.page.keyboard.press("Space" if kind in ("checkbox", "radio") else "Enter")

    async def fill(self, field_id: str, value: str) -> None:
        found = self.page.locator(f"#{field_id}")
        await self._focus(found)
        if await found.get_attribute("type") == "date":
            value = value[5:7] + value[8:10] + value[:4]  # as this locale writes a day
        if await found.evaluate("each => each.tagName") == "SELECT":
            await self.page.keyboard.press("ArrowDown")
        else:
            await self.page.keyboard.type(value)

    async def _focus(self, what: Locator) -> None:
        """Tab on until it is there; the focus is always seen."""
        wanted = await what.element_handle()
        for _ in range(_MOST_TABS):
            seen = await self.page.evaluate(_SEEN, wanted)
            if seen is not None:
                assert seen, await what.evaluate("each => each.outerHTML")
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"no way by keyboard to {what}")


async def test_a_desk_is_worked_at_by_keyboard_alone(
    phones: Phones, swift_house: Swift, swift_site: Site
) -> None:
    desk_ = await desk_at(phones, swift_site)
    desk = ByKeyboard(desk_.phone, desk_.keys)

    async def look(_name: str) -> None:
        """Nothing to look at."""

    tour = Tour(desk, None, swift_house.haven, swift_site, look)  # type: ignore[arg-type] # no phone is needed
    await tour.comes_in("shelter-a", *Duty)
    assert await desk.page.evaluate("document.activeElement.tagName") == "BODY"
    await desk.page.keyboard.press("Tab")  # the first stop leads past the bar
    assert await desk.page.evaluate("document.activeElement.className") == "skip"
    await desk.click(desk.page.locator("nav.places a").first)
    await desk.click(desk.page.locator(f'main a[href="{FORM}"]'))
    await desk.fill("f-a-status", "")
    await desk.fill("f-a-shelter_until", day(60))
    await desk.fill("f-reference", "2026-0113")
    await desk.press("issuing.review")
    await desk.press("issuing.issue")
    await desk.page.locator(".qr svg").wait_for()
    await desk.press("issuing.take-back")
    await desk.wait_for("issuing.state.expired")
    await tour.administering()
    desk.phone.expect("status of 404")


# --- many at once --------------------------------------------------------------------------


async def _opened(client: httpx.AsyncClient, path: str, count: int) -> list[int]:
    """Hear of so many events on a live page."""
    heard = []
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        async with aclosing(answer.aiter_lines()) as lines:
            async for each in lines:
                if each.startswith("id: "):
                    heard.append(int(each[4:]))
                if len(heard) == count:
                    break
    return heard


# httpcore complains of each stream that is left before its end, in twenty lines
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <async_generator object HTTP11:"
    "pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.measured
async def test_two_hundred_live_pages_hear_of_it_and_nothing_stalls(
    swift_house: Swift, swift_site: Site, figures: list[str]
) -> None:
    haven = swift_house.haven
    shelter = await haven.organisations.by_slug("shelter-b")
    checks = [(await haven.verifier.start(shelter, "shelter", {}))[0] for _ in range(MANY)]
    value = await cookie_of(haven, "shelter-b", Duty.CHECK, agent=AGENT)
    limits = httpx.Limits(max_connections=MANY + 20)
    async with httpx.AsyncClient(
        base_url=swift_site.base_url,
        headers={"User-Agent": AGENT, "Cookie": f"{COOKIE}={value}"},
        limits=limits,
        timeout=60,
    ) as client:
        listening = [
            asyncio.create_task(_opened(client, f"/desk/check/one/{each.id}/live", 2))
            for each in checks
        ]
        await asyncio.sleep(2)  # every stream is open
        pages = [await _timed(client, f"/desk/check/one/{checks[0].id}") for _ in range(20)]
        began = time.perf_counter()
        await _stop_all(haven, shelter, [each.id for each in checks])
        heard = await asyncio.gather(*listening)
        all_heard = time.perf_counter() - began
    assert [len(each) for each in heard] == [2] * MANY
    figures += [
        line("a page while 200 live pages are open, median", _median(pages), "ms", 100),
        line("200 live pages all hear of their end", round(all_heard, 2), "s", 5),
    ]


async def _timed(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    assert (await client.get(path)).status_code == 200
    return (time.perf_counter() - began) * 1000


async def _stop_all(haven: Haven, shelter: Organisation, check_ids: list[str]) -> None:
    for each in check_ids:
        await haven.verifier.cancel(shelter, each)


def _median(values: list[float]) -> float:
    return round(sorted(values)[len(values) // 2], 1)


# --- on paper ------------------------------------------------------------------------------


async def test_what_is_printed_is_text_and_runs_nothing(
    phones: Phones, swift_house: Swift, swift_site: Site
) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    desk = await signed_in(phones, swift_house.haven, swift_site, "shelter-a", Duty.ISSUE)
    await desk.open("/desk/issue/identity")
    values = {
        "f-a-given_names": nasty,
        "f-a-family_name": "=cmd|calc",
        "f-a-assurance_level": "1",
        "f-a-issued_dateint": day(0),
        "f-a-expires_dateint": day(900),
    }
    for name, value in values.items():
        await desk.fill(name, value)
    await desk.press("issuing.review")
    assert nasty in await desk.text()
    printed = await desk.page.pdf()
    assert printed.startswith(b"%PDF")
    assert not re.search(
        rb"/(JavaScript|JS|Launch|SubmitForm|EmbeddedFile|OpenAction)\b", printed
    )
    await desk.open("/desk/paper/sheet?in=km")
    sheet = await desk.page.pdf(format="A4")
    assert sheet.count(b"/Type /Page\n") + sheet.count(b"/Type /Page/") <= 2


async def test_the_wallets_page_takes_the_place_of_the_desk(
    phones: Phones, swift_house: Swift, swift_site: Site
) -> None:
    desk = await signed_in(phones, swift_house.haven, swift_site, "shelter-a", Duty.ISSUE)
    await desk.open("/desk/paper")
    await desk.press("paper.kiosk.go")
    await desk.page.wait_for_url("**/wallet/kiosk")
    assert len(desk.phone.context.pages) == 1
    await desk.open("/desk")  # as whoever sits there would, also by going back
    assert "/desk/sign-in" in desk.page.url


# --- Lighthouse ----------------------------------------------------------------------------


@pytest.fixture
async def lit(swift_house: Swift, swift_site: Site) -> tuple[str, str, str]:
    """Chromium, the address of a desk, and a session for it."""
    reason = missing() or (None if chromium_path() else "Chromium is not here")
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; in CI Lighthouse must run.")
        pytest.skip(reason)
    value = await cookie_of(swift_house.haven, "shelter-a", *Duty, agent=AGENT)
    return chromium_path() or "", site_of_desks(swift_site).base_url, value


async def test_lighthouse_finds_nothing_against_a_desk(
    lit: tuple[str, str, str], figures: list[str]
) -> None:
    chromium, base, value = lit
    session = json.dumps({"Cookie": f"{COOKIE}={value}"})
    lowest: dict[str, int] = {}
    for path in ("/desk/sign-in", FORM, "/desk/check", "/desk/numbers"):
        report = await _lit(chromium, base + path, session)
        for name, score in report.scores.items():
            lowest[name] = min(score, lowest.get(name, 100))
        assert min(report.scores.values()) >= ENOUGH, f"{path}\n{report}"
    figures += [
        line(f"Lighthouse, desks, {name}", score, "of 100", ENOUGH, at_least=True)
        for name, score in lowest.items()
    ]


async def _lit(chromium: str, url: str, session: str) -> Report:
    return await measure(
        url,
        chromium,
        ("accessibility", "best-practices"),
        "--preset=desktop",
        f"--extra-headers={session}",
        f"--emulated-user-agent={AGENT}",
    )
