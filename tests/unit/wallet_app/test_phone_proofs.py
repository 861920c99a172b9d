"""Proofs and DID logs on the phone: what Python makes holds, what Python refuses does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import base58
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.webvh.didlog import append_rotation, create_log, split_log, verify_log
from core.canonical import (
    Json,
    canonicalize,
    content_digest,
    decode_multibase,
    encode_multibase,
)
from core.errors import VerificationError
from core.proof import SeedSigner, _hash_data, add_proof, assertion_key, verify_proof
from tests.conformance.webvh.test_webvh_logs import CASES, ISSUER, LOG
from tests.fakes.registry import THEN, Issuer
from tests.support.phone import Phone

type Alter = Callable[[Json], object]

ONE = Issuer(7)
KEY = ONE.key(100)


# --- proofs ---------------------------------------------------------------------------------


def signed(**members: Any) -> Json:
    document = {"type": "HavenRequest", "issuer": ONE.did, "words": "é 😀 ស", **members}
    return add_proof(document, KEY, method=ONE.method, created=THEN)


def resigned(alter: Alter) -> Json:
    """A document whose proof has other members, and is signed with them."""
    made = signed()
    options = {name: value for name, value in made["proof"].items() if name != "proofValue"}
    alter(options)
    unsecured = {name: value for name, value in made.items() if name != "proof"}
    hashed = sha256(canonicalize(unsecured, step="proof")).digest()
    signature = KEY.sign(_hash_data(hashed, options))
    return {
        **unsecured,
        "proof": {**options, "proofValue": "z" + base58.b58encode(signature).decode()},
    }


def python_accepts(document: Json, did_document: Json) -> bool:
    try:
        verify_proof(document, did_document)
    except VerificationError:
        return False
    return True


def phone_accepts(on_phone: Phone, document: Json, did_document: Json) -> bool:
    """The key is found in the DID document, and the proof is by it."""
    proof = document.get("proof")
    method = proof.get("verificationMethod") if isinstance(proof, dict) else None
    found = on_phone("key", document=did_document, method=method)
    if "gave" not in found:
        assert found["step"] == "proof"
        return False
    step = on_phone.step("proof", document=document, proof=proof, key=found["gave"])
    assert step in {None, "proof"}
    return step is None


PROOFS: dict[str, tuple[bool, Json]] = {
    "good": (True, signed()),
    "with a context": (True, signed(**{"@context": ["https://a.example/1"]})),
    "nothing but a key in it": (True, add_proof({}, KEY, method=ONE.method, created=THEN)),
    "no time": (True, resigned(lambda p: p.pop("created"))),
    "changed": (False, {**signed(), "words": "other"}),
    "one more member": (False, {**signed(), "more": 1}),
    "no proof": (False, {"a": 1}),
    "a proof that is none": (False, {"a": 1, "proof": "z"}),
    "a list of proofs": (False, {"a": 1, "proof": [signed()["proof"]]}),
    "another's": (False, {**signed(), "proof": signed(more=1)["proof"]}),
    "it expires": (False, resigned(lambda p: p.update(expires="2030-01-01T00:00:00Z"))),
    "for a domain": (False, resigned(lambda p: p.update(domain="x.example"))),
    "another purpose": (False, resigned(lambda p: p.update(proofPurpose="authentication"))),
    "another suite": (False, resigned(lambda p: p.update(cryptosuite="eddsa-rdfc-2022"))),
    "another type": (False, resigned(lambda p: p.update(type="Ed25519Signature2020"))),
    "a time that is none": (False, resigned(lambda p: p.update(created="yesterday"))),
    "a time that is null": (False, resigned(lambda p: p.update(created=None))),
    "another context": (False, resigned(lambda p: p.update({"@context": ["https://x"]}))),
    "another DID's key": (
        False,
        resigned(lambda p: p.update(verificationMethod=Issuer(8).method)),
    ),
    "a key that is not listed": (
        False,
        resigned(lambda p: p.update(verificationMethod=f"{ONE.did}#key-9")),
    ),
    "no fragment": (False, resigned(lambda p: p.update(verificationMethod=f"{ONE.did}#"))),
    "no text": (False, resigned(lambda p: p.update(verificationMethod=7))),
}


@pytest.mark.parametrize(("good", "document"), PROOFS.values(), ids=PROOFS.keys())
def test_a_proof_is_judged_as_in_python(on_phone: Phone, good: bool, document: Json) -> None:
    assert python_accepts(document, ONE.document) == good
    assert phone_accepts(on_phone, document, ONE.document) == good


VALUES = ["", "z", "f00", "zI", "z" + "1" * 64, "z" + "2" * 88, 7, None, "z" + "2" * 300]


@pytest.mark.parametrize("value", VALUES)
def test_a_signature_that_is_none_does_not_hold(on_phone: Phone, value: Any) -> None:
    document = signed()
    document["proof"]["proofValue"] = value
    assert not python_accepts(document, ONE.document)
    assert not phone_accepts(on_phone, document, ONE.document)


@settings(max_examples=100, deadline=None)
@given(bit=st.integers(0, 511))
def test_any_bit_of_a_signature_matters(on_phone: Phone, bit: int) -> None:
    document = signed()
    signature = bytearray(base58.b58decode(document["proof"]["proofValue"][1:]))
    signature[bit // 8] ^= 1 << bit % 8
    document["proof"]["proofValue"] = "z" + base58.b58encode(bytes(signature)).decode()
    assert not python_accepts(document, ONE.document)
    assert not phone_accepts(on_phone, document, ONE.document)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=9),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each),
)


@settings(max_examples=100, deadline=None)
@given(content=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_whatever_python_signs_holds_on_the_phone(on_phone: Phone, content: Json) -> None:
    content.pop("@context", None)
    document = add_proof(content, KEY, method=ONE.method, created=THEN)
    assert phone_accepts(on_phone, document, ONE.document)


def methods(alter: Alter) -> Json:
    document = ONE.document
    alter(document)
    return document


def entry(document: Json) -> Json:
    described: Json = document["verificationMethod"][0]
    return described


DOCUMENTS: dict[str, Json] = {
    "as it is": methods(lambda d: None),
    "not for assertions": methods(lambda d: d.update(assertionMethod=[])),
    "no assertions": methods(lambda d: d.pop("assertionMethod")),
    "no methods": methods(lambda d: d.pop("verificationMethod")),
    "null": methods(lambda d: d.update(verificationMethod=None, assertionMethod=None)),
    "a relative reference": methods(lambda d: d.update(assertionMethod=["#key-assertion-1"])),
    "one reference": methods(lambda d: d.update(assertionMethod=ONE.method)),
    "embedded": methods(lambda d: d.update(assertionMethod=[entry(d)])),
    "a relative id": methods(lambda d: entry(d).update(id="#key-assertion-1")),
    "described twice": methods(lambda d: d["verificationMethod"].append(entry(d))),
    "named twice": methods(lambda d: d["assertionMethod"].append(ONE.method)),
    "another type": methods(lambda d: entry(d).update(type="JsonWebKey")),
    "another controller": methods(lambda d: entry(d).update(controller=Issuer(8).did)),
    "no key": methods(lambda d: entry(d).pop("publicKeyMultibase")),
    "another key": methods(lambda d: entry(d).update(publicKeyMultibase=ONE.key(3).multikey)),
    "a key of another kind": methods(
        lambda d: entry(d).update(publicKeyMultibase="zDn" + KEY.multikey[3:])
    ),
    "a key of yet another kind": methods(
        lambda d: entry(d).update(
            publicKeyMultibase=encode_multibase(
                bytes((0xEC, 0x01)) + decode_multibase(KEY.multikey)[2:]
            )
        )
    ),
    "no DID": methods(lambda d: d.pop("id")),
    "another DID": methods(lambda d: d.update(id=Issuer(8).did)),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_key_is_found_where_python_finds_it(on_phone: Phone, document: Json) -> None:
    assert phone_accepts(on_phone, signed(), document) == python_accepts(signed(), document)
    try:
        key = assertion_key(document, ONE.method)
    except VerificationError:
        key = None
    assert on_phone("key", document=document, method=ONE.method).get("gave") == key


# --- DID logs -------------------------------------------------------------------------------


def python_step(entries: list[str], did: str, now: Any = None) -> str | None:
    try:
        verify_log(entries, expected_did=did, now=now)
    except VerificationError as refused:
        return refused.step
    return None


def hashed(content: Json) -> str:
    return content_digest(content)[1:]


def next_entry(before: Json, signer: SeedSigner, **changes: Any) -> Json:
    """An entry of the owner's own, whatever is in it: rightly hashed and signed."""
    number = int(before["versionId"].split("-")[0]) + 1
    made = {
        "versionId": before["versionId"],
        "versionTime": "2026-03-01T00:00:00Z",
        "parameters": {},
        "state": before["state"],
        **changes,
    }
    made["versionId"] = f"{number}-{hashed(made)}"
    method = f"did:key:{signer.multikey}#{signer.multikey}"
    proof = add_proof(made, signer, method=method, created=THEN)["proof"]
    return {**made, "proof": [proof]}


