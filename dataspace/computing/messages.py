"""What parties send each other: arrays of field elements, and nothing that could be a program.

MPyC pickles arrays, and unpickling runs what a peer wrote. This module stands in the place of
`pickle` in `mpyc.runtime` and knows one thing only: a flat array of non-negative integers, in
fixed-width little-endian form. A crafted pickle is then no more than a malformed message.

Form: one byte with the width of an element in bytes (1..MOST_WIDTH), then the elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# elements of our fields have at most 64 bytes; larger ones are a peer's mistake or attack
MOST_WIDTH = 128
_WORD = 8


class MalformedMessage(ValueError):
    """A peer sent bytes that are no array of field elements."""


def dumps(values: Any) -> bytes:
    """The bytes of a one-dimensional array of integers (any object array of them)."""
    listed = np.asarray(values, dtype=object)
    if listed.ndim != 1:
        raise MalformedMessage("only flat arrays are sent")
    largest = max(listed.tolist(), default=0)
    if largest.bit_length() <= 8 * _WORD:
        return bytes([_WORD]) + listed.astype("<u8").tobytes()
    size = (largest.bit_length() + 7) // 8
    if size > MOST_WIDTH:
        raise MalformedMessage("an element is too wide")
    return bytes([size]) + b"".join([each.to_bytes(size, "little") for each in listed.tolist()])


def loads(data: bytes) -> Any:
    """The array of such bytes, of Python integers. Raises MalformedMessage."""
    size = data[0] if data else 0
    if not 1 <= size <= MOST_WIDTH or (len(data) - 1) % size:
        raise MalformedMessage("not an array of field elements")
    if size == _WORD:
        return np.frombuffer(data, dtype="<u8", offset=1).astype(object)
    from_bytes = int.from_bytes
    values = [from_bytes(data[at : at + size], "little") for at in range(1, len(data), size)]
    listed = np.empty(len(values), dtype=object)
    listed[:] = values
    return listed
