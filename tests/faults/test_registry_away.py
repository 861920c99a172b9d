"""The registry's host is down while a credential is withdrawn.

Nothing is called withdrawn that is not published; what was published stays readable; and
asking again finishes it.
"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Json, Phone, Refused
from tests.faults.gate import Passing, lose_the_answer, turn_away, unreachable
from tests.faults.site import ORG, Site

pytestmark = pytest.mark.agents

WITHDRAWN = "refused: revocation: revoked"


async def issued(site: Site) -> tuple[Phone, Json]:
    phone = await site.small.phone()
    return phone, await site.small.issue(phone, **eligibility())


async def verdict(site: Site, phone: Phone) -> str:
    return why_refused((await site.small.check(phone))[1])


async def marked(site: Site, issuance: Json) -> bool:
    found = await site.small.issues.get(f"/api/issuer/issuances/{issuance['id']}")
    return found["revoked_at"] is not None


async def is_refused_for_now(site: Site, issuance: Json) -> None:
    with pytest.raises(Refused) as refused:
        await site.small.issues.revoke(issuance)
    assert (refused.value.problem["status"], refused.value.why) == (503, "unavailable")
    assert not await marked(site, issuance)


async def test_a_host_that_is_down_publishes_nothing_and_nothing_is_claimed(
    site: Site,
) -> None:
    phone, issuance = await issued(site)
    with site.registry.under(turn_away):
        await is_refused_for_now(site, issuance)
        assert await verdict(site, phone) == "accepted"  # the old state is read meanwhile
    await site.small.issues.revoke(issuance)
    assert await marked(site, issuance)
    assert await verdict(site, phone) == WITHDRAWN


async def test_a_host_that_dies_after_publishing_is_found_out_by_asking_again(
    site: Site,
) -> None:
    phone, issuance = await issued(site)
    with site.registry.under(lose_the_answer):
        await is_refused_for_now(site, issuance)
        # it is published, whatever the desk was told: no verifier accepts it any more
        assert await verdict(site, phone) == WITHDRAWN
    await site.small.issues.revoke(issuance)
    assert await marked(site, issuance)
    assert await verdict(site, phone) == WITHDRAWN


async def test_an_agent_killed_while_it_publishes_leaves_the_old_list_or_the_new_one(
    site: Site,
) -> None:
    phone, issuance = await issued(site)
    other, _ = await issued(site)
    reached, gone = asyncio.Event(), asyncio.Event()

    async def hang(passing: Passing) -> web.Response:
        reached.set()
        await gone.wait()
        return unreachable()

    with site.registry.under(hang):
        revoking = asyncio.create_task(site.small.issues.revoke(issuance))
        await asyncio.wait_for(reached.wait(), 60)
        site.kill(ORG)
        with pytest.raises(Refused) as refused:
            await revoking
        gone.set()
    assert refused.value.problem["status"] == 503
    assert not await marked(site, issuance)
    await site.whole()
    assert await verdict(site, phone) == "accepted"
    await site.small.issues.revoke(issuance)
    assert [await verdict(site, each) for each in (phone, other)] == [WITHDRAWN, "accepted"]
