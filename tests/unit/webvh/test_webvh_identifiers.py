"""Identifiers and their addresses."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.webvh.identifiers import is_tails_hash, parse_did, parse_resource_id
from core.errors import VerificationError

SCID = "Qm" + "a" * 44
DIGEST = "zQm" + "b" * 44


@pytest.mark.parametrize(
    ("did", "address"),
    [
        (f"did:webvh:{SCID}:example.com", "https://example.com/.well-known/did.jsonl"),
        (f"did:webvh:{SCID}:a.example.com:o:x1", "https://a.example.com/o/x1/did.jsonl"),
        (f"did:webvh:{SCID}:haven.localhost:o:x", "https://haven.localhost/o/x/did.jsonl"),
    ],
)
def test_a_did_becomes_the_address_of_its_log(did: str, address: str) -> None:
    assert parse_did(did).log_url == address


def test_a_resource_stands_beside_the_log() -> None:
    found = parse_resource_id(f"did:webvh:{SCID}:haven.localhost:o:x/resources/{DIGEST}")
    assert found.url == f"https://haven.localhost/o/x/resources/{DIGEST}"
    bare = parse_resource_id(f"did:webvh:{SCID}:haven.localhost/resources/{DIGEST}")
    assert bare.url == f"https://haven.localhost/resources/{DIGEST}"


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did:web:example.com",
        f"did:webvh:{SCID}",
        f"did:webvh:{SCID}:localhost",
        f"did:webvh:{SCID}:127.0.0.1",
        f"did:webvh:{SCID}:example.com%3A8443",
        f"did:webvh:{SCID}:example.com:",
        f"did:webvh:{SCID}:example.com:..:x",
        f"did:webvh:{SCID}:example.com:a%2fb",
        f"did:webvh:{SCID}:user@example.com",
        f"did:webvh:{SCID}:example.com/x",
        f"did:webvh:{SCID}:example.com\n",
        f"did:webvh:0{SCID[1:]}:example.com",
        f"did:webvh:{SCID}:example.com:" + "a" * 2_000,
    ],
)
def test_what_is_no_did_of_ours_is_refused(did: str) -> None:
    with pytest.raises(VerificationError) as refused:
        parse_did(did)
    assert refused.value.step == "identifier"


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(VerificationError):
        assert parse_did(text).did == text


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "0" * 44, "." * 44, "1" * 45])
def test_a_tails_hash_is_safe_as_a_file_name(name: str) -> None:
    assert not is_tails_hash(name)
