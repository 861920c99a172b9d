"""did:webvh identifiers, identifiers of attested resources, and where they are served.

Sources: did:webvh v1.0, "The DID to HTTPS Transformation"; did:webvh AnonCreds Method v0.1.

Haven's own DIDs are `did:webvh:<SCID>:<domain>:o:<opaque>`. A port is refused everywhere: it
would be part of the identifier, and every credential would end with a change of port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import VerificationError

_SCID = r"(?P<scid>[1-9A-HJ-NP-Za-km-z]{46})"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"(?P<domain>(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9]))"
_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}"
_PATH = rf"(?P<path>(?::{_SEGMENT})*)"
_DID = re.compile(rf"did:webvh:{_SCID}:{_DOMAIN}{_PATH}")
_DIGEST = re.compile(r"z[1-9A-HJ-NP-Za-km-z]{40,60}")
_OPAQUE = re.compile(r"[a-z0-9]{8,64}")
_TAILS_HASH = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_MAX_LENGTH = 1_024

OPAQUE_PREFIX = "o"


@dataclass(frozen=True, slots=True)
class WebvhDid:
    """A parsed did:webvh identifier; `path` holds the segments after the domain."""

    did: str
    scid: str
    domain: str
    path: tuple[str, ...]

    @property
    def log_url(self) -> str:
        """Where the DID log is served (did:webvh v1.0, DID to HTTPS transformation)."""
        segments = self.path or (".well-known",)
        return "/".join((f"https://{self.domain}", *segments, "did.jsonl"))


@dataclass(frozen=True, slots=True)
class ResourceId:
    """A parsed identifier `<did>/resources/<digest>`."""

    value: str
    did: WebvhDid
    digest: str

    @property
    def url(self) -> str:
        """Where the resource is served: beside the DID log."""
        base = (f"https://{self.did.domain}", *self.did.path)
        return "/".join((*base, "resources", self.digest))


def parse_did(did: str) -> WebvhDid:
    """Read a did:webvh DID.

    Raises:
        VerificationError: step `identifier`; it is none, or it has a port or a relative path.
    """
    match = _DID.fullmatch(did) if len(did) <= _MAX_LENGTH else None
    if match is None:
        raise VerificationError("this is not a did:webvh identifier", step="identifier")
    path = tuple(match["path"].split(":")[1:])
    return WebvhDid(did=did, scid=match["scid"], domain=match["domain"], path=path)


def parse_resource_id(identifier: str) -> ResourceId:
    """Read the identifier of an attested resource.

    Raises:
        VerificationError: step `identifier`.
    """
    did, separator, digest = identifier.partition("/resources/")
    if not separator or _DIGEST.fullmatch(digest) is None:
        raise VerificationError(
            "this is not the identifier of a did:webvh resource", step="identifier"
        )
    return ResourceId(value=identifier, did=parse_did(did), digest=digest)


def is_opaque(name: str) -> bool:
    """Whether `name` may stand in a DID: random small letters and digits, nothing spoken."""
    return _OPAQUE.fullmatch(name) is not None


def is_tails_hash(name: str) -> bool:
    """Whether `name` looks like a base58 SHA-256, safe as a file name and in a URL."""
    return _TAILS_HASH.fullmatch(name) is not None


def is_digest(name: str) -> bool:
    """Whether `name` looks like the digest of an attested resource."""
    return _DIGEST.fullmatch(name) is not None
