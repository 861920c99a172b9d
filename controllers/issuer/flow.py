"""How an issuance goes on, from the holder's connection to the credential in her wallet.

The agent signs nothing by itself. Whether the organisation may issue is decided when it offers
and again at the moment of signing, and one compare-and-set (offered -> issuing) stands before
the one signature. A credential that may have left is never given up: if the agent names its
entry in a registry, the issuance counts as issued, however its exchange ended, so that it can
be withdrawn. Once one is issued that replaces another, that other one is withdrawn.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any, TypeGuard

from controllers.governance.service import GovernanceService
from controllers.issuer.revoking import Revoker
from controllers.issuer.rows import ENDED, IssuanceRows, State
from controllers.moment import now
from controllers.organisations.service import did_of, tenant_of
from controllers.sealing import Seal
from controllers.staff.deeds import note, who_did
from controllers.store.brief import Beside, Steps, nothing_beside
from controllers.store.models import Issuance, Organisation
from core.decision import Deny
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from core.ports import IssuerAgent, OfferState, OfferStatus
from governance.engine import Issue

_STALE = timedelta(seconds=20)
# longer than a call to the agent may take: nobody is at it any more
_ISSUING_STALE = timedelta(minutes=2)
# an offer arrives within a second; wallets wait twenty before they ask again
_TO_ARRIVE = timedelta(seconds=15)
# longer than the agent itself keeps trying to deliver a message
_TO_ACKNOWLEDGE = timedelta(minutes=1)
_REFUSED = (Conflict, NotFound, Forbidden, InvalidInput)
_SIGNED = (OfferState.ISSUED, OfferState.DONE)
_UNOFFERED = (State.WAITING, State.INVITED, State.CONNECTED)
_ON_AGENT = (State.OFFERED, State.ISSUING, State.SENT)
_WITHOUT_CREDENTIAL = (State.EXPIRED, State.DECLINED, State.FAILED)


class IssuanceFlow:
    """Goes on with issuances; doing it twice, or in two places at once, changes nothing."""

    def __init__(
        self,
        *,
        rows: IssuanceRows,
        governance: GovernanceService,
        agent: IssuerAgent,
        revoker: Revoker,
        seal: Seal,
    ) -> None:
        self._rows = rows
        self._governance = governance
        self._agent = agent
        self._revoker = revoker
        self._seal = seal

    async def advance(self, issuance_id: str) -> None:
        """Go on with an issuance as far as the agent's truth allows."""
        issuance, organisation = await self._rows.read(issuance_id)
        status = None
        if issuance.state == State.OFFERING and _stale(issuance):
            issuance = await self._recover_offer(issuance, organisation)
        if issuance.state in _UNOFFERED and _over(issuance):
            await self._rows.move(issuance, _UNOFFERED, State.EXPIRED)
            return
        if issuance.state == State.INVITED:
            issuance = await self._connected(issuance, organisation)
        if issuance.state == State.CONNECTED:
            await self._offer(issuance, organisation)
        elif issuance.state in _ON_AGENT:
            status = await self._status(issuance, organisation)
            await self._settle(issuance, organisation, status)
        await self._clear(issuance_id, status)
        if issuance.replaces is not None:
            await self._withdraw_replaced(issuance_id, issuance.replaces)

    async def take_back(self, issuance_id: str, beside: Beside = nothing_beside) -> bool:
        """End an issuance; False if a credential has left, or may be leaving now."""
        issuance, organisation = await self._rows.read(issuance_id)
        if issuance.state == State.OFFERING and _stale(issuance):
            issuance = await self._recover_offer(issuance, organisation)
        if issuance.state == State.ISSUING:
            ended = await self._give_up(issuance, organisation, State.EXPIRED, beside=beside)
        else:
            sources = (*_UNOFFERED, State.OFFERED)
            ended = await self._rows.move(issuance, sources, State.EXPIRED, beside=beside)
        if ended:
            with contextlib.suppress(Unavailable):  # then the sweep does it
                await self._clear(issuance_id)
        return ended

    # --- offering -------------------------------------------------------------------------

    async def renew(self, issuance: Issuance, organisation: Organisation) -> None:
        """Offer again to the wallet that asks again because nothing came of the offer: that,
        or the request for it, was lost with an agent that fell. Nothing was signed on the
        offer that is taken back, and nothing will be."""
        lost, since = issuance.exchange_id, now() - _TO_ARRIVE
        if lost is None or not await self._rows.came_before(issuance, State.OFFERED, since):
            return
        status = await self._status(issuance, organisation)
        if status.state is not OfferState.OFFERED or status.registry_id is not None:
            return
        anew = {"exchange_id": None}
        if await self._rows.move(
            issuance, (State.OFFERED,), State.CONNECTED, unchanged=True, changes=anew
        ):
            await self._agent.forget_offer(tenant_of(organisation), lost)
            await self._offer((await self._rows.read(issuance.id))[0], organisation)

    async def offer_or_step_back(self, issuance_id: str) -> bool:
        """Offer over a connection that was there before; False, and everything as it was, if
        the agent does not know it any more."""
        issuance, organisation = await self._rows.read(issuance_id)
        try:
            await self._offer(issuance, organisation)
        except _REFUSED:
            unmade = {"connection_id": None}
            await self._rows.move(
                issuance, (State.CONNECTED, State.OFFERING), State.WAITING, changes=unmade
            )
            return False
        return True

    async def step_back(self, issuance: Issuance, organisation: Organisation) -> None:
        """Begin again with a wallet that the offer over an earlier connection did not reach;
        not if it was asked for."""
        lost = issuance.exchange_id
        if issuance.state == State.OFFERED:
            status = await self._status(issuance, organisation)
            if status.state is not OfferState.OFFERED or status.registry_id is not None:
                return
        unmade = {"connection_id": None, "exchange_id": None}
        sources = (State.CONNECTED, State.OFFERED)
        begun = await self._rows.move(
            issuance, sources, State.WAITING, unchanged=True, changes=unmade
        )
        if begun and lost is not None:
            await self._agent.forget_offer(tenant_of(organisation), lost)

    async def _connected(self, issuance: Issuance, organisation: Organisation) -> Issuance:
        connection_id = await self._agent.connection_for(
            tenant_of(organisation), issuance.invitation_id or ""
        )
        if connection_id is not None:
            found = {"connection_id": connection_id}
            await self._rows.move(issuance, (State.INVITED,), State.CONNECTED, changes=found)
        return (await self._rows.read(issuance.id))[0]

    async def _offer(self, issuance: Issuance, organisation: Organisation) -> None:
        if not await self._permitted(issuance, organisation):
            return  # the authority ended between the desk and the wallet
        if not await self._rows.move(issuance, (State.CONNECTED,), State.OFFERING):
            return  # another worker was quicker
        tenant = tenant_of(organisation)
        values = self._seal.open(issuance.sealed_values or b"", issuance.id)
        exchange_id = await self._agent.offer(
            tenant, issuance.connection_id or "", issuance.definition_id, values, issuance.id
        )
        noted = {"exchange_id": exchange_id}
        if not await self._rows.move(issuance, (State.OFFERING,), State.OFFERED, changes=noted):
            await self._forget_unless_adopted(issuance, organisation, exchange_id)

    async def _forget_unless_adopted(
        self, issuance: Issuance, organisation: Organisation, exchange_id: str
    ) -> None:
        """We were so slow that another worker took over: from our offer, or with its own."""
        stored, _ = await self._rows.read(issuance.id)
        if stored.exchange_id != exchange_id and stored.state != State.ISSUED:
            await self._agent.forget_offer(tenant_of(organisation), exchange_id)

    async def _recover_offer(self, issuance: Issuance, organisation: Organisation) -> Issuance:
        """A worker died between offering and noting it: adopt its offer, or offer again."""
        found = await self._agent.offers_on(
            tenant_of(organisation), issuance.connection_id or "", issuance.id
        )
        if found:
            adopted = {"exchange_id": found[0].exchange_id}
            await self._rows.move(issuance, (State.OFFERING,), State.OFFERED, changes=adopted)
        else:
            # unless another worker did the same and offers again at this moment
            await self._rows.move(issuance, (State.OFFERING,), State.CONNECTED, unchanged=True)
        return (await self._rows.read(issuance.id))[0]

    async def _permitted(self, issuance: Issuance, organisation: Organisation) -> bool:
        """Whether the organisation may issue this now; if not, the issuance has failed."""
        query = Issue(did_of(organisation), issuance.credential, issuance.definition_id)
        if not isinstance(await self._governance.decide(query), Deny):
            return True
        await self._fail(issuance, "not-authorised")
        return False

    async def _fail(self, issuance: Issuance, reason: str) -> None:
        """Fail from exactly where it was seen."""
        seen = (State(issuance.state),)
        changes = {"reason": reason}
        await self._rows.move(issuance, seen, State.FAILED, unchanged=True, changes=changes)

    # --- signing, and what becomes of it --------------------------------------------------

    async def _status(self, issuance: Issuance, organisation: Organisation) -> OfferStatus:
        tenant = tenant_of(organisation)
        return await self._agent.offer_status(tenant, issuance.exchange_id or "")

    async def _settle(
        self,
        issuance: Issuance,
        organisation: Organisation,
        status: OfferStatus,
        *,
        signing: bool = False,
    ) -> None:
        """Note what the agent says. `signing`: it is we who have just asked it to sign."""
        noted = issuance.registry_id is not None
        if noted or status.registry_id is not None or status.state in _SIGNED:
            await self._note_credential(issuance, status)
        elif issuance.state == State.ISSUING and not (signing or _stale(issuance)):
            return  # somebody is signing at this moment; what is not there may yet come
        elif status.state is OfferState.REQUESTED:
            if not signing:
                await self._issue(issuance, organisation)
        elif status.state is OfferState.UNKNOWN:
            await self._fail(issuance, "lost")
        elif status.state is OfferState.FAILED and issuance.state == State.OFFERED:
            await self._rows.move(issuance, (State.OFFERED,), State.DECLINED)
        elif status.state is OfferState.FAILED:
            await self._fail(issuance, "stalled")
        elif _over(issuance):
            await self._rows.move(issuance, (State.OFFERED,), State.EXPIRED)
        else:
            await self._rows.touch(issuance)

    async def _issue(self, issuance: Issuance, organisation: Organisation) -> None:
        """Sign, once. Also where a worker died over it: the agent refuses a second time."""
        if issuance.state == State.ISSUING and issuance.updated_at >= issuance.expires_at:
            # tried once more after its time, in vain
            await self._give_up(issuance, organisation, State.FAILED, {"reason": "stalled"})
            return
        if not await self._permitted(issuance, organisation):
            return
        seen = (State(issuance.state),)
        again = issuance.state == State.ISSUING
        if not await self._rows.move(issuance, seen, State.ISSUING, unchanged=again):
            return  # another worker was quicker, or it was just taken back
        looked_at = issuance.exchange_id
        issuance, _ = await self._rows.read(issuance.id)
        if issuance.exchange_id != looked_at:  # it was offered anew in between
            await self._rows.move(issuance, (State.ISSUING,), State.OFFERED)
            return
        try:
            tenant, exchange_id = tenant_of(organisation), issuance.exchange_id or ""
            status = await self._agent.issue(tenant, exchange_id)
        except _REFUSED:  # what became of it, the status says
            status = await self._status(issuance, organisation)
        await self._settle(issuance, organisation, status, signing=True)

    async def _note_credential(self, issuance: Issuance, status: OfferStatus) -> None:
        """There is a credential; the agent needs its values no more, and neither do we."""
        entry = _entry(status) if status.registry_id is not None else {}
        noted: dict[str, Any]
        ended = status.state in (OfferState.DONE, OfferState.FAILED, OfferState.UNKNOWN)
        if ended or await self._unheard_of(issuance):
            heard = status.state is OfferState.DONE
            noted = {**entry, "reason": None if heard else "unacknowledged"}
            await self._rows.move(issuance, _ON_AGENT, State.ISSUED, changes=noted)
        elif issuance.state == State.SENT:
            await self._rows.touch(issuance)
        else:
            noted = {"sealed_values": None, **entry}
            await self._rows.move(
                issuance, (State.OFFERED, State.ISSUING), State.SENT, changes=noted
            )

    async def _unheard_of(self, issuance: Issuance) -> bool:
        """Sent, and not acknowledged for so long: the acknowledgement, or the credential, was
        lost with an agent that fell. It counts as issued, so that it can be withdrawn."""
        if _over(issuance) or issuance.state != State.SENT:
            return _over(issuance)
        return await self._rows.came_before(issuance, State.SENT, now() - _TO_ACKNOWLEDGE)

    async def _give_up(
        self,
        issuance: Issuance,
        organisation: Organisation,
        target: State,
        changes: dict[str, Any] | None = None,
        beside: Beside = nothing_beside,
    ) -> bool:
        """End one that stands still while it should be signed; False if it does not."""
        status = await self._status(issuance, organisation)
        unsigned = status.state is OfferState.REQUESTED and status.registry_id is None
        if not (unsigned and _stale(issuance)):
            return False
        return await self._rows.move(
            issuance,
            (State.ISSUING,),
            target,
            unchanged=True,
            changes=changes or {},
            beside=beside,
        )

    async def _withdraw_replaced(self, issuance_id: str, replaced_id: str) -> None:
        """The new one is issued: the one before is withdrawn, if it is not yet. What breaks
        off here is found again by the sweep (rows.unfinished)."""
        issuance, organisation = await self._rows.read(issuance_id)
        if issuance.state != State.ISSUED:
            return
        replaced, _ = await self._rows.read(replaced_id)

        def noted(steps: Steps, old_id: str) -> None:
            who = who_did(steps, organisation.id, "issued", issuance_id)
            note(steps, organisation.id, who, "replaced", old_id)

        if replaced.revoked_at is None:
            await self._revoker.revoke(organisation, [replaced], beside=noted)

    async def _clear(self, issuance_id: str, seen: OfferStatus | None = None) -> None:
        """Remove what has ended from the agent, which declines it if it is still open there.

        An entry that we do not have yet is noted first: it is all that can withdraw. `seen`
        is what the agent has just said; it is asked again unless that was its last word.
        """
        issuance, organisation = await self._rows.read(issuance_id)
        if issuance.state not in ENDED or issuance.exchange_id is None:
            return
        status = seen if _final(seen) else await self._status(issuance, organisation)
        if status.registry_id is not None and issuance.registry_id is None:
            await self._rows.move(
                issuance,
                (*_WITHOUT_CREDENTIAL, State.ISSUED),
                State.ISSUED,
                changes={"reason": None, **_entry(status)},
            )
        await self._agent.forget_offer(tenant_of(organisation), issuance.exchange_id, status)
        await self._rows.forgot_exchange(issuance)


def _final(status: OfferStatus | None) -> TypeGuard[OfferStatus]:
    return status is not None and status.state is OfferState.DONE


def _entry(status: OfferStatus) -> dict[str, Any]:
    return {"registry_id": status.registry_id, "registry_index": status.index}


def _over(issuance: Issuance) -> bool:
    return issuance.expires_at <= now()


def _stale(issuance: Issuance) -> bool:
    """Whoever was at it is so no longer."""
    patience = _ISSUING_STALE if issuance.state == State.ISSUING else _STALE
    return issuance.updated_at < now() - patience
