"""`kill -9` of each process in the middle of twenty exchanges.

Ten issuances and ten checks are on their way, at different steps; when some of them have come
to their end, the process dies. Afterwards each exchange is done, or was reported failed and
repeated; no credential is there twice and none is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from controllers.story.issuing import eligibility
from controllers.story.people import Phone
from tests.faults.patient import Exchange, People
from tests.faults.site import CONTROLLERS, ORG, WALLETS, Site
from tests.support.waiting import until

pytestmark = pytest.mark.agents

EACH = 10
APART = 0.12
ENDED_BY_THEN = 6


@pytest.fixture(scope="module")
async def holders(breakable: Site) -> list[Phone]:
    """Phones that hold an eligibility, to answer checks with."""
    found = await breakable.phones(EACH)
    for phone in found:
        await breakable.small.issue(phone, **eligibility())
    return found


@pytest.mark.parametrize("victim", [CONTROLLERS, ORG, WALLETS])
async def test_killed_in_the_middle_of_twenty_exchanges(
    site: Site, holders: list[Phone], victim: str
) -> None:
    people = People(site.small)
    issued = [Exchange(phone) for phone in await site.phones(EACH)]
    checked = [Exchange(await phone.unlock()) for phone in holders]
    began = [people.receive(each) for each in issued] + [
        people.answer(each) for each in checked
    ]
    everything = asyncio.gather(
        *(_later(APART * (number % EACH), work) for number, work in enumerate(began))
    )
    try:
        await until(
            lambda: _done(issued + checked, everything),
            lambda n: n >= ENDED_BY_THEN,
            seconds=120,
        )
        assert await _done(issued + checked, everything) < 2 * EACH  # truly in the middle
        site.kill(victim)
        await everything
    finally:
        everything.cancel()
    assert all(each.foreseen for each in issued + checked)
    await _each_came_to_an_honest_end(people, issued)
    _no_entry_twice(site)
    for each in issued[:3]:  # what the wallets hold is good
        await people.answer(Exchange(each.phone))


async def _each_came_to_an_honest_end(people: People, issued: Sequence[Exchange]) -> None:
    for exchange in issued:
        ends = [await people.ended(each) for each in exchange.attempts]
        given = [each for each in ends if each["state"] == "issued"]
        good = [each for each in given if each["revoked_at"] is None]
        held = await exchange.phone.credentials(state=True)
        # exactly one that counts, and no more cards than credentials that left
        assert len(good) == 1, ends
        assert [card["revoked"] for card in held].count(False) == 1
        assert len(held) <= len(given)


def _no_entry_twice(site: Site) -> None:
    """Each entry of a registry belongs to one credential."""
    query = "SELECT registry_id, registry_index FROM issuance WHERE registry_id IS NOT NULL"
    entries = site.query(query)
    assert entries
    assert len(entries) == len(set(entries))


async def _later(seconds: float, work: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await work


async def _done(exchanges: Sequence[Exchange], everything: asyncio.Future[list[None]]) -> int:
    if everything.done():
        await everything  # says what went wrong
    return sum(each.done for each in exchanges)
