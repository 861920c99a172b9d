"""The seams to the outside: what Haven needs of agents, in Haven's words.

`agent/` implements them on ACA-Py, `tests/fakes/` in memory; one contract test holds both.
Every method may raise core.errors.Unavailable when the other side does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from core.presentation import PresentationAsk, ShownPresentation
from core.secret import Secret

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TenantRef:
    """An organisation's tenant on the agent: its wallet and the `iat` its token carries."""

    wallet_id: str
    issued_at: int


@dataclass(frozen=True, slots=True)
class Identity:
    """A tenant's did:webvh and the verification method that signs for it."""

    did: str
    verification_method: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """An out-of-band invitation message and the ids that lead back to it."""

    message: Document
    invitation_id: str
    record_id: str


class OfferState(StrEnum):
    """Where an issuance stands on the agent. FAILED says nothing of whether a credential was
    signed before, since any report of a problem leads there: `registry_id` does."""

    OFFERED = "offered"
    REQUESTED = "requested"
    ISSUED = "issued"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OfferStatus:
    """`registry_id` and `index` say which entry of which registry revokes the credential."""

    exchange_id: str
    state: OfferState
    registry_id: str | None = None
    index: int | None = None


class AnswerState(StrEnum):
    """Where a request stands on the verifier's agent."""

    WAITING = "waiting"
    RECEIVED = "received"
    VERIFIED = "verified"
    ABANDONED = "abandoned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the request as it was really sent, and what was shown."""

    state: AnswerState
    asked: PresentationAsk | None = None
    shown: ShownPresentation | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """The result of the cryptographic verification, together with what it is about."""

    holds: bool
    answer: Answer


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """The latest list of a registry at a time (Unix seconds), and whose registry it is.

    `definition_id` is the credential definition that the registry was published for: one of
    somebody else's making proves nothing about this issuer's credentials.
    """

    registry_id: str
    definition_id: str
    timestamp: int
    revoked_count: int


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """A credential in a holder's wallet."""

    credential_id: str
    schema_id: str
    definition_id: str
    registry_id: str | None
    index: int | None
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReceivedOffer:
    """An offer that reached a wallet, with its values; `reference` is the issuer's own."""

    exchange_id: str
    state: OfferState
    definition_id: str
    schema_id: str
    values: Mapping[str, str]
    credential_id: str | None = None
    reference: str | None = None


class Awaited(StrEnum):
    """What a look at a connection's offers waits for.

    ARRIVAL: that there is one. SETTLING: that of each the credential is stored, or the offer
    was given up, or is gone. (There are several when one was lost and made anew.)
    """

    NOTHING = "nothing"
    ARRIVAL = "arrival"
    SETTLING = "settling"


class Tenants(Protocol):
    """Organisations on the agent, their identities and what they publish."""

    async def create_tenant(self, label: str) -> TenantRef: ...

    async def create_identity(self, tenant: TenantRef, path: str) -> Identity:
        """A did:webvh for the tenant; the same tenant always gets the same one."""
        ...

    async def publish_schema(
        self, tenant: TenantRef, did: str, name: str, version: str, attributes: Sequence[str]
    ) -> str: ...

    async def create_definition(
        self, tenant: TenantRef, did: str, schema_id: str, tag: str, registry_size: int
    ) -> str: ...

    async def announce(self, tenant: TenantRef, services: Sequence[Document]) -> None:
        """Have the tenant's DID document name these services, with ids relative to the DID
        (`#governance`). Those of the same id are replaced; repeating it changes nothing."""
        ...

    async def ready(self) -> bool: ...


class DidLogs(Protocol):
    """Where the log of a did:webvh is read, whoever hosts it."""

    async def did_log(self, did: str) -> str:
        """The text of `did.jsonl`, not verified. Raises NotFound, VerificationError."""
        ...


class Statements(Protocol):
    """Documents signed with a did:webvh."""

    async def sign(self, tenant: TenantRef, statement: Document) -> Document: ...

    async def sign_framework(self, tenant: TenantRef, document: Document) -> Document:
        """The tenant's proof over a governance framework, without the framework."""
        ...

    async def sign_trust_list(self, tenant: TenantRef, payload: Document) -> str:
        """A Credential Trust Establishment document as a signed JWT (EdDSA, RFC 8037), its
        `kid` the tenant's verification method."""
        ...

    async def verify_statement(self, token: Secret, statement: Document) -> str:
        """The DID that signed it (its `issuer`). Raises VerificationError."""
        ...


class InvitingAgent(Protocol):
    """How a tenant gets connected to a wallet."""

    async def invite(self, tenant: TenantRef, label: str) -> Invitation: ...

    async def connection_for(self, tenant: TenantRef, invitation_id: str) -> str | None:
        """The id of the completed connection that an invitation led to, if there is one."""
        ...


