"""Additive secret shares, by which an organisation joins without computing itself.

It splits its table into one share for each compute node and sends each node its own. Every
share alone, and any set of shares but all of them, is uniformly random. A compute node adds
the shares that it received to its own table (`Job.residues`) and computes with the sum.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from core.errors import InvalidInput


def split(values: Sequence[int], modulus: int, nodes: int) -> list[list[int]]:
    """One list of residues for each of `nodes` nodes; they add up to `values` mod `modulus`.

    Negative values are meant as residues, as MPyC means them. Raises InvalidInput for fewer
    than three nodes, or a value that does not fit the field.
    """
    if nodes < 3:
        raise InvalidInput("a table is split for three compute nodes or more")
    if any(not -modulus < 2 * value < modulus for value in values):
        raise InvalidInput("a value of the table does not fit the field of the computation")
    shares = [uniform(len(values), modulus) for _ in range(nodes - 1)]
    last = [
        (value - sum(drawn)) % modulus
        for value, drawn in zip(values, zip(*shares, strict=True), strict=True)
    ]
    return [*shares, last]


def combine(shares: Sequence[Sequence[int]], modulus: int) -> list[int]:
    """Sums of the residues, position by position: what all the shares given here stand for.

    A compute node uses it to add what it received; with the shares of all nodes together it
    gives the residues of the values. Raises InvalidInput if lengths or residues do not fit.
    """
    if len({len(each) for each in shares}) > 1:
        raise InvalidInput("shares of one table have different lengths")
    if any(not 0 <= residue < modulus for each in shares for residue in each):
        raise InvalidInput("a share is no residue of the field of the computation")
    return [sum(column) % modulus for column in zip(*shares, strict=True)]


def uniform(count: int, modulus: int) -> list[int]:
    """Uniform residues from the system's randomness, drawn at once and not one by one.

    The 64 surplus bits make the bias of the reduction smaller than 2**-64.
    """
    size = (modulus.bit_length() + 64 + 7) // 8
    drawn = secrets.token_bytes(count * size)
    return [
        int.from_bytes(drawn[start : start + size], "little") % modulus
        for start in range(0, count * size, size)
    ]
