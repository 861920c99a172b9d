"""Being offered a credential: who offers what, each value, and taking it or not.

1. The desk's code opens the link; the statement that comes with the invitation is verified,
   and the framework asked whether this DID may issue this credential at all.
2. The wallet connects; the offer with its values follows encrypted.
3. The offer must be by that same DID, under a definition it may issue under now.
4. The holder sees each value and says yes; the credential is stored, and only then it counts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from agent.proof_format import issuer_of
from agent.webvh.locks import NamedLocks
from controllers.governance.service import GovernanceService, require
from controllers.statements import OfferStatement, read_statement
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.notes import PENDING, Notes
from controllers.wallet.sessions import OpenWallet
from core.errors import Conflict, NotFound, Unavailable, VerificationError
from core.ports import Awaited, Document, HolderAgent, OfferState, ReceivedOffer
from governance.engine import Framework, Issue

_OFFER_SECONDS, _STORE_SECONDS = 20.0, 30.0

# of several on one connection, the one that leads furthest; after OFFERED none may lead on
_RANKS = (OfferState.DONE, OfferState.ISSUED, OfferState.OFFERED, OfferState.REQUESTED)


def _rank(offer: ReceivedOffer) -> int:
    return _RANKS.index(offer.state) if offer.state in _RANKS else len(_RANKS)


@dataclass(frozen=True, slots=True)
class VerifiedOffer:
    """An offer whose issuer and authority are established."""

    id: str
    issuer: str
    credential: str
    offer: ReceivedOffer
    framework: Framework


class OfferService:
    """Takes up offers, accepts and declines them."""

    def __init__(
        self,
        *,
        holder: HolderAgent,
        verify_statement: Any,
        governance: GovernanceService,
        fetcher: LinkFetcher,
        notes: Notes,
    ) -> None:
        self._holder = holder
        self._verify_statement = verify_statement
        self._governance = governance
        self._fetcher = fetcher
        self._notes = notes
        self._turns = NamedLocks()

    async def take_up(self, wallet: OpenWallet, link: str, code: str) -> VerifiedOffer:
        """Open the link with the desk's code and wait for the offer. Repeating it is safe.

        Raises Forbidden (wrong code), Gone, VerificationError, GovernanceDenied, Unavailable.
        """
        offer_id = hashlib.sha256(link.encode()).hexdigest()[:32]
        async with self._turns.lock(f"{wallet.wallet_id}/{offer_id}"):
            note = (await self._notes.all(wallet.token, PENDING)).get(offer_id)
            if note is None or not await self._something_came(wallet, note):
                # nothing came of an earlier try: a message to an agent that was down is gone,
                # and who asks the link again is invited, or offered, anew
                note = await self._connect(wallet, link, code)
                await self._notes.put(wallet.token, PENDING, offer_id, note)
        return await self._offered(wallet, offer_id, note)

    async def pending(self, wallet: OpenWallet, offer_id: str) -> VerifiedOffer:
        """An offer taken up earlier in this wallet. Raises NotFound, and as `take_up`."""
        return await self._offered(wallet, offer_id, await self._note(wallet, offer_id))

    async def accept(self, wallet: OpenWallet, offer_id: str) -> VerifiedOffer:
        """Take the credential; returns when it is stored. Raises Conflict, Unavailable."""
        async with self._turns.lock(f"{wallet.wallet_id}/{offer_id}"):
            note = await self._note(wallet, offer_id)
            verified = await self._offered(wallet, offer_id, note)
            if verified.offer.state is OfferState.OFFERED:
                await self._holder.accept_offer(wallet.token, verified.offer.exchange_id)
            found = await self._until_stored(wallet, note["connection_id"], verified)
            await self._notes.note_received(
                wallet.token, offer_id, verified.credential, verified.issuer
            )
            for exchange_id in {verified.offer.exchange_id, *found}:
                await self._holder.close_offer(wallet.token, exchange_id)
        return verified

    async def decline(self, wallet: OpenWallet, offer_id: str) -> None:
        """Say no; the issuer learns only that."""
        note = await self._note(wallet, offer_id)
        for offer in await self._holder.offers(wallet.token, note["connection_id"]):
            await self._holder.close_offer(wallet.token, offer.exchange_id)
        await self._notes.delete(wallet.token, PENDING, offer_id)

    async def _note(self, wallet: OpenWallet, offer_id: str) -> Document:
        note = (await self._notes.all(wallet.token, PENDING)).get(offer_id)
        if note is None or note.get("kind") != "offer":
            raise NotFound("This offer is not waiting in your wallet.")
        return note

    async def _something_came(self, wallet: OpenWallet, note: Document) -> bool:
        found = await self._holder.offers(wallet.token, note["connection_id"])
        return any(_rank(offer) <= _RANKS.index(OfferState.OFFERED) for offer in found)

    async def _connect(self, wallet: OpenWallet, link: str, code: str) -> Document:
        claim = hashlib.sha256(f"{wallet.key.reveal()}:{link}".encode()).hexdigest()
        both = await self._fetcher.accept(link, claim, code)
        invitation, statement = both.get("invitation"), both.get("statement")
        if not isinstance(invitation, dict) or not isinstance(statement, dict):
            raise VerificationError("The link does not say who offers", step="form")
        read = read_statement(OfferStatement, statement, invitation)
        # before anything of the issuer's is fetched: a stranger is not even looked up
        require(await self._governance.decide(Issue(read.issuer, read.credential, None)))
        if await self._verify_statement(wallet.token, statement) != read.issuer:
            raise VerificationError("Somebody else signed this", step="issuer")
        connection_id = await self._holder.connect(wallet.token, invitation)
        return {
            "kind": "offer",
            "link": link,
            "issuer": read.issuer,
            "credential": read.credential,
            "connection_id": connection_id,
            "at": read.expires.isoformat(),
        }

    async def _offered(
        self, wallet: OpenWallet, offer_id: str, note: Document
    ) -> VerifiedOffer:
        offer = await self._until_offered(wallet, note["connection_id"])
        issuer, credential = note["issuer"], note["credential"]
        framework = await self._governance.current()
        if issuer_of(offer.definition_id) != issuer:
            raise VerificationError("The offer is by somebody else", step="issuer")
        if offer.schema_id != framework.schemas.get(credential):
            raise VerificationError("The offer is of another kind", step="schema")
        query = Issue(issuer, credential, offer.definition_id)
        require(await self._governance.decide(query))
        return VerifiedOffer(offer_id, issuer, credential, offer, framework)

    async def _until_offered(self, wallet: OpenWallet, connection_id: str) -> ReceivedOffer:
        found = await self._holder.offers(
            wallet.token, connection_id, awaited=Awaited.ARRIVAL, seconds=_OFFER_SECONDS
        )
        if found:
            return min(found, key=_rank)
        raise Unavailable("The offer has not arrived yet. Please try again in a moment.")

    async def _until_stored(
        self, wallet: OpenWallet, connection_id: str, verified: VerifiedOffer
    ) -> list[str]:
        """Returns with every exchange on the connection: one that was lost is there, too."""
        found = await self._holder.offers(
            wallet.token, connection_id, awaited=Awaited.SETTLING, seconds=_STORE_SECONDS
        )
        offers = [each for each in found if each.exchange_id == verified.offer.exchange_id]
        if not offers or offers[0].state is OfferState.DONE:
            # stored; another of her devices may have tidied up already
            return [each.exchange_id for each in found]
        if offers[0].state is OfferState.FAILED:
            raise Conflict("The desk took this offer back.")
        raise Unavailable("The credential has not arrived yet. Please try again in a moment.")
