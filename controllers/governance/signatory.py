"""Who signs the framework, and the DID documents that signatures are checked with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from controllers.organisations.service import OrganisationService, tenant_of
from controllers.registry.logs import did_document
from core.errors import HavenError, NotFound
from core.ports import DidLogs, Document, Statements
from governance.signing import DidDocuments


class Signatory(Protocol):
    """What the framework's service needs of keys."""

    async def sign(self, did: str, document: Document) -> Document:
        """A proof by this organisation's DID. Raises NotFound for one that is not ours."""
        ...

    async def sign_trust_list(self, did: str, payload: Document) -> str:
        """The payload as a token of this organisation's DID. Raises NotFound."""
        ...

    async def did_documents(self, dids: Collection[str]) -> DidDocuments:
        """A look-up in the verified documents of these DIDs; NotFound for all others, and for
        those that cannot be read or do not verify: their signatures count for nothing."""
        ...


class OrganisationsSign:
    """Implements Signatory with the organisations of this installation."""

    def __init__(
        self, organisations: OrganisationService, statements: Statements, logs: DidLogs
    ) -> None:
        self._organisations = organisations
        self._statements = statements
        self._logs = logs

    async def sign(self, did: str, document: Document) -> Document:
        """See Signatory."""
        signer = await self._organisations.by_did(did)
        return await self._statements.sign_framework(tenant_of(signer), document)

    async def sign_trust_list(self, did: str, payload: Document) -> str:
        """See Signatory."""
        signer = await self._organisations.by_did(did)
        return await self._statements.sign_trust_list(tenant_of(signer), payload)

    async def did_documents(self, dids: Collection[str]) -> DidDocuments:
        """See Signatory."""
        found: dict[str, Document] = {}
        for did in dids:
            try:
                found[did] = await did_document(self._logs, did)
            except HavenError:
                continue
        return among(found)


def among(found: dict[str, Document]) -> DidDocuments:
    """A look-up in documents that are at hand."""

    def look_up(did: str) -> Document:
        if did not in found:
            raise NotFound("there is no verified document of this identity")
        return found[did]

    return look_up
