"""What fake agents have between them: what is published, and what is on its way.

`FakeOrganisations` and `FakeWallets` (tests/fakes/agents.py) act on one `FakeNetwork`, as two
agents act on one registry and one network. Tests use it to look behind the agents, to let a
call fail, and to put a dishonest answer into a request:

    network.fail_once("offer")                 the call never arrives
    network.fail_once("offer", after=True)     it is done, its answer is lost
    network.plant_answer(exchange_id, shown, verified=False)
    network.plant_malformed(exchange_id)
    network.offset += timedelta(days=1)        time passes
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from agent.announcements import Announcement, RecordKind
from agent.webvh.didlog import verify_log
from core.errors import NotFound, Unavailable, VerificationError
from core.ports import AnswerState, Document, HeldCredential, OfferState
from core.presentation import ShownPresentation
from core.secret import Secret

DOMAIN = "haven.localhost"
MOST_WAITING = 100  # as agent/plugins/vault/held.py
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# what the organisations' agent tells its controller
Listener = Callable[[Announcement], Awaitable[None]]
# what a message does where it arrives
Arrival = Callable[[], Awaitable[None]]


@dataclass
class Tenant:
    """An organisation's wallet; `signer_seed` is the key of its identity."""

    wallet_id: str
    issued_at: int
    label: str
    signer_seed: bytes
    next_update_seed: bytes = b""
    did: str | None = None
    verification_method: str | None = None


@dataclass
class Wallet:
    """A holder's wallet. What is in it is reached through an open session only; what comes
    while there is none waits for the next."""

    wallet_id: str
    key: Secret
    sessions: set[str] = field(default_factory=set)
    credentials: dict[str, HeldCredential] = field(default_factory=dict)
    notes: dict[tuple[str, str], Document] = field(default_factory=dict)
    received: dict[str, Received] = field(default_factory=dict)
    waiting: list[Arrival] = field(default_factory=list)


@dataclass(frozen=True)
class StatusList:
    """A published revocation list."""

    timestamp: int
    revoked: frozenset[int]


@dataclass
class Registry:
    """A revocation registry: entries 1 to `size`, lists from oldest to newest."""

    registry_id: str
    definition_id: str
    tenant_id: str
    size: int
    lists: list[StatusList]
    issued: int = 0

    def at(self, timestamp: int) -> StatusList:
        """The last list with a time at or before `timestamp`. Raises NotFound."""
        in_time = [each for each in self.lists if each.timestamp <= timestamp]
        if not in_time:
            raise NotFound("the registry has no revocation list for this time")
        return in_time[-1]


@dataclass
class Definition:
    """A credential definition; the last registry is the one in use."""

    definition_id: str
    tenant_id: str
    schema_id: str
    registry_size: int
    registries: list[str] = field(default_factory=list)


@dataclass
class Connection:
    """One connection as both sides know it; `completed` as the inviter sees it."""

    invitation_id: str
    tenant_id: str
    wallet_id: str
    inviter_side: str
    holder_side: str
    completed: bool


@dataclass
class Issuance:
    """One offer and what became of it; `holder_side` is None if it never arrived."""

    issuer_side: str
    holder_side: str | None
    connection: Connection
    definition_id: str
    values: Mapping[str, str]
    reference: str
    state: OfferState = OfferState.OFFERED
    registry_id: str | None = None
    index: int | None = None
    credential_id: str | None = None
    forgotten: bool = False  # by the issuer


@dataclass
class Request:
    """One request on the verifier's side."""

    exchange_id: str
    thread_id: str
    tenant_id: str
    proof_request: Document
    state: AnswerState = AnswerState.WAITING
    shown: ShownPresentation | None = None
    verified: bool = False
    malformed: bool = False
    answered_at: datetime | None = None


@dataclass
class Received:
    """A request that a wallet has taken in; it can be answered while `open`."""

    exchange_id: str
    thread_id: str
    proof_request: Document
    open: bool = True


