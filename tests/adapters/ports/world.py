"""The people of the contract: an issuer, a verifier, and holders with wallets.

Only the ports of core/ports.py are used here, so that it works with any agents.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from agent.keys import raw_wallet_key
from core.ports import (
    DidLogs,
    Document,
    HeldCredential,
    HolderAgent,
    Identity,
    Invitation,
    IssuerAgent,
    OfferState,
    OfferStatus,
    PresentingAgent,
    ReceivedOffer,
    RevocationAgent,
    Statements,
    TenantRef,
    Tenants,
    Vaults,
    VerifierAgent,
    WalletNotes,
)
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from core.secret import Secret
from tests.support.waiting import until

REGISTRY_SIZE = 32
ATTRIBUTES = ("region", "household", "until")
VALUES = {"region": "centre", "household": "2", "until": "20270101"}
REFERENCE = "reference"
PURPOSE = "shelter-intake"


class Organisations(Tenants, Statements, IssuerAgent, RevocationAgent, VerifierAgent, Protocol):
    """All that the organisations' agent does."""

    def token(self, tenant: TenantRef) -> Secret: ...


class Wallets(Vaults, HolderAgent, PresentingAgent, WalletNotes, Protocol):
    """All that the wallet agent does."""

    async def verify_statement(self, token: Secret, statement: Document) -> str: ...


@dataclass(frozen=True)
class Agents:
    """The two sides."""

    org: Organisations
    wallets: Wallets
    logs: DidLogs


@dataclass(frozen=True)
class Holder:
    """A wallet with an open session."""

    wallet_id: str
    key: Secret
    session_id: str
    token: Secret


@dataclass(frozen=True)
class Linked:
    """A connection as its two sides name it."""

    holder: Holder
    issuer_side: str
    holder_side: str


@dataclass(frozen=True)
class Held:
    """A credential that was issued, seen from both sides."""

    holder: Holder
    status: OfferStatus
    credential: HeldCredential

    @property
    def registry_id(self) -> str:
        return self.credential.registry_id or ""

    @property
    def index(self) -> int:
        return self.credential.index or 0


@dataclass(frozen=True)
class Asked:
    """A request on its way: the verifier's exchange, and the invitation with it."""

    ask: PresentationAsk
    exchange_id: str
    invitation: Invitation


