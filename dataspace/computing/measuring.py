"""What joint computations cost, measured with real parties over mutual TLS on one machine.

Each function starts a process for each party, gives them made-up figures, checks the result
against the same work in plain Python, and returns a Measure. They are for
`haven dataspace bench`, and slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import VerificationError
from core.secret import Secret
from dataspace.computing.certificates import make_certificate
from dataspace.computing.delaying import delaying
from dataspace.computing.job import Job, Outcome, Party, field_modulus
from dataspace.computing.launch import compute
from dataspace.computing.shares import combine, split

_HOST = "127.0.0.1"
_SECONDS = 300.0
_THRESHOLD = 11
_MOST = 1000  # of one organisation in one cell: so many cases are many


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured computation.

    `seconds` are the slowest party's, from when all were connected to its result;
    `start_seconds` is what starting and connecting took on top of that. `processor_seconds`
    and `bytes_sent` are those of all parties together. `plain_seconds` is the same work in
    plain Python in one process.
    """

    name: str
    organisations: int
    parties: int
    seconds: float
    start_seconds: float
    processor_seconds: float
    bytes_sent: int
    plain_seconds: float


def make_jobs(
    circuit: str,
    parameters: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    *,
    receivers: Sequence[int] | None = None,
    seconds: float = _SECONDS,
) -> list[Job]:
    """A job for each party on this machine, with fresh certificates and free ports."""
    count = len(inputs)
    made = [make_certificate(number, "measuring") for number in range(count)]
    parties = tuple(
        Party(number, _HOST, port, certificate)
        for number, (port, (_, certificate)) in enumerate(
            zip(free_ports(count), made, strict=True)
        )
    )
    return [
        Job(
            circuit=circuit,
            parameters=parameters,
            me=number,
            parties=parties,
            key=Secret(made[number][0].decode()),
            inputs=inputs[number],
            receivers=tuple(range(count) if receivers is None else receivers),
            seconds=seconds,
        )
        for number in range(count)
    ]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_HOST, 0))
        return [each.getsockname()[1] for each in sockets]


async def table(
    parties: int = 3,
    cells: int = 50,
    delay: float = 0.0,
    *,
    tables: Sequence[Mapping[str, NDArray[np.int64]]] | None = None,
    most: int = _MOST,
) -> Measure:
    """A table of sums with threshold; `delay` is the one-way delay of every line, in seconds.

    `tables` are the parties' own inputs with counts up to `most`; made up if none are given.
    """
    tables = tables or _tables(parties, cells)
    jobs = make_jobs("gated-sums", {"cells": cells, "most": most}, tables)
    name = f"table of {cells} cells, {parties} organisations"
    if not delay:
        return await _measured(name, parties, jobs, tables)
    async with contextlib.AsyncExitStack() as stack:
        late = [
            await stack.enter_async_context(delaying(_HOST, party.port, delay))
            for party in jobs[0].parties
        ]
        name += f", {delay * 1000:.0f} ms one way"
        return await _measured(name, parties, [_through(job, late) for job in jobs], tables)


async def table_by_shares(organisations: int = 15, nodes: int = 3, cells: int = 50) -> Measure:
    """The same where most organisations send shares to a few that compute."""
    tables = _tables(organisations, cells)
    parameters = {"cells": cells, "most": _MOST, "organisations": organisations}
    started = time.perf_counter()
    jobs = make_jobs("gated-sums", parameters, tables[:nodes])
    jobs = with_shares(jobs, tables[nodes:])
    name = f"table of {cells} cells, {organisations} organisations, {nodes} of them compute"
    measured = await _measured(name, organisations, jobs, tables)
    return replace(measured, start_seconds=time.perf_counter() - started - measured.seconds)


def with_shares(jobs: Sequence[Job], others: Sequence[Mapping[str, Any]]) -> list[Job]:
    """The jobs with the tables of organisations that do not compute, each split in shares."""
    modulus = field_modulus(jobs[0].circuit, jobs[0].parameters, len(jobs))
    residues: list[dict[str, list[int]]] = [{} for _ in jobs]
    for name in jobs[0].inputs:
        shares = [split([int(v) for v in each[name]], modulus, len(jobs)) for each in others]
        for node, received in enumerate(zip(*shares, strict=True)):
            residues[node][name] = combine(received, modulus)
    return [replace(job, residues=each) for job, each in zip(jobs, residues, strict=True)]


async def independence(lists: int = 5) -> Measure:
    """The independence estimate of as many lists, each party one, and an evaluator."""
    totals = [54, 463, 907, 695, 316, 250][:lists]
    distinct, largest = sum(totals) * 2 // 3, 2**20
    inputs = [_one_list(totals, place) for place in range(lists)]
    inputs.append({"totals": [0] * lists, "distinct": [distinct]})
    jobs = make_jobs("independence", {"lists": lists, "largest": largest}, inputs)
    started = time.perf_counter()
    expected = estimate(totals, distinct, largest)
    plain = time.perf_counter() - started
    outcomes, start_seconds = await _run(jobs)
    _require_equal(outcomes[0], {"consistent": [1], "estimate": expected})
    return _measure(f"independence, {lists} lists", lists, outcomes, start_seconds, plain)


