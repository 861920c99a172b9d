"""Sums over organisations, cell by cell, of cells that are large enough and shared enough.

Opened, to the receivers: for each cell one bit, which is 1 if the sum of `gate` is `threshold`
or more and at least `contributors` organisations contribute; and, times that bit, the sums of
`gate` and of each value vector. So a receiver learns the sums of released cells, and of any
other cell only that it fell short of one of the two conditions, not of which, nor by how much.

A party that is no receiver learns nothing. A receiver that is also an organisation knows its
own part of each sum: of a released cell it learns the sum of the others. With `contributors`
2, and two organisations in a cell, that is the other's figure; plans whose organisations must
not learn each other's figures ask for 3.

The contributor test needs no comparison: over the few values that the number of contributors
can have, it is a polynomial of low degree.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from core.errors import InvalidInput
from dataspace.computing.circuits.declaring import (
    Circuit,
    Column,
    Inputs,
    Number,
    Opened,
    Parameters,
)
from dataspace.computing.engine import Engine
from dataspace.computing.fields import bits_for, width

PARAMETERS = {
    "cells": Number(1, 100_000),
    "values": Number(0, 64, default=0),  # how many value vectors stand beside the gate
    "threshold": Number(1, 2**31, default=11),
    "contributors": Number(1, 64, default=2),
    "organisations": Number(3, 64),  # the parties, and those who join by shares
    "most": Number(1, 2**40),  # bound of one organisation's gate in one cell
    "largest": Number(0, 2**48, default=0),  # bound of the size of its values
}


def value_names(parameters: Parameters) -> list[str]:
    """The names of the value vectors, in their order."""
    return [f"values_{number}" for number in range(parameters["values"])]


def _inputs(parameters: Parameters, _me: int) -> Mapping[str, Column]:
    cells, largest = (parameters["cells"],), parameters["largest"]
    return {
        "gate": Column(cells, 0, parameters["most"]),
        "present": Column(cells, 0, 1),
        **{name: Column(cells, -largest, largest) for name in value_names(parameters)},
    }


def gate_most(parameters: Parameters) -> int:
    """The largest size of what the threshold test compares."""
    return int(max(parameters["most"] * parameters["organisations"], parameters["threshold"]))


def _bits(parameters: Parameters) -> int:
    return bits_for(gate_most(parameters), parameters["largest"] * parameters["organisations"])


def require_shared(parameters: Parameters, parties: int) -> None:
    """InvalidInput if more contributors are asked for than organisations take part."""
    if not parties <= parameters["organisations"]:
        raise InvalidInput("there are fewer organisations than parties that compute")
    if parameters["contributors"] > parameters["organisations"]:
        raise InvalidInput("more contributors are asked for than organisations take part")


@cache
def step(least: int, most: int, modulus: int) -> list[int]:
    """The polynomial mod `modulus` that is 0 at 0..least-1 and 1 at least..most.

    Lagrange interpolation; coefficients from the lowest power.
    """
    total = [0] * (most + 1)
    for one in range(least, most + 1):
        basis, divisor = [1], 1
        for other in range(most + 1):
            if other != one:
                shifted = [0, *basis]
                scaled = [-other * each for each in basis] + [0]
                basis = [a + b for a, b in zip(shifted, scaled, strict=True)]
                divisor *= one - other
        inverse = pow(divisor, -1, modulus)
        total = [(a + b * inverse) % modulus for a, b in zip(total, basis, strict=True)]
    return total


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    names = ["gate", *value_names(parameters)]
    total = engine.total([inputs[name] for name in ("present", *names)])
    # both tests run at the same time; what is shared enough waits for the longer one
    enough = engine.at_least(total[1], parameters["threshold"], width(gate_most(parameters)))
    polynomial = step(parameters["contributors"], parameters["organisations"], engine.modulus)
    shared = engine.stack([engine.polynomial(polynomial, total[0])])
    gated = engine.join([shared, shared * total[1:]])
    opened = await engine.open("bits and gated sums", engine.stack([enough]) * gated)
    if opened is None:
        return None
    cells = parameters["cells"]
    rows = [opened[start : start + cells] for start in range(0, len(opened), cells)]
    return dict(zip(["released", *names], rows, strict=True))


CIRCUIT = Circuit(
    name="gated-sums",
    opens="sums of cells that are large and shared enough, and which these are",
    parameters=PARAMETERS,
    inputs=_inputs,
    bits=_bits,
    run=_run,
    require=require_shared,
    shareable=True,
)