class OfferingAgent(Protocol):
    """Offers of an issuing tenant, and the credentials that are signed for them."""

    async def offer(
        self,
        tenant: TenantRef,
        connection_id: str,
        definition_id: str,
        values: Mapping[str, str],
        reference: str,
    ) -> str:
        """Send an offer; answers the exchange. Nothing is signed before `issue`."""
        ...

    async def issue(self, tenant: TenantRef, exchange_id: str) -> OfferStatus:
        """Sign and send what was requested; once for an exchange, however often asked.
        Answers what became of it.

        Raises Conflict, and changes nothing, if nothing was requested or a credential was
        signed already; NotFound for an unknown exchange.
        """
        ...

    async def offer_status(self, tenant: TenantRef, exchange_id: str) -> OfferStatus: ...

    async def offers_on(
        self, tenant: TenantRef, connection_id: str, reference: str
    ) -> list[OfferStatus]:
        """The offers under this reference; a connection may carry others, too."""
        ...

    async def forget_offer(
        self, tenant: TenantRef, exchange_id: str, seen: OfferStatus | None = None
    ) -> None:
        """Remove an exchange and its values; one that is still open is declined first.

        `seen` is its status, for a caller who has just asked.
        """
        ...


class IssuerAgent(InvitingAgent, OfferingAgent, Protocol):
    """All that an issuing tenant needs."""


class RevocationAgent(Protocol):
    """Revocation, atomic and repeatable."""

    async def revoke(self, tenant: TenantRef, registry_id: str, indices: Sequence[int]) -> int:
        """Revoke and publish; answers the time of the list. Repeating changes nothing."""
        ...

    async def latest_list(
        self, tenant: TenantRef, registry_id: str, at: datetime
    ) -> RevocationStatus: ...


class VerifierAgent(Protocol):
    """Requests of a checking tenant."""

    async def request(
        self, tenant: TenantRef, ask: PresentationAsk, purpose: str, valid_until: datetime
    ) -> str: ...

    async def invite_to(
        self, tenant: TenantRef, exchange_id: str, label: str
    ) -> Invitation: ...

    async def answer(self, tenant: TenantRef, exchange_id: str) -> Answer: ...

    async def verify(self, tenant: TenantRef, exchange_id: str) -> VerifiedAnswer:
        """Verify what was received, and answer what it was that was verified.

        A holder may send again at any moment, so only this answer's `shown` may be believed,
        never one that was read before or after. Raises Unavailable if no result stands still.
        """
        ...

    async def forget_request(self, tenant: TenantRef, exchange_id: str) -> None: ...


class Vaults(Protocol):
    """Holders' wallets: opened with a key for the length of a session."""

    async def create(self, key: Secret) -> str: ...

    def token(self, wallet_id: str, session_id: str) -> Secret:
        """What speaks for the wallet while the session is open, and for nothing afterwards."""
        ...

    async def open(self, wallet_id: str, key: Secret, session_id: str) -> None:
        """Open a session under an unguessable id; opening it again is no error.

        Raises NotFound for an unknown wallet and Forbidden for a key that does not fit.
        """
        ...

    async def close(self, wallet_id: str, session_id: str) -> None: ...

    async def close_idle(self, seconds: float) -> int:
        """Close every wallet that nobody used for so long; answers how many."""
        ...

    async def destroy(self, wallet_id: str, key: Secret) -> None: ...


class HolderAgent(Protocol):
    """What a wallet does; every call needs the token of its open session.

    Raises SessionClosed when the session is not open.
    """

    async def connect(self, token: Secret, invitation: Document) -> str:
        """Take up an invitation to connect; answers the connection id."""
        ...

    async def offers(
        self,
        token: Secret,
        connection_id: str,
        reference: str | None = None,
        *,
        awaited: Awaited = Awaited.NOTHING,
        seconds: float = 0.0,
    ) -> list[ReceivedOffer]:
        """The offers on a connection; after at most `seconds` (30 s), as they are then.

        With a reference only those that carry it are looked at, and waited for.
        """
        ...

    async def accept_offer(self, token: Secret, exchange_id: str) -> None: ...

    async def close_offer(self, token: Secret, exchange_id: str) -> None:
        """Remove an offer's exchange, with its values, from the wallet; one that is still
        open is declined first. Closing what is gone is no error.
        """
        ...

    async def credentials(self, token: Secret) -> list[HeldCredential]: ...

    async def delete_credential(self, token: Secret, credential_id: str) -> None: ...


class PresentingAgent(Protocol):
    """How a wallet answers a request."""

    async def receive(self, token: Secret, invitation: Document) -> str:
        """Take in an invitation with a request attached; nothing is sent. Exchange id."""
        ...

    async def present(
        self, token: Secret, exchange_id: str, ask: PresentationAsk, chosen: Mapping[str, str]
    ) -> None:
        """Answer with the credential chosen for each label."""
        ...

    async def refuse(self, token: Secret, exchange_id: str) -> None: ...

    async def is_revoked(self, token: Secret, credential_id: str) -> bool: ...

    async def forget(self, token: Secret, exchange_id: str) -> None: ...


class WalletNotes(Protocol):
    """Small documents kept inside a holder's own encrypted store."""

    async def put_note(self, token: Secret, kind: str, key: str, note: Document) -> None: ...

    async def notes(self, token: Secret, kind: str) -> dict[str, Document]: ...

    async def delete_note(self, token: Secret, kind: str, key: str) -> None: ...

    async def change_notes(
        self,
        token: Secret,
        *,
        put: Mapping[tuple[str, str], Document],
        delete: Sequence[tuple[str, str]],
        close: Sequence[str] = (),
    ) -> None:
        """Several changes, each of a (kind, key): all of them are made, or none.

        With them go the exchanges in `close`, of offers that have ended (HolderAgent).
        """
        ...
