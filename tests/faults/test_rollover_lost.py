"""An agent that fell between the last entry of a registry and the change to the next one."""

from __future__ import annotations

from typing import Literal, get_args

import pytest
from aries_askar import Entry, Session

from agent.stores import opened, tenant_stores
from controllers.installation import org_options
from tests.faults.patient import Exchange, People
from tests.faults.site import ORG, Site

pytestmark = pytest.mark.agents

Second = Literal["ready", "none", "half-made"]
REGISTRY, LIST = "revocation_reg_def", "revocation_list"


async def use_up(session: Session, registry: Entry) -> None:
    """Let every entry of a registry be given away."""
    listed = await session.fetch(LIST, registry.name, for_update=True)
    value = listed.value_json
    value["next_index"] = registry.value_json["value"]["maxCredNum"] + 1
    await session.replace(LIST, registry.name, value_json=value, tags=listed.tags)


async def break_off(site: Site, second: Second) -> list[str]:
    """Leave the stores as an agent does that is killed then: the registry in use is full, and
    nobody was told; and what became of the one that waits. Answers what was full."""
    options, full = org_options(site.settings, site.secrets), []
    for tenant in await tenant_stores(options):
        async with (
            opened(options, tenant.name, tenant.key) as store,
            store.transaction() as session,
        ):
            for entry in await session.fetch_all(REGISTRY):
                tags = dict(entry.tags)
                if tags["active"] == "true":
                    await use_up(session, entry)
                    full.append(entry.name)
                elif tags["state"] != "finished" or second == "ready":
                    continue
                elif second == "none":
                    tags["state"] = "full"
                    await session.replace(REGISTRY, entry.name, value=entry.value, tags=tags)
                elif await session.fetch(LIST, entry.name):
                    await session.remove(LIST, entry.name)
            await session.commit()
    return full


@pytest.mark.parametrize("second", get_args(Second))
async def test_issuing_goes_on_where_a_roll_over_was_lost(site: Site, second: Second) -> None:
    await People(site.small).receive(Exchange(await site.small.phone()))
    await site.family[ORG].stop()
    try:
        full = await break_off(site, second)
    finally:
        await site.family[ORG].start()
    await site.whole()
    people = People(site.small)
    (phone,) = await site.phones(1)
    exchange = Exchange(phone)
    await people.receive(exchange)  # with as many tries as a patient person makes
    assert len(await phone.credentials()) == 1
    issued = await people.ended(exchange.attempts[-1])
    assert issued["state"] == "issued"
    (registry,) = site.query(
        "SELECT registry_id FROM issuance WHERE id = ?", exchange.attempts[-1]
    )[0]
    assert full
    assert registry not in full
