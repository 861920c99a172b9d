"""Reading what is published under did:webvh, verified, through a bounded cache.

How old an answer may be: a resource's content never changes, so it is kept without expiry;
a registry definition's `links` are at most one second old; a DID log a few seconds. `fresh`
asks the host in any case.

Two rules guard against a host that serves yesterday's state, as far as this process saw
today's: a DID log must continue the one seen before (step `rollback`), and so must the links
of a registry definition.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from agent.webvh.attested import Link, ResourceType, VerifiedResource, verify_resource
from agent.webvh.cache import BoundedCache
from agent.webvh.didlog import VerifiedDid, split_log, verify_log
from agent.webvh.fetch import MAX_LOG_BYTES, MAX_RESOURCE_BYTES, Fetcher
from agent.webvh.identifiers import parse_did, parse_resource_id
from agent.webvh.locks import NamedLocks
from core.canonical import Json, read_object
from core.errors import NotFound, VerificationError
from core.proof import verify_proof

LOG_SECONDS = 5.0
LINKS_SECONDS = 1.0
_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class StatusList:
    """The revocation list in force at a time: the entry of a registry's `links`."""

    registry_id: str
    definition_id: str
    timestamp: int
    content: Json

    @property
    def revoked_count(self) -> int:
        """How many entries are revoked."""
        return sum(self.content["revocationList"])


class WebvhReader:
    """Verified DIDs, resources and status lists.

    Every method raises `VerificationError` with the step that failed, `NotFound` if nothing
    is published there, and `Unavailable` if the host does not answer.
    """

    def __init__(
        self, fetcher: Fetcher, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._dids: BoundedCache[VerifiedDid] = BoundedCache(_KEPT, clock)
        self._resources: BoundedCache[VerifiedResource] = BoundedCache(_KEPT, clock)
        self._locks = NamedLocks()

    async def did(self, did: str, *, fresh: bool = False) -> VerifiedDid:
        """A DID whose whole log was verified."""
        parsed = parse_did(did)
        async with self._locks.lock(did):
            known = None if fresh else self._dids.get(did, max_age=LOG_SECONDS)
            if known is not None:
                return known
            asked_at = self._clock()
            body = await self._fetcher.get(parsed.log_url, max_bytes=MAX_LOG_BYTES)
            # a long log takes a while; other work of the event loop goes on meanwhile
            found = await asyncio.to_thread(
                verify_log, split_log(body), expected_did=did, now=datetime.now(UTC)
            )
            before = self._dids.get(did)
            if before is not None:
                _check_continues(before.version_ids, found.version_ids)
            self._dids.put(did, found, taken_at=asked_at)
            return found

    async def resource(self, identifier: str, resource_type: ResourceType) -> VerifiedResource:
        """A resource whose content alone matters, so that it may be kept for ever."""
        known = self._resources.get(identifier)
        if known is not None and known.type is resource_type:
            return known
        return await self._fetch(identifier, resource_type, max_age=inf)

    async def registry(self, identifier: str, *, fresh: bool = False) -> VerifiedResource:
        """A registry definition whose `links` are at most a second old."""
        age = 0.0 if fresh else LINKS_SECONDS
        return await self._fetch(identifier, ResourceType.REGISTRY_DEFINITION, max_age=age)

    async def status_list(
        self, registry_id: str, *, at: int | None = None, fresh: bool = False
    ) -> StatusList:
        """The last list of a registry with a time at or before `at` (None: the newest).

        Times of lists only grow, so links that are known to reach up to `at` answer for good.
        Beyond them a list may just have been published: then they are asked for anew, because
        a holder and a verifier who see different lists make a wrong answer.

        Raises:
            NotFound: the registry has no list as old as that.
        """
        registry = self._known_up_to(registry_id, at)
        if registry is None or fresh:
            registry = await self.registry(registry_id, fresh=fresh or at is not None)
        link = _last_link(registry.links, at)
        found = await self.resource(link.id, ResourceType.STATUS_LIST)
        check_status_list(found.content, registry, link)
        definition_id = str(registry.content.get("credDefId", ""))
        return StatusList(registry_id, definition_id, link.timestamp, found.content)

    def _known_up_to(self, registry_id: str, at: int | None) -> VerifiedResource | None:
        known = self._resources.get(registry_id)
        if at is None or known is None or known.type is not ResourceType.REGISTRY_DEFINITION:
            return None
        return known if known.links and known.links[-1].timestamp >= at else None

    def expire_links(self, registry_id: str) -> None:
        """Ask for this registry's links again next time: this process just changed them."""
        known = self._resources.get(registry_id)
        if known is not None:
            self._resources.put(registry_id, known, taken_at=-inf)

    async def verify_statement(self, statement: Json) -> str:
        """Check a statement signed by the DID in its `issuer`, and name that DID."""
        issuer = statement.get("issuer")
        if not isinstance(issuer, str):
            raise VerificationError("the statement names no issuer", step="issuer")
        known = await self.did(issuer)
        verify_proof(statement, known.document)
        return issuer

    async def _fetch(
        self, identifier: str, resource_type: ResourceType, *, max_age: float
    ) -> VerifiedResource:
        parsed = parse_resource_id(identifier)
        async with self._locks.lock(identifier):
            before = self._resources.get(identifier)
            recent = self._resources.get(identifier, max_age=max_age) if max_age > 0 else None
            if recent is not None and recent.type is resource_type:
                return recent
            asked_at = self._clock()
            body = await self._fetcher.get(parsed.url, max_bytes=MAX_RESOURCE_BYTES)
            document = read_object(body, step="fetch")
            found = await self._verify(document, identifier, resource_type)
            if before is not None:
                _check_continues(before.links, found.links)
            self._resources.put(identifier, found, taken_at=asked_at)
            return found

    async def _verify(
        self, document: Json, identifier: str, resource_type: ResourceType
    ) -> VerifiedResource:
        """Verify against the DID; a key that is not known yet may be in a newer log."""
        did = parse_resource_id(identifier).did.did
        recent = self._dids.get(did, max_age=LOG_SECONDS)
        issuer = recent or await self.did(did)
        try:
            return _verify_with(issuer, document, identifier, resource_type)
        except VerificationError as error:
            if recent is None or error.step != "proof":
                raise
        issuer = await self.did(did, fresh=True)
        return _verify_with(issuer, document, identifier, resource_type)


def _verify_with(
    issuer: VerifiedDid, document: Json, identifier: str, resource_type: ResourceType
) -> VerifiedResource:
    return verify_resource(
        document,
        expected_id=identifier,
        expected_type=resource_type,
        did_document=issuer.document,
    )


def check_status_list(content: Json, registry: VerifiedResource, link: Link) -> None:
    """Whether a list is the one that the registry's link promises.

    Raises:
        VerificationError: step `links`.
    """
    entries = content.get("revocationList")
    if content.get("revRegDefId") != registry.id or content.get("timestamp") != link.timestamp:
        raise VerificationError("the list belongs to another registry or time", step="links")
    if not isinstance(entries, list) or any(entry not in (0, 1) for entry in entries):
        raise VerificationError("the list cannot be read", step="links")


def _last_link(links: Sequence[Link], at: int | None) -> Link:
    in_time = [link for link in links if at is None or link.timestamp <= at]
    if not in_time:
        raise NotFound("the registry has no revocation list for this time")
    return in_time[-1]


def _check_continues[Entry](before: Sequence[Entry], found: Sequence[Entry]) -> None:
    if list(found[: len(before)]) != list(before):
        raise VerificationError(
            "the host serves an older or another history than before", step="rollback"
        )
