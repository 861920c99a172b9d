"""DID logs: what a verifier must refuse (did:webvh v1.0, "Read (Resolve)")."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.webvh.didlog import append_rotation, create_log, split_log, verify_log
from core.canonical import Json
from core.errors import InvalidInput, VerificationError
from core.proof import add_proof
from tests.fakes.registry import THEN, Issuer

ISSUER = Issuer()
ISSUER.rotate()
ISSUER.rotate()
LOG = [json.loads(entry) for entry in ISSUER.log]


def edited(index: int, change: Callable[[Json], Any]) -> list[str]:
    log = json.loads(json.dumps(LOG))
    change(log[index])
    return [json.dumps(entry) for entry in log]


def foreign_signature(entry: Json) -> None:
    """A good signature by a key that is not in force."""
    key = ISSUER.key(50)
    unsigned = {name: value for name, value in entry.items() if name != "proof"}
    method = f"did:key:{key.multikey}#{key.multikey}"
    entry["proof"] = [add_proof(unsigned, key, method=method, created=THEN)["proof"]]


CASES: dict[str, tuple[set[str], list[str]]] = {
    "empty": ({"entry"}, []),
    "not JSON": ({"entry"}, ["{"]),
    "not an object": ({"entry"}, ["[]"]),
    "no members": ({"entry"}, ["{}"]),
    "starts in the middle": ({"entry", "hash"}, ISSUER.log[1:]),
    "an entry is left out": ({"entry"}, [ISSUER.log[0], ISSUER.log[2]]),
    "an entry comes twice": ({"entry"}, [ISSUER.log[0], ISSUER.log[0]]),
    "the document is changed": ({"hash"}, edited(0, lambda e: e["state"].update(service=[]))),
    "the last document is changed": ({"hash"}, edited(2, lambda e: e["state"].update(x=1))),
    "the time is changed": (
        {"hash"},
        edited(1, lambda e: e.update(versionTime="2026-01-02T00:00:00Z")),
    ),
    "the SCID is changed": ({"hash"}, edited(0, lambda e: e["parameters"].update(scid="Qm"))),
    "no SCID": ({"entry"}, edited(0, lambda e: e["parameters"].pop("scid"))),
    "an unknown member": ({"entry"}, edited(1, lambda e: e.update(more=1))),
    "no proof": ({"signature"}, edited(2, lambda e: e.update(proof=[]))),
    "another entry's proof": (
        {"signature"},
        edited(2, lambda e: e.update(proof=LOG[1]["proof"])),
    ),
    "a proof for something else": (
        {"signature"},
        edited(2, lambda e: e["proof"][0].update(proofPurpose="authentication")),
    ),
    "a proof by a foreign key": ({"signature"}, edited(2, foreign_signature)),
    "proof is nonsense": ({"signature"}, edited(2, lambda e: e.update(proof=[{"a": 1}]))),
}


@pytest.mark.parametrize(("steps", "entries"), CASES.values(), ids=CASES.keys())
def test_a_broken_log_is_refused(steps: set[str], entries: list[str]) -> None:
    with pytest.raises(VerificationError) as refused:
        verify_log(entries)
    assert refused.value.step in steps


def test_a_whole_log_verifies() -> None:
    verified = verify_log(ISSUER.log, expected_did=ISSUER.did)
    assert verified.version_number == 3
    assert verified.update_keys == (ISSUER.key(2).multikey,)
    assert verify_log(split_log("\n".join(ISSUER.log) + "\n")) == verified


def test_the_log_of_another_did_is_refused() -> None:
    with pytest.raises(VerificationError) as refused:
        verify_log(ISSUER.log, expected_did=Issuer(2).did)
    assert refused.value.step == "did"


def test_an_update_key_that_was_not_committed_to_is_refused() -> None:
    with pytest.raises(VerificationError):
        append_rotation(
            ISSUER.log,
            update_key=ISSUER.key(77),
            next_update_key=ISSUER.key(78).multikey,
            now=THEN,
        )


def test_a_log_from_the_future_is_refused() -> None:
    verify_log(ISSUER.log, now=THEN)
    with pytest.raises(VerificationError):
        verify_log(ISSUER.log, now=THEN - timedelta(minutes=6))


@pytest.mark.parametrize("opaque", ["short", "Haven-Shelter", "with:colon", "../../etc", ""])
def test_a_spoken_or_odd_name_is_not_put_into_a_did(opaque: str) -> None:
    with pytest.raises(InvalidInput):
        create_log(
            domain="haven.localhost",
            opaque=opaque,
            update_key=ISSUER.key(0),
            next_update_key=ISSUER.key(1).multikey,
            assertion_key=ISSUER.key(2).multikey,
            now=datetime.now(UTC),
        )


def test_services_are_named_under_the_did() -> None:
    new = create_log(
        domain="haven.localhost",
        opaque="abcdefgh",
        update_key=ISSUER.key(0),
        next_update_key=ISSUER.key(1).multikey,
        assertion_key=ISSUER.key(2).multikey,
        now=THEN,
        services=[{"id": "#files", "type": "Files", "serviceEndpoint": "https://x.example"}],
    )
    document = verify_log([new.entry]).document
    assert document["service"][0]["id"] == f"{new.did}#files"
