"""Issuing: from attribute values to a credential in a wallet, and revoking it again.

    waiting -> invited -> connected -> offering -> offered -> issuing -> sent -> issued
    over a connection that there is already: waiting -> connected
    at any time before `sent`: declined, failed, expired

The values rest sealed and only until the credential is sent. Every step is found again after
a crash: `advance` reads the truth from the agent and goes on from there; doing it twice changes
nothing (see flow.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from controllers.events import tell
from controllers.governance.service import GovernanceService, require
from controllers.issuer.flow import IssuanceFlow
from controllers.issuer.meeting import Meetings
from controllers.issuer.moving import Moves, check_replaceable
from controllers.issuer.references import pseudonym_of
from controllers.issuer.revoking import Revoker
from controllers.issuer.rows import ENDED, IssuanceRows, State, by_reference
from controllers.links.service import FreshLink, LinkKind, issue_link
from controllers.moment import now
from controllers.organisations.service import OrganisationService, did_of
from controllers.sealing import Seal
from controllers.statements import StatementMaker
from controllers.store.brief import Beside, Steps, nothing_beside
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.decision import Deny, Permit
from core.errors import Conflict, GovernanceDenied, NotFound
from core.ports import IssuerAgent
from credential_defs import load_all
from governance.engine import Framework, Issue, decide

__all__ = ["ENDED", "IssuerService", "State", "standing_definition"]


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
        self._revoker = revoker
        self._seal = seal
        self._lifetime = timedelta(minutes=offer_minutes)
        self._rows = IssuanceRows(database, organisations)
        self._flow = IssuanceFlow(
            rows=self._rows, governance=governance, agent=agent, revoker=revoker, seal=seal
        )
        self.moves = Moves(database)
        self.meetings = Meetings(
            database=database,
            rows=self._rows,
            flow=self._flow,
            agent=agent,
            statements=statements,
            seal=seal,
        )

    async def create(
        self,
        organisation: Organisation,
        credential: str,
        values: Mapping[str, Any],
        replaces: str | None = None,
        *,
        reference: str | None = None,
        place_id: str | None = None,
        beside: Beside = nothing_beside,
    ) -> tuple[Issuance, FreshLink]:
        """Check the values and the authority, and make a link for the wallet. The one that it
        `replaces` is withdrawn when it is issued.

        `reference` is the organisation's own, which it finds the issuance by.

        Raises NotFound, InvalidInput (naming every attribute that does not fit),
        GovernanceDenied, and Conflict if that one cannot be replaced.
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
            replaces=replaces,
            place_id=place_id,
        )
        if reference is not None:
            issuance.reference_pseudonym = pseudonym_of(self._seal, organisation.id, reference)
            issuance.sealed_reference = self._seal.seal(reference, issuance.id)
        issuance.sealed_values = self._seal.seal(signed_values, issuance.id)

        def open_offer(steps: Steps) -> FreshLink:
            if replaces is not None:
                check_replaceable(steps, organisation, credential, replaces)
            steps.add(issuance)
            link = issue_link(steps, LinkKind.OFFER, issuance.id, issuance.expires_at)
            tell(steps, issuance.id, issuance.state)
            beside(steps, issuance.id)
            return link

        return issuance, await self._database.write(open_offer)

    def by_reference(
        self, steps: Steps, organisation: Organisation, reference: str
    ) -> list[Issuance]:
        """The organisation's issuances under its own reference, newest first."""
        wanted = pseudonym_of(self._seal, organisation.id, reference)
        return by_reference(steps, organisation.id, wanted)

    def reference_of(self, issuance: Issuance) -> str | None:
        """The organisation's own reference, if it gave one."""
        if issuance.sealed_reference is None:
            return None
        opened: str = self._seal.open(issuance.sealed_reference, issuance.id)
        return opened

    async def get(self, organisation: Organisation, issuance_id: str) -> Issuance:
        """One issuance of this organisation. Raises NotFound."""
        found, _ = await self._rows.read(issuance_id)
        if found.organisation_id != organisation.id:
            raise NotFound("There is no such issuance")
        return found

    async def revoke(
        self,
        organisation: Organisation,
        issuance_ids: list[str],
        *,
        because: str | None = None,
        beside: Beside = nothing_beside,
    ) -> list[Issuance]:
        """Withdraw credentials; returns when every check refuses them. `beside` is written
        with each that was not withdrawn before. Raises NotFound, Conflict (not issued yet)
        and Unavailable, and then nothing is claimed."""
        found = [await self.get(organisation, each) for each in issuance_ids]
        if any(each.registry_id is None for each in found):
            raise Conflict("A credential that was not issued yet cannot be withdrawn")
        await self._revoker.revoke(organisation, found, because=because, beside=beside)
        return [await self.get(organisation, each) for each in issuance_ids]

    async def cancel(
        self,
        organisation: Organisation,
        issuance_id: str,
        beside: Beside = nothing_beside,
    ) -> Issuance:
        """Take an offer back before its credential is signed. Raises NotFound, Conflict."""
        issuance = await self.get(organisation, issuance_id)
        if not await self._flow.take_back(issuance.id, beside):
            raise Conflict(
                "This offer cannot be taken back: it has ended, or is just being sent"
            )
        return await self.get(organisation, issuance_id)

    # --- going on -------------------------------------------------------------------------

    async def advance(self, issuance_id: str) -> None:
        """Go on with an issuance as far as the agent's truth allows."""
        await self._flow.advance(issuance_id)

    async def by_connection(self, invitation_id: str) -> str | None:
        """The issuance that an invitation belongs to."""
        return await self._rows.by_invitation(invitation_id)

    async def by_exchange(self, exchange_id: str) -> str | None:
        """The issuance that an exchange belongs to."""
        return await self._rows.by_exchange(exchange_id)

    async def unfinished(self, quiet_for: timedelta) -> list[str]:
        """Issuances in flight, or not cleared on the agent, or with one to withdraw that they
        replace, that nothing was heard of for so long."""
        return await self._rows.unfinished(quiet_for)


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
