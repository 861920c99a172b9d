"""The verifying reader over the registry in memory."""

from __future__ import annotations

import asyncio

import pytest

from agent.webvh.attested import ResourceType
from agent.webvh.cache import BoundedCache
from agent.webvh.reader import WebvhReader
from core.errors import VerificationError
from core.proof import add_proof
from tests.fakes.registry import THEN, Issuer, MemoryRegistry


class Watch:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


async def published(issuer: Issuer) -> MemoryRegistry:
    registry = MemoryRegistry()
    await registry.append_log(issuer.opaque, issuer.log, expected_version=None)
    await registry.put_resource(issuer.schema())
    await registry.put_resource(issuer.registry())
    first, definition, _ = issuer.publication([], 100)
    await registry.publish(first, definition)
    return registry


async def test_content_is_fetched_once_links_after_a_second_logs_after_seconds() -> None:
    issuer, watch = Issuer(), Watch()
    registry = await published(issuer)
    reader = WebvhReader(registry, clock=watch)
    counts = []
    for pause in (0, 0.9, 0.2, 3.0, 60.0):
        watch.time += pause
        registry.fetched.clear()
        await reader.resource(issuer.schema()["id"], ResourceType.SCHEMA)
        await reader.status_list(issuer.registry()["id"])
        await reader.did(issuer.did)
        counts.append(len(registry.fetched))
    # schema, log, definition, list; nothing; links; links; links and log
    assert counts == [4, 0, 1, 1, 2]


async def test_fresh_asks_the_host_at_once() -> None:
    issuer = Issuer()
    registry = await published(issuer)
    reader = WebvhReader(registry, clock=Watch())
    registry_id = issuer.registry()["id"]
    assert (await reader.status_list(registry_id)).timestamp == 100
    link = (await reader.registry(registry_id)).links[0]
    await registry.publish(*issuer.publication([link], 200)[:2])
    assert (await reader.status_list(registry_id)).timestamp == 100
    assert (await reader.status_list(registry_id, fresh=True)).timestamp == 200


async def test_own_changes_are_seen_at_once() -> None:
    issuer = Issuer()
    registry = await published(issuer)
    reader = WebvhReader(registry, clock=Watch())
    registry_id = issuer.registry()["id"]
    link = (await reader.registry(registry_id)).links[0]
    await registry.publish(*issuer.publication([link], 200)[:2])
    reader.expire_links(registry_id)
    assert (await reader.status_list(registry_id)).timestamp == 200


async def test_a_log_that_was_rolled_back_is_refused() -> None:
    issuer = Issuer()
    registry = await published(issuer)
    issuer.rotate()
    registry.logs[issuer.did] = list(issuer.log)
    reader = WebvhReader(registry)
    await reader.did(issuer.did)
    registry.logs[issuer.did] = issuer.log[:1]
    with pytest.raises(VerificationError) as refused:
        await reader.did(issuer.did, fresh=True)
    assert refused.value.step == "rollback"


async def test_links_that_were_rolled_back_are_refused() -> None:
    issuer = Issuer()
    registry = await published(issuer)
    reader = WebvhReader(registry)
    registry_id = issuer.registry()["id"]
    await reader.registry(registry_id)
    registry.resources[registry_id] = issuer.registry()
    with pytest.raises(VerificationError) as refused:
        await reader.registry(registry_id, fresh=True)
    assert refused.value.step == "rollback"


async def test_a_list_under_the_wrong_link_is_refused() -> None:
    issuer = Issuer()
    registry = await published(issuer)
    other = issuer.status_list(issuer.registry(tag="1")["id"], 100)
    registry.resources[other["id"]] = other
    registry_id = issuer.registry()["id"]
    first = registry.resources[registry_id]["links"][0]
    swapped = {**registry.resources[registry_id], "links": [{**first, "id": other["id"]}]}
    registry.resources[registry_id] = add_proof(
        swapped, issuer.key(100), method=issuer.method, created=THEN
    )
    with pytest.raises(VerificationError) as refused:
        await WebvhReader(registry).status_list(registry_id)
    assert refused.value.step == "links"


async def test_the_same_thing_is_fetched_once_at_a_time() -> None:
    issuer = Issuer()
    registry = await published(issuer)
    reader = WebvhReader(registry, clock=Watch())
    registry.fetched.clear()
    schema_id = issuer.schema()["id"]
    await asyncio.gather(*(reader.resource(schema_id, ResourceType.SCHEMA) for _ in range(20)))
    assert registry.fetched.count(registry.fetched[0]) == 1


async def test_one_resource_is_not_taken_for_another_type() -> None:
    issuer = Issuer()
    reader = WebvhReader(await published(issuer))
    schema_id = issuer.schema()["id"]
    await reader.resource(schema_id, ResourceType.SCHEMA)
    with pytest.raises(VerificationError) as refused:
        await reader.resource(schema_id, ResourceType.CREDENTIAL_DEFINITION)
    assert refused.value.step == "type"


async def test_a_statement_is_its_issuers() -> None:
    issuer, other = Issuer(), Issuer(2)
    registry = await published(issuer)
    await registry.append_log(other.opaque, other.log, expected_version=None)
    reader = WebvhReader(registry)
    statement = add_proof(
        {"issuer": issuer.did, "purpose": "shelter"},
        issuer.key(100),
        method=issuer.method,
        created=THEN,
    )
    assert await reader.verify_statement(statement) == issuer.did
    refused = (
        {**statement, "purpose": "payment"},
        {**statement, "issuer": other.did},
        {key: value for key, value in statement.items() if key != "issuer"},
    )
    for changed in refused:
        with pytest.raises(VerificationError):
            await reader.verify_statement(changed)


def test_a_cache_forgets_what_was_used_longest_ago() -> None:
    cache: BoundedCache[int] = BoundedCache(2, Watch())
    for key, value in (("a", 1), ("b", 2)):
        cache.put(key, value)
    cache.get("a")
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (1, None, 3, 2)
