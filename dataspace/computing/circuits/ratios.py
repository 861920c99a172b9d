"""Ratios of sums over organisations, cell by cell, without opening any of the sums.

For KPIs: mean days to a referral, cost of an outcome. Opened, to the receivers: for each cell
one bit, which is 1 if the sum of `count` is `threshold` or more, at least `contributors`
organisations contribute, and the denominators do not add up to 0; and, times that bit, the
whole number (sum of numerators * scale) // (sum of denominators), which stops at
2**b - 1 for the b bits of the parameter `largest`. The totals stay hidden. Of a cell that is
not released a receiver learns only that it failed one of the three conditions.

A receiver that is also an organisation can combine a released ratio with its own numerator and
denominator: it learns one linear equation about the sums of the others, not the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataspace.computing.circuits.declaring import (
    Circuit,
    Column,
    Inputs,
    Number,
    Opened,
    Parameters,
)
from dataspace.computing.circuits.gated_sums import require_shared, step
from dataspace.computing.engine import Engine
from dataspace.computing.fields import bits_for, width

PARAMETERS = {
    "cells": Number(1, 10_000),
    "threshold": Number(1, 2**31, default=11),
    "contributors": Number(1, 64, default=2),
    "organisations": Number(3, 64),
    "scale": Number(1, 1_000_000, default=100),
    "most": Number(1, 2**31),  # bounds of one organisation's count in one cell,
    "most_numerator": Number(1, 2**40),  # of its numerator
    "most_denominator": Number(1, 2**40),  # and of its denominator
    "largest": Number(1, 2**40),  # the largest ratio times scale that has to be told apart
}


def _inputs(parameters: Parameters, _me: int) -> Mapping[str, Column]:
    cells = (parameters["cells"],)
    return {
        "present": Column(cells, 0, 1),
        "count": Column(cells, 0, parameters["most"]),
        "numerator": Column(cells, 0, parameters["most_numerator"]),
        "denominator": Column(cells, 0, parameters["most_denominator"]),
    }


def _count_most(parameters: Parameters) -> int:
    return int(max(parameters["most"] * parameters["organisations"], parameters["threshold"]))


def _division_most(parameters: Parameters) -> int:
    """The largest size of what the division compares."""
    organisations = parameters["organisations"]
    dividend = parameters["most_numerator"] * organisations * parameters["scale"]
    divisor = parameters["most_denominator"] * organisations << _digits(parameters) - 1
    return int(max(dividend, divisor))


def _digits(parameters: Parameters) -> int:
    return int(parameters["largest"]).bit_length()


def _bits(parameters: Parameters) -> int:
    most = max(_count_most(parameters), _division_most(parameters))
    return bits_for(most, most)


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    names = ("present", "count", "numerator", "denominator")
    present, count, numerator, denominator = engine.total([inputs[name] for name in names])
    organisations = parameters["organisations"]
    enough = engine.at_least(count, parameters["threshold"], width(_count_most(parameters)))
    divisible = engine.at_least(
        denominator, 1, width(parameters["most_denominator"] * organisations)
    )
    polynomial = step(parameters["contributors"], organisations, engine.modulus)
    shared = engine.polynomial(polynomial, present)
    released = engine.product(engine.stack([enough, divisible, shared]))
    quotient = _divide(engine, numerator * parameters["scale"], denominator, parameters)
    both = engine.stack([released * 1, released * quotient])
    opened = await engine.open("bits and gated ratios", both)
    if opened is None:
        return None
    cells = parameters["cells"]
    return {"released": opened[:cells], "ratio": opened[cells:]}


def _divide(engine: Engine, dividend: Any, divisor: Any, parameters: Parameters) -> Any:
    """Long division in base 2 of secure arrays: one comparison a digit, nothing opened."""
    bits = width(_division_most(parameters))
    quotient: Any = 0
    rest = dividend
    for digit in reversed(range(_digits(parameters))):
        shifted = divisor * (1 << digit)
        fits = 1 - engine.negative(rest - shifted, bits)
        rest = rest - fits * shifted
        quotient = quotient + fits * (1 << digit)
    return quotient


CIRCUIT = Circuit(
    name="ratios",
    opens="ratios of sums in cells that are large and shared enough, and which these are",
    parameters=PARAMETERS,
    inputs=_inputs,
    bits=_bits,
    run=_run,
    require=require_shared,
    shareable=True,
)