def rotating(number: int, **more: Any) -> Json:
    """Parameters of the entry that puts the committed key in force."""
    return {"updateKeys": [ISSUER.key(number).multikey], **more}


def continued(**changes: Any) -> list[str]:
    changes = {"parameters": rotating(3), **changes}
    return [*ISSUER.log, json.dumps(next_entry(LOG[-1], ISSUER.key(3), **changes))]


def first_entry(alter: Alter, own_scid: str | None = None) -> tuple[str, list[str]]:
    """A new DID's first entry, its owner's own whatever is in it; with the DID."""
    key = SeedSigner(b"\5" * 32)
    made: Json = {
        "versionId": "{SCID}",
        "versionTime": "2026-01-01T00:00:00Z",
        "parameters": {
            "updateKeys": [key.multikey],
            "scid": "{SCID}",
            "method": "did:webvh:1.0",
        },
        "state": {"id": "did:webvh:{SCID}:haven.localhost:o:abcdefgh"},
    }
    alter(made)
    scid = own_scid or hashed(made)
    made = json.loads(json.dumps(made).replace("{SCID}", scid))
    made["versionId"] = f"1-{hashed(made)}"
    method = f"did:key:{key.multikey}#{key.multikey}"
    made["proof"] = [add_proof(made, key, method=method, created=THEN)["proof"]]
    return made["state"].get("id") or "", [json.dumps(made)]


