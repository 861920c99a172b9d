"""How a wallet and an issuer meet over an offer's link: by an invitation, or as they know
each other (docs/adr/0024).

A wallet that comes with the claim by which it took an earlier credential of this organisation
is offered the next one over the connection that there is: no handshake, no invitation, and no
statement, since the messages of a connection are by whoever it was made with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, update

from controllers.events import tell
from controllers.issuer.flow import IssuanceFlow
from controllers.issuer.rows import ENDED, IssuanceRows, State
from controllers.links.service import digest
from controllers.moment import now
from controllers.organisations.service import did_of, tenant_of
from controllers.sealing import Seal
from controllers.statements import StatementMaker
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.errors import Conflict, Gone
from core.ports import Document, InvitingAgent

# a handshake takes a second; wallets wait twenty for an offer before they ask again
_TO_CONNECT = timedelta(seconds=15)
_ROW = table_of(Issuance)
_INVITE = update(_ROW).where(
    _ROW.c.id == bindparam("its_id"),
    _ROW.c.state == bindparam("seen"),
    _ROW.c.updated_at == bindparam("seen_at"),
)
_PREPARING = "This offer is just being prepared; please try again"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Who offers what; and, unless they meet over a connection that there is, the invitation
    and the issuer's signed statement about it. `reference` stands in the offer that follows."""

    reference: str
    issuer: str
    credential: str
    expires: datetime
    invitation: Document | None = None
    statement: Document | None = None


class Meetings:
    """What the link of an offer leads to."""

    def __init__(
        self,
        *,
        database: Database,
        rows: IssuanceRows,
        flow: IssuanceFlow,
        agent: InvitingAgent,
        statements: StatementMaker,
        seal: Seal,
    ) -> None:
        self._database = database
        self._rows = rows
        self._flow = flow
        self._agent = agent
        self._statements = statements
        self._seal = seal

    async def who(self, issuance_id: str) -> Meeting:
        """Who offers what; nothing is made for it yet. Raises NotFound, Gone."""
        return _meeting(*await self._open(issuance_id))

    async def over_connection(self, issuance_id: str, claim: str, earlier: str) -> bool:
        """Offer over the connection of an earlier claim; False if there is none to use.

        Raises NotFound, Gone, Unavailable.
        """
        issuance, organisation = await self._open(issuance_id)
        if issuance.state != State.WAITING:
            if issuance.state == State.OFFERED:
                await self._flow.renew(issuance, organisation)
            return issuance.sealed_invitation is None
        connection_id = await self._rows.connection_by_claim(organisation.id, digest(earlier))
        if connection_id is None:
            return False
        known = {"connection_id": connection_id, "claim_digest": digest(claim)}
        if await self._rows.move(issuance, (State.WAITING,), State.CONNECTED, changes=known):
            return await self._flow.offer_or_step_back(issuance_id)
        return (await self._open(issuance_id))[0].sealed_invitation is None

    async def by_invitation(self, issuance_id: str, claim: str | None = None) -> Meeting:
        """With an invitation to connect, the same at each call until a wallet asks again that
        was invited some time ago and never connected. Raises NotFound, Gone, Conflict.
        """
        issuance, organisation = await self._open(issuance_id)
        if issuance.sealed_invitation is None and issuance.state != State.WAITING:
            # a wallet that could not be reached over the connection it named
            await self._flow.step_back(issuance, organisation)
            issuance, organisation = await self._open(issuance_id)
        elif issuance.state == State.OFFERED:
            await self._flow.renew(issuance, organisation)
        if issuance.state == State.WAITING or _came_to_nothing(issuance):
            await self._invite(issuance, organisation, claim)
            issuance, organisation = await self._open(issuance_id)
        if issuance.sealed_invitation is None:
            raise Conflict(_PREPARING, code="offer-not-arrived")
        both = self._seal.open(issuance.sealed_invitation, issuance.id)
        return _meeting(issuance, organisation, both["invitation"], both["statement"])

    async def _open(self, issuance_id: str) -> tuple[Issuance, Organisation]:
        issuance, organisation = await self._rows.read(issuance_id)
        if issuance.state in ENDED:
            raise Gone(
                "This offer has ended. Please ask the desk for a new one.", code="link-ended"
            )
        return issuance, organisation

    async def _invite(
        self, issuance: Issuance, organisation: Organisation, claim: str | None
    ) -> None:
        invitation = await self._agent.invite(tenant_of(organisation), organisation.label)
        statement = await self._statements.offer(
            organisation, issuance.credential, invitation.message, issuance.expires_at
        )
        both = {"invitation": invitation.message, "statement": statement}
        invited = {
            "state": State.INVITED.value,
            "invitation_id": invitation.invitation_id,
            "sealed_invitation": self._seal.seal(both, issuance.id),
            "claim_digest": digest(claim) if claim else None,
            "updated_at": now(),
        }
        seen = {
            "its_id": issuance.id,
            "seen": issuance.state,
            "seen_at": issuance.updated_at,
        }

        def invite(steps: Steps) -> None:
            # only the first of two at once is kept; the other invitation leads nowhere
            if steps.change(_INVITE, **seen, **invited) and issuance.state == State.WAITING:
                tell(steps, issuance.id, State.INVITED.value)

        await self._database.write(invite)


def _meeting(
    issuance: Issuance,
    organisation: Organisation,
    invitation: Document | None = None,
    statement: Document | None = None,
) -> Meeting:
    return Meeting(
        reference=issuance.id,
        issuer=did_of(organisation),
        credential=issuance.credential,
        expires=issuance.expires_at,
        invitation=invitation,
        statement=statement,
    )


def _came_to_nothing(issuance: Issuance) -> bool:
    """Invited, and still not connected: a message of the handshake was lost with an agent that
    fell, and nobody sends it again. An invitation is good for one handshake only."""
    return issuance.state == State.INVITED and issuance.updated_at < now() - _TO_CONNECT