@dataclass(frozen=True)
class World:
    """Who is there, and the steps that most tests begin with."""

    org: Organisations
    wallets: Wallets
    issuer: TenantRef
    identity: Identity
    verifier: TenantRef
    schema_id: str
    definition_id: str

    async def holder(self) -> Holder:
        key, session_id = raw_wallet_key(), secrets.token_urlsafe(16)
        wallet_id = await self.wallets.create(key)
        await self.wallets.open(wallet_id, key, session_id)
        return Holder(wallet_id, key, session_id, self.wallets.token(wallet_id, session_id))

    async def linked(self, holder: Holder | None = None) -> Linked:
        holder = holder or await self.holder()
        invitation = await self.org.invite(self.issuer, "House")
        holder_side = await self.wallets.connect(holder.token, invitation.message)
        issuer_side = await until(
            lambda: self.org.connection_for(self.issuer, invitation.invitation_id)
        )
        return Linked(holder, issuer_side or "", holder_side)

    async def offer(
        self,
        linked: Linked,
        values: Mapping[str, str] = VALUES,
        reference: str = REFERENCE,
    ) -> tuple[str, ReceivedOffer]:
        """An offer that has arrived: the issuer's exchange id, and what the wallet sees."""
        exchange_id = await self.org.offer(
            self.issuer, linked.issuer_side, self.definition_id, values, reference
        )
        found = await until(lambda: self.open_offers(linked, reference))
        return exchange_id, found[0]

    async def open_offers(self, linked: Linked, reference: str) -> list[ReceivedOffer]:
        token, place = linked.holder.token, linked.holder_side
        offers = await self.wallets.offers(token, place, reference)
        return [each for each in offers if each.state is OfferState.OFFERED]

    async def requested(self, exchange_id: str) -> OfferStatus:
        """The offer once the wallet's request has arrived."""
        return await until(
            lambda: self.org.offer_status(self.issuer, exchange_id),
            lambda status: status.state is OfferState.REQUESTED,
        )

    async def signed(self, exchange_id: str) -> OfferStatus:
        """The offer once it was requested, signed and acknowledged."""
        await self.requested(exchange_id)
        await self.org.issue(self.issuer, exchange_id)
        return await self.settled(exchange_id)

    async def settled(self, exchange_id: str) -> OfferStatus:
        """The offer once it has ended."""
        return await until(
            lambda: self.org.offer_status(self.issuer, exchange_id),
            lambda status: status.state in (OfferState.DONE, OfferState.FAILED),
        )

    async def issue(
        self, linked: Linked | None = None, values: Mapping[str, str] = VALUES
    ) -> Held:
        linked = linked or await self.linked()
        token = linked.holder.token
        before = {each.credential_id for each in await self.wallets.credentials(token)}
        exchange_id, offer = await self.offer(linked, values)
        await self.wallets.accept_offer(token, offer.exchange_id)
        status = await self.signed(exchange_id)
        held = await until(
            lambda: self.wallets.credentials(token), lambda found: len(found) > len(before)
        )
        (new,) = [each for each in held if each.credential_id not in before]
        return Held(linked.holder, status, new)

    def ask(self, *labels: str, until_day: int = 20260101) -> PresentationAsk:
        predicate = Predicate(attribute="until", operator=">=", value=until_day)
        return PresentationAsk(
            asks=tuple(
                CredentialAsk(
                    label=label,
                    schema_id=self.schema_id,
                    reveal=("region", "household"),
                    predicates=(predicate,),
                )
                for label in labels or ("eligibility",)
            )
        )

    async def request(self, ask: PresentationAsk | None = None) -> Asked:
        ask = ask or self.ask()
        valid_until = datetime.now(UTC) + timedelta(minutes=10)
        exchange_id = await self.org.request(self.verifier, ask, PURPOSE, valid_until)
        invitation = await self.org.invite_to(self.verifier, exchange_id, "House")
        return Asked(ask, exchange_id, invitation)

    async def present(self, asked: Asked, holder: Holder, chosen: Mapping[str, str]) -> str:
        """Answer a request; the wallet's exchange id."""
        received = await self.wallets.receive(holder.token, asked.invitation.message)
        await self.wallets.present(holder.token, received, asked.ask, chosen)
        return received


async def build_world(agents: Agents) -> World:
    """An issuer with a definition, and a verifier."""
    issuer = await agents.org.create_tenant("Issuer")
    identity = await agents.org.create_identity(issuer, secrets.token_hex(10))
    schema_id, definition_id = await _define(agents.org, issuer, identity, "eligibility")
    return World(
        org=agents.org,
        wallets=agents.wallets,
        issuer=issuer,
        identity=identity,
        verifier=await agents.org.create_tenant("Verifier"),
        schema_id=schema_id,
        definition_id=definition_id,
    )


async def with_other_kind(world: World) -> World:
    """The same people, and a credential of another kind with the same attributes."""
    schema_id, definition_id = await _define(
        world.org, world.issuer, world.identity, "guardianship"
    )
    return replace(world, schema_id=schema_id, definition_id=definition_id)


async def _define(
    org: Organisations, issuer: TenantRef, identity: Identity, name: str
) -> tuple[str, str]:
    schema_id = await org.publish_schema(issuer, identity.did, name, "1.0", ATTRIBUTES)
    definition_id = await org.create_definition(
        issuer, identity.did, schema_id, name, REGISTRY_SIZE
    )
    return schema_id, definition_id
