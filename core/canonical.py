"""JSON read strictly, written canonically (RFC 8785), and hashed the way did:webvh does."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import base58
import jsoncanon

from core.errors import VerificationError

type Json = dict[str, Any]

_SHA2_256 = bytes((0x12, 0x20))  # multihash: the code of sha2-256, then the length 32
_MOST_MULTIBASE = 512  # a signature has 89 characters; decoding takes the square of the length


def read_object(text: str | bytes, *, step: str) -> Json:
    """Parse a JSON object; names given twice and values outside JSON are refused.

    Raises:
        VerificationError: with the given step.
    """
    try:
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise VerificationError("this is not well-formed JSON", step=step) from None
    if not isinstance(value, dict):
        raise VerificationError("a JSON object was expected", step=step)
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def canonicalize(value: Any, *, step: str) -> bytes:
    """The one byte form of a JSON value (RFC 8785).

    Raises:
        VerificationError: the value has no canonical form (a lone surrogate, endless depth).
    """
    try:
        return bytes(jsoncanon.canonicalize(value))
    except (ValueError, TypeError, RecursionError):
        raise VerificationError("this has no canonical form", step=step) from None


def canonicalize_integers(value: Any, *, step: str) -> bytes:
    """The same for a value whose numbers are integers below 2**53 and whose names are ASCII.

    Where a reader has refused everything else, Python's own writer gives the same bytes, ten
    times as fast: it sorts names by code point, and escapes what RFC 8785 escapes.

    Raises:
        VerificationError: the value has no canonical form (a lone surrogate).
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        raise VerificationError("this has no canonical form", step=step) from None


def content_digest(content: Any) -> str:
    """Multibase base58btc of the sha2-256 multihash of JCS(content)."""
    return multihash_digest(canonicalize(content, step="digest"))


def multihash_digest(data: bytes) -> str:
    """Multibase base58btc of the sha2-256 multihash of `data`."""
    return encode_multibase(_SHA2_256 + sha256(data).digest())


def encode_multibase(data: bytes) -> str:
    """Multibase with the base58btc alphabet, the only one Haven writes."""
    return "z" + str(base58.b58encode(data), "ascii")


def decode_multibase(text: str) -> bytes:
    """Undo `encode_multibase`.

    Raises:
        ValueError: another base, characters outside its alphabet, or longer than any key, hash
            or signature is: a few megabytes would keep the whole process busy for hours.
    """
    if not text.startswith("z"):
        raise ValueError("only base58btc is understood")
    if len(text) > _MOST_MULTIBASE:
        raise ValueError("longer than a key, a hash or a signature")
    return bytes(base58.b58decode(text[1:]))
