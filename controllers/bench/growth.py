"""`haven bench growth`: the core's figures while an installation grows.

One installation, measured with more and more wallets and at last with many credentials issued
by one issuer. Between two points it is stopped and filled (filling.py). Each point is kept as
soon as it is measured; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controllers.bench.cast import ELIGIBILITY
from controllers.bench.core import (
    Bench,
    Options,
    Sizes,
    about,
    idle_rate,
    measure_sections,
    warm_up,
)
from controllers.bench.exchanges import run
from controllers.bench.figures import Report
from controllers.bench.filling import Filler, Learnt, Snapshot, learn
from controllers.bench.house import House, Topology, running
from controllers.bench.people import Lost
from controllers.bench.processes import require_proc
from controllers.bench.profiles import Profiles

_LEARN_FROM = 10
_TIDY_SECONDS, _REST_SECONDS = 12.0, 5.0
_SLUG = "shelter-a"
_SIZES = Sizes(alone=10, at_once=32)
_SECTIONS = (
    "issue.fresh",
    "issue.existing",
    "check.fresh",
    "throughput.issue.fresh",
    "throughput.check",
)


@dataclass(frozen=True, slots=True)
class Growth:
    """What to grow to, where, and where the figures are kept."""

    data_dir: Path
    kept: Path
    wallets: tuple[int, ...] = (10, 500, 5_000)
    credentials: int = 20_000
    topology: Topology = field(default_factory=Topology)
    sizes: Sizes = _SIZES

    @property
    def points(self) -> list[tuple[int, int]]:
        """Wallets, and credentials issued beside theirs; in the order of measuring."""
        most = max(self.wallets)
        return [(count, 0) for count in sorted(self.wallets)] + [(most, self.credentials)]


async def measure_growth(growth: Growth) -> None:
    """Measure every point that is not kept yet, on a new installation."""
    require_proc()
    with tempfile.TemporaryDirectory(prefix="growth-", dir=growth.data_dir) as home:
        await _grow(growth, Path(home))


async def _grow(growth: Growth, home: Path) -> None:
    kept = _read(growth.kept)
    missing = [each for each in growth.points if not _has(kept, each)]
    if not missing:
        return
    filler, learnt = await _learn(growth, home)
    kept |= {"about": about(Options(growth.data_dir, topology=growth.topology))}
    kept["left_by_one_exchange"] = learnt.lines()
    have, issued = _LEARN_FROM, 0
    for wallets, credentials in growth.points:
        if wallets > have:
            await _timed("wallets", filler.add_wallets(learnt, wallets - have), wallets)
            have = wallets
        if credentials > issued:
            more = filler.add_credentials(learnt, credentials)
            await _timed("credentials", more, credentials)
            issued = credentials
        if (wallets, credentials) in missing:
            figures = await _point(growth, home, wallets, credentials)
            kept["points"].append(
                {"wallets": wallets, "credentials": credentials, "figures": figures}
            )
            _write(growth.kept, kept)


async def _learn(growth: Growth, home: Path) -> tuple[Filler, Learnt]:
    """A new installation, and what real wallets with a credential leave in its stores."""
    async with _installation(growth, home) as house:
        await warm_up(_bench(growth, house, Report({})))
        await asyncio.sleep(_TIDY_SECONDS)
    filler = Filler(house.settings, _SLUG)
    before: Snapshot = await filler.snapshot()
    async with _installation(growth, home) as house:
        bench = _bench(growth, house, Report({}))
        phones = await bench.new_phones(_LEARN_FROM)
        batch = await bench.issue_to(phones, at_once=2)
        if batch.lost:
            raise Lost(batch.why)
        await run([phone.lock for phone in phones], 2)
        await asyncio.sleep(_TIDY_SECONDS)
    learnt = learn(before, await filler.snapshot(), _LEARN_FROM)
    for line in learnt.lines():
        print(f"left by one exchange: {line}", flush=True)
    return filler, learnt


async def _point(
    growth: Growth, home: Path, wallets: int, credentials: int
) -> list[dict[str, Any]]:
    """Start what has grown, and measure it."""
    print(f"{growth.topology.name}: {wallets} wallets, {credentials} credentials", flush=True)
    report, began = Report({}), time.monotonic()
    async with _installation(growth, home) as house:
        report.add("start", time.monotonic() - began, "s")
        bench = _bench(growth, house, report)
        await warm_up(bench)
        await asyncio.sleep(_REST_SECONDS)
        used = house.memory()
        report.add("memory.pss", used.pss, "MB")
        bench.idle_rate = await idle_rate(house)
        report.add("idle.cpu", bench.idle_rate * 1000, "ms/s")
        await measure_sections(bench, _SECTIONS)
    return [figure.document() for figure in report.figures]


@asynccontextmanager
async def _installation(growth: Growth, home: Path) -> AsyncIterator[House]:
    async with running(home, growth.topology, credentials=(ELIGIBILITY,)) as house:
        yield house


def _bench(growth: Growth, house: House, report: Report) -> Bench:
    keys = growth.data_dir / "floor"
    return Bench(house, report, keys, Profiles(None), sizes=growth.sizes)


async def _timed(what: str, filling: Any, count: int) -> None:
    began = time.monotonic()
    await filling
    print(f"filled to {count} {what} in {time.monotonic() - began:.0f} s", flush=True)


def _has(kept: dict[str, Any], point: tuple[int, int]) -> bool:
    return any((each["wallets"], each["credentials"]) == point for each in kept["points"])


def _read(path: Path) -> dict[str, Any]:
    if path.exists():
        return dict(json.loads(path.read_text()))
    return {"points": []}


def _write(path: Path, kept: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