@dataclass
class FakeNetwork:
    """The world of two fake agents."""

    domain: str = DOMAIN
    offset: timedelta = timedelta()
    listener: Listener | None = None
    calls: Counter[str] = field(default_factory=Counter)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    wallets: dict[str, Wallet] = field(default_factory=dict)
    did_documents: dict[str, Document] = field(default_factory=dict)
    did_logs: dict[str, list[str]] = field(default_factory=dict)
    schemas: dict[str, tuple[str, ...]] = field(default_factory=dict)
    schema_names: dict[tuple[str, str, str], str] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    invitations: dict[str, str] = field(default_factory=dict)  # invitation id -> tenant id
    connections: list[Connection] = field(default_factory=list)
    issuances: list[Issuance] = field(default_factory=list)
    requests: dict[str, Request] = field(default_factory=dict)
    _faults: dict[str, list[bool]] = field(default_factory=dict)

    def now(self) -> datetime:
        """The present, moved by `offset`."""
        return datetime.now(UTC) + self.offset

    # --- what tests do --------------------------------------------------------------------

    def keep_log(self, did: str, entries: list[str]) -> None:
        """Publish a DID's log."""
        self.did_logs[did] = entries
        self.did_documents[did] = verify_log(entries).document

    async def did_log(self, did: str) -> str:
        """The port DidLogs. Raises NotFound."""
        if did not in self.did_logs:
            raise NotFound("there is no such identifier here")
        return "".join(f"{entry}\n" for entry in self.did_logs[did])

    def fail_once(self, call: str, *, after: bool = False) -> None:
        """Let the next call of a port's method fail with Unavailable.

        With `after` it is carried out, and only the answer is lost.
        """
        self._faults.setdefault(call, []).append(after)

    def plant_answer(
        self,
        exchange_id: str,
        shown: ShownPresentation,
        *,
        verified: bool = True,
        answered_at: datetime | None = None,
    ) -> None:
        """Put a hand-made presentation into a request, over an honest one if there is one.

        `verified` is what checking its signatures will say.
        """
        request = self.requests[exchange_id]
        request.state, request.shown, request.verified = AnswerState.RECEIVED, shown, verified
        request.answered_at = answered_at or self.now()

    def plant_malformed(self, exchange_id: str) -> None:
        """Let a request be answered by something that is no presentation at all."""
        request = self.requests[exchange_id]
        request.state, request.malformed = AnswerState.RECEIVED, True
        request.answered_at = self.now()

    # --- what agents do -------------------------------------------------------------------

    def begin(self, call: str) -> bool:
        """Count a call; answers whether its answer is to be lost. Raises Unavailable."""
        self.calls[call] += 1
        planned = self._faults.get(call)
        if not planned:
            return False
        lose_answer = planned.pop(0)
        if not lose_answer:
            raise Unavailable("The agent does not answer")
        return True

    async def send(self, wallet_id: str, arrives: Arrival) -> None:
        """A message to a wallet, which may be locked, or gone."""
        wallet = self.wallets.get(wallet_id)
        if wallet is None:
            return
        if wallet.sessions:
            await arrives()
        elif len(wallet.waiting) < MOST_WAITING:
            wallet.waiting.append(arrives)

    async def tell(
        self, kind: RecordKind, record_id: str, invitation_id: str | None = None
    ) -> None:
        """A webhook of the organisations' agent."""
        if self.listener is not None:
            await self.listener(Announcement(kind, record_id, invitation_id))

    def registry(self, registry_id: str) -> Registry:
        """Raises VerificationError for what is no identifier, NotFound for an unknown one."""
        if not registry_id.startswith("did:webvh:") or "/resources/" not in registry_id:
            raise VerificationError(
                "this is not the identifier of a did:webvh resource", step="identifier"
            )
        if registry_id not in self.registries:
            raise NotFound("nothing is published under this identifier")
        return self.registries[registry_id]

    def add_registry(self, definition: Definition) -> Registry:
        """A fresh registry for a definition, with its first list."""
        did = self.tenants[definition.tenant_id].did or ""
        first = StatusList(int(self.now().timestamp()) - 1, frozenset())
        registry = Registry(
            resource_id(did),
            definition.definition_id,
            definition.tenant_id,
            definition.registry_size,
            [first],
        )
        self.registries[registry.registry_id] = registry
        definition.registries.append(registry.registry_id)
        return registry

    def next_entry(self, definition_id: str) -> tuple[str, int]:
        """Take the next free entry; a full registry is followed by a fresh one."""
        definition = self.definitions[definition_id]
        registry = self.registries[definition.registries[-1]]
        if registry.issued == registry.size:
            registry = self.add_registry(definition)
        registry.issued += 1
        return registry.registry_id, registry.issued

    async def time_after(self, last: int) -> int:
        """The present second once it is later than `last`: times are whole seconds."""
        wait = last + 1 - self.now().timestamp()
        if wait > 0:
            await asyncio.sleep(wait + 0.01)
        return max(int(self.now().timestamp()), last + 1)


def new_id() -> str:
    return str(uuid4())


def base58(length: int) -> str:
    """Random letters in the alphabet of identifiers."""
    return "".join(secrets.choice(_BASE58) for _ in range(length))


def resource_id(did: str) -> str:
    """A fresh identifier of something published, in did:webvh's form."""
    return f"{did}/resources/zQm{base58(44)}"
