"""An agent that stands still for a while: everybody waits, and nothing has to be repeated."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.patient import Exchange, People
from tests.faults.site import ORG, Site

pytestmark = pytest.mark.agents

SECONDS = 15


async def test_exchanges_outlast_an_agent_that_stands_still(site: Site) -> None:
    people = People(site.small)
    exchanges = [Exchange(phone) for phone in await site.phones(4)]
    taking = asyncio.gather(*(people.receive(each) for each in exchanges))
    await asyncio.sleep(0.5)
    with site.stopped(ORG):
        await asyncio.sleep(SECONDS)
    await taking
    for each in exchanges:
        assert len(each.attempts) == 1
        assert (await people.ended(each.attempts[0]))["state"] == "issued"
        assert len(await each.phone.credentials()) == 1
        assert each.foreseen
    await people.answer(Exchange(exchanges[0].phone))
