"""The table of `gated-sums` in the obvious way: every row is shared, and sorted in secret.

Nobody uses this for a question. It is here to be measured beside `gated-sums`, where each
organisation makes its own table first: the same result costs a secure comparison for each row
and cell (dataspace/computing/measuring.py).

Opened, to the receivers: what `gated-sums` opens without value vectors. The number of rows of
every party is public.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    "cells": Number(1, 1_000),
    "rows": Number(1, 10_000),  # of each party
    "threshold": Number(1, 2**20, default=11),
    "organisations": Number(3, 7),
}


def _inputs(parameters: Parameters, _me: int) -> Mapping[str, Column]:
    return {"codes": Column((parameters["rows"],), 0, parameters["cells"] - 1)}


def _most(parameters: Parameters) -> int:
    return int(max(parameters["rows"] * parameters["organisations"], parameters["threshold"]))


def _bits(parameters: Parameters) -> int:
    return bits_for(max(_most(parameters), parameters["cells"]), 0)


def _require(parameters: Parameters, parties: int) -> None:
    if parameters["organisations"] != parties:
        raise InvalidInput("every organisation computes itself here")


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    cells, bits = parameters["cells"], width(parameters["cells"])
    codes = engine.join(engine.each(inputs["codes"])).reshape(-1, 1)
    apart = codes - engine.constants([list(range(cells))])
    counts = engine.add_up(engine.zero(apart, bits))
    enough = engine.at_least(counts, parameters["threshold"], width(_most(parameters)))
    opened = await engine.open("bits and gated sums", engine.join([enough, enough * counts]))
    return None if opened is None else {"released": opened[:cells], "gate": opened[cells:]}


CIRCUIT = Circuit(
    name="row-by-row",
    opens="what gated-sums opens, at many times the cost",
    parameters=PARAMETERS,
    inputs=_inputs,
    bits=_bits,
    run=_run,
    require=_require,
)
