"""The two agents in memory: all ports of core/ports.py, and nothing between them but a dict.

They keep to what tests/adapters/ports/test_contract.py holds the real ones to as well:
predicates are evaluated, lists have times that strictly grow, a proof rests on a list, a
closed session does nothing. Who did wrong gets the error that the real agent gives.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import wraps
from operator import ge, gt, le, lt
from typing import Any, Concatenate, Protocol

from agent.announcements import RecordKind
from agent.organisations import attached_request
from agent.proof_format import choose, from_proof_request, issuer_of, to_proof_request
from agent.webvh.didlog import append_rotation, create_log, with_services
from agent.webvh.identifiers import is_opaque
from core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    SessionClosed,
    Unavailable,
    VerificationError,
)
from core.jwt import compact_jwt
from core.ports import (
    Answer,
    AnswerState,
    Awaited,
    Document,
    HeldCredential,
    Identity,
    Invitation,
    OfferState,
    OfferStatus,
    ReceivedOffer,
    RevocationStatus,
    TenantRef,
    VerifiedAnswer,
)
from core.presentation import (
    CredentialAsk,
    Operator,
    PresentationAsk,
    ShownCredential,
    ShownPresentation,
)
from core.proof import SeedSigner, add_proof, verify_proof
from core.secret import Secret
from governance.signing import sign
from tests.fakes.network import (
    Connection,
    Definition,
    FakeNetwork,
    Issuance,
    Received,
    Registry,
    Request,
    StatusList,
    Tenant,
    Wallet,
    base58,
    new_id,
    resource_id,
)

_COMPARE: Mapping[Operator, Callable[[int, int], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
_RAW_KEY = re.compile(r"[1-9A-HJ-NP-Za-km-z]{43,44}")
_NOTE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_NOTE_LIMIT = 256 * 1024
_ANSWERED = (AnswerState.RECEIVED, AnswerState.VERIFIED)


class _OnNetwork(Protocol):
    network: FakeNetwork


def _has_come(offers: Sequence[ReceivedOffer], awaited: Awaited) -> bool:
    if awaited is Awaited.ARRIVAL:
        return bool(offers)
    return all(each.state in (OfferState.DONE, OfferState.FAILED) for each in offers)


def _call[A: _OnNetwork, **P, T](
    method: Callable[Concatenate[A, P], Awaitable[T]],
) -> Callable[Concatenate[A, P], Coroutine[Any, Any, T]]:
    """A call of a port: counted, and failing when a test wants that."""

    @wraps(method)
    async def call(self: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
        answer_is_lost = self.network.begin(method.__name__)
        result = await method(self, *args, **kwargs)
        if answer_is_lost:
            raise Unavailable("The agent does not answer")
        return result

    return call


class FakeOrganisations:
    """Tenants, Statements, IssuerAgent, RevocationAgent and VerifierAgent."""

    def __init__(self, network: FakeNetwork | None = None) -> None:
        self.network = network or FakeNetwork()

    def token(self, tenant: TenantRef) -> Secret:
        """What speaks for a tenant."""
        return Secret(f"tenant.{tenant.wallet_id}.{tenant.issued_at}")

    @_call
    async def ready(self) -> bool:
        return True

    # --- tenants --------------------------------------------------------------------------

    @_call
    async def create_tenant(self, label: str) -> TenantRef:
        issued_at = int(self.network.now().timestamp())
        tenant = Tenant(new_id(), issued_at, label, secrets.token_bytes(32))
        self.network.tenants[tenant.wallet_id] = tenant
        return TenantRef(tenant.wallet_id, issued_at)

    @_call
    async def create_identity(self, tenant: TenantRef, path: str) -> Identity:
        mine = self._tenant(tenant)
        if mine.did is None or mine.verification_method is None:
            return self._publish_identity(mine, path)
        return Identity(mine.did, mine.verification_method)

    def _publish_identity(self, tenant: Tenant, path: str) -> Identity:
        if not is_opaque(path):
            raise InvalidInput("the name in a DID must be random small letters and digits")
        tenant.next_update_seed = secrets.token_bytes(32)
        new = create_log(
            domain=self.network.domain,
            opaque=path,
            update_key=SeedSigner(secrets.token_bytes(32)),
            next_update_key=SeedSigner(tenant.next_update_seed).multikey,
            assertion_key=SeedSigner(tenant.signer_seed).multikey,
            now=self.network.now(),
        )
        self.network.keep_log(new.did, [new.entry])
        tenant.did, tenant.verification_method = new.did, new.verification_method
        return Identity(new.did, new.verification_method)

    @_call
    async def announce(self, tenant: TenantRef, services: Sequence[Document]) -> None:
        mine = self._tenant(tenant)
        if mine.did is None:
            raise NotFound("this wallet has no did:webvh identity yet")
        before = self.network.did_documents[mine.did]
        if with_services(before, services) == before:
            return
        committed, mine.next_update_seed = mine.next_update_seed, secrets.token_bytes(32)
        entries = self.network.did_logs[mine.did]
        entry = append_rotation(
            entries,
            update_key=SeedSigner(committed),
            next_update_key=SeedSigner(mine.next_update_seed).multikey,
            now=self.network.now(),
            services=services,
        )
        self.network.keep_log(mine.did, [*entries, entry])

    @_call
    async def publish_schema(
        self, tenant: TenantRef, did: str, name: str, version: str, attributes: Sequence[str]
    ) -> str:
        self._must_own(tenant, did)
        if (did, name, version) in self.network.schema_names:
            raise Conflict("The agent refused this (400)")
        schema_id = resource_id(did)
        self.network.schema_names[did, name, version] = schema_id
        self.network.schemas[schema_id] = tuple(attributes)
        return schema_id

    @_call
    async def create_definition(
        self, tenant: TenantRef, did: str, schema_id: str, tag: str, registry_size: int
    ) -> str:
        self._must_own(tenant, did)
        if schema_id not in self.network.schemas:
            raise Conflict("The agent refused this (400)")
        definition = Definition(resource_id(did), tenant.wallet_id, schema_id, registry_size)
        self.network.definitions[definition.definition_id] = definition
        self.network.add_registry(definition)
        return definition.definition_id

    def _tenant(self, tenant: TenantRef) -> Tenant:
        found = self.network.tenants.get(tenant.wallet_id)
        if found is None or found.issued_at != tenant.issued_at:
            raise SessionClosed("The agent refused this (401)")
        return found

    def _must_own(self, tenant: TenantRef, did: str) -> None:
        if self._tenant(tenant).did != did:
            raise Conflict("The agent refused this (400)")

    # --- statements -----------------------------------------------------------------------

    @_call
    async def sign(self, tenant: TenantRef, statement: Document) -> Document:
        mine = self._tenant(tenant)
        if mine.did is None or mine.verification_method is None:
            raise NotFound("this wallet has no did:webvh identity yet")
        if "content" in statement or "AttestedResource" in str(statement.get("type")):
            raise InvalidInput("a statement must not look like a published resource")
        return add_proof(
            {**statement, "issuer": mine.did},
            SeedSigner(mine.signer_seed),
            method=mine.verification_method,
            created=self.network.now(),
        )

    @_call
    async def sign_framework(self, tenant: TenantRef, document: Document) -> Document:
        method = self._method(tenant)
        if not isinstance(document.get("sequence"), int) or "signers" not in document:
            raise InvalidInput("only a governance framework is signed here")
        signer, at = SeedSigner(self._tenant(tenant).signer_seed), self.network.now()
        return sign(document, signer, method=method, created=at)

    @_call
    async def sign_trust_list(self, tenant: TenantRef, payload: Document) -> str:
        method = self._method(tenant)
        if payload.get("format") != "1.0" or payload.get("author") != self._tenant(tenant).did:
            raise InvalidInput("only a trust list of this author is signed here")
        signer = SeedSigner(self._tenant(tenant).signer_seed)
        return compact_jwt(payload, signer, method=method)

    def _method(self, tenant: TenantRef) -> str:
        method = self._tenant(tenant).verification_method
        if method is None:
            raise NotFound("this wallet has no did:webvh identity yet")
        return method

    @_call
    async def verify_statement(self, token: Secret, statement: Document) -> str:
        _, wallet_id, issued_at = token.reveal().split(".")
        self._tenant(TenantRef(wallet_id, int(issued_at)))
        return _verify_statement(self.network, statement)

    # --- issuing --------------------------------------------------------------------------

    @_call
    async def invite(self, tenant: TenantRef, label: str) -> Invitation:
        self._tenant(tenant)
        handshake = {"handshake_protocols": ["https://didcomm.org/didexchange/1.1"]}
        invitation = _invitation(label, handshake)
        self.network.invitations[invitation.invitation_id] = tenant.wallet_id
        return invitation

    @_call
    async def connection_for(self, tenant: TenantRef, invitation_id: str) -> str | None:
        self._tenant(tenant)
        found = (c for c in self.network.connections if c.invitation_id == invitation_id)
        mine = (c for c in found if c.tenant_id == tenant.wallet_id and c.completed)
        return next((each.inviter_side for each in mine), None)

    @_call
    async def offer(
        self,
        tenant: TenantRef,
        connection_id: str,
        definition_id: str,
        values: Mapping[str, str],
        reference: str,
    ) -> str:
        connection = self._connection(tenant, connection_id)
        definition = self.network.definitions.get(definition_id)
        if definition is None or definition.tenant_id != tenant.wallet_id:
            raise Conflict("The agent refused this (400)")
        if set(values) != set(self.network.schemas[definition.schema_id]):
            raise Conflict("The agent refused this (400)")
        issuance = Issuance(new_id(), None, connection, definition_id, dict(values), reference)
        self.network.issuances.append(issuance)

        async def arrives() -> None:
            issuance.holder_side = new_id()

        await self.network.send(connection.wallet_id, arrives)
        await self.network.tell(RecordKind.ISSUANCE, issuance.issuer_side)
        return issuance.issuer_side

    def _connection(self, tenant: TenantRef, connection_id: str) -> Connection:
        self._tenant(tenant)
        for each in self.network.connections:
            if (each.inviter_side, each.tenant_id) == (connection_id, tenant.wallet_id):
                return each
        raise Conflict("The agent refused this (400)")

    @_call
    async def offer_status(self, tenant: TenantRef, exchange_id: str) -> OfferStatus:
        for each in self._issuances(tenant):
            if each.issuer_side == exchange_id:
                return _status(each)
        return OfferStatus(exchange_id, OfferState.UNKNOWN)

    @_call
    async def offers_on(
        self, tenant: TenantRef, connection_id: str, reference: str
    ) -> list[OfferStatus]:
        found = self._issuances(tenant)
        wanted = (connection_id, reference)
        return [
            _status(each)
            for each in found
            if (each.connection.inviter_side, each.reference) == wanted
        ]

    @_call
    async def issue(self, tenant: TenantRef, exchange_id: str) -> OfferStatus:
        found = [each for each in self._issuances(tenant) if each.issuer_side == exchange_id]
        if not found:
            raise NotFound("The agent refused this (404)")
        (issuance,) = found
        if issuance.state is not OfferState.REQUESTED or issuance.registry_id is not None:
            raise Conflict("The agent refused this (400)")
        entry = self.network.next_entry(issuance.definition_id)
        issuance.registry_id, issuance.index = entry
        issuance.state = OfferState.ISSUED
        await self.network.send(
            issuance.connection.wallet_id, lambda: self._credential_arrives(issuance)
        )
        if issuance.state is OfferState.ISSUED:  # sent, and not taken in yet
            await self.network.tell(RecordKind.ISSUANCE, issuance.issuer_side)
        return _status(issuance)

    async def _credential_arrives(self, issuance: Issuance) -> None:
        if issuance.holder_side is None:
            return  # nobody asks for it any more
        holder = self.network.wallets[issuance.connection.wallet_id]
        credential = HeldCredential(
            credential_id=new_id(),
            schema_id=self.network.definitions[issuance.definition_id].schema_id,
            definition_id=issuance.definition_id,
            registry_id=issuance.registry_id,
            index=issuance.index,
            values=dict(issuance.values),
        )
        holder.credentials[credential.credential_id] = credential
        issuance.credential_id, issuance.state = credential.credential_id, OfferState.DONE
        await self.network.tell(RecordKind.ISSUANCE, issuance.issuer_side)

    @_call
    async def forget_offer(
        self, tenant: TenantRef, exchange_id: str, seen: OfferStatus | None = None
    ) -> None:
        for each in self._issuances(tenant):
            if each.issuer_side == exchange_id:
                each.forgotten = True
                if each.state in (OfferState.OFFERED, OfferState.REQUESTED):
                    each.state = OfferState.FAILED

    def _issuances(self, tenant: TenantRef) -> list[Issuance]:
        self._tenant(tenant)
        issuances = self.network.issuances
        mine = [each for each in issuances if each.connection.tenant_id == tenant.wallet_id]
        return [each for each in mine if not each.forgotten]

    # --- revoking -------------------------------------------------------------------------

    @_call
    async def revoke(self, tenant: TenantRef, registry_id: str, indices: Sequence[int]) -> int:
        self._tenant(tenant)
        registry = self.network.registries.get(registry_id)
        if registry is None or registry.tenant_id != tenant.wallet_id:
            raise NotFound("this wallet has no such revocation registry")
        if not indices or any(not 1 <= index <= registry.issued for index in indices):
            raise InvalidInput("an entry to revoke was never issued from this registry")
        if not set(indices) <= registry.lists[-1].revoked:
            timestamp = await self.network.time_after(registry.lists[-1].timestamp)
            revoked = registry.lists[-1].revoked | set(indices)
            registry.lists.append(StatusList(timestamp, revoked))
        return registry.lists[-1].timestamp

    @_call
    async def latest_list(
        self, tenant: TenantRef, registry_id: str, at: datetime
    ) -> RevocationStatus:
        self._tenant(tenant)
        registry = self.network.registry(registry_id)
        found = registry.at(int(at.timestamp()))
        return RevocationStatus(
            registry_id, registry.definition_id, found.timestamp, len(found.revoked)
        )

    # --- checking -------------------------------------------------------------------------

    @_call
    async def request(
        self, tenant: TenantRef, ask: PresentationAsk, purpose: str, valid_until: datetime
    ) -> str:
        self._tenant(tenant)
        proof_request = to_proof_request(ask, purpose, int(valid_until.timestamp()))
        made = Request(new_id(), new_id(), tenant.wallet_id, proof_request)
        self.network.requests[made.exchange_id] = made
        return made.exchange_id

    @_call
    async def invite_to(self, tenant: TenantRef, exchange_id: str, label: str) -> Invitation:
        request = self._request(tenant, exchange_id)
        if request is None:
            raise Conflict("The agent refused this (400)")
        attached = _attachment(request)
        return _invitation(label, {"handshake_protocols": [], "requests~attach": [attached]})

    @_call
    async def answer(self, tenant: TenantRef, exchange_id: str) -> Answer:
        request = self._request(tenant, exchange_id)
        return Answer(AnswerState.UNKNOWN) if request is None else _answer(request)

    @_call
    async def verify(self, tenant: TenantRef, exchange_id: str) -> VerifiedAnswer:
        request = self._request(tenant, exchange_id)
        if request is None:
            raise NotFound("The agent refused this (404)")
        if request.state not in _ANSWERED:
            raise Conflict("The agent refused this (400)")
        request.state = AnswerState.VERIFIED
        return VerifiedAnswer(request.verified, _answer(request))

    @_call
    async def forget_request(self, tenant: TenantRef, exchange_id: str) -> None:
        if self._request(tenant, exchange_id) is not None:
            del self.network.requests[exchange_id]

    def _request(self, tenant: TenantRef, exchange_id: str) -> Request | None:
        self._tenant(tenant)
        found = self.network.requests.get(exchange_id)
        return found if found and found.tenant_id == tenant.wallet_id else None


class FakeWallets:
    """Vaults, HolderAgent, PresentingAgent and WalletNotes, and verifying statements."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network

    @_call
    async def ready(self) -> bool:
        return True

    def restart(self) -> None:
        """What a restart of the agent does: every session is over."""
        for wallet in self.network.wallets.values():
            wallet.sessions.clear()

    # --- vaults ---------------------------------------------------------------------------

    @_call
    async def create(self, key: Secret) -> str:
        if not _RAW_KEY.fullmatch(key.reveal()):
            raise InvalidInput("The agent refused this (422)")
        wallet = Wallet(new_id(), key)
        self.network.wallets[wallet.wallet_id] = wallet
        return wallet.wallet_id

    def token(self, wallet_id: str, session_id: str) -> Secret:
        return Secret(f"session.{wallet_id}.{session_id}")

    @_call
    async def open(self, wallet_id: str, key: Secret, session_id: str) -> None:
        wallet = self._with_key(wallet_id, key)
        wallet.sessions.add(session_id)
        while wallet.waiting:
            await wallet.waiting.pop(0)()

    @_call
    async def close(self, wallet_id: str, session_id: str) -> None:
        if wallet_id in self.network.wallets:
            self.network.wallets[wallet_id].sessions.discard(session_id)

    @_call
    async def close_idle(self, seconds: float) -> int:
        # the fake's sessions know no clock: only "everything, at once" can be told apart
        idle = [
            each for each in self.network.wallets.values() if each.sessions and seconds <= 0
        ]
        for wallet in idle:
            wallet.sessions.clear()
        return len(idle)

    @_call
    async def destroy(self, wallet_id: str, key: Secret) -> None:
        del self.network.wallets[self._with_key(wallet_id, key).wallet_id]

    def _with_key(self, wallet_id: str, key: Secret) -> Wallet:
        wallet = self.network.wallets.get(wallet_id)
        if wallet is None:
            raise NotFound("The agent refused this (404)")
        if wallet.key != key:
            raise Forbidden("The agent refused this (403)")
        return wallet

    def _wallet(self, token: Secret) -> Wallet:
        kind, wallet_id, session_id = token.reveal().split(".", 2)
        wallet = self.network.wallets.get(wallet_id)
        if kind != "session" or wallet is None or session_id not in wallet.sessions:
            raise SessionClosed("The agent refused this (401)")
        return wallet

    @_call
    async def verify_statement(self, token: Secret, statement: Document) -> str:
        self._wallet(token)
        return _verify_statement(self.network, statement)

    # --- being offered --------------------------------------------------------------------

    @_call
    async def connect(self, token: Secret, invitation: Document) -> str:
        wallet = self._wallet(token)
        if not invitation.get("handshake_protocols"):
            raise InvalidInput("The agent refused this (422)")
        invitation_id = str(invitation["@id"])
        for known in self.network.connections:  # taking it up again changes nothing
            if (known.invitation_id, known.wallet_id) == (invitation_id, wallet.wallet_id):
                return known.holder_side
        inviter = self.network.invitations.get(invitation_id, "")
        for known in self.network.connections:
            if (known.invitation_id, known.wallet_id) == (invitation_id, wallet.wallet_id):
                return known.holder_side  # taken up before
        taken = any(c.invitation_id == invitation_id for c in self.network.connections)
        connection = Connection(
            invitation_id=invitation_id,
            tenant_id=inviter,
            wallet_id=wallet.wallet_id,
            inviter_side=new_id(),
            holder_side=new_id(),
            completed=bool(inviter) and not taken,  # an invitation is good for one
        )
        self.network.connections.append(connection)
        if connection.completed:
            await self.network.tell(
                RecordKind.CONNECTION, connection.inviter_side, invitation_id
            )
        return connection.holder_side

    @_call
    async def offers(
        self,
        token: Secret,
        connection_id: str,
        reference: str | None = None,
        *,
        awaited: Awaited = Awaited.NOTHING,
        seconds: float = 0.0,
    ) -> list[ReceivedOffer]:
        deadline = time.monotonic() + seconds
        while True:
            arrived = self._arrived(self._wallet(token))
            on_it = [each for each in arrived if each.connection.holder_side == connection_id]
            named = [each for each in on_it if reference in (None, each.reference)]
            offers = [self._received_offer(each) for each in named]
            if time.monotonic() >= deadline or _has_come(offers, awaited):
                return offers
            await asyncio.sleep(0.005)

    def _arrived(self, wallet: Wallet) -> list[Issuance]:
        issuances = [each for each in self.network.issuances if each.holder_side]
        return [each for each in issuances if each.connection.wallet_id == wallet.wallet_id]

    def _received_offer(self, issuance: Issuance) -> ReceivedOffer:
        return ReceivedOffer(
            exchange_id=issuance.holder_side or "",
            state=issuance.state,
            definition_id=issuance.definition_id,
            schema_id=self.network.definitions[issuance.definition_id].schema_id,
            values=dict(issuance.values),
            credential_id=issuance.credential_id,
            reference=issuance.reference,
        )

    @_call
    async def accept_offer(self, token: Secret, exchange_id: str) -> None:
        wallet = self._wallet(token)
        issuance = self._issuance(wallet, exchange_id)
        if issuance.state is not OfferState.OFFERED or issuance.forgotten:
            raise Conflict("The agent refused this (400)")
        issuance.state = OfferState.REQUESTED
        await self.network.tell(RecordKind.ISSUANCE, issuance.issuer_side)

    @_call
    async def close_offer(self, token: Secret, exchange_id: str) -> None:
        wallet = self._wallet(token)
        found = [each for each in self._arrived(wallet) if each.holder_side == exchange_id]
        for issuance in found:
            issuance.holder_side = None
            if issuance.state is OfferState.OFFERED:
                issuance.state = OfferState.FAILED
                await self.network.tell(RecordKind.ISSUANCE, issuance.issuer_side)

    def _issuance(self, wallet: Wallet, exchange_id: str) -> Issuance:
        for each in self._arrived(wallet):
            if each.holder_side == exchange_id:
                return each
        raise NotFound("The agent refused this (404)")

    @_call
    async def credentials(self, token: Secret) -> list[HeldCredential]:
        return list(self._wallet(token).credentials.values())

    @_call
    async def delete_credential(self, token: Secret, credential_id: str) -> None:
        self._wallet(token).credentials.pop(credential_id, None)

    # --- being asked ----------------------------------------------------------------------

    @_call
    async def receive(self, token: Secret, invitation: Document) -> str:
        wallet = self._wallet(token)
        proof_request = attached_request(invitation)
        thread = str(invitation["requests~attach"][0]["data"]["json"]["@id"])
        for each in wallet.received.values():
            if each.thread_id == thread:
                return each.exchange_id
        received = Received(new_id(), thread, proof_request)
        wallet.received[received.exchange_id] = received
        return received.exchange_id

    @_call
    async def present(
        self, token: Secret, exchange_id: str, ask: PresentationAsk, chosen: Mapping[str, str]
    ) -> None:
        wallet = self._wallet(token)
        received = self._received(wallet, exchange_id)
        if not received.open:
            raise Conflict("The agent refused this (400)")
        received.open = False
        try:
            shown, good = self._prove(wallet, received, ask, chosen)
        except Conflict:
            await self._abandon(received)  # the asker learns only that nothing is shown
            raise
        if _meets_restrictions(received, shown):
            await self._deliver(received, shown, good=good)

    def _prove(
        self,
        wallet: Wallet,
        received: Received,
        ask: PresentationAsk,
        chosen: Mapping[str, str],
    ) -> tuple[ShownPresentation, bool]:
        """What is shown, and whether its signatures will hold. Raises Conflict."""
        answered = choose(ask, chosen)
        for kind in ("requested_attributes", "requested_predicates"):
            if answered[kind].keys() != received.proof_request[kind].keys():
                raise Conflict("The agent refused this (400)")
        order = list(dict.fromkeys(chosen[one.label] for one in ask.asks))
        first_of: dict[str | None, str] = {}
        shown, good = [], True
        for one in ask.asks:
            credential = wallet.credentials.get(chosen[one.label])
            if credential is None or not _fits(one, credential):
                raise Conflict("The agent refused this (400)")
            status = self._status(credential, received)
            good = good and not (status and credential.index in status.revoked)
            # one proof of non-revocation for each registry is all that ACA-Py makes
            good = good and credential.credential_id == first_of.setdefault(
                credential.registry_id, credential.credential_id
            )
            shown.append(_shown(one, credential, status, order.index(chosen[one.label])))
        return ShownPresentation(credentials=tuple(shown)), good

    def _status(self, credential: HeldCredential, received: Received) -> StatusList | None:
        if credential.registry_id is None:
            return None
        registry: Registry = self.network.registries[credential.registry_id]
        return registry.at(int(received.proof_request["non_revoked"]["to"]))

    async def _deliver(
        self, received: Received, shown: ShownPresentation, *, good: bool
    ) -> None:
        request = self._asked(received)
        if request is not None:  # a later answer replaces an earlier one
            self.network.plant_answer(request.exchange_id, shown, verified=good)
            await self.network.tell(RecordKind.PRESENTATION, request.exchange_id)

    async def _abandon(self, received: Received) -> None:
        request = self._asked(received)
        if request is not None and request.state is AnswerState.WAITING:
            request.state = AnswerState.ABANDONED
            await self.network.tell(RecordKind.PRESENTATION, request.exchange_id)

    def _asked(self, received: Received) -> Request | None:
        threads = {each.thread_id: each for each in self.network.requests.values()}
        return threads.get(received.thread_id)

    def _received(self, wallet: Wallet, exchange_id: str) -> Received:
        if exchange_id not in wallet.received:
            raise NotFound("The agent refused this (404)")
        return wallet.received[exchange_id]

    @_call
    async def refuse(self, token: Secret, exchange_id: str) -> None:
        received = self._received(self._wallet(token), exchange_id)
        received.open = False
        await self._abandon(received)

    @_call
    async def is_revoked(self, token: Secret, credential_id: str) -> bool:
        credential = self._wallet(token).credentials.get(credential_id)
        if credential is None:
            raise NotFound("The agent refused this (404)")
        if credential.registry_id is None:
            return False
        newest = self.network.registries[credential.registry_id].lists[-1]
        return credential.index in newest.revoked

    @_call
    async def forget(self, token: Secret, exchange_id: str) -> None:
        self._wallet(token).received.pop(exchange_id, None)

    # --- notes ----------------------------------------------------------------------------

    @_call
    async def put_note(self, token: Secret, kind: str, key: str, note: Document) -> None:
        wallet, body = self._wallet(token), json.dumps(note)
        if len(body.encode()) > _NOTE_LIMIT:
            raise InvalidInput("The agent refused this (413)")
        wallet.notes[_note_name(kind), _note_name(key)] = json.loads(body)

    @_call
    async def notes(self, token: Secret, kind: str) -> dict[str, Document]:
        notes = self._wallet(token).notes
        return {key: dict(note) for (its, key), note in notes.items() if its == kind}

    @_call
    async def delete_note(self, token: Secret, kind: str, key: str) -> None:
        self._wallet(token).notes.pop((_note_name(kind), _note_name(key)), None)

    @_call
    async def change_notes(
        self,
        token: Secret,
        *,
        put: Mapping[tuple[str, str], Document],
        delete: Sequence[tuple[str, str]],
        close: Sequence[str] = (),
    ) -> None:
        wallet = self._wallet(token)
        notes = wallet.notes
        bodies = {name: json.dumps(note) for name, note in put.items()}
        for kind, key in (*put, *delete):
            _note_name(kind), _note_name(key)
        if any(len(body.encode()) > _NOTE_LIMIT for body in bodies.values()):
            raise InvalidInput("The agent refused this (413)")
        notes.update({name: json.loads(body) for name, body in bodies.items()})
        for name in delete:
            notes.pop(name, None)
        for issuance in self._arrived(wallet):
            if issuance.holder_side in close:
                issuance.holder_side = None


