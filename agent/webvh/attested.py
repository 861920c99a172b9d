"""Attested resources: AnonCreds objects published beside a DID, named by their own hash.

Source: did:webvh AnonCreds Method v0.1. A resolver checks, in this order:

1. the identifier is a did:webvh DID URL of a resource           `identifier`  (identifiers.py)
2. it resolves over HTTPS within a time and a size limit         `fetch`       (fetch.py)
3. `id` equals the identifier asked for                          `id`
4. the digest recomputed from `content` equals the last segment
   of the id and `metadata.resourceId`                           `digest`
5. the type is AttestedResource, `resourceType` the expected one `type`
6. the proof holds with a key under the DID's `assertionMethod`  `proof`       (proof.py)
7. `content.issuerId` equals the DID                             `issuer`

8. only of a registry definition: `links` name status lists of the same DID, at strictly
   growing times                                                 `links`

Number 8 is Haven's own: a reader walks `links` by time, so their order must mean something.
`verify_resource` does 3 to 8; `agent.webvh.reader` does 1 and 2 before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from agent.webvh.identifiers import ResourceId, parse_resource_id
from core.canonical import Json, content_digest
from core.errors import VerificationError
from core.proof import Signer, add_proof, verify_proof

CONTEXT = (
    "https://identity.foundation/did-attested-resources/context/v0.1",
    "https://w3id.org/security/data-integrity/v2",
)


class ResourceType(StrEnum):
    """What the method publishes."""

    SCHEMA = "anonCredsSchema"
    CREDENTIAL_DEFINITION = "anonCredsCredDef"
    REGISTRY_DEFINITION = "anonCredsRevocRegDef"
    STATUS_LIST = "anonCredsStatusList"


@dataclass(frozen=True, slots=True)
class Link:
    """One published status list of a revocation registry."""

    id: str
    timestamp: int

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "type": ResourceType.STATUS_LIST.value,
            "timestamp": self.timestamp,
        }


@dataclass(frozen=True, slots=True)
class VerifiedResource:
    """A resource that passed every check. `links` are a registry definition's, in order."""

    id: str
    did: str
    type: ResourceType
    name: str
    content: Json
    links: tuple[Link, ...]
    document: Json


def resource_id(did: str, content: Json) -> str:
    """The identifier that content gets when `did` publishes it."""
    return f"{did}/resources/{content_digest(content)}"


def build_resource(
    *,
    did: str,
    resource_type: ResourceType,
    name: str,
    content: Json,
    signer: Signer,
    method: str,
    created: datetime,
    links: Sequence[Link] = (),
) -> Json:
    """A signed attested resource; `links` belong to registry definitions only."""
    digest = content_digest(content)
    document: Json = {
        "@context": list(CONTEXT),
        "type": ["AttestedResource"],
        "id": f"{did}/resources/{digest}",
        "content": content,
        "metadata": {
            "resourceId": digest,
            "resourceType": resource_type.value,
            "resourceName": name,
        },
    }
    if resource_type is ResourceType.REGISTRY_DEFINITION:
        document["links"] = [link.to_json() for link in links]
    return add_proof(document, signer, method=method, created=created)


def verify_resource(
    document: Json,
    *,
    expected_id: str,
    expected_type: ResourceType,
    did_document: Json,
) -> VerifiedResource:
    """Checks 3 to 8 of a resource.

    `did_document` must come from a verified DID log (`didlog.verify_log`).

    Raises:
        VerificationError: `step` names the first check that failed.
    """
    identifier = parse_resource_id(expected_id)
    if document.get("id") != expected_id:
        raise VerificationError("the resource has another id", step="id")
    content, metadata = _object(document, "content"), _object(document, "metadata")
    _check_digest(identifier, content, metadata)
    _check_type(document, metadata, expected_type)
    _check_issuing_did(identifier, did_document)
    verify_proof(document, did_document)
    if content.get("issuerId") != identifier.did.did:
        raise VerificationError("the content names another issuer", step="issuer")
    return VerifiedResource(
        id=expected_id,
        did=identifier.did.did,
        type=expected_type,
        name=str(metadata.get("resourceName", "")),
        content=content,
        links=_read_links(document, identifier, expected_type),
        document=document,
    )


def _object(document: Json, name: str) -> Json:
    value = document.get(name)
    if not isinstance(value, dict):
        raise VerificationError(f"the resource has no {name}", step="digest")
    return value


def _check_digest(identifier: ResourceId, content: Json, metadata: Json) -> None:
    digest = content_digest(content)
    if digest != identifier.digest or digest != metadata.get("resourceId"):
        raise VerificationError("the content does not have this digest", step="digest")


def _check_type(document: Json, metadata: Json, expected: ResourceType) -> None:
    types = document.get("type")
    if not isinstance(types, list) or "AttestedResource" not in types:
        raise VerificationError("this is not an attested resource", step="type")
    if metadata.get("resourceType") != expected.value:
        raise VerificationError("the resource is of another type", step="type")


def _check_issuing_did(identifier: ResourceId, did_document: Json) -> None:
    if did_document.get("id") != identifier.did.did:
        raise VerificationError("the DID document is another DID's", step="proof")


def _read_links(
    document: Json, identifier: ResourceId, resource_type: ResourceType
) -> tuple[Link, ...]:
    raw = document.get("links", [])
    if resource_type is not ResourceType.REGISTRY_DEFINITION:
        return ()
    if not isinstance(raw, list):
        raise VerificationError("the links cannot be read", step="links")
    links = tuple(_read_link(entry, identifier) for entry in raw)
    times = [link.timestamp for link in links]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise VerificationError("the links are not in the order of time", step="links")
    return links


def _read_link(entry: Any, identifier: ResourceId) -> Link:
    known = isinstance(entry, dict) and entry.get("type") == ResourceType.STATUS_LIST.value
    if not known or not isinstance(entry.get("id"), str):
        raise VerificationError("a link is not a status list", step="links")
    timestamp = entry.get("timestamp")
    if not isinstance(timestamp, int) or isinstance(timestamp, bool) or timestamp < 0:
        raise VerificationError("a link has no time", step="links")
    if parse_resource_id(entry["id"]).did != identifier.did:
        raise VerificationError("a link leads to another DID", step="links")
    return Link(id=entry["id"], timestamp=timestamp)
