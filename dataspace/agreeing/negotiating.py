"""How an agreement comes about and ends.

The states are those of the Dataspace Protocol 2025-1, section 7 (contract negotiation), whose
provider is our assigner and whose consumers are the other participants. Two things differ,
because more than two agree: a message that every assignee has to send moves the state when the
last one has sent it; and a finalized agreement can still be terminated, by any participant and
at once, since whoever lends cases may stop.

The state is how far the talks are. What a node acts on is `require_all_signed`, which looks at
the signatures and not at the state: a peer that says FINALIZED has proved nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from core.canonical import Json
from core.errors import Conflict, Forbidden, Gone, VerificationError
from core.proof import Signer
from dataspace.agreeing.agreement import Did, Environment, Name, Participant, Terms
from dataspace.agreeing.signatures import (
    Statement,
    holds,
    proof_of,
    read,
    require_proof,
    sign,
    signer_of,
)

CODES: Final = (
    "agreement-transition",
    "agreement-not-yours",
    "agreement-unsigned",
    "agreement-signature",
    "agreement-key",
    "agreement-version",
    "agreement-terminated",
    "agreement-replaced",
    "agreement-not-in-force",
    "environment",
)


class State(StrEnum):
    """Dataspace Protocol 2025-1, section 7.1."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


class Message(StrEnum):
    """What a participant sends; each is one of the protocol's messages."""

    REQUEST = "ContractRequestMessage"
    OFFER = "ContractOfferMessage"
    ACCEPT = "ContractNegotiationEventMessage:accepted"
    AGREE = "ContractAgreementMessage"
    VERIFY = "ContractAgreementVerificationMessage"
    FINALIZE = "ContractNegotiationEventMessage:finalized"
    TERMINATE = "ContractNegotiationTerminationMessage"


class By(StrEnum):
    """Who may send it; EVERY_ASSIGNEE: the state moves when all of them have."""

    ASSIGNER = "assigner"
    AN_ASSIGNEE = "an assignee"
    EVERY_ASSIGNEE = "every assignee"
    ANYBODY = "anybody"


class Needs(StrEnum):
    """What must be there before the message counts."""

    NOTHING = "nothing"
    OWN_SIGNATURE = "own signature"
    ALL_SIGNATURES = "all signatures"


@dataclass(frozen=True, slots=True)
class Transition:
    """From `source` (None: nothing yet) to `target`."""

    source: State | None
    message: Message
    by: By
    target: State
    needs: Needs = Needs.NOTHING


