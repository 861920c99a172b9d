"""The sandbox: one command, one address, an answer; and the console's pages for everybody.

Pages are looked at on nodes in memory, in every language and at two sizes (build/screens/
space-*); the whole way from the command to an answer is gone on real nodes.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import Page

from controllers.dataspace.console.app import console_app
from controllers.dataspace.console.entry import Console
from controllers.dataspace.console.members import Members
from controllers.dataspace.console.sessions import Sessions
from controllers.dataspace.console.texts import say_in
from controllers.dataspace.console.tour import STEPS
from controllers.listening import listening
from controllers.staff.relying import RelyingParty
from tests.e2e.accessible import SCREENS, TAKES_PICTURES, axe, outside
from tests.e2e.desk import desk_at
from tests.e2e.phones import Phone, Phones, Site
from tests.fakes.dataspace_nodes import PLACES, QUESTIONS, FakeSpace
from tests.support.space import free_ports

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-US", "es": "es-MX", "km": "km-KH"}
SIZES = ((375, 740), (1280, 800))
DAY = date(2025, 4, 1)
ELSEWHERE = "http://elsewhere.example"
LONG_MS = 60_000


@asynccontextmanager
async def console_on_fakes(folder: Path | None = None) -> AsyncIterator[tuple[Console, Site]]:
    """A console on nodes in memory; with a folder it is a hosted one."""
    (port,) = free_ports(1)
    base_url = f"http://localhost:{port}"
    members = None
    if folder is not None:
        members = Members(folder / "members.json", RelyingParty.at(base_url, "Data space"))
    console = Console(FakeSpace().nodes(), Sessions(3600), base_url, DAY, members)
    async with listening(console_app(console), "127.0.0.1", port):
        yield console, Site(base_url, ELSEWHERE)


async def come_in(phone: Phone, console: Console) -> None:
    secret = console.sessions.link("Somebody", tuple(PLACES))
    await phone.page.goto(f"{console.base_url}/enter#{secret}")
    await phone.page.wait_for_url(f"{console.base_url}/")


async def faults(page: Page, name: str) -> list[str]:
    """For whom a page does not work, at each size; with a picture to look at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    # what axe looks at is the same in every language
    found = [f"{name}: {each}" for each in await axe(page)] if name.startswith("en-") else []
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found += [f"{name}: {width}: {each}" for each in await outside(page)]
        if TAKES_PICTURES:
            path = SCREENS / f"space-{name}-{width}.png"
            await page.screenshot(path=path, full_page=True, animations="disabled")
    return found


async def follow(page: Page, selector: str) -> None:
    """Click on what leads to another page, and wait until that one is there: what looks at a
    page while it goes away finds half of it, or nothing."""
    target = page.locator(selector)
    await target.wait_for(timeout=LONG_MS)  # a page that looks again by itself navigates too
    async with page.expect_navigation(timeout=LONG_MS):
        await target.click(timeout=LONG_MS)


async def ask(page: Page, base_url: str, question: str) -> None:
    """Ask as the form opens, approve everywhere, begin to compute."""
    await page.goto(f"{base_url}/at/shelter-a/ask/{question}")
    await follow(page, "button[value=look]")
    await follow(page, "button[value=send]")
    await follow(page, "form[action$=approve-all] button")
    await follow(page, "form[action$='/run'] button")


async def away(page: Page) -> None:
    """Leave before the server ends, or the page asks for its icon when nobody is there."""
    await page.goto("about:blank")


@pytest.mark.parametrize("language", LOCALES)
async def test_every_page_is_for_everybody(phones: Phones, language: str) -> None:
    async with console_on_fakes() as (console, site):
        phone = await phones(site, locale=LOCALES[language])
        page, base = phone.page, console.base_url
        phone.expect("status of (404|422)")
        found: list[str] = []

        async def look(name: str) -> None:
            # a locator waits for the page that a click has led to
            assert await page.locator("html").get_attribute("lang") == language
            found.extend(await faults(page, f"{language}-{name}"))

        await page.goto(f"{base}/enter")
        await look("enter")
        await come_in(phone, console)
        await look("start")
        for each in QUESTIONS:
            await page.goto(f"{base}/at/shelter-a/ask/{each['name']}")
            for closed in await page.locator("details").all():
                await closed.evaluate("each => { each.open = true; }")
            await look(f"ask-{each['name']}")
        await follow(page, "button[value=look]")
        await look("look")
        await follow(page, "button[value=send]")
        await look("plan")
        await ask(page, base, "counts")
        await look("run")
        await follow(page, "a[href*='/results/']")
        await look("counts")
        await ask(page, base, "total")
        await follow(page, "a[href*='/results/']")
        await look("total")
        await page.goto(page.url.replace("/results/", "/priorities/"))
        await look("priorities")
        await page.goto(f"{base}/at/police")
        await look("desk")
        await page.goto(f"{base}/at/police/log")
        await follow(page, "form[action$=compare] button")
        await look("log")
        await page.goto(f"{base}/tour")
        await look("tour")
        for step in STEPS:
            await page.goto(f"{base}/tour/{step}")
            await look(f"tour-{step}")
        await page.goto(f"{base}/tour/low-threshold")
        await follow(page, "main form button")
        await look("attack")
        await page.goto(f"{base}/nowhere")
        await look("error")
        await away(page)
    assert not found, "\n".join(found)
    own = [each for each in phone.requests if not each.split(" ")[1].startswith(base)]
    assert own == []  # nothing from anybody else


