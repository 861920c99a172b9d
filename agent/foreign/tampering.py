"""Presentations changed after they were proven, in the ways a dishonest holder would.

Each function answers a changed copy in the same form; none of the results may verify.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any

from core.errors import InvalidInput
from core.ports import Document

_I32 = range(-(2**31), 2**31)


def encoded(raw: str) -> str:
    """The integer that stands for a raw value in a proof, as a decimal string.

    AnonCreds v1.0, "Encoding Attribute Data": a 32-bit integer is itself, anything else the
    SHA-256 of its UTF-8 form read as a big-endian number.
    """
    try:
        number = int(raw)
    except ValueError:
        number = None
    if number is not None and number in _I32:
        return str(number)
    return str(int.from_bytes(sha256(raw.encode()).digest()))


def tampered(presentation: Mapping[str, Any], attribute: str, raw: str) -> Document:
    """Claim another value for a revealed attribute, wherever the presentation says it.

    Raw, encoded and the sub-proof's own list agree, so that nothing but the mathematics is
    left to notice.

    Raises:
        InvalidInput: the presentation does not reveal this attribute.
    """
    changed = deepcopy(dict(presentation))
    places = list(_revealed(changed, attribute))
    if not places:
        raise InvalidInput("The presentation does not reveal this attribute")
    for value, index in places:
        value.update(raw=raw, encoded=encoded(raw))
        proof = changed["proof"]["proofs"][index]["primary_proof"]["eq_proof"]
        proof["revealed_attrs"][_canonical(attribute)] = encoded(raw)
    return changed


def relabelled(presentation: Mapping[str, Any], attribute: str, raw: str) -> Document:
    """Claim another raw value and leave everything that is proven as it is.

    The presentation still verifies for software that compares encoded values only and then
    shows the raw one; a verifier has to encode the raw value again.

    Raises:
        InvalidInput: the presentation does not reveal this attribute.
    """
    changed = deepcopy(dict(presentation))
    places = list(_revealed(changed, attribute))
    if not places:
        raise InvalidInput("The presentation does not reveal this attribute")
    for value, _ in places:
        value.update(raw=raw)
    return changed


def with_broken_proof(presentation: Mapping[str, Any]) -> Document:
    """Flip one bit of the proof's commitments; everything said stays the same."""
    changed = deepcopy(dict(presentation))
    changed["proof"]["aggregated_proof"]["c_list"][0][-1] ^= 1
    return changed


def without_status_proof(
    presentation: Mapping[str, Any], registry_id: str, time: int
) -> Document:
    """Claim a registry and the time of its list where nothing is proven against it.

    The presentation was made for a request without non-revocation; the mathematics of all the
    rest holds.
    """
    changed = deepcopy(dict(presentation))
    for identifier in changed["identifiers"]:
        identifier.update(rev_reg_id=registry_id, timestamp=time)
    return changed


def with_status_time(presentation: Mapping[str, Any], timestamp: int) -> Document:
    """Claim that non-revocation was proven against the list of another time."""
    changed = deepcopy(dict(presentation))
    for identifier in changed["identifiers"]:
        if identifier.get("timestamp") is not None:
            identifier["timestamp"] = timestamp
    return changed


def _revealed(presentation: Document, attribute: str) -> Iterator[tuple[Document, int]]:
    """The places of an attribute's value, each with the index of its sub-proof."""
    groups = presentation["requested_proof"].get("revealed_attr_groups") or {}
    for group in groups.values():
        if attribute in group["values"]:
            yield group["values"][attribute], int(group["sub_proof_index"])


def _canonical(attribute: str) -> str:
    """The name as a proof has it: without spaces, in small letters."""
    return attribute.replace(" ", "").lower()