def fake_agents() -> tuple[FakeOrganisations, FakeWallets]:
    """Both agents on a network of their own."""
    network = FakeNetwork()
    return FakeOrganisations(network), FakeWallets(network)


def _verify_statement(network: FakeNetwork, statement: Document) -> str:
    issuer = statement.get("issuer")
    if not isinstance(issuer, str):
        raise VerificationError("the statement names no issuer", step="issuer")
    if issuer not in network.did_documents:
        raise VerificationError("It could not be verified who says this", step="statement")
    verify_proof(statement, network.did_documents[issuer])
    return issuer


def _invitation(label: str, members: Document) -> Invitation:
    message = {
        "@type": "https://didcomm.org/out-of-band/1.1/invitation",
        "@id": new_id(),
        "label": label,
        **members,
        "services": [
            {
                "id": "#inline",
                "type": "did-communication",
                "recipientKeys": [f"did:key:z6Mk{base58(44)}"],
                "serviceEndpoint": "http://127.0.0.1:1",
            }
        ],
    }
    return Invitation(message, message["@id"], new_id())


def _attachment(request: Request) -> Document:
    """The request as ACA-Py attaches it to an invitation (RFC 0434, RFC 0454)."""
    body = base64.b64encode(json.dumps(request.proof_request).encode()).decode()
    message = {
        "@type": "https://didcomm.org/present-proof/2.0/request-presentation",
        "@id": request.thread_id,
        "will_confirm": True,
        "formats": [{"attach_id": "anoncreds", "format": "anoncreds/proof-request@v1.0"}],
        "request_presentations~attach": [
            {"@id": "anoncreds", "mime-type": "application/json", "data": {"base64": body}}
        ],
    }
    return {"@id": "request-0", "mime-type": "application/json", "data": {"json": message}}