async def row_by_row(rows: int = 100, cells: int = 50) -> Measure:
    """The table in the obvious way: each of 3 organisations shares `rows` rows one by one."""
    codes = [_random().integers(0, cells, rows) for _ in range(3)]
    jobs = make_jobs(
        "row-by-row", {"cells": cells, "rows": rows}, [{"codes": c} for c in codes]
    )
    started = time.perf_counter()
    counts = np.bincount(np.concatenate(codes), minlength=cells)
    expected = _gated(counts, counts >= _THRESHOLD)
    plain = time.perf_counter() - started
    outcomes, start_seconds = await _run(jobs)
    _require_equal(outcomes[0], expected)
    name = f"obvious way: {3 * rows} rows in {cells} cells"
    return _measure(name, 3, outcomes, start_seconds, plain)


def extrapolated(measured: Measure, rows: int, wanted_rows: int) -> float:
    """Seconds that `wanted_rows` rows would take: the work is one comparison a row and cell."""
    return measured.seconds * wanted_rows / rows


def estimate(totals: Sequence[int], distinct: int, largest: int) -> list[int]:
    """The whole part of the independence estimate in plain Python; empty from `largest` on, and
    where a list is empty or holds everybody."""
    if not 0 < min(totals) <= max(totals) < distinct:
        return []

    def above(n: int) -> bool:
        product = 1
        for total in totals:
            product *= n - total
        return n >= distinct and (n - distinct) * n ** (len(totals) - 1) > product

    low, high = 0, largest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle > largest or above(middle) else (middle, high)
    return [low] if high <= largest else []


def _one_list(totals: Sequence[int], place: int) -> dict[str, list[int]]:
    own = [total if at == place else 0 for at, total in enumerate(totals)]
    return {"totals": own, "distinct": [0]}


def _random() -> np.random.Generator:
    return np.random.default_rng()


def _tables(organisations: int, cells: int) -> list[dict[str, NDArray[np.int64]]]:
    """Made-up tables whose sums lie on both sides of the threshold."""
    most = 2 * _THRESHOLD // organisations + 2
    tables = [_random().integers(0, most, cells) for _ in range(organisations)]
    return [{"gate": each, "present": (each > 0).astype(np.int64)} for each in tables]


def _through(job: Job, ports: Sequence[int]) -> Job:
    """The job whose other parties are reached at these ports."""
    parties = tuple(
        party if party.number == job.me else replace(party, port=ports[party.number])
        for party in job.parties
    )
    return replace(job, parties=parties)


async def _measured(
    name: str,
    organisations: int,
    jobs: Sequence[Job],
    tables: Sequence[Mapping[str, NDArray[np.int64]]],
) -> Measure:
    started = time.perf_counter()
    expected = plain_table(tables, _THRESHOLD, 2)
    plain = time.perf_counter() - started
    outcomes, start_seconds = await _run(jobs)
    _require_equal(outcomes[0], expected)
    return _measure(name, organisations, outcomes, start_seconds, plain)


def plain_table(
    tables: Sequence[Mapping[str, Any]], threshold: int, contributors: int
) -> dict[str, list[int]]:
    """What gated-sums opens, in plain Python."""
    sums = {name: np.sum([each[name] for each in tables], axis=0) for name in tables[0]}
    released = (sums["gate"] >= threshold) & (sums.pop("present") >= contributors)
    gate = sums.pop("gate")
    values = {name: (each * released).tolist() for name, each in sums.items()}
    return {**_gated(gate, released), **values}


def _gated(counts: Any, released: Any) -> dict[str, list[int]]:
    return {
        "released": released.astype(int).tolist(),
        "gate": (counts * released).tolist(),
    }


async def _run(jobs: Sequence[Job]) -> tuple[list[Outcome], float]:
    started = time.perf_counter()
    outcomes = await asyncio.gather(*(compute(job) for job in jobs))
    whole = time.perf_counter() - started
    return list(outcomes), whole - max(each.seconds for each in outcomes)


def _require_equal(outcome: Outcome, expected: Mapping[str, Sequence[int]]) -> None:
    if outcome.opened != expected:
        raise VerificationError("the secure result is not the plain one", step="measuring")


def _measure(
    name: str,
    organisations: int,
    outcomes: Sequence[Outcome],
    start_seconds: float,
    plain_seconds: float,
) -> Measure:
    return Measure(
        name=name,
        organisations=organisations,
        parties=len(outcomes),
        seconds=max(each.seconds for each in outcomes),
        start_seconds=start_seconds,
        processor_seconds=sum(each.processor_seconds for each in outcomes),
        bytes_sent=sum(each.bytes_sent for each in outcomes),
        plain_seconds=plain_seconds,
    )
