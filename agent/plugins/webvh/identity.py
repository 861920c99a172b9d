"""A tenant's did:webvh: one for each wallet, its keys in that wallet and nowhere else.

Creating and rotating each take two steps that a crash may separate: the wallet keeps the
signed entry first, then the registry publishes it. Asking again completes what was begun; the
registry takes the same entry twice without a change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import base58
from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import Key, KeyAlg

from agent.plugins.webvh.runtime import WebvhRuntime
from agent.webvh.didlog import append_rotation, create_log, verify_log, with_services
from core.canonical import Json, canonicalize
from core.errors import InvalidInput, NotFound
from core.jwt import compact_jwt
from core.proof import add_proof, encode_multikey, proof_over

CATEGORY = "haven_webvh_identity"
RECORD = "identity"


class AskarSigner:
    """An Ed25519 key of the wallet; the secret stays inside Askar."""

    def __init__(self, key: Key) -> None:
        self._key = key

    @property
    def multikey(self) -> str:
        return encode_multikey(self._key.get_public_bytes())

    @property
    def name(self) -> str:
        """The name ACA-Py keeps keys under: the public key in base58."""
        return str(base58.b58encode(self._key.get_public_bytes()), "ascii")

    def sign(self, message: bytes) -> bytes:
        return bytes(self._key.sign_message(message))

    async def insert(self, session: ProfileSession, *, kid: str | None = None) -> None:
        """Keep the key in the wallet, the way ACA-Py's own wallet does."""
        tags = {"multikey": self.multikey, "kid": [kid] if kid else []}
        await session.handle.insert_key(self.name, self._key, metadata="{}", tags=tags)


def generate_signer() -> AskarSigner:
    """A new random key."""
    return AskarSigner(Key.generate(KeyAlg.ED25519))


@dataclass(frozen=True, slots=True)
class Identity:
    """What the wallet remembers of its DID. Keys are named, not held."""

    did: str
    verification_method: str
    opaque: str
    update_key: str
    next_update_key: str
    assertion_key: str
    entries: list[str]
    published: int  # how many of the entries the registry has confirmed

    @property
    def last_published_version(self) -> str | None:
        """The `versionId` that the published log ends with."""
        return _version_id(self.entries[self.published - 1]) if self.published else None


def _version_id(entry: str) -> str:
    return str(json.loads(entry)["versionId"])


async def find_identity(profile: Profile) -> Identity | None:
    """The tenant's identity, published or not, or None."""
    async with profile.session() as session:
        entry = await session.handle.fetch(CATEGORY, RECORD)
    return Identity(**entry.value_json) if entry else None


async def load_identity(profile: Profile) -> Identity:
    """The tenant's published identity.

    Raises:
        NotFound: there is none yet.
    """
    identity = await find_identity(profile)
    if identity is None or identity.published == 0:
        raise NotFound("this wallet has no did:webvh identity yet")
    return identity


async def create_identity(runtime: WebvhRuntime, profile: Profile, opaque: str) -> Identity:
    """Create and publish the tenant's identity, or return the one it has.

    Raises:
        InvalidInput: `opaque` is not a random name.
        Unavailable, Conflict: the registry did not publish it; ask again.
    """
    async with runtime.identity_locks.lock(profile.name):
        identity = await find_identity(profile)
        if identity is None:
            identity = await _prepare(runtime, profile, opaque)
        return await _publish(runtime, profile, identity)


async def rotate_update_key(runtime: WebvhRuntime, profile: Profile) -> Identity:
    """Put the committed update key in force, and commit to a new one.

    Raises:
        NotFound: there is no identity yet.
        Unavailable, Conflict: the registry did not publish it; ask again.
    """
    async with runtime.identity_locks.lock(profile.name):
        identity = await load_identity(profile)
        if identity.published == len(identity.entries):
            identity = await _prepare_rotation(profile, identity)
        return await _publish(runtime, profile, identity)


async def announce(
    runtime: WebvhRuntime, profile: Profile, services: Sequence[Json]
) -> Identity:
    """Have the DID document name these services; nothing changes if it does already.

    Every entry of the log takes the committed update key, so this rotates it as well.

    Raises:
        NotFound: there is no identity yet.
        Unavailable, Conflict: the registry did not publish it; ask again.
    """
    async with runtime.identity_locks.lock(profile.name):
        identity = await load_identity(profile)
        if identity.published == len(identity.entries):
            document = verify_log(identity.entries).document
            if with_services(document, services) == document:
                return identity
            identity = await _prepare_rotation(profile, identity, services)
        return await _publish(runtime, profile, identity)