TRANSITIONS: Final = (
    Transition(None, Message.REQUEST, By.AN_ASSIGNEE, State.REQUESTED),
    Transition(None, Message.OFFER, By.ASSIGNER, State.OFFERED),
    Transition(State.REQUESTED, Message.OFFER, By.ASSIGNER, State.OFFERED),
    Transition(State.REQUESTED, Message.AGREE, By.ASSIGNER, State.AGREED, Needs.OWN_SIGNATURE),
    Transition(State.OFFERED, Message.REQUEST, By.AN_ASSIGNEE, State.REQUESTED),
    Transition(State.OFFERED, Message.ACCEPT, By.EVERY_ASSIGNEE, State.ACCEPTED),
    Transition(State.ACCEPTED, Message.AGREE, By.ASSIGNER, State.AGREED, Needs.OWN_SIGNATURE),
    Transition(
        State.AGREED, Message.VERIFY, By.EVERY_ASSIGNEE, State.VERIFIED, Needs.OWN_SIGNATURE
    ),
    Transition(
        State.VERIFIED, Message.FINALIZE, By.ASSIGNER, State.FINALIZED, Needs.ALL_SIGNATURES
    ),
    *(
        Transition(state, Message.TERMINATE, By.ANYBODY, State.TERMINATED)
        for state in State
        if state is not State.TERMINATED
    ),
)
_TABLE: Final = {(each.source, each.message): each for each in TRANSITIONS}
_NEW_TERMS: Final = {Message.REQUEST, Message.OFFER}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Terms, how far the talks are, and the proofs so far (each verified before it was kept).

    `said` are those who have sent the message that every assignee has to send. `ended` says
    why it is TERMINATED: a code.
    """

    terms: Terms
    state: State
    proofs: tuple[Json, ...] = ()
    said: frozenset[str] = frozenset()
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class SignedAgreement:
    """Terms that every participant's key has signed; made by `require_all_signed` alone.

    `since` is when the last signature was made, as its signer says: nothing under this
    version is older.
    """

    terms: Terms
    digest: str
    since: datetime
    proofs: tuple[Json, ...]


class Termination(Statement):
    """A participant's signed word that the agreement has ended; it needs nobody's consent."""

    format: Literal["haven-termination-1"] = "haven-termination-1"
    agreement: Annotated[str, Field(max_length=100)]  # digest of the terms
    by: Did
    at: AwareDatetime
    reason: Name = "no-reason-given"


# --- talks --------------------------------------------------------------------------------


def begin(terms: Terms, by: str) -> Agreement:
    """The first message: the assigner's is an offer, anybody else's a request.

    Raises Forbidden: `by` is no participant of the terms.
    """
    message = Message.OFFER if by == terms.assigner else Message.REQUEST
    _require_sender(terms, _TABLE[None, message], by)
    return Agreement(terms, _TABLE[None, message].target)


def move(
    agreement: Agreement, message: Message, by: str, terms: Terms | None = None
) -> Agreement:
    """The agreement after a participant's message. Requests and offers bring terms along, the
    proofs over other ones fall away. A termination is signed: see `terminate`.

    Raises:
        Conflict: code `agreement-transition`, the state does not allow this message;
            `agreement-unsigned`, a signature must come first.
        Forbidden: code `agreement-not-yours`, another participant has to send it.
    """
    step = _TABLE.get((agreement.state, message))
    if step is None or message is Message.TERMINATE or (message in _NEW_TERMS) != bool(terms):
        raise Conflict(
            "the agreement is not where this can be said", code="agreement-transition"
        )
    _require_sender(agreement.terms, step, by)
    if terms is not None:
        _require_sender(terms, step, by)
        return Agreement(terms, step.target)
    _require_signatures(agreement, step.needs, by)
    said = agreement.said | {by}
    if step.by is By.EVERY_ASSIGNEE and said < _assignees(agreement.terms):
        return replace(agreement, said=said)
    return replace(agreement, state=step.target, said=frozenset())


def _assignees(terms: Terms) -> frozenset[str]:
    return frozenset(each.did for each in terms.participants) - {terms.assigner}


def _require_sender(terms: Terms, step: Transition, by: str) -> None:
    assignees = _assignees(terms)
    allowed = {
        By.ASSIGNER: frozenset({terms.assigner}),
        By.AN_ASSIGNEE: assignees,
        By.EVERY_ASSIGNEE: assignees,
        By.ANYBODY: assignees | {terms.assigner},
    }[step.by]
    if by not in allowed or terms.participant(by) is None:
        raise Forbidden("somebody else has to say this", code="agreement-not-yours")


def _require_signatures(agreement: Agreement, needs: Needs, by: str) -> None:
    wanted = {
        Needs.NOTHING: frozenset[str](),
        Needs.OWN_SIGNATURE: frozenset({by}),
        Needs.ALL_SIGNATURES: frozenset(each.did for each in agreement.terms.participants),
    }[needs]
    if not wanted <= who_signed(agreement):
        raise Conflict("a signature must come first", code="agreement-unsigned")


# --- signatures ---------------------------------------------------------------------------


def sign_terms(agreement: Agreement, signer: Signer, did: str, at: datetime) -> Agreement:
    """With one's own proof. Raises VerificationError (step `agreement-signature`): the key is
    not the one that the terms name for this participant."""
    return with_signature(agreement, proof_of(agreement.terms.digest, signer, did, at))


def with_signature(agreement: Agreement, proof: Mapping[str, Any]) -> Agreement:
    """With a participant's proof, verified before it is kept; its second replaces the first.
    Of an agreement that all have signed nothing is replaced: a participant that signs again,
    later, would make all approvals of the others too old (`SignedAgreement.since`).

    Raises:
        VerificationError: step `agreement-signature`; also for a proof whose time has no zone.
        Gone: the agreement was terminated or replaced.
    """
    _require_not_ended(agreement)
    signer = _member(agreement.terms, signer_of(proof))
    require_proof(
        agreement.terms.digest, dict(proof), signer.did, signer.key, step="agreement-signature"
    )
    _require_zone(dict(proof))
    if agreement.state is State.FINALIZED:
        return agreement
    kept = [each for each in agreement.proofs if signer_of(each) != signer.did]
    return replace(agreement, proofs=(*kept, dict(proof)))


def _member(terms: Terms, did: str) -> Participant:
    found = terms.participant(did)
    if found is None:
        raise VerificationError(
            "this is by nobody who takes part",
            step="agreement-signature",
            code="agreement-signature",
        )
    return found


def who_signed(agreement: Agreement) -> frozenset[str]:
    """The DIDs of the participants whose key has signed exactly these terms."""
    digest, keys = agreement.terms.digest, {p.did: p.key for p in agreement.terms.participants}
    named = [(signer_of(proof), proof) for proof in agreement.proofs]
    return frozenset(
        did for did, proof in named if did in keys and holds(digest, proof, did, keys[did])
    )


def require_all_signed(agreement: Agreement) -> SignedAgreement:
    """That every participant's key, as the terms name it, has signed exactly these terms.

    Raises:
        Gone: code `agreement-terminated` or `agreement-replaced`.
        VerificationError: step `agreement-signatures`.
    """
    _require_not_ended(agreement)
    signed = who_signed(agreement)
    missing = sum(each.did not in signed for each in agreement.terms.participants)
    if missing:
        raise VerificationError(
            f"{missing} of the participants' signatures are missing or do not hold",
            step="agreement-signatures",
            code="agreement-unsigned",
        )
    terms = agreement.terms
    proofs = tuple(each for each in agreement.proofs if signer_of(each) in signed)
    since = max((_made(each, terms) for each in proofs), default=terms.starts)
    return SignedAgreement(terms, terms.digest, since, proofs)


def _require_zone(proof: Json) -> None:
    """A time without a zone can be compared with no other: it would stop every node."""
    made = datetime.fromisoformat(proof["created"]) if "created" in proof else None
    if made is not None and made.tzinfo is None:
        raise VerificationError(
            "the time of a signature has no zone",
            step="agreement-signature",
            code="agreement-signature",
        )


def _made(proof: Json, terms: Terms) -> datetime:
    return datetime.fromisoformat(proof["created"]) if "created" in proof else terms.starts


def _require_not_ended(agreement: Agreement) -> None:
    if agreement.state is State.TERMINATED:
        raise Gone("this agreement has ended", code=agreement.ended or "agreement-terminated")


# --- versions, ends, environments ---------------------------------------------------------


def replaced_by(older: Agreement, newer: SignedAgreement) -> Agreement:
    """The older version's end: the next one replaces it when all of the next have signed.

    Raises Conflict: code `agreement-version`; it is another agreement, not the next version,
    or of another environment.
    """
    _require_not_ended(older)
    old, new = older.terms, newer.terms
    if (new.id, new.version, new.environment) != (old.id, old.version + 1, old.environment):
        raise Conflict("this is not the next version of that", code="agreement-version")
    return replace(older, state=State.TERMINATED, ended="agreement-replaced")


def sign_termination(
    agreement: Agreement,
    signer: Signer,
    did: str,
    at: datetime,
    reason: str = "no-reason-given",
) -> Json:
    """A participant's termination as it is sent to all."""
    said = Termination(agreement=agreement.terms.digest, by=did, at=at, reason=reason)
    return sign(said, signer, did, at)


