"""`haven dataspace bench`: what joint answers cost, with real parties over mutual TLS.

    dataspace.table.*         a cross-table of three organisations with a million rows each,
                              tabulated at home, added and held against the threshold in MPyC;
                              with 50 ms one way on every line; with more organisations
    dataspace.ring.*          overlaps of three lists by the ring, each party a process
    dataspace.estimates       all models with intervals from the overlaps of five lists
    dataspace.independence    the one estimate that is made wholly inside secret sharing

Each stands beside the same work in plain Python (`.plain`) and beside the obvious secure way
(`.obvious`: every row shared and compared, measured on few rows and extrapolated: the remark
says from how many).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from controllers.bench.figures import Report
from dataspace.computing import measuring as shares
from dataspace.estimating.overlaps import Overlaps, overlaps
from dataspace.estimating.side_by_side import estimates
from dataspace.gathering.coded import CodedTable
from dataspace.gathering.dimensions import Bins, Codes, Dimension
from dataspace.gathering.made_up import coded_sample
from dataspace.ring import measuring as ring
from dataspace.vocabulary.model import cases

ROWS = 1_000_000
_FEW_ROWS, _FEW_LISTED = 60, 20
RINGS = (10_000, 100_000)
_LISTS = ("A", "B", "C", "D", "E")
_DELAY = 0.05
_SEED = 7


async def measure_dataspace(rows: int = ROWS, rings: Sequence[int] = RINGS) -> Report:
    """Print every figure. `rows` are each organisation's, `rings` the lengths of its list."""
    report = Report({"rows": rows, "rings": list(rings)})
    await _tables(report, rows)
    await _growth(report)
    await _estimates(report)
    for listed in rings:
        await asyncio.to_thread(_ring, report, listed)
    return report


# --- tables ---------------------------------------------------------------------------------


async def _tables(report: Report, rows: int) -> None:
    holders = [coded_sample(cases(), rows, seed) for seed in range(3)]
    obvious = await shares.row_by_row(_FEW_ROWS)
    for cells, dimensions in _wanted():
        await _table(report, holders, cells, dimensions)
    needed = shares.extrapolated(obvious, _FEW_ROWS, rows)
    remark = f"from {_FEW_ROWS} rows each"
    report.add("dataspace.table.50.obvious", needed, "s", remark)
    late = await shares.table(3, 50, delay=_DELAY)
    report.add("dataspace.table.50.far", late.seconds, "s", "50 ms one way on each line")


def _wanted() -> tuple[tuple[int, tuple[Dimension, ...]], ...]:
    """Groupings with 5 x 10 and with 5 x 10 x 100 cells."""
    known = (Codes("outcome"), Codes("recruitment"))
    steps = Bins("cost_amount", tuple(range(1_000, 100_000, 1_000)))
    return (50, known), (5_000, (*known, steps))


async def _table(
    report: Report, holders: Sequence[CodedTable], cells: int, dimensions: Sequence[Dimension]
) -> None:
    started = time.perf_counter()
    tables = [each.tabulate(dimensions) for each in holders]
    at_home = time.perf_counter() - started
    inputs = [{"gate": one, "present": (one > 0).astype(np.int64)} for one in tables]
    measured = await shares.table(3, cells, tables=inputs, most=max(len(h) for h in holders))
    name = f"dataspace.table.{cells}"
    report.add(name, at_home + measured.seconds, "s", f"{at_home:.3f} s of it at home")
    report.add(f"{name}.plain", at_home + measured.plain_seconds, "s")
    report.add(f"{name}.start", measured.start_seconds, "s", "processes and TLS")


async def _growth(report: Report) -> None:
    for parties in (3, 5, 7):
        measured = await shares.table(parties, 50)
        report.add(f"dataspace.growth.{parties}", measured.seconds, "s")
    measured = await shares.table_by_shares(15, 3)
    report.add("dataspace.growth.15", measured.seconds, "s", "3 of them compute")


# --- estimates ------------------------------------------------------------------------------


async def _estimates(report: Report) -> None:
    table = _five_lists()
    started = time.perf_counter()
    estimates(table)
    report.add("dataspace.estimates", time.perf_counter() - started, "s", "five lists")
    measured = await shares.independence(5)
    report.add("dataspace.independence", measured.seconds, "s", "five lists and an evaluator")
    report.add("dataspace.independence.plain", measured.plain_seconds, "s")


def _five_lists() -> Overlaps:
    """Lists of a made-up population of 12,000: each person is on each with its own chance."""
    chances = (0.01, 0.05, 0.09, 0.07, 0.03)
    random = np.random.default_rng(_SEED)
    on = random.random((12_000, len(_LISTS))) < np.array(chances)
    counts: dict[frozenset[str], int] = {}
    for row in on[on.any(axis=1)]:
        pattern = frozenset(name for name, there in zip(_LISTS, row, strict=True) if there)
        counts[pattern] = counts.get(pattern, 0) + 1
    return overlaps(_LISTS, counts)


# --- the ring -------------------------------------------------------------------------------


def _ring(report: Report, listed: int) -> None:
    cost = ring.measure_ring(listed)
    name = f"dataspace.ring.{listed}"
    cores = os.cpu_count() or 1
    remark = f"libsodium alone: {cost.bare / cores:.1f} s on {cores} cores at their best"
    report.add(name, cost.seconds, "s", remark)
    report.add(f"{name}.memory", max(cost.memory.values()), "MiB", "the largest node")
    report.add(f"{name}.plain", cost.plain, "s")
    obvious = ring.measure_pairwise(_FEW_LISTED).extrapolated(listed)
    report.add(f"{name}.obvious", obvious, "s", f"from {_FEW_LISTED} rows each, without TLS")


def write(report: Report, json_file: Path | None) -> None:
    """Keep the figures, and say what fell short."""
    if json_file:
        report.write(json_file)
    if report.short:
        print(f"short: {', '.join(report.short)}")
