"""Each check of the method, and a resource that fails it and nothing before it.

Source: did:webvh AnonCreds Method v0.1; the numbers are those of `agent.webvh.attested`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.webvh.attested import Link, ResourceType, VerifiedResource, verify_resource
from agent.webvh.reader import WebvhReader
from core.canonical import Json, content_digest
from core.errors import HavenError, NotFound, Unavailable, VerificationError
from core.proof import PURPOSE, add_proof
from tests.fakes.registry import DOMAIN, THEN, Issuer, MemoryRegistry

ISSUER = Issuer()
OTHER = Issuer(2)
SCHEMA = ISSUER.schema()
DOCUMENT = ISSUER.document


def signed_again(document: Json, method: str = ISSUER.method, key: int = 100) -> Json:
    return add_proof(document, ISSUER.key(key), method=method, created=THEN)


def changed(**members: Any) -> Json:
    return {**deepcopy(SCHEMA), **members}


def with_metadata(**members: Any) -> Json:
    return signed_again(changed(metadata={**SCHEMA["metadata"], **members}))


def with_proof(**members: Any) -> Json:
    return changed(proof={**SCHEMA["proof"], **members})


def of_another_issuer() -> Json:
    """Signed by the DID it stands under, but its content names another."""
    content = {**SCHEMA["content"], "issuerId": OTHER.did}
    return ISSUER.sign(ResourceType.SCHEMA, "shelter", content)


def claimed(document: Json) -> Json:
    """What another DID signed, under the id of this one."""
    return add_proof(
        {**document, "id": SCHEMA["id"]}, OTHER.key(100), method=OTHER.method, created=THEN
    )


VIOLATIONS: list[tuple[str, str, Callable[[], Json]]] = [
    ("3 another id", "id", lambda: signed_again(changed(id=OTHER.schema()["id"]))),
    ("3 no id", "id", lambda: signed_again({k: v for k, v in SCHEMA.items() if k != "id"})),
    ("4 content", "digest", lambda: signed_again(changed(content={"issuerId": ISSUER.did}))),
    ("4 no content", "digest", lambda: signed_again(changed(content=None))),
    ("4 metadata", "digest", lambda: with_metadata(resourceId=content_digest({}))),
    ("5 resource type", "type", lambda: with_metadata(resourceType="anonCredsCredDef")),
    ("5 not attested", "type", lambda: signed_again(changed(type=["Something"]))),
    ("5 type is text", "type", lambda: signed_again(changed(type="AttestedResource"))),
    ("6 no proof", "proof", lambda: {k: v for k, v in SCHEMA.items() if k != "proof"}),
    ("6 two proofs", "proof", lambda: changed(proof=[SCHEMA["proof"]] * 2)),
    ("6 suite", "proof", lambda: with_proof(cryptosuite="eddsa-rdfc-2022")),
    ("6 purpose", "proof", lambda: with_proof(proofPurpose="authentication")),
    ("6 unknown member", "proof", lambda: with_proof(expires="2020-01-01T00:00:00Z")),
    ("6 time", "proof", lambda: with_proof(created="yesterday")),
    ("6 context", "proof", lambda: with_proof(**{"@context": ["https://other.example"]})),
    ("6 other key", "proof", lambda: signed_again(SCHEMA, key=0)),
    ("6 unlisted method", "proof", lambda: signed_again(SCHEMA, f"{ISSUER.did}#update")),
    ("6 method without a name", "proof", lambda: signed_again(SCHEMA, f"{ISSUER.did}#")),
    ("6 other DID's method", "proof", lambda: claimed(SCHEMA)),
    ("6 other DID's key", "proof", lambda: signed_again(SCHEMA, OTHER.method)),
    ("6 name signed over", "proof", lambda: changed(extra=1)),
]


def verify(document: Json, did_document: Json = DOCUMENT) -> VerifiedResource:
    return verify_resource(
        document,
        expected_id=SCHEMA["id"],
        expected_type=ResourceType.SCHEMA,
        did_document=did_document,
    )


@pytest.mark.parametrize(
    ("step", "make"), [v[1:] for v in VIOLATIONS], ids=[v[0] for v in VIOLATIONS]
)
def test_a_violation_is_refused_at_its_step(step: str, make: Callable[[], Json]) -> None:
    with pytest.raises(VerificationError) as refused:
        verify(make())
    assert refused.value.step == step


def test_7_the_content_names_the_did() -> None:
    document = of_another_issuer()
    with pytest.raises(VerificationError) as refused:
        verify_resource(
            document,
            expected_id=document["id"],
            expected_type=ResourceType.SCHEMA,
            did_document=DOCUMENT,
        )
    assert refused.value.step == "issuer"


@pytest.mark.parametrize(
    "identifier",
    [
        "did:web:haven.localhost/resources/zQm",
        ISSUER.did,
        SCHEMA["id"].replace(DOMAIN, "haven.localhost%3A8443"),
        SCHEMA["id"] + "/../x",
        SCHEMA["id"] + "?x",
        SCHEMA["id"].replace(":o:", ":..:"),
    ],
)
async def test_1_the_identifier(identifier: str) -> None:
    registry = MemoryRegistry()
    with pytest.raises(VerificationError) as refused:
        await WebvhReader(registry).resource(identifier, ResourceType.SCHEMA)
    assert (refused.value.step, registry.fetched) == ("identifier", [])


async def test_2_what_is_fetched() -> None:
    registry = MemoryRegistry(logs={ISSUER.did: ISSUER.log})
    url = f"https://{DOMAIN}/o/{ISSUER.opaque}/resources/{SCHEMA['metadata']['resourceId']}"
    for body in (b"[]", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 5_000, b"x" * 3_000_000):
        registry.raw[url] = body
        with pytest.raises(VerificationError) as refused:
            await WebvhReader(registry).resource(SCHEMA["id"], ResourceType.SCHEMA)
        assert refused.value.step == "fetch"
    registry.raw.clear()
    with pytest.raises(NotFound):
        await WebvhReader(registry).resource(SCHEMA["id"], ResourceType.SCHEMA)


LINK = Link(ISSUER.schema("one")["id"], 5)


@pytest.mark.parametrize(
    "links",
    [
        [LINK, LINK],
        [LINK, Link(LINK.id, 4)],
        [Link(OTHER.schema()["id"], 5)],
        [Link("did:web:x", 5)],
        [Link(LINK.id, -1)],
        [Link(LINK.id, True)],
    ],
)
def test_8_links_are_in_order_and_of_the_same_did(links: list[Link]) -> None:
    document = ISSUER.registry(links)
    with pytest.raises(VerificationError) as refused:
        verify_resource(
            document,
            expected_id=document["id"],
            expected_type=ResourceType.REGISTRY_DEFINITION,
            did_document=DOCUMENT,
        )
    assert refused.value.step in {"links", "identifier"}


@pytest.mark.parametrize(
    "methods",
    [
        {PURPOSE: []},
        {PURPOSE: [], "authentication": [ISSUER.method]},
        {"verificationMethod": []},
        {"verificationMethod": DOCUMENT["verificationMethod"] * 2},
        {
            "verificationMethod": [
                {**DOCUMENT["verificationMethod"][0], "controller": OTHER.did}
            ]
        },
        {"verificationMethod": [{**DOCUMENT["verificationMethod"][0], "type": "JsonWebKey"}]},
        {
            "verificationMethod": [
                {**DOCUMENT["verificationMethod"][0], "publicKeyMultibase": "zDnaexample"}
            ]
        },
        {"id": OTHER.did},
    ],
)
def test_6_only_a_described_assertion_key_counts(methods: Json) -> None:
    with pytest.raises(VerificationError) as refused:
        verify(SCHEMA, {**DOCUMENT, **methods})
    assert refused.value.step == "proof"


def test_6_an_embedded_or_relative_assertion_method_counts() -> None:
    method = DOCUMENT["verificationMethod"][0]
    fragment = "#" + ISSUER.method.partition("#")[2]
    embedded = {**DOCUMENT, "verificationMethod": [], PURPOSE: [method]}
    relative = {
        **DOCUMENT,
        "verificationMethod": [{**method, "id": fragment}],
        PURPOSE: [fragment],
    }
    assert verify(SCHEMA, embedded) == verify(SCHEMA, relative) == verify(SCHEMA)


def test_resources_have_the_shape_of_the_method() -> None:
    listed, registry, link = ISSUER.publication([], 1_739_148_281)
    assert SCHEMA["@context"] == [
        "https://identity.foundation/did-attested-resources/context/v0.1",
        "https://w3id.org/security/data-integrity/v2",
    ]
    assert SCHEMA["type"] == ["AttestedResource"]
    assert SCHEMA["id"] == f"{ISSUER.did}/resources/{content_digest(SCHEMA['content'])}"
    assert SCHEMA["metadata"] == {
        "resourceId": content_digest(SCHEMA["content"]),
        "resourceType": "anonCredsSchema",
        "resourceName": "shelter",
    }
    assert "links" not in SCHEMA
    assert registry["links"] == [
        {"id": listed["id"], "type": "anonCredsStatusList", "timestamp": 1_739_148_281}
    ]
    assert registry["id"] == ISSUER.registry()["id"], "links are outside the digest"
    assert link.id == listed["id"]
    assert SCHEMA["proof"]["proofPurpose"] == "assertionMethod"
    assert SCHEMA["proof"]["cryptosuite"] == "eddsa-jcs-2022"


CONTENTS = st.dictionaries(
    st.text(max_size=8),
    st.one_of(st.text(max_size=20), st.integers(-(2**53) + 1, 2**53 - 1), st.booleans()),
    max_size=5,
)
RELAXED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(CONTENTS)
def test_what_is_signed_verifies_after_a_journey(content: Json) -> None:
    document = ISSUER.sign(ResourceType.SCHEMA, "x", {**content, "issuerId": ISSUER.did})
    received = json.loads(json.dumps(document))
    found = verify_resource(
        received,
        expected_id=document["id"],
        expected_type=ResourceType.SCHEMA,
        did_document=DOCUMENT,
    )
    assert found.content == document["content"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every leaf of a JSON value."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [leaf for i, entry in enumerate(value) for leaf in leaves(entry, (*path, i))]
    return [path]


@RELAXED
@given(st.sampled_from(leaves(SCHEMA)), st.text(min_size=1, max_size=4))
def test_any_change_is_refused(path: tuple[Any, ...], addition: str) -> None:
    document = deepcopy(SCHEMA)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] += addition
    with pytest.raises(HavenError) as refused:
        verify(document)
    assert not isinstance(refused.value, Unavailable)
