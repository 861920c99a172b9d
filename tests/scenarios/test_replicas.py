"""Two of each process behind a reverse proxy with TLS, on PostgreSQL: nobody is missed.

The tests run in their order, on one small story. Everything that is said to Haven goes
through the proxy, as from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import select

from controllers.installation import Kind
from controllers.store.database import Database
from controllers.store.models import Issuance
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Json, Phone
from tests.scenarios.small import Small, gather_small
from tests.support.postgres import PostgresServer
from tests.support.proxy import missing
from tests.support.topology import Topology, running_topology

pytestmark = [pytest.mark.agents, pytest.mark.postgres]

REVOKED = "refused: revocation: revoked"


@dataclass
class Doubled:
    """The topology, the shelter, and a phone with its wallet on each of the two shards."""

    topology: Topology
    small: Small
    phones: list[Phone]
    issued: list[Json] = field(default_factory=list)

    async def verdict(self, phone: Phone) -> str:
        """What a shelter check of this phone's holder ends with."""
        return why_refused((await self.small.check(phone))[1])


async def phone_on(small: Small, shard: int) -> Phone:
    """A phone whose wallet happens to be on this shard."""
    for _ in range(40):
        phone = await small.phone()
        if phone.wallet_id.startswith("s1-") == bool(shard):
            return phone
    raise AssertionError("no wallet came to this shard")


@pytest.fixture(scope="module")
async def doubled(
    own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Doubled]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("replicas")
    async with running_topology(folder, own_postgres) as topology:
        base_url = topology.settings.base_url
        small = await gather_small(topology.settings, base_url)
        phones = [await phone_on(small, shard) for shard in (0, 1)]
        yield Doubled(topology, small, phones)
        await small.close()


async def entries(topology: Topology) -> list[tuple[str, int]]:
    """Which entry of which registry each credential has."""
    database = Database(topology.settings.store_url)
    async with database.reading() as session:
        rows = await session.execute(select(Issuance.registry_id, Issuance.registry_index))
        found = [(str(row[0]), int(row[1])) for row in rows if row[1] is not None]
    await database.close()
    return found


async def test_wallets_on_both_shards_are_issued_to_at_once(doubled: Doubled) -> None:
    doubled.issued = await asyncio.gather(
        *(doubled.small.issue(phone, **eligibility()) for phone in doubled.phones)
    )
    verdicts = [await doubled.verdict(phone) for phone in doubled.phones]
    assert verdicts == ["accepted"] * 2


async def test_two_agents_fill_a_registry_and_the_next_one_together(doubled: Doubled) -> None:
    """Registries hold eight here: these go past the end of the first."""
    phones = [await doubled.small.phone() for _ in range(8)]
    await asyncio.gather(*(doubled.small.issue(phone, **eligibility()) for phone in phones))
    taken = await entries(doubled.topology)
    assert len(taken) == len(set(taken)) == 10, "each credential has an entry of its own"
    assert len({registry for registry, _ in taken}) >= 2


async def test_what_one_withdraws_every_other_refuses(doubled: Doubled) -> None:
    first, second = doubled.issued
    await asyncio.gather(
        doubled.small.issues.revoke(first), doubled.small.issues.revoke(second)
    )
    # the processes are asked in turn: each of them is asked for each of the two
    for phone in doubled.phones * 2:
        assert await doubled.verdict(phone) == REVOKED


async def test_nothing_but_the_public_side_is_reached_from_outside(doubled: Doubled) -> None:
    base_url = doubled.topology.settings.base_url
    async with httpx.AsyncClient(base_url=base_url, trust_env=True) as outside:
        for path in ("/metrics", "/health/live", "/webhooks/org/topic/connections/", "/alive"):
            assert (await outside.post(path)).status_code in {404, 405}
        for path in ("/status/ready", "/multitenancy/wallets", "/vault/wallets"):
            assert (await outside.get(path)).status_code == 404
        shown = await outside.get("/api/openapi.json")
    assert shown.headers["Strict-Transport-Security"]


async def test_one_of_each_is_killed_and_nobody_notices(doubled: Doubled) -> None:
    doubled.topology.kill(Kind.CONTROLLERS, 0)
    doubled.topology.kill(Kind.ORG, 0)
    for phone in doubled.phones:  # their sessions go on
        issued = await doubled.small.issue(phone, **eligibility())
        assert issued["id"]
    late = [await phone_on(doubled.small, shard) for shard in (0, 1)]
    issued = await asyncio.gather(
        *(doubled.small.issue(phone, **eligibility()) for phone in late)
    )
    assert [await doubled.verdict(phone) for phone in late] == ["accepted"] * 2
    await doubled.small.issues.revoke(issued[0])
    assert [await doubled.verdict(phone) for phone in late] == [REVOKED, "accepted"]


async def test_a_wallet_agent_that_is_away_misses_only_its_own(doubled: Doubled) -> None:
    doubled.topology.kill(Kind.WALLETS, 1)
    here = await doubled.small.phone()
    assert not here.wallet_id.startswith("s1-"), "new wallets go where somebody answers"
    await doubled.small.issue(here, **eligibility())
    assert await doubled.verdict(here) == "accepted"