def terminate(agreement: Agreement, termination: Json) -> Agreement:
    """The agreement after a participant's signed termination: it ends now, in any state.

    Raises VerificationError: step `form`, `agreement-other` (it is about other terms) or
    `agreement-signature` (not by a participant's key). One that has ended stays as it is.
    """
    said = read(Termination, termination)
    if said.agreement != agreement.terms.digest:
        raise VerificationError(
            "this ends another agreement", step="agreement-other", code="agreement-other"
        )
    member = _member(agreement.terms, said.by)
    proof = termination.get("proof")
    require_proof(said.digest, proof, member.did, member.key, step="agreement-signature")
    if agreement.state is State.TERMINATED:
        return agreement
    target = _TABLE[agreement.state, Message.TERMINATE].target
    return replace(agreement, state=target, said=frozenset(), ended="agreement-terminated")


def require_in_force(signed: SignedAgreement, now: datetime) -> None:
    """Raises Gone, code `agreement-not-in-force`: it has not begun, or is over."""
    if not signed.terms.is_in_force(now):
        raise Gone("the agreement does not cover this moment", code="agreement-not-in-force")


def require_environment(found: Environment | str | None, own: Environment) -> None:
    """That terms, or a certificate's marking, are of this node's own environment; no marking
    at all is refused too.

    Raises VerificationError: step `environment`.
    """
    if found != own:
        raise VerificationError(
            "this belongs to another environment: made-up and real cases are kept apart",
            step="environment",
            code="environment",
        )
