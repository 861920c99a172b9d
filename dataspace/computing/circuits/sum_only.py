"""One total over the organisations, if it is large enough and shared by enough of them.

Opened, to the receivers: one bit, which is 1 if the total of `gate` is `threshold` or more and
at least `contributors` organisations contribute, and the total times that bit. It is
`gated-sums` of a single cell without value vectors; what a party learns is written there.
"""

from __future__ import annotations

from collections.abc import Mapping

from dataspace.computing.circuits import gated_sums
from dataspace.computing.circuits.declaring import (
    Circuit,
    Column,
    Inputs,
    Opened,
    Parameters,
)
from dataspace.computing.engine import Engine

_FIXED = {"cells": 1, "values": 0, "largest": 0}


def _whole(parameters: Parameters) -> Parameters:
    return {**parameters, **_FIXED}


def _inputs(parameters: Parameters, me: int) -> Mapping[str, Column]:
    return gated_sums.CIRCUIT.inputs(_whole(parameters), me)


def _bits(parameters: Parameters) -> int:
    return gated_sums.CIRCUIT.bits(_whole(parameters))


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    return await gated_sums.CIRCUIT.run(engine, _whole(parameters), inputs)


CIRCUIT = Circuit(
    name="sum-only",
    opens="one total at or above the threshold with enough contributors, and whether it is",
    parameters={
        name: number for name, number in gated_sums.PARAMETERS.items() if name not in _FIXED
    },
    inputs=_inputs,
    bits=_bits,
    run=_run,
    require=gated_sums.require_shared,
    shareable=True,
)