async def _prepare(runtime: WebvhRuntime, profile: Profile, opaque: str) -> Identity:
    update, following, assertion = (generate_signer() for _ in range(3))
    new = create_log(
        domain=runtime.config.did_domain,
        opaque=opaque,
        update_key=update,
        next_update_key=following.multikey,
        assertion_key=assertion.multikey,
        now=datetime.now(UTC),
    )
    identity = Identity(
        did=new.did,
        verification_method=new.verification_method,
        opaque=opaque,
        update_key=update.name,
        next_update_key=following.name,
        assertion_key=assertion.name,
        entries=[new.entry],
        published=0,
    )
    async with profile.transaction() as session:
        await update.insert(session)
        await following.insert(session)
        await assertion.insert(session, kid=new.verification_method)
        await session.handle.insert(CATEGORY, RECORD, value_json=asdict(identity))
        await session.commit()
    return identity


async def _prepare_rotation(
    profile: Profile, identity: Identity, services: Sequence[Json] = ()
) -> Identity:
    committed = await _signer(profile, identity.next_update_key)
    following = generate_signer()
    entry = append_rotation(
        identity.entries,
        update_key=committed,
        next_update_key=following.multikey,
        now=datetime.now(UTC),
        services=services,
    )
    rotated = replace(
        identity,
        update_key=identity.next_update_key,
        next_update_key=following.name,
        entries=[*identity.entries, entry],
    )
    async with profile.transaction() as session:
        await following.insert(session)
        await session.handle.replace(CATEGORY, RECORD, value_json=asdict(rotated))
        await session.commit()
    return rotated


async def _publish(runtime: WebvhRuntime, profile: Profile, identity: Identity) -> Identity:
    """Send the entries that are not confirmed yet, and remember that they are."""
    waiting = identity.entries[identity.published :]
    if not waiting:
        return identity
    await runtime.writer.append_log(
        identity.opaque, waiting, expected_version=identity.last_published_version
    )
    published = replace(identity, published=len(identity.entries))
    async with profile.session() as session:
        await session.handle.replace(CATEGORY, RECORD, value_json=asdict(published))
    return published


async def assertion_signer(profile: Profile, identity: Identity) -> AskarSigner:
    """The key that signs what this DID asserts."""
    return await _signer(profile, identity.assertion_key)


async def sign_statement(profile: Profile, statement: Json) -> Json:
    """The statement with a proof by the tenant's assertion key.

    Its `issuer` is set to the tenant's DID, whoever it named before.

    Raises:
        NotFound: the tenant has no identity yet.
        InvalidInput: it could be taken for something published; those have their own way.
    """
    if "content" in statement or "AttestedResource" in str(statement.get("type")):
        raise InvalidInput("a statement must not look like a published resource")
    identity = await load_identity(profile)
    signer = await assertion_signer(profile, identity)
    document: dict[str, Any] = {**statement, "issuer": identity.did}
    return add_proof(
        document, signer, method=identity.verification_method, created=datetime.now(UTC)
    )


async def sign_framework(profile: Profile, document: Json) -> Json:
    """The tenant's proof over a governance framework (the document without `proof`).

    Raises:
        NotFound: the tenant has no identity yet.
        InvalidInput: it is no framework; statements have their own way.
    """
    if not isinstance(document.get("sequence"), int) or "signers" not in document:
        raise InvalidInput("only a governance framework is signed here")
    identity = await load_identity(profile)
    signer = await assertion_signer(profile, identity)
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    hashed = sha256(canonicalize(unsigned, step="proof")).digest()
    method, created = identity.verification_method, datetime.now(UTC)
    return proof_over(hashed, signer, method=method, created=created)


async def sign_trust_list(profile: Profile, payload: Json) -> str:
    """A Credential Trust Establishment document as a compact JWT.

    Raises:
        NotFound: the tenant has no identity yet.
        InvalidInput: it is no such document, or by another author.
    """
    identity = await load_identity(profile)
    if payload.get("format") != "1.0" or payload.get("author") != identity.did:
        raise InvalidInput("only a trust list of this author is signed here")
    signer = await assertion_signer(profile, identity)
    return compact_jwt(payload, signer, method=identity.verification_method)


async def _signer(profile: Profile, name: str) -> AskarSigner:
    async with profile.session() as session:
        entry = await session.handle.fetch_key(name)
    if entry is None:
        raise NotFound("the wallet does not hold the key of its identity")
    return AskarSigner(entry.key)
