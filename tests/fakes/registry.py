"""The registry in memory, and an issuer with keys that are the same in every run.

`MemoryRegistry` is the twin of `controllers.registry` behind both of its seams: it is a
`Fetcher` for readers and has the methods of `RegistryWriter` for publishers. The contract test
in `tests/unit/registry` runs over both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.webvh.attested import (
    Link,
    ResourceType,
    VerifiedResource,
    build_resource,
    verify_resource,
)
from agent.webvh.didlog import append_rotation, create_log, verify_log
from agent.webvh.identifiers import parse_did, parse_resource_id
from agent.webvh.reader import check_status_list
from core.canonical import Json
from core.errors import Conflict, HavenError, NotFound, VerificationError
from core.proof import SeedSigner

DOMAIN = "haven.localhost"
THEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Issuer:
    """A DID with deterministic keys, and what it publishes."""

    number: int = 1
    domain: str = DOMAIN

    def __post_init__(self) -> None:
        new = create_log(
            domain=self.domain,
            opaque=self.opaque,
            update_key=self.key(0),
            next_update_key=self.key(1).multikey,
            assertion_key=self.key(100).multikey,
            now=THEN,
        )
        self.did, self.method, self.log = new.did, new.verification_method, [new.entry]

    @property
    def opaque(self) -> str:
        return f"issuer{self.number:04d}"

    def key(self, number: int) -> SeedSigner:
        return SeedSigner(bytes([self.number]) * 16 + bytes([number]) * 16)

    @property
    def document(self) -> Json:
        return verify_log(self.log).document

    def rotate(self) -> str:
        """Append a rotation of the update key and return the entry."""
        version = len(self.log)
        entry = append_rotation(
            self.log,
            update_key=self.key(version),
            next_update_key=self.key(version + 1).multikey,
            now=THEN,
        )
        self.log.append(entry)
        return entry

    def sign(
        self, resource_type: ResourceType, name: str, content: Json, links: Sequence[Link] = ()
    ) -> Json:
        return build_resource(
            did=self.did,
            resource_type=resource_type,
            name=name,
            content=content,
            signer=self.key(100),
            method=self.method,
            created=THEN,
            links=links,
        )

    def schema(self, name: str = "shelter") -> Json:
        content = {"issuerId": self.did, "name": name, "version": "1.0", "attrNames": ["a"]}
        return self.sign(ResourceType.SCHEMA, name, content)

    def registry(self, links: Sequence[Link] = (), tag: str = "0") -> Json:
        content = {
            "issuerId": self.did,
            "revocDefType": "CL_ACCUM",
            "credDefId": f"{self.did}/resources/zQm",
            "tag": tag,
            "value": {
                "publicKeys": {"accumKey": {"z": "1 0BB"}},
                "maxCredNum": 4,
                "tailsLocation": f"https://{self.domain}/hash/{'1' * 44}",
                "tailsHash": "1" * 44,
            },
        }
        return self.sign(ResourceType.REGISTRY_DEFINITION, tag, content, links)

    def status_list(
        self, registry_id: str, timestamp: int, revoked: Sequence[int] = ()
    ) -> Json:
        content = {
            "issuerId": self.did,
            "revRegDefId": registry_id,
            "revocationList": [int(index in revoked) for index in range(5)],
            "currentAccumulator": "21 124" + str(len(revoked)),
            "timestamp": timestamp,
        }
        return self.sign(ResourceType.STATUS_LIST, "0", content)

    def publication(
        self, before: Sequence[Link], timestamp: int, revoked: Sequence[int] = ()
    ) -> tuple[Json, Json, Link]:
        """A status list, the definition that links to it, and the new link."""
        listed = self.status_list(self.registry()["id"], timestamp, revoked)
        link = Link(id=listed["id"], timestamp=timestamp)
        return listed, self.registry([*before, link]), link


@dataclass
class MemoryRegistry:
    """Everything published, by its https address."""

    domain: str = DOMAIN
    logs: dict[str, list[str]] = field(default_factory=dict)
    resources: dict[str, Json] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        self.fetched.append(url)
        body = self.raw.get(url) or self._rendered(url)
        if len(body) > max_bytes:
            raise VerificationError("the answer is too long", step="fetch")
        return body

    def _rendered(self, url: str) -> bytes:
        for did, entries in self.logs.items():
            if parse_did(did).log_url == url:
                return "\n".join(entries).encode()
        for identifier, document in self.resources.items():
            if parse_resource_id(identifier).url == url:
                return json.dumps(document).encode()
        raise NotFound("nothing is published under this identifier")

    async def append_log(
        self, opaque: str, entries: Sequence[str], *, expected_version: str | None
    ) -> None:
        known = next((log for did, log in self.logs.items() if did.endswith(opaque)), [])
        if known[-len(entries) :] == list(entries):
            return
        try:
            verified = verify_log([*known, *entries])
        except VerificationError:
            raise VerificationError("refused", step="publish") from None
        if parse_did(verified.did).path[-1] != opaque or self.domain not in verified.did:
            raise VerificationError("refused", step="publish")
        if (verify_log(known).version_id if known else None) != expected_version:
            raise Conflict("the DID log is at another version")
        self.logs[verified.did] = [*known, *entries]

    async def put_resource(self, document: Json) -> None:
        found = self._verified(document)
        if found.links:
            raise Conflict("links are added by publications")
        self.resources.setdefault(found.id, document)

    async def publish(self, status_list: Json, registry_definition: Json) -> None:
        listed, registry = self._verified(status_list), self._verified(registry_definition)
        if registry.id not in self.resources:
            raise VerificationError("refused", step="publish")
        if not registry.links or registry.links[-1].id != listed.id:
            raise VerificationError("refused", step="publish")
        try:
            check_status_list(listed.content, registry, registry.links[-1])
        except VerificationError:
            raise VerificationError("refused", step="publish") from None
        known = self._verified(self.resources[registry.id]).links
        if known == registry.links:
            return
        if known != registry.links[:-1]:
            raise Conflict("the registry has other links by now")
        self.resources[listed.id] = status_list
        self.resources[registry.id] = registry_definition

    def _verified(self, document: Json) -> VerifiedResource:
        try:
            identifier = parse_resource_id(document["id"])
            return verify_resource(
                document,
                expected_id=identifier.value,
                expected_type=ResourceType(document["metadata"]["resourceType"]),
                did_document=verify_log(self.logs.get(identifier.did.did, [])).document,
            )
        except (HavenError, KeyError):
            raise VerificationError("refused", step="publish") from None
