"""The agreement that a node lives under: taken in, signed with the others, and ended.

A *space file* is what people hand each other beforehand: the terms, each participant's
certificate (its fingerprint stands in the terms), and the proofs so far. Where nodes can reach
each other already, a signature is told to all at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.keeping import Keeping, KeptAgreement
from controllers.dataspace.peers import Peers, Space
from core.canonical import Json
from core.clock import Clock
from core.errors import ConfigurationError, Conflict, Gone, InvalidInput, VerificationError
from dataspace.agreeing.agreement import Participant, Terms, read_terms
from dataspace.agreeing.negotiating import (
    Agreement,
    SignedAgreement,
    State,
    require_all_signed,
    require_environment,
    sign_termination,
    sign_terms,
    terminate,
    who_signed,
    with_signature,
)
from dataspace.recording.log import Kind

_SIGNED, _ENDED = "agreement-proof", "agreement-ended"
_SECONDS = 5.0


class Agreements:
    """The one agreement that counts here now."""

    def __init__(
        self, identity: Identity, keeping: Keeping, journal: Journal, clock: Clock
    ) -> None:
        self._identity, self._keeping = identity, keeping
        self._journal, self._clock = journal, clock
        self._current: Agreement | None = None
        self._certificates: dict[str, str] = {}
        self._termination: Json | None = None
        self._peers: Peers | None = None

    async def load(self) -> None:
        """Read what was kept, at start."""
        kept = await self._keeping.agreement()
        if kept is not None:
            self._take(kept.document)

    async def adopt(self, document: Mapping[str, Any]) -> Agreement:
        """Take in a space file: this node's own entry must be its own, in all parts.

        Raises InvalidInput, VerificationError; Conflict if another agreement is in force; Gone
        if this one has ended.
        """
        terms = read_terms(document.get("terms"))
        self._require_own(terms)
        await self._require_not_ended(terms, document.get("termination"))
        if self._is_in_force() and terms.digest != self.agreement.terms.digest:
            raise Conflict("Another agreement is in force here; it has to end before")
        space = self._space(terms, _certificates(document))
        space.require_whole()
        agreement = Agreement(terms, State.OFFERED)
        for proof in document.get("proofs") or ():
            agreement = with_signature(agreement, proof)
        self._certificates = dict(space.certificates)
        self._termination = None
        await self._keep(agreement)
        return self.agreement

    async def _require_not_ended(self, terms: Terms, termination: Any) -> None:
        """A space file from before the end says nothing of it; what was kept here does."""
        if termination is None:
            termination = await self._keeping.termination(terms.digest)
        if termination is not None:
            terminate(Agreement(terms, State.OFFERED), dict(termination))
            raise Gone("This agreement has ended", code="agreement-terminated")

    def _require_own(self, terms: Terms) -> None:
        require_environment(terms.environment, self._identity.environment)
        own = terms.participant(self._identity.did)
        if own is None:
            raise InvalidInput("These terms do not name this node's organisation")
        mine = self._identity.participant(own.host, own.port)
        if (own.key, own.certificate) != (mine.key, mine.certificate):
            raise InvalidInput("These terms name another key or certificate for this node")

    def connect(self, peers: Peers) -> None:
        """Serve what peers say about the agreement, and tell them."""
        self._peers = peers
        peers.on(_SIGNED, self._on_signed)
        peers.on(_ENDED, self._on_ended)

    # --- what there is ------------------------------------------------------------------

    @property
    def agreement(self) -> Agreement:
        """Raises ConfigurationError: there is none yet."""
        if self._current is None:
            raise ConfigurationError(
                "This node is in no data space yet; "
                "`haven dataspace node agreement adopt FILE` takes in its space file"
            )
        return self._current

    @property
    def is_there(self) -> bool:
        return self._current is not None

    @property
    def own(self) -> Participant:
        """This node's entry in the terms."""
        found = self.agreement.terms.participant(self._identity.did)
        if found is None:
            raise ConfigurationError("The terms do not name this node")
        return found

    @property
    def space(self) -> Space:
        """Who may connect."""
        return self._space(self.agreement.terms, self._certificates)

    def signed(self) -> SignedAgreement:
        """The agreement, verified again. Raises Gone, VerificationError: not signed by all."""
        return require_all_signed(self.agreement)

    def last_signed(self) -> SignedAgreement:
        """The same of an agreement that may have ended, to show what was. Raises
        VerificationError."""
        agreement = self.agreement
        return require_all_signed(Agreement(agreement.terms, State.FINALIZED, agreement.proofs))

    def unsigned(self) -> list[str]:
        """Names of those whose signature is not here yet, in the order of the terms."""
        signed = who_signed(self.agreement)
        return [p.name for p in self.agreement.terms.participants if p.did not in signed]

    def document(self) -> Json:
        """The space file as it is now."""
        return {
            "terms": self.agreement.terms.document(),
            "certificates": dict(self._certificates),
            "proofs": list(self.agreement.proofs),
            "termination": self._termination,
        }

    # --- what this node does ------------------------------------------------------------

    async def sign(self) -> None:
        """Put this organisation's signature under the terms, and tell the others."""
        signed = sign_terms(
            self.agreement, self._identity.signer, self._identity.did, self._clock.now()
        )
        await self._journal.append(
            Kind.AGREEMENT_SIGNED, agreement=signed.terms.digest, version=signed.terms.version
        )
        await self._keep(signed)
        await self._tell(_SIGNED, {"proofs": list(self.agreement.proofs)})

    async def end(self, reason: str = "no-reason-given") -> None:
        """End the agreement for everybody; it needs nobody's consent."""
        if self.agreement.state is State.TERMINATED:
            raise Gone("This agreement has ended already", code="agreement-terminated")
        said = sign_termination(
            self.agreement,
            self._identity.signer,
            self._identity.did,
            self._clock.now(),
            reason,
        )
        await self._ended(said, reason)
        await self._tell(_ENDED, {"termination": said})

    async def _tell(self, kind: str, body: Json) -> None:
        if self._peers is not None:
            await self._peers.tell_all(kind, body, seconds=_SECONDS)

    # --- what others say ----------------------------------------------------------------

    async def _on_signed(self, _sender: Participant, body: Json) -> Json:
        agreement = self.agreement
        proofs = body.get("proofs")
        if not isinstance(proofs, list):
            raise VerificationError("no signatures are there", step="form")
        for proof in proofs:
            agreement = with_signature(agreement, proof)
        await self._keep(agreement)
        return {"proofs": list(self.agreement.proofs)}

    async def _on_ended(self, _sender: Participant, body: Json) -> Json:
        if self.agreement.state is not State.TERMINATED:
            await self._ended(body.get("termination") or {}, "by-another")
        return {}

    # --- keeping ------------------------------------------------------------------------

    async def _ended(self, said: Json, reason: str) -> None:
        ended = terminate(self.agreement, said)
        self._termination = said
        await self._journal.append(
            Kind.AGREEMENT_ENDED, agreement=ended.terms.digest, reason=reason
        )
        await self._keep(ended)

    async def _keep(self, agreement: Agreement) -> None:
        everybody = {each.did for each in agreement.terms.participants}
        if agreement.state is not State.TERMINATED and who_signed(agreement) == everybody:
            agreement = Agreement(agreement.terms, State.FINALIZED, agreement.proofs)
        self._current = agreement
        kept = KeptAgreement(agreement.terms.digest, self.document(), agreement.state.value)
        await self._keeping.keep_agreement(kept, self._clock.now())

    def _take(self, document: Json) -> None:
        terms = read_terms(document["terms"], kept=True)
        agreement = Agreement(terms, State.OFFERED)
        for proof in document["proofs"]:
            agreement = with_signature(agreement, proof)
        if who_signed(agreement) == {each.did for each in terms.participants}:
            agreement = Agreement(terms, State.FINALIZED, agreement.proofs)
        self._certificates = _certificates(document)
        self._termination = document.get("termination")
        if self._termination is not None:
            agreement = terminate(agreement, self._termination)
        self._current = agreement

    def _is_in_force(self) -> bool:
        return self._current is not None and self._current.state is State.FINALIZED

    def _space(self, terms: Terms, certificates: Mapping[str, str]) -> Space:
        return Space(terms, terms.digest, certificates)


def _certificates(document: Mapping[str, Any]) -> dict[str, str]:
    found = document.get("certificates")
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise InvalidInput("A space file has each participant's certificate by its DID")
    return {str(did): str(pem) for did, pem in found.items()}