OTHER_STATE = {**LOG[-1]["state"], "id": LOG[-1]["state"]["id"].replace(".localhost", ".other")}
OWN: dict[str, list[str]] = {
    "good": continued(),
    "time does not grow": continued(versionTime=LOG[-1]["versionTime"]),
    "time that is none": continued(versionTime="2026-02-30T00:00:00Z"),
    "deactivated": continued(parameters=rotating(3, deactivated=True)),
    "deactivated in a word": continued(parameters=rotating(3, deactivated="yes")),
    "another method": continued(parameters=rotating(3, method="did:webvh:2.0")),
    "a method that is none": continued(parameters=rotating(3, method="")),
    "portable too late": continued(parameters=rotating(3, portable=True)),
    "another SCID": continued(parameters=rotating(3, scid=LOG[0]["parameters"]["scid"])),
    "witnesses": continued(
        parameters=rotating(3, witness={"threshold": 1, "witnesses": [{"id": "did:key:z6Mk"}]})
    ),
    "no witnesses": continued(parameters=rotating(3, witness={})),
    "watchers": continued(parameters=rotating(3, watchers=["https://w.example"])),
    "watchers that are none": continued(parameters=rotating(3, watchers="https://w.example")),
    "a time to live": continued(parameters=rotating(3, ttl=60)),
    "no time to live": continued(parameters=rotating(3, ttl=0)),
    "an unknown parameter": continued(parameters=rotating(3, more=1)),
    "a parameter of JavaScript's": continued(parameters=rotating(3, constructor=1)),
    "no keys with pre-rotation": continued(parameters={}),
    "keys that were not committed to": continued(parameters=rotating(4)),
    "one key more": continued(
        parameters={"updateKeys": [ISSUER.key(3).multikey, ISSUER.key(4).multikey]}
    ),
    "keys that are none": continued(parameters={"updateKeys": "z6Mk"}),
    "commitments that are none": continued(parameters=rotating(3, nextKeyHashes=[1])),
    "no more commitments": continued(parameters=rotating(3, nextKeyHashes=[])),
    "another domain": continued(state=OTHER_STATE),
    "no document id": continued(state={}),
    "a document id that is no text": continued(state={"id": 7}),
    "a document that is none": continued(state=[]),
    "signed by the key of before": [
        *ISSUER.log,
        json.dumps(next_entry(LOG[-1], ISSUER.key(2), parameters=rotating(3))),
    ],
    "a number twice": [*ISSUER.log, ISSUER.log[-1]],
    "a name twice": [ISSUER.log[0].replace('"state":', '"proof":[],"state":')],
    "too deep": ["[" * 1_000_000],
    "too many": [ISSUER.log[0]] * 1_001,
}
# without commitments, the keys of before sign the next entry
PLAIN_DID, PLAIN = first_entry(lambda e: None)
PLAIN_KEY = SeedSigner(b"\5" * 32)
AFTER = json.dumps(
    next_entry(json.loads(PLAIN[0]), PLAIN_KEY, parameters={"updateKeys": [KEY.multikey]})
)
FIRST: dict[str, tuple[str, list[str]]] = {
    "good": (PLAIN_DID, PLAIN),
    "new keys, signed by the old ones": (PLAIN_DID, [*PLAIN, AFTER]),
    "new keys, signed by themselves": (
        PLAIN_DID,
        [
            *PLAIN,
            json.dumps(
                next_entry(json.loads(PLAIN[0]), KEY, parameters={"updateKeys": [KEY.multikey]})
            ),
        ],
    ),
    "the new keys sign from then on": (
        PLAIN_DID,
        [
            *PLAIN,
            AFTER,
            json.dumps(next_entry(json.loads(AFTER), KEY, versionTime="2026-04-01T00:00:00Z")),
        ],
    ),
    "no update keys": first_entry(lambda e: e["parameters"].pop("updateKeys")),
    "no method": first_entry(lambda e: e["parameters"].pop("method")),
    "another method": first_entry(lambda e: e["parameters"].update(method="did:webvh:0.5")),
    "the SCID is not in the DID": first_entry(
        lambda e: e["state"].update(id="did:webvh:Qm:haven.localhost", x="{SCID}")
    ),
    "the SCID is not in the document": first_entry(
        lambda e: e["state"].update(id="did:webvh:Qm:haven.localhost")
    ),
    "the SCID of another DID": first_entry(
        lambda e: None, own_scid=LOG[0]["parameters"]["scid"]
    ),
    "a port": first_entry(
        lambda e: e["state"].update(id="did:webvh:{SCID}:haven.localhost%3A80")
    ),
    "deactivated": first_entry(lambda e: e["parameters"].update(deactivated=True)),
    "witnesses": first_entry(
        lambda e: e["parameters"].update(
            witness={"threshold": 1, "witnesses": [{"id": "did:key:z6Mk"}]}
        )
    ),
    "a name of JavaScript's": first_entry(lambda e: e["state"].update(__proto__={"a": 1})),
    "the SCID in a name": first_entry(lambda e: e["state"].update({"a{SCID}": 1, "aa": 2})),
}


