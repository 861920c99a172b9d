"""Keeping what is published, and refusing what does not verify. No HTTP here.

The host is not trusted by anyone who reads from it (they verify everything), but it is the
place where a mistake would be published, so it verifies before it stores:

- a DID log grows only by entries with which the whole log verifies, at the expected version;
- a resource is stored only with a valid proof of its DID, and its content never changes;
- a revocation list and the registry definition that links to it are stored in one
  transaction: both, or neither; repeating a publication changes nothing;
- a registry definition's links grow by exactly one, later than all before;
- a tails file is stored only under its own hash.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import base58
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from agent.webvh.attested import Link, ResourceType, VerifiedResource, verify_resource
from agent.webvh.didlog import VerifiedDid, verify_log
from agent.webvh.fetch import MAX_RESOURCE_BYTES, MAX_TAILS_BYTES
from agent.webvh.identifiers import (
    OPAQUE_PREFIX,
    WebvhDid,
    is_opaque,
    is_tails_hash,
    parse_did,
    parse_resource_id,
)
from agent.webvh.reader import check_status_list
from controllers.store.brief import table_of
from controllers.store.database import Database
from controllers.store.models.registry import DidLogEntry, PublishedResource, TailsFile
from core.canonical import Json
from core.errors import Conflict, InvalidInput, NotFound, VerificationError

_RESOURCE, _ENTRY = table_of(PublishedResource), table_of(DidLogEntry)
_BY_DIGEST = select(_RESOURCE.c.document, _RESOURCE.c.resource_type).where(
    _RESOURCE.c.opaque == bindparam("of_opaque"), _RESOURCE.c.digest == bindparam("its_digest")
)
_LOG = (
    select(_ENTRY.c.entry)
    .where(_ENTRY.c.opaque == bindparam("of_opaque"))
    .order_by(_ENTRY.c.version_number)
)


@dataclass(frozen=True, slots=True)
class ServedResource:
    """A resource to serve; `immutable` is false for registry definitions."""

    document: str
    immutable: bool


class RegistryService:
    """All that this installation's registry can do.

    Args:
        database: The controllers' database.
        domain: The one domain whose DIDs are hosted here.
    """

    def __init__(self, database: Database, *, domain: str) -> None:
        self._database = database
        self._sessions = database.sessions
        self._domain = domain

    # -- DID logs

    async def did_log(self, opaque: str) -> str:
        """The text of a `did.jsonl`.

        Raises:
            NotFound: there is no such DID.
        """
        rows = await self._database.rows(_LOG, of_opaque=opaque)
        if not rows:
            raise NotFound("there is no such identifier here")
        return "".join(f"{row.entry}\n" for row in rows)

    async def append_log(
        self, opaque: str, entries: Sequence[str], *, expected_version: str | None
    ) -> VerifiedDid:
        """Append entries, if the whole log verifies with them.

        Args:
            expected_version: The `versionId` that the log ends with now; None for a new log.

        Returns:
            The verified DID. Sending the same entries again changes nothing.

        Raises:
            VerificationError: the log does not verify, or is not this place's DID.
            Conflict: the log has moved on since.
        """
        if not entries or any("\n" in entry or "\r" in entry for entry in entries):
            raise InvalidInput("entries of a DID log are single lines, at least one")
        try:
            async with self._sessions.begin() as session:
                known = await _log_entries(session, opaque)
                if known[-len(entries) :] == list(entries):
                    return verify_log(known)
                verified = verify_log([*known, *entries])
                self._check_place(parse_did(verified.did), opaque)
                _check_version(verified, len(known), expected_version)
                session.add_all(_log_rows(opaque, verified, entries, len(known)))
        except IntegrityError:
            raise Conflict("the DID log was changed by another writer") from None
        return verified

    def _check_place(self, did: WebvhDid, opaque: str) -> None:
        if did.domain != self._domain or did.path != (OPAQUE_PREFIX, opaque):
            raise VerificationError("the DID does not belong at this place", step="did")
        if not is_opaque(opaque):
            raise VerificationError("the name of the DID is not opaque", step="did")

    # -- resources

    async def resource(self, opaque: str, digest: str) -> ServedResource:
        """A published resource.

        Raises:
            NotFound: there is none.
        """
        row = await self._database.row(_BY_DIGEST, of_opaque=opaque, its_digest=digest)
        if row is None:
            raise NotFound("there is no such resource here")
        changes = row.resource_type == ResourceType.REGISTRY_DEFINITION.value
        return ServedResource(document=row.document, immutable=not changes)

    async def put_resource(self, document: Json) -> VerifiedResource:
        """Store a resource that is published for the first time, or find it stored.

        Raises:
            VerificationError: it does not verify, or its DID is not hosted here.
            Conflict: a registry definition with other links (see `publish`).
        """
        try:
            async with self._sessions.begin() as session:
                verified = await self._verify(session, document)
                if verified.links:
                    raise Conflict("links are added together with the list they lead to")
                await _insert_once(session, verified)
        except IntegrityError:
            # someone stored it in this moment: same id means same content
            return verified
        return verified

    async def publish(self, status_list: Json, registry_definition: Json) -> Link:
        """Publish a revocation list: the list and the new link to it, or neither.

        Returns:
            The link. Repeating a publication changes nothing.

        Raises:
            VerificationError: one of them does not verify, or they do not fit each other.
            Conflict: the links are not the published ones and one more.
            NotFound: the registry definition was never published.
        """
        async with self._sessions.begin() as session:
            listed = await self._verify(session, status_list)
            registry = await self._verify(session, registry_definition)
            link = _new_link(listed, registry)
            known = await self._published_links(session, registry)
            if known == registry.links:
                return link
            if known != registry.links[:-1]:
                raise Conflict("the registry has other links by now")
            await _insert_once(session, listed)
            await session.flush()
            await _replace_registry(session, registry, before=len(known))
        return link

    async def _verify(self, session: AsyncSession, document: Json) -> VerifiedResource:
        """Verify a document that is sent to us, of whatever type it says it is."""
        if len(json.dumps(document)) > MAX_RESOURCE_BYTES:
            raise InvalidInput("the resource is too large")
        identifier = parse_resource_id(str(document.get("id")))
        opaque = identifier.did.path[-1] if identifier.did.path else ""
        self._check_place(identifier.did, opaque)
        entries = await _log_entries(session, opaque)
        issuer = verify_log(entries, expected_did=identifier.did.did)
        return verify_resource(
            document,
            expected_id=identifier.value,
            expected_type=_declared_type(document),
            did_document=issuer.document,
        )

    async def _published_links(
        self, session: AsyncSession, registry: VerifiedResource
    ) -> tuple[Link, ...]:
        row = await session.get(PublishedResource, _key(registry.id), with_for_update=True)
        if row is None:
            raise NotFound("the revocation registry was never published")
        links = json.loads(row.document).get("links", [])
        return tuple(Link(id=link["id"], timestamp=link["timestamp"]) for link in links)

    # -- tails files

    async def tails(self, tails_hash: str) -> bytes:
        """A tails file.

        Raises:
            NotFound: there is none with this hash.
        """
        async with self._database.reading() as session:
            row = await session.get(TailsFile, tails_hash)
        if row is None:
            raise NotFound("there is no such tails file here")
        return row.content

    async def put_tails(self, tails_hash: str, content: bytes) -> None:
        """Store a tails file under its hash; never overwrites.

        Raises:
            VerificationError: step `digest`; the content has another hash.
            InvalidInput: too large.
        """
        if len(content) > MAX_TAILS_BYTES:
            raise InvalidInput("the tails file is too large")
        found = base58.b58encode(sha256(content).digest()).decode("ascii")
        if not is_tails_hash(tails_hash) or found != tails_hash:
            raise VerificationError("the tails file has another hash", step="digest")
        try:
            async with self._sessions.begin() as session:
                if await session.get(TailsFile, tails_hash) is None:
                    session.add(TailsFile(tails_hash=tails_hash, content=content))
        except IntegrityError:
            return  # stored in this moment by another upload: the same bytes


async def _log_entries(session: AsyncSession, opaque: str) -> list[str]:
    found = await session.scalars(
        select(DidLogEntry.entry)
        .where(DidLogEntry.opaque == opaque)
        .order_by(DidLogEntry.version_number)
    )
    return list(found)


def _check_version(verified: VerifiedDid, known: int, expected: str | None) -> None:
    current = verified.version_ids[known - 1] if known else None
    if current != expected:
        raise Conflict("the DID log is at another version")


def _log_rows(
    opaque: str, verified: VerifiedDid, entries: Sequence[str], known: int
) -> list[DidLogEntry]:
    return [
        DidLogEntry(
            opaque=opaque,
            version_number=number,
            version_id=verified.version_ids[number - 1],
            entry=entry,
        )
        for number, entry in enumerate(entries, start=known + 1)
    ]


def _declared_type(document: Json) -> ResourceType:
    metadata = document.get("metadata")
    declared = metadata.get("resourceType") if isinstance(metadata, dict) else None
    try:
        return ResourceType(str(declared))
    except ValueError:
        raise VerificationError("the type of the resource is not known", step="type") from None


def _key(identifier: str) -> tuple[str, str]:
    parsed = parse_resource_id(identifier)
    return parsed.did.path[-1], parsed.digest


async def _insert_once(session: AsyncSession, resource: VerifiedResource) -> None:
    """Insert a resource unless it is stored. The id is the hash, so the content is the same."""
    opaque, digest = _key(resource.id)
    if await session.get(PublishedResource, (opaque, digest)) is not None:
        return
    session.add(
        PublishedResource(
            opaque=opaque,
            digest=digest,
            resource_type=resource.type.value,
            links_count=len(resource.links),
            document=json.dumps(resource.document, separators=(",", ":")),
        )
    )


def _new_link(listed: VerifiedResource, registry: VerifiedResource) -> Link:
    """The last link of the definition, if it leads to this list."""
    kinds = (listed.type, registry.type)
    if kinds != (ResourceType.STATUS_LIST, ResourceType.REGISTRY_DEFINITION):
        raise InvalidInput("a publication is a status list and a registry definition")
    if not registry.links or registry.links[-1].id != listed.id:
        raise VerificationError("the last link leads to another list", step="links")
    check_status_list(listed.content, registry, registry.links[-1])
    return registry.links[-1]


async def _replace_registry(
    session: AsyncSession, registry: VerifiedResource, *, before: int
) -> None:
    """Write the definition again, if its links are still those that were read."""
    opaque, digest = _key(registry.id)
    changed = await session.execute(
        update(PublishedResource)
        .where(
            PublishedResource.opaque == opaque,
            PublishedResource.digest == digest,
            PublishedResource.links_count == before,
        )
        .values(
            document=json.dumps(registry.document, separators=(",", ":")),
            links_count=len(registry.links),
        )
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result is a cursor
        raise Conflict("the registry was changed by another writer")
