"""Issuing: from attribute values to a credential in a wallet, and revoking it again.

    waiting -> invited -> connected -> offering -> offered -> sent -> issued
    at any time before `sent`: declined, failed, expired

The values rest sealed and only until the wallet has the credential. Every step is found
again after a crash: `advance` reads the truth from the agent and goes on from there; doing it
twice changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import select, true, update

from controllers.events import note_event
from controllers.governance.service import GovernanceService, require
from controllers.issuer.revoking import Revoker
from controllers.links.service import FreshLink, LinkKind, issue_link
from controllers.moment import now
from controllers.organisations.service import OrganisationService, did_of, tenant_of
from controllers.sealing import Seal
from controllers.statements import StatementMaker
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.decision import Deny, Permit
from core.errors import Conflict, Gone, GovernanceDenied, NotFound
from core.ports import Document, IssuerAgent, OfferState, OfferStatus
from credential_defs import load_all
from governance.engine import Framework, Issue, decide

_STALE = timedelta(seconds=20)


class State(StrEnum):
    """Where an issuance stands."""

    WAITING = "waiting"
    INVITED = "invited"
    CONNECTED = "connected"
    OFFERING = "offering"
    OFFERED = "offered"
    SENT = "sent"
    ISSUED = "issued"
    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN = (
    State.WAITING,
    State.INVITED,
    State.CONNECTED,
    State.OFFERING,
    State.OFFERED,
    State.SENT,
)
ENDED = frozenset(state.value for state in State if state not in OPEN)
# before these, nothing of the credential has left us
_UNSENT = (State.WAITING, State.INVITED, State.CONNECTED, State.OFFERING, State.OFFERED)
# the wallet has said yes; from then on there is, or will be, a credential
_ACCEPTED = (OfferState.REQUESTED, OfferState.ISSUED, OfferState.DONE)


class IssuerService:
    """All that an issuing organisation can do."""

    def __init__(
        self,
        *,
        database: Database,
        governance: GovernanceService,
        organisations: OrganisationService,
        agent: IssuerAgent,
        revoker: Revoker,
        statements: StatementMaker,
        seal: Seal,
        offer_minutes: int,
    ) -> None:
        self._database = database
        self._governance = governance
        self._organisations = organisations
        self._agent = agent
        self._revoker = revoker
        self._statements = statements
        self._seal = seal
        self._lifetime = timedelta(minutes=offer_minutes)

    async def create(
        self, organisation: Organisation, credential: str, values: Mapping[str, Any]
    ) -> tuple[Issuance, FreshLink]:
        """Check the values and the authority, and make a link for the wallet.

        Raises NotFound, InvalidInput (naming every attribute that does not fit) and
        GovernanceDenied.
        """
        definition = load_all().get(credential)
        if definition is None:
            raise NotFound("There is no such credential")
        framework = await self._governance.current()
        definition_id = standing_definition(framework, did_of(organisation), credential)
        signed_values = definition.validate_values(values)
        at = now()
        issuance = Issuance(
            id=str(uuid.uuid4()),
            organisation_id=organisation.id,
            credential=credential,
            definition_id=definition_id,
            state=State.WAITING.value,
            created_at=at,
            updated_at=at,
            expires_at=at + self._lifetime,
        )
        issuance.sealed_values = self._seal.seal(signed_values, issuance.id)
        async with self._database.transaction() as session:
            session.add(issuance)
            link = issue_link(session, LinkKind.OFFER, issuance.id, issuance.expires_at)
            note_event(session, issuance.id, issuance.state)
        return issuance, link

    async def get(self, organisation: Organisation, issuance_id: str) -> Issuance:
        """One issuance of this organisation. Raises NotFound."""
        async with self._database.reading() as session:
            found = await session.get(Issuance, issuance_id)
        if found is None or found.organisation_id != organisation.id:
            raise NotFound("There is no such issuance")
        return found

    async def revoke(
        self, organisation: Organisation, issuance_ids: list[str]
    ) -> list[Issuance]:
        """Withdraw credentials; returns when every check refuses them. Raises NotFound,
        Conflict (not issued yet) and Unavailable, and then nothing is claimed."""
        found = [await self.get(organisation, each) for each in issuance_ids]
        if any(each.registry_id is None for each in found):
            raise Conflict("A credential that was not issued yet cannot be withdrawn")
        await self._revoker.revoke(organisation, found)
        return [await self.get(organisation, each) for each in issuance_ids]

    async def cancel(self, organisation: Organisation, issuance_id: str) -> Issuance:
        """Take an offer back before it was accepted. Raises NotFound, Conflict."""
        issuance = await self.get(organisation, issuance_id)
        if not await self._take_back(issuance, organisation):
            raise Conflict("It is too late to take this offer back; withdraw it instead")
        return await self.get(organisation, issuance_id)

    # --- what a link leads to -------------------------------------------------------------

    async def invitation(self, issuance_id: str) -> tuple[Document, Document]:
        """The invitation to connect and the issuer's statement; the same at each call."""
        issuance, organisation = await self._with_organisation(issuance_id)
        if issuance.state in ENDED:
            raise Gone("This offer has ended. Please ask the desk for a new one.")
        if issuance.sealed_invitation is None:
            await self._invite(issuance, organisation)
            issuance, _ = await self._with_organisation(issuance_id)
        if issuance.sealed_invitation is None:
            raise Conflict("This offer is just being prepared; please try again")
        both = self._seal.open(issuance.sealed_invitation, issuance.id)
        return both["invitation"], both["statement"]

    async def offered_by(self, issuance_id: str) -> tuple[str, str]:
        """The issuer's DID and the name of the credential, for a page that shows who offers."""
        issuance, organisation = await self._with_organisation(issuance_id)
        return did_of(organisation), issuance.credential

    async def _invite(self, issuance: Issuance, organisation: Organisation) -> None:
        invitation = await self._agent.invite(tenant_of(organisation), organisation.label)
        statement = await self._statements.offer(
            organisation, issuance.credential, invitation.message, issuance.expires_at
        )
        both = {"invitation": invitation.message, "statement": statement}
        async with self._database.transaction() as session:
            # only the first of two at once is kept; the other invitation leads nowhere
            invited = await session.execute(
                update(Issuance)
                .where(Issuance.id == issuance.id, Issuance.state == State.WAITING.value)
                .values(
                    state=State.INVITED.value,
                    invitation_id=invitation.invitation_id,
                    sealed_invitation=self._seal.seal(both, issuance.id),
                    updated_at=now(),
                )
            )
            if invited.rowcount:  # type: ignore[attr-defined] # an UPDATE has one
                note_event(session, issuance.id, State.INVITED.value)

    # --- going on -------------------------------------------------------------------------

    async def advance(self, issuance_id: str) -> None:
        """Go on with an issuance as far as the agent's truth allows."""
        issuance, organisation = await self._with_organisation(issuance_id)
        over = issuance.state in _UNSENT and issuance.expires_at <= now()
        if over and await self._take_back(issuance, organisation):
            return
        if issuance.state == State.INVITED:
            issuance = await self._connected(issuance, organisation)
        if issuance.state == State.OFFERING and issuance.updated_at < now() - _STALE:
            issuance = await self._recover_offer(issuance, organisation)
        if issuance.state == State.CONNECTED:
            await self._offer(issuance, organisation)
        elif issuance.state in (State.OFFERED, State.SENT):
            await self._follow(issuance, organisation)

    async def by_connection(self, invitation_id: str) -> str | None:
        """The issuance that an invitation belongs to."""
        return await self._one_id(Issuance.invitation_id == invitation_id)

    async def by_exchange(self, exchange_id: str) -> str | None:
        """The issuance that an exchange belongs to."""
        return await self._one_id(Issuance.exchange_id == exchange_id)

    async def unfinished(self, quiet_for: timedelta) -> list[str]:
        """Issuances in flight that nothing was heard of for so long."""
        async with self._database.reading() as session:
            found = await session.scalars(
                select(Issuance.id).where(
                    Issuance.state.in_([state.value for state in OPEN]),
                    Issuance.updated_at < now() - quiet_for,
                )
            )
            return list(found)

    async def _connected(self, issuance: Issuance, organisation: Organisation) -> Issuance:
        connection_id = await self._agent.connection_for(
            tenant_of(organisation), issuance.invitation_id or ""
        )
        if connection_id is not None:
            await self._move(
                issuance,
                (State.INVITED,),
                State.CONNECTED,
                changes={"connection_id": connection_id},
            )
        return (await self._with_organisation(issuance.id))[0]

    async def _offer(self, issuance: Issuance, organisation: Organisation) -> None:
        query = Issue(did_of(organisation), issuance.credential, issuance.definition_id)
        if isinstance(await self._governance.decide(query), Deny):
            # the authority ended between the desk and the wallet
            await self._move(
                issuance,
                OPEN,
                State.FAILED,
                drop_values=True,
                changes={"reason": "not-authorised"},
            )
            return
        if not await self._move(issuance, (State.CONNECTED,), State.OFFERING):
            return  # another worker was quicker
        values = self._seal.open(issuance.sealed_values or b"", issuance.id)
        exchange_id = await self._agent.offer(
            tenant_of(organisation),
            issuance.connection_id or "",
            issuance.definition_id,
            values,
            issuance.id,
        )
        noted = {"exchange_id": exchange_id}
        if not await self._move(issuance, (State.OFFERING,), State.OFFERED, changes=noted):
            # taken back meanwhile: nobody would know of a credential accepted from this offer
            await self._agent.forget_offer(tenant_of(organisation), exchange_id)

    async def _take_back(self, issuance: Issuance, organisation: Organisation) -> bool:
        """End an issuance that was not accepted; False if the wallet has accepted it.

        What the agent offered is removed first: a wallet could still accept it, and that would
        be a credential that nobody here could withdraw.
        """
        tenant, connection_id = tenant_of(organisation), issuance.connection_id
        offers = await self._agent.offers_on(tenant, connection_id) if connection_id else []
        if any(offer.state in _ACCEPTED for offer in offers):
            return False
        for offer in offers:
            await self._agent.forget_offer(tenant, offer.exchange_id)
        return await self._move(issuance, _UNSENT, State.EXPIRED, drop_values=True)

    async def _recover_offer(self, issuance: Issuance, organisation: Organisation) -> Issuance:
        """A worker died between offering and noting it: adopt its offer, or offer again."""
        found = await self._agent.offers_on(
            tenant_of(organisation), issuance.connection_id or ""
        )
        if found:
            adopted = {"exchange_id": found[0].exchange_id}
            await self._move(issuance, (State.OFFERING,), State.OFFERED, changes=adopted)
        else:
            # unless another worker did the same and offers again at this moment
            await self._move(issuance, (State.OFFERING,), State.CONNECTED, unchanged=True)
        return (await self._with_organisation(issuance.id))[0]

    async def _follow(self, issuance: Issuance, organisation: Organisation) -> None:
        exchange_id = issuance.exchange_id or ""
        status = await self._agent.offer_status(tenant_of(organisation), exchange_id)
        await self._settle(issuance, status)
        if status.state in (OfferState.DONE, OfferState.FAILED):
            await self._agent.forget_offer(tenant_of(organisation), exchange_id)

    async def _settle(self, issuance: Issuance, status: OfferStatus) -> None:
        open_states = (State.OFFERED, State.SENT)
        entry = {"registry_id": status.registry_id, "registry_index": status.index}
        match status.state:
            case OfferState.DONE:
                await self._move(
                    issuance, open_states, State.ISSUED, drop_values=True, changes=entry
                )
            case OfferState.ISSUED:
                await self._move(issuance, (State.OFFERED,), State.SENT, changes=entry)
            case OfferState.FAILED:
                await self._move(issuance, open_states, State.DECLINED, drop_values=True)
            case OfferState.UNKNOWN if issuance.registry_id is not None:
                # the record was removed after our commit of the entry: the wallet has it
                await self._move(issuance, open_states, State.ISSUED, drop_values=True)
            case OfferState.UNKNOWN:
                await self._move(
                    issuance,
                    open_states,
                    State.FAILED,
                    drop_values=True,
                    changes={"reason": "lost"},
                )
            case _:
                await self._touch(issuance)

    async def _move(
        self,
        issuance: Issuance,
        sources: tuple[State, ...],
        target: State,
        *,
        drop_values: bool = False,
        unchanged: bool = False,
        changes: Mapping[str, Any] = MappingProxyType({}),
    ) -> bool:
        """Compare and set; False if somebody else moved it first."""
        dropped = {"sealed_values": None, "sealed_invitation": None} if drop_values else {}
        async with self._database.transaction() as session:
            moved = await session.execute(
                update(Issuance)
                .where(
                    Issuance.id == issuance.id,
                    Issuance.state.in_([state.value for state in sources]),
                    Issuance.updated_at == issuance.updated_at if unchanged else true(),
                )
                .values(state=target.value, updated_at=now(), **changes, **dropped)
            )
            changed = bool(moved.rowcount)  # type: ignore[attr-defined] # an UPDATE has one
            if changed:
                note_event(session, issuance.id, target.value)
        return changed

    async def _touch(self, issuance: Issuance) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                update(Issuance).where(Issuance.id == issuance.id).values(updated_at=now())
            )

    async def _with_organisation(self, issuance_id: str) -> tuple[Issuance, Organisation]:
        async with self._database.reading() as session:
            issuance = await session.get(Issuance, issuance_id)
        if issuance is None:
            raise NotFound("There is no such issuance")
        return issuance, await self._organisations.get(issuance.organisation_id)

    async def _one_id(self, condition: Any) -> str | None:
        async with self._database.reading() as session:
            found: str | None = await session.scalar(select(Issuance.id).where(condition))
            return found


def standing_definition(framework: Framework, did: str, credential: str) -> str:
    """The newest definition under which `did` may issue now. Raises GovernanceDenied."""
    require(decide(framework, Issue(did, credential, None), as_of=now()))
    mine = [
        grant
        for grant in framework.grants.values()
        if (grant.participant, grant.credential) == (did, credential)
    ]
    refusals: list[Deny] = []
    for grant in sorted(mine, key=lambda grant: grant.starts, reverse=True):
        decision = decide(framework, Issue(did, credential, grant.definition_id), as_of=now())
        if isinstance(decision, Permit):
            return grant.definition_id
        refusals.append(decision)
    if refusals:
        require(refusals[0])
    raise GovernanceDenied(
        "This organisation has no grant to issue this credential.",
        rule_id="grants",
        reason="not-granted",
    )
