"""An agent that fell between the last entry of a registry and the change to the next one."""

from __future__ import annotations

import pytest
from aries_askar import Entry, Session

from agent.stores import opened, tenant_stores
from controllers.installation import org_options
from controllers.story.issuing import eligibility
from tests.faults.patient import Exchange, People
from tests.faults.site import ORG, Site

pytestmark = pytest.mark.agents

REGISTRY, LIST = "revocation_reg_def", "revocation_list"


async def use_up(session: Session, registry: Entry) -> None:
    """Let every entry of a registry be given away."""
    listed = await session.fetch(LIST, registry.name, for_update=True)
    value = listed.value_json
    value["next_index"] = registry.value_json["value"]["maxCredNum"] + 1
    await session.replace(LIST, registry.name, value_json=value, tags=listed.tags)


async def fill_what_is_in_use(site: Site, *, without_second: bool) -> list[str]:
    """Leave the stores as an agent does that is killed then: the registry in use is full, and
    nobody was told; or no second one is ready either. Answers the registries that were full."""
    options, full = org_options(site.settings, site.secrets), []
    for tenant in await tenant_stores(options):
        async with (
            opened(options, tenant.name, tenant.key) as store,
            store.transaction() as session,
        ):
            for entry in await session.fetch_all(REGISTRY):
                if entry.tags["active"] == "true":
                    await use_up(session, entry)
                    full.append(entry.name)
                elif without_second:
                    tags = {**entry.tags, "state": "full"}
                    await session.replace(REGISTRY, entry.name, value=entry.value, tags=tags)
            await session.commit()
    return full


@pytest.mark.parametrize("without_second", [False, True], ids=["a-second", "no-second"])
async def test_issuing_goes_on_where_a_roll_over_was_lost(
    site: Site, without_second: bool
) -> None:
    await site.small.issue(await site.small.phone(), **eligibility())
    await site.family[ORG].stop()
    try:
        full = await fill_what_is_in_use(site, without_second=without_second)
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