async def test_no_number_is_cut_off_on_a_phone(phones: Phones) -> None:
    """Where a table is wider than its place, 318 reads as 31."""
    async with console_on_fakes() as (console, site):
        phone = await phones(site, viewport={"width": 360, "height": 740})
        await come_in(phone, console)
        page, wide = phone.page, []
        SCREENS.mkdir(parents=True, exist_ok=True)
        for question in ("counts", "total"):
            await ask(page, console.base_url, question)
            await follow(page, "a[href*='/results/']")
            address, log = page.url, f"{console.base_url}/at/police/log"
            for at, language in ((at, each) for at in (log, address) for each in LOCALES):
                await page.goto(f"{at}?lang={language}")
                cut = await page.locator(".scroll").evaluate_all(
                    "all => all.map(each => each.scrollWidth - each.clientWidth)"
                )
                wide += [(question, language, by) for by in cut if by > 0]
                if TAKES_PICTURES:
                    path = SCREENS / f"space-{question}-{language}-360.png"
                    await page.locator(".scroll").first.screenshot(path=path)
        await away(page)
    assert wide == []


async def test_it_works_without_scripts(phones: Phones) -> None:
    async with console_on_fakes() as (console, site):
        phone = await phones(site, java_script_enabled=False)
        page, base = phone.page, console.base_url
        await page.goto(f"{base}/enter")
        await page.locator("#f-token").fill(console.sessions.link("", tuple(PLACES)))
        await follow(page, "main form button")
        await ask(page, base, "counts")
        assert "http-equiv" in await page.content()  # it looks again by itself
        await follow(page, "a[href*='/results/']")
        assert "441" in await page.locator("main").inner_text()
        await away(page)


async def test_by_keyboard_alone(phones: Phones) -> None:
    async with console_on_fakes() as (console, site):
        phone = await phones(site, viewport={"width": 1280, "height": 800}, is_mobile=False)
        await come_in(phone, console)
        page = phone.page
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        await page.keyboard.press("Tab")  # the tour's button
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{console.base_url}/tour")
        await away(page)


async def test_an_invited_person_stands_at_her_own_organisation_alone(
    phones: Phones, tmp_path: Path
) -> None:
    async with console_on_fakes(tmp_path) as (console, site):
        assert console.members is not None
        desk = await desk_at(phones, site)
        desk.phone.expect("status of 404")
        page, say = desk.page, say_in("en")
        link = f"{console.base_url}/enrol#{console.members.invite('labour', 'Sokha')}"
        await page.goto(link)
        await page.get_by_role("button", name=say("enrol.button")).click()
        await page.wait_for_url(f"{console.base_url}/")
        assert not any(link.split("#")[1] in each for each in desk.phone.requests)
        assert "Labour Inspectorate" in await page.locator("header").inner_text()
        await page.goto(f"{console.base_url}/at/police")
        assert say("error.not-found") in await page.locator("main").inner_text()
        await page.goto(f"{console.base_url}/")
        await page.get_by_role("button", name=say("frame.leave")).click()
        await page.get_by_role("button", name=say("signing.button")).click()
        await page.wait_for_url(f"{console.base_url}/")
        await away(page)


# --- real nodes ---------------------------------------------------------------------------


@pytest.mark.measured
async def test_from_the_command_to_an_answer(
    phones: Phones, tmp_path: Path, figures: list[str]
) -> None:
    began = time.monotonic()
    async with sandbox_at(tmp_path / "sandbox") as (link, process):
        started = time.monotonic() - began
        base = link.partition("/enter")[0]
        phone = await phones(Site(base, ELSEWHERE), viewport={"width": 1280, "height": 800})
        page = phone.page
        await page.goto(link)
        await ask(page, base, "counts")
        await follow(page, "a[href*='/results/']")
        shown = await page.locator("main").inner_text()
        assert say_in("en")("result.hidden") in shown
        assert say_in("en")("note.below-threshold") in shown
        figures.append(
            f"sandbox: {started:.1f} s from the command to the link, "
            f"{time.monotonic() - began:.1f} s to an answer"
        )
        for step, refusal in (
            ("one-person", "list-too-short"),
            ("two-plans", "differencing-few"),
            ("low-threshold", "threshold-too-low"),
            ("changed-plan", "approval-approved"),
        ):
            await page.goto(f"{base}/tour/{step}")
            await page.locator("main form button").click(timeout=LONG_MS)
            said = await page.locator(".said").inner_text(timeout=LONG_MS)
            assert say_in("en")(f"refused.{refusal}") in said, step
        nodes = children_of(process.pid)
        assert len(nodes) >= len(PLACES)
        await away(page)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert alive(nodes) == []


@asynccontextmanager
async def sandbox_at(data: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """`haven dataspace sandbox` as a person starts it, and the link that it prints."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from controllers.cli import main; main()",
        *("dataspace", "sandbox", "--no-open", "--data", str(data), "--port", str(port)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "300"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            while not (found := re.search(r"http\S+/enter#\S+", await _line(process))):
                pass
        yield found.group(), process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "the sandbox ended before it printed its link"
    return line.decode()


def children_of(pid: int) -> list[int]:
    """The processes that another one started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listed.split()]


def alive(pids: list[int]) -> list[int]:
    """Those of them that still run."""
    return [each for each in pids if Path(f"/proc/{each}").exists()]
