"""What waits for a locked wallet outlives its agent, and nobody but its holder reads it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import pytest
from aries_askar import Entry, Store

from agent.plugins.vault.held import CATEGORY
from agent.stores import base_name, opened
from controllers.app import build
from controllers.installation import wallet_options
from core.ports import Awaited, HeldCredential, OfferState
from tests.adapters.ports.world import Agents, Linked, World, build_world
from tests.faults.site import WALLETS, Site
from tests.scenarios.searching import files_below, found_in
from tests.support.waiting import until

pytestmark = pytest.mark.agents

MARKED = {"region": "Zxcvbregion", "household": "7654321", "until": "20270101"}


@dataclass
class Between:
    """The agents of the site, and the wallet agent's own store while it is stopped."""

    site: Site
    world: World

    async def held(self, linked: Linked) -> list[Entry]:
        """What waits for a wallet, read with the agent's own key; others' may wait as well."""
        wallet = {"wallet": linked.holder.wallet_id}
        async with self._store() as store, store.session() as session:
            return list(await session.fetch_all(CATEGORY, wallet))

    async def put_back(self, entries: list[Entry]) -> None:
        """As if the agent had been killed before it could delete them."""
        async with self._store() as store, store.session() as session:
            for each in entries:
                await session.insert(CATEGORY, each.name, each.value, each.tags)

    def _store(self) -> AbstractAsyncContextManager[Store]:
        options = wallet_options(self.site.settings, self.site.secrets)
        return opened(options, base_name(options), options.secrets.wallet_key)

    async def offer(self, linked: Linked, reference: str) -> str:
        world = self.world
        exchange_id = await world.org.offer(
            world.issuer, linked.issuer_side, world.definition_id, MARKED, reference
        )
        await asyncio.sleep(0.5)
        return exchange_id

    async def lock(self, linked: Linked) -> None:
        await self.world.wallets.close(linked.holder.wallet_id, linked.holder.session_id)

    async def unlock(self, linked: Linked) -> float:
        """How long it took."""
        began, holder = time.monotonic(), linked.holder
        await self.world.wallets.open(holder.wallet_id, holder.key, holder.session_id)
        return time.monotonic() - began

    async def stored(self, linked: Linked) -> list[HeldCredential]:
        await self.world.wallets.offers(linked.holder.token, linked.holder_side)
        return await self.world.wallets.credentials(linked.holder.token)


@pytest.fixture(scope="module")
async def agents(breakable: Site) -> AsyncIterator[Agents]:
    haven = build(breakable.settings, breakable.secrets)
    yield Agents(haven.org, haven.wallets, haven.did_logs)
    for api in (haven.org._api, haven.wallets._api):
        await api.close()


@pytest.fixture(scope="module")
async def world(breakable: Site, agents: Agents) -> World:
    await breakable.whole()
    return await build_world(agents)


@pytest.fixture
async def between(site: Site, world: World) -> Between:
    return Between(site, world)


async def test_an_offer_waits_through_kill_9(between: Between) -> None:
    world, linked = between.world, await between.world.linked()
    await between.lock(linked)
    exchange_id = await between.offer(linked, "killed")
    between.site.kill(WALLETS)
    await between.site.whole()
    assert await between.unlock(linked) < 1.0
    (offer,) = await world.wallets.offers(linked.holder.token, linked.holder_side)
    assert (offer.state, offer.values) == (OfferState.OFFERED, MARKED)
    await world.wallets.accept_offer(linked.holder.token, offer.exchange_id)
    await world.signed(exchange_id)
    assert len(await between.stored(linked)) == 1


async def test_what_waits_is_an_envelope_and_nothing_else(between: Between) -> None:
    linked = await between.world.linked()
    await between.lock(linked)
    await between.offer(linked, "zqxmarkedreference")
    await between.site.family[WALLETS].stop()
    try:
        (kept,) = await between.held(linked)
        settings = between.site.settings
        files = files_below(settings.data_dir / "wallets") | files_below(settings.log_dir)
    finally:
        await between.site.family[WALLETS].start()
    await between.site.whole()
    assert json.loads(kept.value).keys() == {"protected", "iv", "ciphertext", "tag"}
    assert kept.tags.keys() == {"wallet", "day"}
    planted = {**MARKED, "reference": "zqxmarkedreference"}
    del planted["until"]
    assert any(name.endswith("sqlite.db") for name in files)
    assert {name: told for name in files if (told := found_in(files[name], planted))} == {}
    assert found_in(kept.value, planted) == set()
    log = files["wallet-agent.log"]
    assert linked.holder.wallet_id.encode() not in log
    await between.unlock(linked)
    (offer,) = await between.world.wallets.offers(linked.holder.token, linked.holder_side)
    assert offer.values == MARKED


async def test_a_credential_that_comes_again_is_stored_once(between: Between) -> None:
    """The agent is killed after it stored what had waited, and before it deleted it."""
    world, linked = between.world, await between.world.linked()
    token = linked.holder.token
    exchange_id = await between.offer(linked, "twice")
    (offer,) = await until(lambda: world.wallets.offers(token, linked.holder_side))
    await world.wallets.accept_offer(token, offer.exchange_id)
    await between.lock(linked)
    await world.requested(exchange_id)
    await world.org.issue(world.issuer, exchange_id)
    await asyncio.sleep(0.5)

    async def restarted(before: list[Entry]) -> list[Entry]:
        await between.site.family[WALLETS].stop()
        try:
            await between.put_back(before)
            return await between.held(linked)
        finally:
            await between.site.family[WALLETS].start()
            await between.site.whole()

    kept = await restarted([])
    assert len(kept) == 1
    await between.unlock(linked)
    (ended,) = await world.wallets.offers(
        token, linked.holder_side, awaited=Awaited.SETTLING, seconds=20
    )
    assert ended.state is OfferState.DONE
    assert len(await between.stored(linked)) == 1
    await between.lock(linked)
    assert len(await restarted(kept)) == 1
    await between.unlock(linked)
    assert len(await between.stored(linked)) == 1
    await between.lock(linked)
    assert await restarted([]) == [], "it was deleted again"


async def test_locking_at_once_loses_nothing(between: Between) -> None:
    """Opened and locked again and again while offers come: each is there in the end, once."""
    world, linked = between.world, await between.world.linked()
    names = [f"race{number}" for number in range(12)]

    async def offering() -> None:
        for name in names:
            await world.org.offer(
                world.issuer, linked.issuer_side, world.definition_id, MARKED, name
            )
            await asyncio.sleep(0.03)

    sending = asyncio.create_task(offering())
    while not sending.done():
        await between.lock(linked)
        await between.unlock(linked)
        await asyncio.sleep(0.01)
    await sending
    await asyncio.sleep(0.5)
    await between.lock(linked)
    await between.unlock(linked)
    offers = await until(
        lambda: world.wallets.offers(linked.holder.token, linked.holder_side),
        lambda found: len(found) >= len(names),
    )
    assert sorted(str(each.reference) for each in offers) == sorted(names)