def on_the_phone(on_phone: Phone, entries: list[str], did: str) -> str | None:
    return on_phone.step("log", text="\n".join(entries) + "\n", did=did)


@pytest.mark.parametrize("entries", OWN.values(), ids=OWN.keys())
def test_an_entry_is_judged_as_in_python(on_phone: Phone, entries: list[str]) -> None:
    step = on_the_phone(on_phone, entries, ISSUER.did)
    assert step == python_step(entries, ISSUER.did)


@pytest.mark.parametrize(("did", "entries"), FIRST.values(), ids=FIRST.keys())
def test_a_first_entry_is_judged_as_in_python(
    on_phone: Phone, did: str, entries: list[str]
) -> None:
    assert on_the_phone(on_phone, entries, did) == python_step(entries, did)


@pytest.mark.parametrize(("_", "entries"), CASES.values(), ids=CASES.keys())
def test_a_broken_log_is_refused_as_in_python(
    on_phone: Phone, _: set[str], entries: list[str]
) -> None:
    step = on_the_phone(on_phone, entries, ISSUER.did)
    assert step == python_step(entries, ISSUER.did)
    assert step is not None


def test_a_whole_log_gives_its_current_document(on_phone: Phone) -> None:
    answer = on_phone("log", text="\n".join(ISSUER.log), did=ISSUER.did)
    assert answer == {"gave": verify_log(ISSUER.log).document}
    assert split_log("\n".join(ISSUER.log)) == ISSUER.log


def test_the_log_of_another_did_is_refused(on_phone: Phone) -> None:
    assert on_the_phone(on_phone, ISSUER.log, Issuer(2).did) == "did"


def test_a_log_from_the_future_is_refused(on_phone: Phone) -> None:
    text = "\n".join(ISSUER.log)
    for minutes, step in ((4, None), (6, "entry")):
        now = THEN - timedelta(minutes=minutes)
        assert on_phone.step("log", text=text, did=ISSUER.did, now=now.isoformat()) == step
        assert python_step(ISSUER.log, ISSUER.did, now) == step


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_sign_of_a_log_matters(on_phone: Phone, data: st.DataObject) -> None:
    """Python's library writes times anew before it hashes them, and so takes `a` for the `T`
    in one; apart from that both refuse whatever was changed."""
    text = "\n".join(ISSUER.log)
    place = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from('az09"{}[]:, -\\'))
    changed = text[:place] + sign + text[place + 1 :]
    phone = on_phone.step("log", text=changed, did=ISSUER.did)
    assert (phone is None) == (changed == text)
    if text[place] != "T":
        python = python_step(split_log(changed), ISSUER.did)
        assert (phone is None) == (python is None)


def test_long_logs_hold(on_phone: Phone) -> None:
    key = [SeedSigner(bytes([number]) * 32) for number in range(14)]
    new = create_log(
        domain="haven.localhost",
        opaque="abcdefgh",
        update_key=key[0],
        next_update_key=key[1].multikey,
        assertion_key=KEY.multikey,
        now=THEN,
        services=[{"id": "#didcomm", "type": "x", "serviceEndpoint": "https://x.example"}],
    )
    log = [new.entry]
    for number in range(1, 13):
        log.append(
            append_rotation(
                log, update_key=key[number], next_update_key=key[number + 1].multikey, now=THEN
            )
        )
    answer = on_phone("log", text="\n".join(log), did=new.did)
    assert answer == {"gave": verify_log(log).document}
