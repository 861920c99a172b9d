"""Self-addressing identifiers (SAIDs) of Overlays Capture Architecture, in two forms.

The rules, in the order the code follows:

1. The digest field is filled with 44 `#`.
2. The fields stand in a fixed order (`_ordered_*`), which is not the order of the file.
3. The document is compact UTF-8 JSON: separators `,` and `:`, no ASCII escapes.
4. The hash is BLAKE3-256.
5. 2.0.0: one zero byte is put before the hash, all is base64url, and the code `E` replaces
   the first character (CESR alignment). 1.0: `E` and the base64url of the hash, no padding.

Sources: OCA 2.0.0 (March 2026) and OCA 1.0 as Aries RFC 0755 uses it. The order of fields is
the one that digests of published bundles have; where the specification's text says otherwise,
the published digests win (tests/conformance/oca).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from blake3 import blake3

from core.errors import InvalidInput, VerificationError

Form = Literal["2.0.0", "1.0"]
type Document = dict[str, Any]

FORMS: tuple[Form, ...] = ("2.0.0", "1.0")
PLACEHOLDER = "#" * 44
_VERSION_LENGTH = len("OCAS02JSON000000_")
_LARGEST_BUNDLE = 0xFF_FF_FF  # six hexadecimal digits

# Payload fields of 1.0 overlays in the order they are hashed in, whatever the file has.
# Digests of published branding overlays follow no one order, so theirs is RFC 0755's table.
_PAYLOAD_1_0: tuple[str, ...] = (
    "default_character_encoding",
    "attribute_character_encoding",
    "attribute_labels",
    "attribute_categories",
    "category_labels",
    "name",
    "description",
    "credential_help_text",
    "credential_support_url",
    "issuer",
    "issuer_description",
    "issuer_url",
    "watermark",
    "logo",
    "background_image",
    "background_image_slice",
    "primary_background_color",
    "secondary_background_color",
    "primary_attribute",
    "secondary_attribute",
    "issued_date_attribute",
    "expiry_date_attribute",
)


def compact(document: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed: compact UTF-8 JSON, keys in the order given.

    Raises VerificationError (step `encoding`) for what has no JSON or no UTF-8 form.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise VerificationError("A value has no UTF-8 JSON form", step="encoding") from error


def encode(content: bytes, form: Form) -> str:
    """The SAID of `content`: 44 characters, beginning with `E`."""
    raw = blake3(content).digest()
    if form == "1.0":
        return "E" + base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
    return "E" + base64.urlsafe_b64encode(b"\0" + raw).decode("ascii")[1:]


def capture_base_digest(capture_base: Mapping[str, Any], form: Form) -> str:
    """The SAID of a capture base, whatever its own `digest` field says."""
    return _digest(_ordered_capture_base(capture_base, form), form)


def overlay_digest(overlay: Mapping[str, Any], form: Form) -> str:
    """The SAID of an overlay, whatever its own `digest` field says."""
    return _digest(_ordered_overlay(overlay, form), form)


def bundle_digest(bundle: Mapping[str, Any]) -> str:
    """The SAID of a whole 2.0.0 bundle; `v` is hashed as it stands in the bundle.

    Overlays are taken in the bundle's own order: only so do the digests of published bundles
    come out. A bundle in the 1.0 form has no digest of its own (Aries RFC 0755).
    """
    return _digest(ordered_bundle(bundle, "2.0.0"), "2.0.0")


def version_string(bundle: Mapping[str, Any]) -> str:
    """`v` of a 2.0.0 bundle: the serialisation and the length of its compact form in bytes."""
    sized = {
        **ordered_bundle(bundle, "2.0.0"),
        "v": "#" * _VERSION_LENGTH,
        "digest": PLACEHOLDER,
    }
    length = len(compact(sized))
    if length > _LARGEST_BUNDLE:
        raise InvalidInput("An OCA bundle is longer than its version string can say")
    return f"OCAS02JSON{length:06x}_"


def ordered_bundle(bundle: Mapping[str, Any], form: Form) -> Document:
    """The bundle with all fields in the order of its form; values are left as they are."""
    head = {"v": bundle.get("v"), "digest": bundle.get("digest")} if form == "2.0.0" else {}
    return {
        **head,
        "capture_base": _ordered_capture_base(bundle["capture_base"], form),
        "overlays": [_ordered_overlay(overlay, form) for overlay in bundle["overlays"]],
    }


def _digest(ordered: Document, form: Form) -> str:
    return encode(compact({**ordered, "digest": PLACEHOLDER}), form)


def _ordered_capture_base(capture_base: Mapping[str, Any], form: Form) -> Document:
    if form == "2.0.0":
        return _leading(capture_base, ("digest", "type", "attributes"))
    leading = ("type", "digest", "classification", "attributes", "flagged_attributes")
    return _leading(_sorted_within(capture_base), leading)


def _ordered_overlay(overlay: Mapping[str, Any], form: Form) -> Document:
    if form == "2.0.0":
        return _leading(overlay, ("digest", "capture_base", "type", "language"))
    leading = ("capture_base", "digest", "type", "language", *_PAYLOAD_1_0)
    return _leading(_sorted_within(overlay), leading)


def _leading(document: Mapping[str, Any], first: Iterable[str]) -> Document:
    """`first` (those that are there) and then the rest in document order; `digest` always."""
    order = [key for key in first if key in document or key == "digest"]
    order += [key for key in document if key not in order]
    return {key: document.get(key) for key in order}


def _sorted_within(document: Mapping[str, Any]) -> Document:
    """The 1.0 form sorts the keys of every mapping below the top; lists keep their order."""
    return {key: _sorted(value) for key, value in document.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
