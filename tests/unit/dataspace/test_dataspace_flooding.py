"""A peer that says too much: what it sends must not keep a node, or the others, from working."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controllers.dataspace.envelopes import Envelope, fresh_id, open_envelope, seal_envelope
from core.canonical import canonicalize, decode_multibase, encode_multibase
from core.errors import VerificationError
from dataspace.vocabulary.model import cases
from tests.support.space import identities, terms_of

MOST_SECONDS = 1.0


def test_a_signature_as_long_as_a_message_costs_no_time(tmp_path: Path) -> None:
    """Base 58 takes the square of its length: a megabyte of it would take minutes."""
    who = identities(tmp_path, 3)
    terms, now = terms_of(who, cases()), datetime.now(UTC)
    me, sender = terms.participants[:2]
    envelope = Envelope(
        kind="echo",
        id=fresh_id(),
        sender=sender.did,
        to=me.did,
        agreement=terms.digest,
        at=now,
        body={},
    )
    document = seal_envelope(envelope, who[1])
    document["proof"]["proofValue"] = "z" + "2" * 1_000_000
    data = canonicalize(document, step="test")
    before = time.perf_counter()
    with pytest.raises(VerificationError) as refused:
        open_envelope(data, sender=sender, to=me.did, agreement=terms.digest, now=now)
    assert refused.value.step == "proof"
    assert time.perf_counter() - before < MOST_SECONDS


def test_what_is_a_key_or_a_signature_is_read_as_before() -> None:
    for size in (32, 34, 64, 128):
        assert decode_multibase(encode_multibase(b"\x05" * size)) == b"\x05" * size
    with pytest.raises(ValueError, match="longer"):
        decode_multibase("z" + "2" * 512)
