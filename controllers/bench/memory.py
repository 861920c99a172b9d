"""Memory of the whole idle system, and after many wallets have been opened and closed."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from controllers.bench.cast import ELIGIBILITY
from controllers.bench.exchanges import run
from controllers.bench.figures import Report
from controllers.bench.house import House, Topology, running
from controllers.bench.people import Phone

_WALLETS, _AT_ONCE, _REST_SECONDS = 2_000, 8, 10.0


async def idle_memory(report: Report, data_dir: Path, topology: Topology) -> None:
    """A fresh installation with one organisation that may issue; all of `haven up`."""
    async with running(data_dir, topology, credentials=(ELIGIBILITY,)) as house:
        idle = await _note(report, house, "memory.idle")
        before = house.usage()
        batch = await run([partial(_open_and_close, house)] * _WALLETS, _AT_ONCE)
        each = house.usage().since(before).total / _WALLETS
        report.add("memory.wallets", len(batch.done), "", "made, opened and closed")
        report.add("memory.wallets.cpu", each * 1000, "ms", "make, open, close")
        report.add("memory.wallets.lost", len(batch.lost), "", batch.why)
        after = await _note(report, house, "memory.after_wallets")
        growth = (after / idle - 1) * 100
        report.add("memory.after_wallets.growth", growth, "%", "of PSS, against idle before")


async def _open_and_close(house: House) -> None:
    phone = await Phone.new(house.line)
    await phone.lock()


async def _note(report: Report, house: House, name: str) -> float:
    await asyncio.sleep(_REST_SECONDS)
    used = house.memory()
    report.add(f"{name}.pss", used.pss, "MB", "shared pages counted once")
    report.add(f"{name}.rss", used.rss, "MB", "shared pages counted in every process")
    return used.pss
