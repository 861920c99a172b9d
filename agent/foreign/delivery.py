"""Handing a presentation to a verifier, as an answer to an out-of-band invitation.

Sources: RFC 0434 Out-of-Band 1.1 (`~thread` with the invitation as parent), RFC 0454 Present
Proof 2.0, RFC 0019 Encryption Envelope, RFC 0056 Service Decorator.

What a holder needs for it stands in the invitation: a key, an address, two ids. She is nobody
to the verifier; each message is packed with a key made for it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import base58
import httpx
from acapy_agent.askar.didcomm.v1 import pack_message
from aries_askar import Key, KeyAlg

from core.errors import Conflict, InvalidInput, Unavailable
from core.ports import Document

_MESSAGE_TYPE = "https://didcomm.org/present-proof/2.0/presentation"
_FORMAT = "anoncreds/proof@v1.0"
_ATTACHMENT = "anoncreds"
_MEDIA_TYPE = "application/didcomm-envelope-enc"
_ED25519_MULTICODEC = bytes((0xED, 0x01))
_SECONDS = 15.0

# An address that never exists (RFC 2606): the holder gives one and awaits nothing there.
NOWHERE = "https://nobody.invalid"


@dataclass(frozen=True, slots=True)
class Thread:
    """The request that is answered, and the invitation that it came with."""

    request_id: str
    invitation_id: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where an invitation's answers go: an Ed25519 key (base58) and an address."""

    key: str
    endpoint: str


def thread_of(invitation: Mapping[str, Any]) -> Thread:
    """The thread that an answer to this invitation belongs to.

    Raises:
        InvalidInput: it has not exactly one request attached.
    """
    try:
        (attached,) = invitation["requests~attach"]
        return Thread(str(attached["data"]["json"]["@id"]), str(invitation["@id"]))
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidInput("The invitation has no request to answer") from err


def recipient_of(invitation: Mapping[str, Any]) -> Recipient:
    """The inline service of an invitation.

    Raises:
        InvalidInput: it has none, or one that is only reached through a mediator.
    """
    try:
        (service,) = invitation["services"]
        (key,) = service["recipientKeys"]
        endpoint = str(service["serviceEndpoint"])
        if service.get("routingKeys") or urlsplit(endpoint).scheme not in {"http", "https"}:
            raise InvalidInput("The invitation's service is not reached directly")
        return Recipient(_raw_key(key), endpoint)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise InvalidInput("The invitation has no service of its own") from err


def presentation_message(
    presentation: Mapping[str, Any], thread: Thread, service: Document | None = None
) -> Document:
    """A presentation as a DIDComm message; `service` says where an answer may be sent."""
    content = base64.b64encode(json.dumps(presentation).encode()).decode()
    message: Document = {
        "@type": _MESSAGE_TYPE,
        "@id": str(uuid4()),
        "~thread": {"thid": thread.request_id, "pthid": thread.invitation_id},
        "formats": [{"attach_id": _ATTACHMENT, "format": _FORMAT}],
        "presentations~attach": [
            {
                "@id": _ATTACHMENT,
                "mime-type": "application/json",
                "data": {"base64": content},
            }
        ],
    }
    return message if service is None else message | {"~service": service}


async def send(
    invitation: Mapping[str, Any],
    presentation: Mapping[str, Any],
    *,
    thread: Thread | None = None,
    reply_to: str | None = NOWHERE,
    transport: httpx.AsyncBaseTransport | None = None,
) -> None:
    """Pack a presentation for the inviter's key and post it; returns when it was taken in.

    The agent answers before it has handled the message: whether it was accepted is seen on
    the verifier's side only.

    Args:
        thread: Another thread than the invitation's own, to answer what was not asked.
        reply_to: The address in the message for the verifier's acknowledgement; None: the
            message names none, which a well-behaved wallet never does.
        transport: Takes the network's place in tests.

    Raises:
        InvalidInput: the invitation cannot be answered directly.
        Conflict: the verifier's agent refused the message.
        Unavailable: it does not answer.
    """
    recipient, key = recipient_of(invitation), Key.generate(KeyAlg.ED25519)
    service = None if reply_to is None else _service(key, reply_to)
    message = presentation_message(presentation, thread or thread_of(invitation), service)
    packed = pack_message([recipient.key], key, json.dumps(message).encode())
    try:
        async with httpx.AsyncClient(
            transport=transport, timeout=_SECONDS, trust_env=False
        ) as http:
            answer = await http.post(
                recipient.endpoint, content=packed, headers={"Content-Type": _MEDIA_TYPE}
            )
    except httpx.HTTPError:
        raise Unavailable("The verifier's agent does not answer") from None
    if not answer.is_success:
        raise Conflict("The verifier's agent refused the message")


def _service(key: Key, endpoint: str) -> Document:
    public = base58.b58encode(key.get_public_bytes()).decode()
    return {"recipientKeys": [public], "routingKeys": [], "serviceEndpoint": endpoint}


def _raw_key(key: str) -> str:
    """An Ed25519 key in base58, from `did:key:z6Mk...` or from what is base58 already."""
    if not key.startswith("did:key:"):
        return key
    multibase = key.removeprefix("did:key:").partition("#")[0]
    decoded = bytes(base58.b58decode(multibase.removeprefix("z")))
    if not decoded.startswith(_ED25519_MULTICODEC):
        raise InvalidInput("The invitation's key is not of a kind that can be used")
    return str(base58.b58encode(decoded.removeprefix(_ED25519_MULTICODEC)), "ascii")
