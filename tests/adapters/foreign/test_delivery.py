"""What a holder's own software posts is what a verifier's agent expects, without sockets."""

from __future__ import annotations

import base64
import json
from typing import Any

import base58
import httpx
import pytest
from acapy_agent.askar.didcomm.v1 import unpack_message
from acapy_agent.protocols.present_proof.v2_0.messages.pres import V20Pres
from aries_askar import Key, KeyAlg, Store

from agent.foreign.delivery import (
    NOWHERE,
    Thread,
    presentation_message,
    recipient_of,
    send,
    thread_of,
)
from core.errors import Conflict, InvalidInput, Unavailable

Json = dict[str, Any]
PRESENTATION: Json = {
    "proof": {"proofs": [], "aggregated_proof": {"c_hash": "1", "c_list": [[1]]}},
    "requested_proof": {
        "revealed_attrs": {},
        "self_attested_attrs": {},
        "unrevealed_attrs": {},
        "predicates": {},
    },
    "identifiers": [],
}


def did_key(key: Key) -> str:
    public = bytes((0xED, 0x01)) + key.get_public_bytes()
    return "did:key:z" + str(base58.b58encode(public), "ascii")


def base58_key(key: Key) -> str:
    return str(base58.b58encode(key.get_public_bytes()), "ascii")


def invitation(key: str, **service: Any) -> Json:
    return {
        "@id": "the-invitation",
        "services": [
            {"recipientKeys": [key], "serviceEndpoint": "http://verifier.example/in"} | service
        ],
        "requests~attach": [{"data": {"json": {"@id": "the-request"}}}],
    }


class Post:
    """Takes in what is posted and answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.requests = status, list[httpx.Request]()
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status)


async def unpacked(key: Key, body: bytes) -> tuple[Json, str]:
    """What the owner of `key` reads, and the key it came from."""
    store = await Store.provision(
        "sqlite://:memory:", "raw", str(Store.generate_raw_key()), recreate=True
    )
    try:
        async with store.session() as session:
            await session.insert_key(base58_key(key), key)
            message, _, sender = await unpack_message(session, body)
            return json.loads(message), sender
    finally:
        await store.close()


@pytest.mark.parametrize("write", [did_key, base58_key])
async def test_the_owner_of_the_key_reads_the_message(write: Any) -> None:
    key, post = Key.generate(KeyAlg.ED25519), Post()
    await send(invitation(write(key)), PRESENTATION, transport=post.transport)
    (request,) = post.requests
    message, sender = await unpacked(key, request.content)
    assert str(request.url) == "http://verifier.example/in"
    assert message["~thread"] == {"thid": "the-request", "pthid": "the-invitation"}
    assert message["~service"]["serviceEndpoint"] == NOWHERE
    assert message["~service"]["recipientKeys"] == [sender]


async def test_every_message_comes_from_another_key() -> None:
    key, post = Key.generate(KeyAlg.ED25519), Post()
    for _ in range(2):
        await send(invitation(did_key(key)), PRESENTATION, transport=post.transport)
    senders = {(await unpacked(key, request.content))[1] for request in post.requests}
    assert len(senders) == 2


async def test_thread_and_service_can_be_another() -> None:
    key, post = Key.generate(KeyAlg.ED25519), Post()
    await send(
        invitation(did_key(key)),
        PRESENTATION,
        thread=Thread("r", "i"),
        reply_to=None,
        transport=post.transport,
    )
    message, _ = await unpacked(key, post.requests[0].content)
    assert message["~thread"] == {"thid": "r", "pthid": "i"}
    assert "~service" not in message


def test_acapy_reads_the_message() -> None:
    message = presentation_message(PRESENTATION, Thread("r", "i"))
    read = V20Pres.deserialize(message)
    assert read._thread_id == "r"
    assert read.attachment() == PRESENTATION


def test_attachment_is_base64_of_json() -> None:
    message = presentation_message(PRESENTATION, Thread("r", "i"))
    (attached,) = message["presentations~attach"]
    assert json.loads(base64.b64decode(attached["data"]["base64"])) == PRESENTATION
    assert message["formats"] == [
        {"attach_id": attached["@id"], "format": "anoncreds/proof@v1.0"}
    ]


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_a_refusal_is_told(status: int) -> None:
    key, post = Key.generate(KeyAlg.ED25519), Post(status)
    with pytest.raises(Conflict):
        await send(invitation(did_key(key)), PRESENTATION, transport=post.transport)


async def test_silence_is_told() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    key = Key.generate(KeyAlg.ED25519)
    with pytest.raises(Unavailable):
        await send(invitation(did_key(key)), PRESENTATION, transport=httpx.MockTransport(fail))


GOOD_KEY = did_key(Key.generate(KeyAlg.ED25519))


@pytest.mark.parametrize(
    "changed",
    [
        invitation(GOOD_KEY, routingKeys=["did:key:z6Mk"]),
        invitation(GOOD_KEY, serviceEndpoint="didcomm:transport/queue"),
        invitation(GOOD_KEY, recipientKeys=[]),
        invitation("did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"),  # X25519
        {**invitation(GOOD_KEY), "services": ["did:example:1"]},
        {**invitation(GOOD_KEY), "services": []},
        {},
    ],
)
def test_only_a_direct_service_can_be_answered(changed: Json) -> None:
    with pytest.raises(InvalidInput):
        recipient_of(changed)


@pytest.mark.parametrize(
    "changed", [{}, {"@id": "x", "requests~attach": []}, {"requests~attach": [{}, {}]}]
)
def test_only_one_attached_request_can_be_answered(changed: Json) -> None:
    with pytest.raises(InvalidInput):
        thread_of(changed)
