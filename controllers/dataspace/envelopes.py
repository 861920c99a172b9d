"""What nodes say to each other: JSON documents, each signed by its sender for one receiver.

The connection is authenticated already (peers.py). The signature makes what was said something
that can be kept and shown, and binds it to one receiver, one agreement and one moment: a
message that is sent on to somebody else, or again, is refused.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from controllers.dataspace.identity import Identity, method_of
from core.canonical import Json, read_object
from core.errors import VerificationError
from core.proof import PURPOSE, add_proof, verify_proof
from dataspace.agreeing.agreement import Did, Name, Participant

FRESH = timedelta(minutes=5)  # how far two clocks may be apart
_MOST_REMEMBERED = 100_000


class Envelope(BaseModel):
    """One message; `id` is random, and an answer has that of its question."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal["haven-message-1"] = "haven-message-1"
    kind: Name
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    sender: Did
    to: Did
    agreement: Annotated[str, Field(max_length=100)]
    at: AwareDatetime
    body: dict[str, Any]


def fresh_id() -> str:
    """A new random name for a message or a run: 128 bits, hex."""
    return secrets.token_hex(16)


def seal_envelope(envelope: Envelope, identity: Identity) -> Json:
    """The envelope as it travels, with its sender's proof."""
    return add_proof(
        envelope.model_dump(mode="json"),
        identity.signer,
        method=identity.method,
        created=envelope.at,
    )


def open_envelope(
    data: bytes, *, sender: Participant, to: str, agreement: str, now: datetime
) -> Envelope:
    """What `sender` says to `to`, verified.

    Raises VerificationError: step `json`, `form`, `proof`, `receiver` (it is meant for another,
    or under another agreement) or `time` (made too long ago, or too far ahead).
    """
    document = read_object(data, step="json")
    try:
        stated = {name: value for name, value in document.items() if name != "proof"}
        envelope = Envelope.model_validate(stated)
    except ValidationError as err:
        raise VerificationError("this is no message between nodes", step="form") from err
    verify_proof(document, key_document(sender.did, sender.key))
    if (envelope.sender, envelope.to, envelope.agreement) != (sender.did, to, agreement):
        raise VerificationError("this message is meant for somebody else", step="receiver")
    if abs(envelope.at - now) > FRESH:
        raise VerificationError("this message is too old, or a clock is wrong", step="time")
    return envelope


def key_document(did: str, multikey: str) -> Json:
    """A DID document with the one key that the terms name for a participant."""
    method = {
        "id": method_of(did, multikey),
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": multikey,
    }
    return {"id": did, PURPOSE: [method]}


class Seen:
    """The ids of messages that were taken in while they were fresh; each counts once."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def require_new(self, identifier: str, now: datetime) -> None:
        """Raises VerificationError, step `replay`: it was taken in before."""
        if identifier in self._until:
            raise VerificationError("this message came before", step="replay")
        self._forget(now)
        self._until[identifier] = now + 2 * FRESH

    def _forget(self, now: datetime) -> None:
        # in the order taken in, which is that of their ends
        while self._until:
            first = next(iter(self._until))
            if self._until[first] > now and len(self._until) < _MOST_REMEMBERED:
                return
            del self._until[first]
