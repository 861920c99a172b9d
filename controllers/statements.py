"""Who offers, who asks: statements signed with a did:webvh over the invitation (docs/adr/0011).

An invitation's label is chosen by its author, so a wallet believes only this:
1. the statement's proof is by a key of its `issuer`'s DID document (verified by the agent);
2. `invitation_digest` is the digest of the very invitation that came with the link, and with
   it of the key that can read the answer;
3. it has not expired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import jsoncanon
from pydantic import BaseModel, ConfigDict, ValidationError

from controllers.moment import now
from controllers.organisations.service import did_of, tenant_of
from controllers.store.models import Organisation
from core.errors import VerificationError
from core.ports import Document, Statements


class OfferStatement(BaseModel):
    """This DID offers this credential through this invitation."""

    model_config = ConfigDict(extra="allow")

    type: Literal["HavenOffer"] = "HavenOffer"
    issuer: str
    credential: str
    invitation_digest: str
    expires: datetime


class RequestStatement(BaseModel):
    """This DID asks through this invitation, for this purpose; `variants` can be asked for."""

    model_config = ConfigDict(extra="allow")

    type: Literal["HavenRequest"] = "HavenRequest"
    issuer: str
    check: str
    purpose: str
    variant: str
    variants: tuple[str, ...]
    retention_seconds: int
    invitation_digest: str
    expires: datetime


def invitation_digest(invitation: Mapping[str, Any]) -> str:
    """SHA-256 of the invitation's canonical form (RFC 8785), in hex."""
    return hashlib.sha256(jsoncanon.canonicalize(dict(invitation))).hexdigest()


class StatementMaker:
    """Signs statements for organisations."""

    def __init__(self, agent: Statements) -> None:
        self._agent = agent

    async def offer(
        self, organisation: Organisation, credential: str, invitation: Document, until: datetime
    ) -> Document:
        """The signed statement of an issuer."""
        statement = OfferStatement(
            issuer=did_of(organisation),
            credential=credential,
            invitation_digest=invitation_digest(invitation),
            expires=until,
        )
        return await self._sign(organisation, statement)

    async def request(
        self, organisation: Organisation, invitation: Document, **members: Any
    ) -> Document:
        """The signed statement of a verifier."""
        statement = RequestStatement(
            issuer=did_of(organisation),
            invitation_digest=invitation_digest(invitation),
            **members,
        )
        return await self._sign(organisation, statement)

    async def _sign(self, organisation: Organisation, statement: BaseModel) -> Document:
        plain = statement.model_dump(mode="json")
        return await self._agent.sign(tenant_of(organisation), plain)


def read_statement[S: (OfferStatement, RequestStatement)](
    kind: type[S], statement: Mapping[str, Any], invitation: Mapping[str, Any]
) -> S:
    """The statement, if it speaks of this invitation and is still good (steps 2 and 3).

    The proof (step 1) is verified by the agent. Raises VerificationError.
    """
    try:
        read = kind.model_validate(statement)
    except ValidationError as err:
        raise VerificationError(
            "The statement cannot be read", step="form", code="cannot-verify"
        ) from err
    try:
        digest = invitation_digest(invitation)
    except (ValueError, TypeError, RecursionError) as err:  # nothing that has a canonical form
        raise VerificationError(
            "The invitation cannot be read", step="form", code="cannot-verify"
        ) from err
    if read.invitation_digest != digest:
        raise VerificationError(
            "The statement is about something else",
            step="invitation-digest",
            code="cannot-verify",
        )
    if read.expires <= now():
        raise VerificationError("The statement has expired", step="expires", code="link-ended")
    return read
