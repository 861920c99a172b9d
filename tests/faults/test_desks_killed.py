"""The controllers' process is killed while desks look on: their pages come back by themselves
and show what is true by then."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.conftest import browsers, phones
from tests.e2e.desk import LONG_MS, day, desk_at
from tests.e2e.phones import Phones
from tests.e2e.phones import Site as Address
from tests.faults.site import CONTROLLERS, Site
from tests.scenarios.small import SHELTER

__all__ = ["browsers", "phones"]  # fixtures

pytestmark = [pytest.mark.agents, pytest.mark.browser]


async def invited(site: Site) -> str:
    """A one-time link to the shelter's desks, with every task."""
    base = f"http://127.0.0.1:{site.settings.public_port}/api/governance"
    headers = {"Authorization": f"Bearer {site.secrets.operator_key.reveal()}"}
    async with httpx.AsyncClient(headers=headers) as client:
        path = f"{base}/organisations/{SHELTER.slug}/administrators"
        made = await client.post(path, json={"name": "Worker"})
        assert made.status_code == 201, made.text
    return str(made.json()["link"])


async def test_a_page_comes_back_and_shows_what_is_true(site: Site, phones: Phones) -> None:
    address = Address(f"http://127.0.0.1:{site.settings.public_port}", site.settings.leave_to)
    desk = await desk_at(phones, address)
    desk.phone.expect("ERR_", "object Event", "status of 40")
    await desk.sign_up(await invited(site))
    await desk.open("/desk/people")
    await desk.click(desk.page.locator("main table a").first)
    await desk.click(desk.page.locator("#f-issue"))
    await desk.press("people.keep")
    await desk.open("/desk/issue/service-eligibility")
    await desk.fill("f-a-status", "assessed")
    await desk.fill("f-a-shelter_until", day(60))
    await desk.press("issuing.review")
    await desk.press("issuing.issue")
    link = await desk.page.locator("[data-link]").inner_text()
    code = await desk.page.locator("[data-code]").inner_text()
    (phone,) = await site.phones(1)
    site.kill(CONTROLLERS)
    await site.whole()
    await (await phone.unlock()).take({"link": link, "code": code})
    issued = desk.page.locator("[data-state=issued]")
    await issued.wait_for(timeout=4 * LONG_MS)  # nobody touched the page
