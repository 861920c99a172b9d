"""Being offered a credential: who offers what, each value, and taking it or not.

1. The desk's code opens the link; the statement that comes with the invitation is verified,
   and the framework asked whether this DID may issue this credential at all.
2. The wallet connects; the offer with its values follows encrypted. An issuer that it took a
   credential from before, through the same site, needs neither statement nor invitation: the
   offer comes over the connection that was made with it (docs/adr/0024).
3. The offer must be by that same DID, under a definition it may issue under now.
4. The holder sees each value and says yes; the credential is stored, and only then it counts.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from agent.proof_format import issuer_of
from agent.webvh.locks import NamedLocks
from controllers.governance.service import GovernanceService, require
from controllers.statements import OfferStatement, read_statement
from controllers.wallet.codes import told_as, verifying
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.notes import CONTACTS, PENDING, Notes, contact_key
from controllers.wallet.sessions import OpenWallet
from core.errors import Conflict, InvalidInput, NotFound, Unavailable, VerificationError
from core.ports import Awaited, Document, HolderAgent, OfferState, ReceivedOffer
from credential_defs import CredentialDefinition, load_all
from governance.engine import Framework, Issue

_MAY_NOT = "may-not-offer"
_OFFER_SECONDS, _STORE_SECONDS = 20.0, 30.0

# of several on one connection, the one that leads furthest; after OFFERED none may lead on
_RANKS = (OfferState.DONE, OfferState.ISSUED, OfferState.OFFERED, OfferState.REQUESTED)


def _rank(offer: ReceivedOffer) -> int:
    return _RANKS.index(offer.state) if offer.state in _RANKS else len(_RANKS)


class _Stored(NamedTuple):
    """A credential that was stored: the exchange it came by, those that were lost and are
    still there, and its id, unless another of her devices has noted all that already."""

    ended: list[str]
    lost: list[str]
    credential_id: str | None


class _Taking(NamedTuple):
    """A link that is taken up: what its site is told."""

    link: str
    claim: str
    code: str

    @property
    def site(self) -> str:
        """Where the link leads: scheme, host and port."""
        parts = urlsplit(self.link)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class _Answered:
    """What is offered until when, and the reference that the offer will carry, if we know."""

    credential: str
    expires: datetime
    reference: object


@dataclass(frozen=True, slots=True)
class VerifiedOffer:
    """An offer whose issuer and authority are established."""

    id: str
    issuer: str
    credential: str
    offer: ReceivedOffer
    framework: Framework

    @property
    def definition(self) -> CredentialDefinition:
        """What is offered."""
        return load_all()[self.credential]

    @property
    def held_for_other(self) -> bool:
        """Whether it would be kept for somebody else."""
        return self.definition.is_for_other(self.offer.values)

    @property
    def for_dependent(self) -> bool:
        """Whether it is about a dependent: kept for her, or to act for her by."""
        return self.definition.acts_for_other or self.held_for_other


@dataclass(frozen=True, slots=True)
class OfferEvidence:
    """Who offers what, and the signed statement of it; one over a connection that there was
    before has none."""

    issuer: str
    credential: str
    definition_id: str
    statement: Document | None
    invitation: Document | None


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
                taking = _Taking(link, _claim(wallet, link), code)
                known = await self._meet(wallet, taking) if note is None else None
                note = known or await self._connect(wallet, taking)
                await self._notes.put(wallet.token, PENDING, offer_id, note)
        return await self._offered(wallet, offer_id, note, seconds=_OFFER_SECONDS)

    async def pending(self, wallet: OpenWallet, offer_id: str) -> VerifiedOffer:
        """An offer taken up earlier in this wallet. Raises NotFound, and as `take_up`."""
        note = await self._note(wallet, offer_id)
        return await self._offered(wallet, offer_id, note, seconds=_OFFER_SECONDS)

    async def arrived(self, wallet: OpenWallet, offer_id: str, note: Document) -> VerifiedOffer:
        """The same for its note, without waiting. Raises Unavailable if it is not there yet."""
        return await self._offered(wallet, offer_id, note, seconds=0.0)

    async def evidence(self, wallet: OpenWallet, offer_id: str) -> OfferEvidence:
        """What a phone judges an offer by for itself. Raises NotFound, and as `take_up`."""
        note = await self._note(wallet, offer_id)
        verified = await self._offered(wallet, offer_id, note, seconds=_OFFER_SECONDS)
        return OfferEvidence(
            issuer=verified.issuer,
            credential=verified.credential,
            definition_id=verified.offer.definition_id,
            statement=note.get("statement"),
            invitation=note.get("invitation"),
        )

    async def exchanges(self, wallet: OpenWallet, note: Document) -> list[str]:
        """The exchanges that came of a link that was taken up."""
        found = await self._holder.offers(wallet.token, *_place(note))
        return [each.exchange_id for each in found]

    async def accept(self, wallet: OpenWallet, offer_id: str) -> VerifiedOffer:
        """Take the credential; returns when it is stored. Raises Conflict, Unavailable."""
        async with self._turns.lock(f"{wallet.wallet_id}/{offer_id}"):
            note = await self._note(wallet, offer_id)
            verified = await self._offered(wallet, offer_id, note, seconds=_OFFER_SECONDS)
            if verified.offer.state is OfferState.OFFERED:
                with contextlib.suppress(Conflict):  # another of her devices was quicker
                    await self._holder.accept_offer(wallet.token, verified.offer.exchange_id)
            stored = await self._until_stored(wallet, note, verified)
            await self._notes.note_received(
                wallet.token,
                offer_id,
                verified.credential,
                verified.issuer,
                held_for_other=verified.held_for_other,
                contact=_contact(note),
                origin=_origin(note, stored.credential_id),
                ended=stored.ended,
            )
            for exchange_id in stored.lost:
                await self._holder.close_offer(wallet.token, exchange_id)
        return verified

    async def decline(self, wallet: OpenWallet, offer_id: str) -> None:
        """Say no; the issuer learns only that."""
        note = await self._note(wallet, offer_id)
        for offer in await self._holder.offers(wallet.token, *_place(note)):
            await self._holder.close_offer(wallet.token, offer.exchange_id)
        await self._notes.delete(wallet.token, PENDING, offer_id)

    async def _note(self, wallet: OpenWallet, offer_id: str) -> Document:
        note = (await self._notes.all(wallet.token, PENDING)).get(offer_id)
        if note is None or note.get("kind") != "offer":
            raise NotFound("This offer is not waiting in your wallet.", code="not-waiting")
        return note

    async def _something_came(self, wallet: OpenWallet, note: Document) -> bool:
        found = await self._holder.offers(wallet.token, *_place(note))
        return any(_rank(offer) <= _RANKS.index(OfferState.OFFERED) for offer in found)

    async def _meet(self, wallet: OpenWallet, taking: _Taking) -> Document | None:
        """Meet an issuer over the connection that there is; None if this is not possible.

        Only the site that the claim was made to hears of it again, and only where it says that
        it offers for the same issuer: a link learns nothing of whom else this wallet knows.
        """
        contacts = await self._notes.all(wallet.token, CONTACTS)
        if not any(each["site"] == taking.site for each in contacts.values()):
            return None
        said = await self._fetcher.accept(*taking, only_who=True)
        contact = contacts.get(contact_key(str(said.get("issuer"))))
        if contact is None or contact["site"] != taking.site:
            return None
        said = await self._fetcher.accept(*taking, earlier=contact["claim"])
        if said.get("invitation") is not None:
            return None  # that issuer does not know us any more
        read = _read(said)
        require(
            await self._governance.decide(Issue(contact["issuer"], read.credential, None)),
            _MAY_NOT,
        )
        return _note(taking, contact["issuer"], contact["connection_id"], read)

    async def _connect(self, wallet: OpenWallet, taking: _Taking) -> Document:
        both = await self._fetcher.accept(*taking)
        invitation, statement = both.get("invitation"), both.get("statement")
        if not isinstance(invitation, dict) or not isinstance(statement, dict):
            raise VerificationError(
                "The link does not say who offers", step="form", code="cannot-verify"
            )
        read = read_statement(OfferStatement, statement, invitation)
        # before anything of the issuer's is fetched: a stranger is not even looked up
        require(
            await self._governance.decide(Issue(read.issuer, read.credential, None)), _MAY_NOT
        )
        with verifying():
            signer = await self._verify_statement(wallet.token, statement)
        if signer != read.issuer:
            raise VerificationError(
                "Somebody else signed this", step="issuer", code="cannot-verify"
            )
        with told_as("cannot-show", InvalidInput):
            connection_id = await self._holder.connect(wallet.token, invitation)
        answered = _Answered(read.credential, read.expires, both.get("reference"))
        note = _note(taking, read.issuer, connection_id, answered)
        # for the phone, which judges it again for itself
        return note | {"statement": statement, "invitation": invitation}

    async def _offered(
        self,
        wallet: OpenWallet,
        offer_id: str,
        note: Document,
        *,
        seconds: float,
    ) -> VerifiedOffer:
        offer = await self._until_offered(wallet, note, seconds)
        issuer, credential = note["issuer"], note["credential"]
        framework = await self._governance.current()
        if issuer_of(offer.definition_id) != issuer:
            raise VerificationError(
                "The offer is by somebody else", step="issuer", code="cannot-verify"
            )
        if offer.schema_id != framework.schemas.get(credential):
            raise VerificationError(
                "The offer is of another kind", step="schema", code="cannot-verify"
            )
        query = Issue(issuer, credential, offer.definition_id)
        require(await self._governance.decide(query), _MAY_NOT)
        return VerifiedOffer(offer_id, issuer, credential, offer, framework)

    async def _until_offered(
        self, wallet: OpenWallet, note: Document, seconds: float
    ) -> ReceivedOffer:
        found = await self._holder.offers(
            wallet.token, *_place(note), awaited=Awaited.ARRIVAL, seconds=seconds
        )
        if found:
            return min(found, key=_rank)
        raise Unavailable(
            "The offer has not arrived yet. Please try again in a moment.",
            code="offer-not-arrived",
        )

    async def _until_stored(
        self, wallet: OpenWallet, note: Document, verified: VerifiedOffer
    ) -> _Stored:
        found = await self._holder.offers(
            wallet.token, *_place(note), awaited=Awaited.SETTLING, seconds=_STORE_SECONDS
        )
        offers = [each for each in found if each.exchange_id == verified.offer.exchange_id]
        if not offers or offers[0].state is OfferState.DONE:
            # stored; another of her devices may have tidied up already
            others = [each for each in found if each not in offers]
            return _Stored(
                [verified.offer.exchange_id],
                [each.exchange_id for each in others],
                offers[0].credential_id if offers else None,
            )
        if offers[0].state is OfferState.FAILED:
            raise Conflict("The desk took this offer back.", code="offer-taken-back")
        raise Unavailable(
            "The credential has not arrived yet. Please try again in a moment.",
            code="credential-not-arrived",
        )


def _claim(wallet: OpenWallet, link: str) -> str:
    return hashlib.sha256(f"{wallet.key.reveal()}:{link}".encode()).hexdigest()


def _read(said: Document) -> _Answered:
    """An answer without an invitation. Raises VerificationError."""
    try:
        expires = datetime.fromisoformat(str(said["expires"]))
        return _Answered(str(said["credential"]), expires, str(said["reference"]))
    except (KeyError, ValueError) as err:
        raise VerificationError(
            "The link does not say what is offered", step="form", code="cannot-verify"
        ) from err


def _note(taking: _Taking, issuer: str, connection_id: str, answered: _Answered) -> Document:
    known = isinstance(answered.reference, str)
    return {
        "kind": "offer",
        "link": taking.link,
        "issuer": issuer,
        "credential": answered.credential,
        "connection_id": connection_id,
        "at": answered.expires.isoformat(),
        **({"reference": answered.reference} if known else {}),
        "claim": taking.claim,
        "site": taking.site,
    }


def _place(note: Document) -> tuple[str, str | None]:
    """Where the offer comes in: its connection, and the reference that tells it from others."""
    return note["connection_id"], note.get("reference")


def _contact(note: Document) -> Document | None:
    """How to meet this issuer again; only one that knows offers apart can be met so."""
    if "reference" not in note:
        return None
    return {name: note[name] for name in ("issuer", "site", "claim", "connection_id")}


def _origin(note: Document, credential_id: str | None) -> tuple[str, Document] | None:
    """Where a credential came from, and the claim that its issuer knows it by."""
    if credential_id is None or "claim" not in note:  # taken up by an earlier release
        return None
    names = ("issuer", "credential", "site", "claim")
    return credential_id, {name: note[name] for name in names}
