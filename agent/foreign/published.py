"""What a holder reads from the public registry before she can prove anything."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import base58
from anoncreds import (
    CredentialDefinition,
    CredentialRevocationState,
    RevocationRegistryDefinition,
    RevocationStatusList,
    Schema,
)

from agent.webvh.attested import ResourceType
from agent.webvh.fetch import MAX_TAILS_BYTES, Fetcher
from agent.webvh.reader import WebvhReader
from core.canonical import Json
from core.errors import VerificationError


@dataclass(frozen=True, slots=True)
class Standing:
    """A credential's place in one revocation list, ready to be proven: AnonCreds' witness."""

    timestamp: int
    state: CredentialRevocationState


class PublishedObjects:
    """Schemas, definitions and revocation lists, verified, as AnonCreds takes them.

    Every method raises `VerificationError`, `NotFound` or `Unavailable` as
    `agent.webvh.reader` does, and `anoncreds.AnoncredsError` for content that is none.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._reader = WebvhReader(fetcher)

    async def schema(self, identifier: str) -> Schema:
        """A schema."""
        found = await self._reader.resource(identifier, ResourceType.SCHEMA)
        return Schema.load(found.content)

    async def definition(self, identifier: str) -> CredentialDefinition:
        """A credential definition."""
        found = await self._reader.resource(identifier, ResourceType.CREDENTIAL_DEFINITION)
        return CredentialDefinition.load(found.content)

    async def standing(self, registry_id: str, index: int, *, at: int | None) -> Standing:
        """The witness of entry `index` for the list in force at `at` (None: the newest).

        A holder picks the list herself; nothing in AnonCreds makes it the newest one.
        """
        found = await self._reader.status_list(registry_id, at=at, fresh=True)
        registry = await self._reader.registry(registry_id)
        tails = await self._tails(registry.content["value"])
        state = await asyncio.to_thread(_witness, registry.content, found.content, index, tails)
        return Standing(found.timestamp, state)

    async def _tails(self, value: Json) -> bytes:
        content = await self._fetcher.get(value["tailsLocation"], max_bytes=MAX_TAILS_BYTES)
        if base58.b58encode(sha256(content).digest()).decode() != value["tailsHash"]:
            raise VerificationError("the tails file has another hash", step="digest")
        return content


def _witness(
    registry: Json, status_list: Json, index: int, tails: bytes
) -> CredentialRevocationState:
    """The library reads tails from a file only, so one is made for the length of this call."""
    with tempfile.TemporaryDirectory(prefix="tails-") as folder:
        path = Path(folder) / "tails"
        path.write_bytes(tails)
        return CredentialRevocationState.create(
            RevocationRegistryDefinition.load(registry),
            RevocationStatusList.load(status_list),
            index,
            str(path),
        )
