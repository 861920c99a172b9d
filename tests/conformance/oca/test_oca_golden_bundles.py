"""Two public OCA 2.0.0 bundles: every digest in them must come out of our code."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from core.errors import VerificationError
from credential_defs.oca import (
    Document,
    bundle_digest,
    capture_base_digest,
    overlay_digest,
    parse,
    verify,
)

FIXTURES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "oca"
NAMES = ("oca-2.0.0-fixture-a.json", "oca-2.0.0-fixture-b.json")

pytestmark = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="the public OCA bundles are not beside this checkout"
)


@pytest.fixture(params=NAMES)
def public(request: pytest.FixtureRequest) -> Document:
    return parse((FIXTURES / request.param).read_bytes())


def test_capture_base_digest_reproduces(public: Document) -> None:
    base = public["capture_base"]
    assert capture_base_digest(base, "2.0.0") == base["digest"]


def test_every_overlay_digest_reproduces(public: Document) -> None:
    for overlay in public["overlays"]:
        assert overlay_digest(overlay, "2.0.0") == overlay["digest"], overlay["type"]


def test_bundle_digest_and_length_reproduce(public: Document) -> None:
    assert bundle_digest(public) == public["digest"]
    assert verify(public, "2.0.0").digest == public["digest"]


def test_published_bundles_keep_overlays_in_their_own_order(public: Document) -> None:
    """The order of overlays is part of the digest, and it is not the order of digests."""
    by_digest = copy.deepcopy(public)
    by_digest["overlays"].sort(key=lambda overlay: overlay["digest"])
    with pytest.raises(VerificationError) as caught:
        verify(by_digest, "2.0.0")
    assert caught.value.step == "bundle-digest"


def test_a_field_order_of_the_file_does_not_matter_for_the_leading_fields(
    public: Document,
) -> None:
    base = public["capture_base"]
    turned = {key: base[key] for key in reversed(list(base))}
    assert capture_base_digest(turned, "2.0.0") == base["digest"]
