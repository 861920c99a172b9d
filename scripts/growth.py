"""What scripts/bench-growth and scripts/plot-growth run: three topologies, and their figures.

PostgreSQL is a server of the run's own, on loopback, with its writes made durable as in
production (tests/support/postgres.py otherwise turns that off).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from tests.support.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[1]
FIGURES, DRAWING = ROOT / "docs" / "figures", ROOT / "docs" / "growth.svg"
SPACE, SPACE_DRAWING = FIGURES / "dataspace.json", ROOT / "docs" / "dataspace" / "growth.svg"
TOPOLOGIES = {
    "growth-sqlite": "SQLite",
    "growth-postgresql": "PostgreSQL",
    "growth-replicas": "PostgreSQL, two of each",
}
# what is drawn, and in the table: figure, heading
DRAWN = {
    "issue.fresh.cpu": "issuance, new wallet: CPU, ms",
    "issue.existing.cpu": "issuance, known wallet: CPU, ms",
    "check.fresh.cpu": "check: CPU, ms",
    "issue.fresh.accept_to_stored.median": "accept to stored, s",
    "check.fresh.accept_to_verdict.median": "accept to verdict, s",
    "throughput.issue.fresh.per_second": "issuances a second, 16 at once",
    "throughput.check.per_second": "checks a second, 16 at once",
    "memory.pss": "memory of the idle system, MB",
    "start": "start of all processes, s",
}


def measure(options: Sequence[str]) -> int:
    """Run each topology whose file is not complete, or those named first; stop at a failure."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in TOPOLOGIES if name in options] or list(TOPOLOGIES)
    options = [each for each in options if each not in TOPOLOGIES]
    status = _bench("growth-sqlite", options) if "growth-sqlite" in wanted else 0
    for name, replicas in (("growth-postgresql", 1), ("growth-replicas", 2)):
        if status != 0 or name not in wanted:
            continue
        with running_postgres(durable=True) as server:
            controllers = server.url("haven").render_as_string(hide_password=False)
            agents = f"postgresql://{server.url('haven').username}@{server.host}:{server.port}"
            where = ["--postgres", controllers, "--agent-postgres", agents]
            status = _bench(name, [*where, "--replicas", str(replicas), *options])
    return status


def _bench(name: str, options: Sequence[str]) -> int:
    print(f"== {TOPOLOGIES[name]}", flush=True)
    kept = str(FIGURES / f"{name}.json")
    command = [str(Path(sys.executable).parent / "haven"), "bench", "growth", "--json", kept]
    # our own command, and what the person in front gave it
    with subprocess.Popen([*command, *options]) as process:  # noqa: S603
        try:
            return process.wait()
        except SystemExit:  # we were told to end: so is the bench, which stops what it started
            process.terminate()
            process.wait()
            raise


def _end(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


def plot() -> int:
    """Draw what was measured, and print the table."""
    measured = {
        label: json.loads((FIGURES / f"{name}.json").read_text())["points"]
        for name, label in TOPOLOGIES.items()
        if (FIGURES / f"{name}.json").exists()
    }
    mpl.rcParams["svg.hashsalt"] = "haven"  # the same figures give the same file
    figure, axes = pyplot.subplots(3, 3, figsize=(12, 9), layout="constrained")
    for axis, (wanted, heading) in zip(axes.flat, DRAWN.items(), strict=True):
        for label, points in measured.items():
            axis.plot(
                [_name(point) for point in points],
                [_value(point, wanted) for point in points],
                marker="o",
                label=label,
            )
        axis.set_title(heading, fontsize=9)
        axis.set_ylim(bottom=0)
        axis.tick_params(labelsize=7)
    axes.flat[0].legend(fontsize=7)
    figure.savefig(DRAWING, metadata={"Date": None})
    _print_table(measured)
    if SPACE.exists():
        _plot_space(json.loads(SPACE.read_text())["figures"])
    return 0


def _plot_space(figures: list[dict[str, Any]]) -> None:
    """How a table grows with organisations, and the ring with its lists."""
    figure, (tables, rings) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    drawn = (
        (tables, "dataspace.growth.", "a table of 50 cells, s, by organisations"),
        (rings, "dataspace.ring.", "the ring of three lists, s, by people on each"),
    )
    for axis, prefix, heading in drawn:
        points = sorted(
            (int(each["name"].removeprefix(prefix)), each["value"])
            for each in figures
            if each["name"].startswith(prefix) and each["name"].rpartition(".")[2].isdigit()
        )
        axis.plot([at for at, _ in points], [value for _, value in points], marker="o")
        axis.set_title(heading, fontsize=9)
        axis.set_ylim(bottom=0)
        axis.tick_params(labelsize=7)
    figure.savefig(SPACE_DRAWING, metadata={"Date": None})


def _print_table(measured: dict[str, list[dict[str, Any]]]) -> None:
    print(f"| topology | grown to | {' | '.join(DRAWN.values())} |")
    print("|---" * (len(DRAWN) + 2) + "|")
    for label, points in measured.items():
        for point in points:
            values = (_value(point, wanted) for wanted in DRAWN)
            cells = " | ".join(_cell(each) for each in values)
            print(f"| {label} | {_name(point).replace(chr(10), ' ')} | {cells} |")


def _cell(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _name(point: dict[str, Any]) -> str:
    more = f"\n+ {point['credentials']:,} credentials" if point["credentials"] else ""
    return f"{point['wallets']:,} wallets{more}"


def _value(point: dict[str, Any], wanted: str) -> float:
    found = next((f["value"] for f in point["figures"] if f["name"] == wanted), None)
    return float("nan") if found is None else float(found)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    signal.signal(signal.SIGTERM, _end)
    sys.exit(measure(rest) if what == "measure" else plot())