def _answer(request: Request) -> Answer:
    if request.malformed:
        raise InvalidInput("The presentation is not well formed")
    asked = from_proof_request(request.proof_request)
    return Answer(request.state, asked, request.shown, request.answered_at)


def _status(issuance: Issuance) -> OfferStatus:
    return OfferStatus(
        issuance.issuer_side, issuance.state, issuance.registry_id, issuance.index
    )


def _fits(ask: CredentialAsk, credential: HeldCredential) -> bool:
    values = credential.values
    return set(ask.reveal) <= values.keys() and all(
        each.attribute in values
        and values[each.attribute].lstrip("-").isdecimal()
        and _COMPARE[each.operator](int(values[each.attribute]), each.value)
        for each in ask.predicates
    )


def _shown(
    ask: CredentialAsk, credential: HeldCredential, status: StatusList | None, index: int
) -> ShownCredential:
    return ShownCredential(
        label=ask.label,
        schema_id=credential.schema_id,
        definition_id=credential.definition_id,
        issuer_id=issuer_of(credential.definition_id),
        registry_id=credential.registry_id,
        status_time=status.timestamp if status else None,
        sub_proofs=(index,) * (bool(ask.reveal) + len(ask.predicates)),
        revealed={name: credential.values[name] for name in ask.reveal},
        predicates=ask.predicates,
    )


def _meets_restrictions(received: Received, shown: ShownPresentation) -> bool:
    """A verifier's agent does not even take in what is made on another schema."""
    asked = from_proof_request(received.proof_request)
    wanted = {each.label: each.schema_id for each in asked.asks}
    return all(each.schema_id == wanted[each.label] for each in shown.credentials)


def _note_name(name: str) -> str:
    if not _NOTE_NAME.fullmatch(name):
        raise InvalidInput("The agent refused this (422)")
    return name


def altered(shown: ShownPresentation, label: str, **changes: Any) -> ShownPresentation:
    """A presentation with some fields of one credential changed, to plant as an answer."""
    return shown.model_copy(
        update={
            "credentials": tuple(
                each.model_copy(update=changes) if each.label == label else each
                for each in shown.credentials
            )
        }
    )
