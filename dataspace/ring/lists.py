"""A holder's list before it enters the ring: one record a person, padded, in random order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from secrets import token_bytes

import numpy as np

from core.errors import InvalidInput, VerificationError
from dataspace.ring.group import TOKEN, hash_to_group
from dataspace.ring.terms import Terms

type Record = tuple[bytes | None, ...]

_DUMMY = 64  # random bytes that stand for nobody: no identifier is found twice among 2**512


def distinct(records: Sequence[Record], keys: int) -> list[Record]:
    """One record a person, and no identifier of a key twice: what is left tells no structure.

    - Equal records, and records with the same first key, are one person (the first key is the
      one that decides). Where such records differ in a further key, the least value is kept.
    - A further key that several people of this list share says nothing about any of them
      and is taken out (it would be ambiguous, see counting.py).
    - A record without any key is a person nobody can match; each counts.

    So after blinding all tokens of a list and key differ, and a neighbour or evaluator cannot
    recognise a record by how often its token occurs. Neither the order of `records` nor
    repetitions change the result but for its order.

    Raises InvalidInput: a record has another number of keys, or an empty identifier.
    """
    if any(len(record) != keys or b"" in record for record in records):
        raise InvalidInput("a record has one identifier, or none, for each key")
    nameless = [record for record in records if not any(record)]
    unique = {record for record in records if any(record)}
    merged: dict[bytes, Record] = {}
    rest: list[Record] = []
    for record in unique:
        first = record[0]
        if first is None:
            rest.append(record)
        else:
            before = merged.get(first)
            merged[first] = record if before is None else _joined(before, record)
    return _without_ambiguous([*merged.values(), *rest]) + nameless


def _joined(one: Record, other: Record) -> Record:
    pairs = zip(one, other, strict=True)
    return tuple(min((v for v in pair if v is not None), default=None) for pair in pairs)


def _without_ambiguous(records: list[Record]) -> list[Record]:
    if not records:
        return []
    columns = [list(column) for column in zip(*records, strict=True)]
    for column in columns[1:]:
        often = {value for value, count in Counter(column).items() if count > 1}
        column[:] = [None if value in often else value for value in column]
    return list(zip(*columns, strict=True))


def padded(records: Sequence[Record], terms: Terms) -> list[Record]:
    """The records and as many dummies as the bucket needs; a dummy has no identifier."""
    missing = terms.padded(len(records)) - len(records)
    return [*records, *[(None,) * len(terms.keys)] * missing]


def hashed(records: Sequence[Record], tags: Sequence[bytes]) -> bytes:
    """The tokens of these records before any blinding: len(records) x len(tags) x 32 bytes.

    Where there is no identifier the token is a random element, which equals no other one. It
    must be blinded before it leaves the node.
    """
    if not records:
        return b""
    columns = [
        hash_to_group(tag, [token_bytes(_DUMMY) if v is None else v for v in column])
        for tag, column in zip(tags, zip(*records, strict=True), strict=True)
    ]
    arrays = [np.frombuffer(column, np.uint8).reshape(len(records), -1) for column in columns]
    return np.hstack(arrays).tobytes()


def require_distinct(table: bytes, keys: int) -> None:
    """No token stands twice for one key, as `distinct` makes it.

    Otherwise a record could be marked by how often its token stands there, and be found again
    behind all blinding and shuffling by whoever marked it and the evaluator together.

    Raises VerificationError: step `repeated-token`.
    """
    rows = np.frombuffer(table, f"S{TOKEN}").reshape(-1, keys)
    if any(len(np.unique(rows[:, key])) != len(rows) for key in range(keys)):
        raise VerificationError("a list holds a token twice", step="repeated-token")


def random_order(size: int) -> list[int]:
    """A uniformly random permutation, from the system's source of randomness.

    Each place draws 64 bits, and the places are sorted by them. Two that draw the same, which
    a million records do once in 37 million times, stay in their order.
    """
    return np.argsort(np.frombuffer(token_bytes(8 * size), np.uint64), stable=True).tolist()


def shuffled(table: bytes, width: int) -> bytes:
    """The records (each `width` bytes) in a random order that is forgotten."""
    rows = np.frombuffer(table, np.uint8).reshape(-1, width)
    return rows[np.array(random_order(len(rows)), np.intp)].tobytes()
