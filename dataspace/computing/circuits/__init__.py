"""The computations that parties can do together, by name; adding one is one file and a line."""

from __future__ import annotations

from dataspace.computing.circuits import (
    gated_sums,
    independence,
    logistic,
    ratios,
    row_by_row,
)
from dataspace.computing.circuits.declaring import Circuit

CIRCUITS: dict[str, Circuit] = {
    each.name: each
    for each in (
        gated_sums.CIRCUIT,
        ratios.CIRCUIT,
        independence.CIRCUIT,
        logistic.CIRCUIT,
        row_by_row.CIRCUIT,
    )
}
