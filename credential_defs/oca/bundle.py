"""Whole OCA bundles: read, write, fill in the digests, verify them.

A bundle is verified in this order; VerificationError names the step that failed:

(0) `shape`                 a capture base and a list of overlays, nothing beside them
(1) `capture-base-type`     the capture base is of the form that is expected
(2) `capture-base-digest`   its SAID is the one it states
(3) `overlay-capture-base`  every overlay is made for this capture base
(4) `overlay-digest`        every overlay's SAID is the one it states
(5) `bundle-length`         2.0.0 only: `v` states the length in bytes
(6) `bundle-digest`         2.0.0 only: the bundle's SAID is the one it states

Steps 5 and 6 are skipped for 1.0, where a bundle has neither `v` nor a digest: what an overlay
says cannot be changed there, but an overlay can be left out unnoticed (Aries RFC 0755).
`encoding` is the step of any value that has no UTF-8 JSON form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput, VerificationError
from credential_defs.oca.said import (
    PLACEHOLDER,
    Document,
    Form,
    bundle_digest,
    capture_base_digest,
    ordered_bundle,
    overlay_digest,
    version_string,
)

CAPTURE_BASE_TYPES: dict[Form, str] = {
    "2.0.0": "capture_base/2.0.0",
    "1.0": "spec/capture_base/1.0",
}
_FIELDS: dict[Form, frozenset[str]] = {
    "2.0.0": frozenset({"v", "digest", "capture_base", "overlays"}),
    "1.0": frozenset({"capture_base", "overlays"}),
}


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle whose every digest holds. `digest` is None in the 1.0 form, which has none."""

    form: Form
    digest: str | None
    capture_base_digest: str
    attributes: tuple[str, ...]
    document: Mapping[str, Any]


def parse(text: str | bytes) -> Document:
    """A bundle from JSON, in the order of the text. Aries' array of one bundle is opened.

    Raises InvalidInput if it is not JSON, names a key twice, or is not one bundle.
    """
    try:
        read = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("An OCA bundle is not well-formed JSON") from error
    if isinstance(read, list) and len(read) == 1:
        read = read[0]
    if not isinstance(read, dict):
        raise InvalidInput("An OCA bundle is one JSON object")
    return read


def serialise(bundle: Mapping[str, Any], form: Form) -> str:
    """The text of a bundle for a file: 1.0 as the array of one bundle that wallets fetch."""
    document = dict(bundle) if form == "2.0.0" else [dict(bundle)]
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def fill(bundle: Mapping[str, Any], form: Form) -> Document:
    """The bundle with every digest (and `v`) computed, its fields in the order of the form.

    Overlays of a 2.0.0 bundle are put in the order of their digests, as the specification
    asks of whoever makes a bundle; 1.0 keeps the authored order.
    """
    capture_base = dict(bundle["capture_base"])
    capture_base["digest"] = capture_base_digest(capture_base, form)
    overlays = [_filled(item, capture_base["digest"], form) for item in bundle["overlays"]]
    if form == "2.0.0":
        overlays.sort(key=lambda overlay: str(overlay["digest"]))
    filled = ordered_bundle({"capture_base": capture_base, "overlays": overlays}, form)
    if form == "2.0.0":
        filled["v"] = version_string(filled)
        filled["digest"] = bundle_digest(filled)
    return filled


def verify(bundle: Mapping[str, Any], form: Form) -> VerifiedBundle:
    """Every digest of a bundle, checked. Steps: see the module's list.

    Raises VerificationError naming the first step that failed.
    """
    capture_base, overlays = _check_shape(bundle, form)
    _check_capture_base(capture_base, form)
    for position, overlay in enumerate(overlays):
        _check_overlay(overlay, position, capture_base["digest"], form)
    if form == "2.0.0":
        _check_whole(bundle)
    return VerifiedBundle(
        form=form,
        digest=bundle.get("digest"),
        capture_base_digest=capture_base["digest"],
        attributes=tuple(capture_base["attributes"]),
        document=bundle,
    )


def _check_shape(bundle: Mapping[str, Any], form: Form) -> tuple[Document, list[Document]]:
    capture_base, overlays = bundle.get("capture_base"), bundle.get("overlays")
    if set(bundle) != _FIELDS[form]:  # any other field would be outside every digest
        raise VerificationError("The bundle has other fields than its form", step="shape")
    if not isinstance(capture_base, dict) or not isinstance(overlays, list):
        raise VerificationError("The bundle lacks a capture base or overlays", step="shape")
    if not isinstance(capture_base.get("attributes"), dict):
        raise VerificationError("The capture base has no attributes", step="shape")
    if not all(isinstance(overlay, dict) for overlay in overlays):
        raise VerificationError("An overlay is not an object", step="shape")
    return capture_base, overlays


def _check_capture_base(capture_base: Document, form: Form) -> None:
    if capture_base.get("type") != CAPTURE_BASE_TYPES[form]:
        raise VerificationError("The capture base is of another form", step="capture-base-type")
    if capture_base.get("digest") != capture_base_digest(capture_base, form):
        raise VerificationError(
            "The capture base was changed: its digest does not hold",
            step="capture-base-digest",
        )


def _check_overlay(overlay: Document, position: int, base: str, form: Form) -> None:
    if overlay.get("capture_base") != base:
        raise VerificationError(
            f"Overlay {position} was made for another capture base",
            step="overlay-capture-base",
        )
    if overlay.get("digest") != overlay_digest(overlay, form):
        raise VerificationError(
            f"Overlay {position} was changed: its digest does not hold",
            step="overlay-digest",
        )


def _check_whole(bundle: Mapping[str, Any]) -> None:
    if bundle.get("v") != version_string(bundle):
        raise VerificationError(
            "The bundle's length is not what it states", step="bundle-length"
        )
    if bundle.get("digest") != bundle_digest(bundle):
        raise VerificationError(
            "The bundle was changed: its digest does not hold", step="bundle-digest"
        )


def _filled(overlay: Mapping[str, Any], base: str, form: Form) -> Document:
    made = {**overlay, "capture_base": base, "digest": PLACEHOLDER}
    return {**made, "digest": overlay_digest(made, form)}


def _unique_keys(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
