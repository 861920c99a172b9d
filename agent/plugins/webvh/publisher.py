"""Publishing AnonCreds objects of a tenant, and its revocation lists one after another."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from acapy_agent.core.profile import Profile

from agent.plugins.webvh.identity import assertion_signer, load_identity
from agent.plugins.webvh.runtime import WebvhRuntime
from agent.webvh.attested import Link, ResourceType, VerifiedResource, build_resource
from core.canonical import Json
from core.errors import Forbidden, Unavailable

_MAX_WAIT_SECONDS = 5.0


async def build(
    profile: Profile,
    resource_type: ResourceType,
    name: str,
    content: Json,
    links: tuple[Link, ...] = (),
) -> Json:
    """A resource signed by the tenant.

    Raises:
        Forbidden: the content names another issuer than the tenant's own DID.
    """
    identity = await load_identity(profile)
    if content.get("issuerId") != identity.did:
        raise Forbidden("a wallet publishes under its own identifier only")
    return build_resource(
        did=identity.did,
        resource_type=resource_type,
        name=name,
        content=content,
        signer=await assertion_signer(profile, identity),
        method=identity.verification_method,
        created=datetime.now(UTC),
        links=links,
    )


async def publish_resource(
    runtime: WebvhRuntime,
    profile: Profile,
    resource_type: ResourceType,
    name: str,
    content: Json,
) -> str:
    """Publish an object and return its identifier."""
    document = await build(profile, resource_type, name, content)
    await runtime.writer.put_resource(document)
    return str(document["id"])


async def publish_list(
    runtime: WebvhRuntime, profile: Profile, registry: VerifiedResource, content: Json
) -> Json:
    """Publish `content` as the registry's newest list, at a time later than all before.

    The caller holds the registry's lock and read `registry` under it.

    Returns:
        The content as published, with its time.

    Raises:
        Conflict: another process published meanwhile.
        Unavailable: the registry does not answer; whether it published is not known, and
            asking again is safe.
    """
    last = registry.links[-1].timestamp if registry.links else 0
    stamped = {**content, "timestamp": await _time_after(runtime, last)}
    status_list = await build(profile, ResourceType.STATUS_LIST, registry.name, stamped)
    link = Link(id=status_list["id"], timestamp=stamped["timestamp"])
    definition = await build(
        profile,
        ResourceType.REGISTRY_DEFINITION,
        registry.name,
        registry.content,
        (*registry.links, link),
    )
    try:
        await runtime.writer.publish(status_list, definition)
    finally:
        runtime.reader.expire_links(registry.id)
    return stamped


async def _time_after(runtime: WebvhRuntime, last: int) -> int:
    """The present second, once it is later than `last`: times are whole seconds.

    Raises:
        Unavailable: the clock stands far behind the last publication.
    """
    wait = last + 1 - runtime.now()
    if wait > _MAX_WAIT_SECONDS:
        raise Unavailable("the clock is behind the last published revocation list")
    if wait > 0:
        await asyncio.sleep(wait + 0.01)
    return max(int(runtime.now()), last + 1)
