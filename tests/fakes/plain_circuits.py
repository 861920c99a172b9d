"""The computations of dataspace.computing in the clear, for tests: same inputs, same openings.

`opened` is what a run of a circuit opens. `PlainComputing.compute` takes the place of
`dataspace.computing.launch.compute`: the parties of one run wait for each other in memory.
Inputs and parameters are held to what the circuit declares, as the real one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dataspace.computing.circuits.declaring import complete, require_inputs
from dataspace.computing.circuits.logistic import Descent
from dataspace.computing.job import Job, Outcome, circuit_of, field_modulus
from dataspace.estimating.totals import independence_floor

type Inputs = Mapping[str, Any]
type Opened = dict[str, list[int]]


def opened(
    circuit: str,
    parameters: Mapping[str, Any],
    inputs: Sequence[Inputs],
    by_shares: Sequence[Inputs] = (),
) -> Opened:
    """What the parties with these inputs, in their order, open together. What came `by_shares`
    is of several organisations, and may be beyond one's bounds.

    Raises InvalidInput: as the circuit would.
    """
    declared = circuit_of(circuit)
    whole = complete(declared, parameters, min(len(inputs), 7))
    for me, each in enumerate(inputs):
        require_inputs(declared, whole, me, each)
    return _PLAIN[circuit](whole, [*inputs, *by_shares])


def _sum(inputs: Sequence[Inputs], name: str) -> list[int]:
    columns = [[int(value) for value in np.asarray(each[name]).ravel()] for each in inputs]
    return [sum(column) for column in zip(*columns, strict=True)]


def _gated_sums(parameters: Mapping[str, Any], inputs: Sequence[Inputs]) -> Opened:
    gate, present = _sum(inputs, "gate"), _sum(inputs, "present")
    bits = [
        int(total >= parameters["threshold"] and who >= parameters["contributors"])
        for total, who in zip(gate, present, strict=True)
    ]
    names = ["gate", *(f"values_{number}" for number in range(parameters.get("values", 0)))]
    shown = {
        name: [bit * n for bit, n in zip(bits, _sum(inputs, name), strict=True)]
        for name in names
    }
    return {"released": bits, **shown}


def _ratios(parameters: Mapping[str, Any], inputs: Sequence[Inputs]) -> Opened:
    names = ("count", "present", "numerator", "denominator")
    made: list[tuple[int, int]] = []
    most = (1 << int(parameters["largest"]).bit_length()) - 1
    for count, present, above, below in zip(*(_sum(inputs, n) for n in names), strict=True):
        shared = present >= parameters["contributors"]
        bit = count >= parameters["threshold"] and shared and below > 0
        made.append((1, min(above * parameters["scale"] // below, most)) if bit else (0, 0))
    return {"released": [bit for bit, _ in made], "ratio": [ratio for _, ratio in made]}


def _independence(parameters: Mapping[str, Any], inputs: Sequence[Inputs]) -> Opened:
    (seen,), totals = _sum(inputs, "distinct"), _sum(inputs, "totals")
    if not max(totals) <= seen <= sum(totals):
        return {"consistent": [0], "estimate": []}
    found = independence_floor(totals, seen, parameters["largest"] + 1)
    return {"consistent": [1], "estimate": [found] if found <= parameters["largest"] else []}


def _logistic(parameters: Mapping[str, Any], inputs: Sequence[Inputs]) -> Opened:
    design = np.vstack([np.asarray(each["design"], float) for each in inputs])
    labels = np.concatenate([np.asarray(each["labels"], float) for each in inputs])
    sharing = sum(len(each["labels"]) > 0 for each in inputs)
    if len(labels) < parameters["minimum"] or sharing < parameters["contributors"]:
        return {"enough": [0], "levels": [], "weights": [], "moved": []}
    counts = _sum(inputs, "counts") if parameters["levels"] else []
    rows = design / parameters["scale"]
    random = np.random.default_rng(1)  # the real one rounds up or down at random, too

    def rounded(mean: Any) -> Any:
        unit = 2 ** parameters["precision"]
        return np.floor(mean * unit + random.random(len(mean))) / unit

    descent = Descent(parameters, rounded(rows.mean(axis=0)))
    for _ in range(parameters["iterations"]):
        predicted = 1 / (1 + np.exp(-rows @ descent.ahead))
        descent.step(rounded(rows.T @ (predicted - labels) / len(labels)))
    having = (
        [[int(each > 0) for each in brought["counts"]] for brought in inputs] if counts else []
    )
    levels = [
        int(each >= parameters["least"] and sum(of) >= parameters["contributors"])
        for each, of in zip(counts, zip(*having, strict=True), strict=True)
    ]
    return {"enough": [1], "levels": levels, **descent.found()}


_PLAIN: dict[str, Callable[[Mapping[str, Any], Sequence[Inputs]], Opened]] = {
    "gated-sums": _gated_sums,
    "ratios": _ratios,
    "independence": _independence,
    "logistic": _logistic,
}


class PlainComputing:
    """Runs in memory: `compute` returns when every party of the run has come."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Any, ...], dict[int, Job]] = {}
        self._done: dict[tuple[Any, ...], asyncio.Future[Opened]] = {}

    async def compute(self, job: Job) -> Outcome:
        """As `dataspace.computing.launch.compute`. Raises InvalidInput."""
        run = (
            job.circuit,
            tuple(sorted(job.parameters.items())),
            tuple(each.certificate for each in job.parties),
            tuple(sorted(job.receivers)),
        )
        jobs = self._waiting.setdefault(run, {})
        done = self._done.setdefault(run, asyncio.get_running_loop().create_future())
        jobs[job.me] = job
        if len(jobs) == len(job.parties):
            del self._waiting[run], self._done[run]
            self._finish(done, jobs)
        async with asyncio.timeout(job.seconds):
            shown = await asyncio.shield(done)
        receives = job.me in job.receivers
        return Outcome(
            opened=shown if receives else None,
            openings=tuple((name, len(values)) for name, values in shown.items()),
            bytes_sent=0,
            seconds=0.0,
            processor_seconds=0.0,
            parties=len(job.parties),
            threshold=job.threshold(),
        )

    @staticmethod
    def _finish(done: asyncio.Future[Opened], jobs: Mapping[int, Job]) -> None:
        first = jobs[0]
        inputs = [jobs[me].inputs for me in range(len(jobs))]
        try:
            shared = _by_shares(first, jobs)
            done.set_result(opened(first.circuit, first.parameters, inputs, shared))
        except Exception as error:  # every party of the run is told
            done.set_exception(error)


def _by_shares(first: Job, jobs: Mapping[int, Job]) -> list[Inputs]:
    """What came as shares at all parties, as the inputs of one organisation more, whose
    values may be beyond one organisation's bounds: they are several organisations' sum."""
    if not first.residues:
        return []
    modulus = field_modulus(first.circuit, first.parameters, len(jobs))
    whole = {
        name: [
            _signed(sum(column) % modulus, modulus)
            for column in zip(*(jobs[me].residues[name] for me in jobs), strict=True)
        ]
        for name in first.residues
    }
    return [whole]


def _signed(residue: int, modulus: int) -> int:
    return residue - modulus if 2 * residue > modulus else residue
