"""`haven bench core`: the core's figures, section by section.

A section's name is the beginning of its figures' names, so `--only` selects both. Sections
run in the order of SECTIONS on one installation with registries as large as in production;
`registry` and `memory` start installations of their own.
"""

from __future__ import annotations

import asyncio
import math
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from controllers.bench import floor
from controllers.bench.cast import ELIGIBILITY, GUARDIANSHIP
from controllers.bench.crowds import crowd, one_wallet
from controllers.bench.exchanges import (
    REPRESENTATIVE,
    Batch,
    Timing,
    check,
    guardian_values,
    issue,
    own_values,
    run,
)
from controllers.bench.figures import Report
from controllers.bench.house import House, Topology, running
from controllers.bench.memory import idle_memory
from controllers.bench.people import Lost, Phone
from controllers.bench.processes import Usage, require_proc
from controllers.bench.profiles import Profiles
from controllers.bench.rollover import connections, registries
from core.errors import InvalidInput

_FLOOR_REPETITIONS, _FLOOR_AGAIN, _GUARDIANS, _WARM_UP, _AT_ONCE = 20, 10, 10, 3, 16
_SETTLE_SECONDS, _IDLE_SECONDS = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, and where."""

    data_dir: Path
    only: tuple[str, ...] = ()
    profile: bool = False
    topology: Topology = field(default_factory=Topology)

    def wants(self, name: str) -> bool:
        """Whether a section, or figures in it, were asked for."""
        return not self.only or any(
            name.startswith(each) or each.startswith(name) for each in self.only
        )


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many exchanges a section makes: one at a time, and many at once."""

    alone: int = 20
    at_once: int = 64


@dataclass
class Bench:
    """The installation at work, its figures, and the wallets that hold an eligibility."""

    house: House
    report: Report
    keys: Path
    profiles: Profiles
    idle_rate: float = math.nan
    holders: list[Phone] = field(default_factory=list)
    sizes: Sizes = field(default_factory=Sizes)

    async def new_phones(self, count: int) -> list[Phone]:
        """Wallets, made and unlocked outside of what is measured."""
        made = await run([partial(Phone.new, self.house.line)] * count, 4)
        return made.done

    async def holders_of_one(self, count: int) -> list[Phone]:
        """So many wallets with an eligibility; what is missing is issued now."""
        phones = await self.new_phones(max(0, count - len(self.holders)))
        await self.issue_to(phones, at_once=8)
        return self.holders[:count]

    async def issue_to(self, phones: Sequence[Phone], at_once: int) -> Batch[Timing]:
        """An eligibility for each wallet, which counts among the holders if it got one."""
        desk = self.house.cast.issuing[ELIGIBILITY]

        async def work(phone: Phone) -> Timing:
            timing = await issue(desk, phone, ELIGIBILITY, own_values())
            if phone not in self.holders:
                self.holders.append(phone)
            return timing

        return await run([partial(work, phone) for phone in phones], at_once)

    async def measured(
        self, name: str, part: str, work: Callable[[], Awaitable[Batch[Timing]]]
    ) -> Batch[Timing]:
        """Run a batch and note what it used: of Haven's processes alone, not of the clients.

        The ratio is of everything they used, idle work included; beside it, what remains
        when the idle rate is taken off. The floor is measured again just before, so that
        whatever else the machine does weighs on both alike.
        """
        base = await floor.measure(part, _FLOOR_AGAIN, self.keys, crowded=False)
        samples = self.profiles.read(self.house.pids)
        before = self.house.usage()
        batch = await work()
        await asyncio.sleep(_SETTLE_SECONDS)  # what is tidied afterwards belongs to it
        used = self.house.usage().since(before)
        self.profiles.tell(self.report, name, samples, self.profiles.read(self.house.pids))
        self._note_usage(name, base, used, max(len(batch.done), 1))
        self.report.add(f"{name}.lost", len(batch.lost), "", batch.why)
        return batch

    def _note_usage(self, name: str, base: floor.Floor, used: Usage, count: int) -> None:
        each = used.total / count
        idle = self.idle_rate * used.at / count
        self.report.add(f"{name}.cpu_ratio", each / base.mean, "x", "raw, idle work included")
        self.report.add(f"{name}.cpu_ratio_without_idle", (each - idle) / base.mean, "x")
        self.report.add(f"{name}.cpu", each * 1000, "ms", f"floor {base.mean * 1000:.0f} ms")
        for process, seconds in used.seconds.items():
            self.report.add(f"{name}.cpu.{process}", seconds / count * 1000, "ms")


async def measure_core(options: Options) -> Report:
    """Measure everything that was asked for. Raises InvalidInput for an unknown section."""
    require_proc()
    # an installation of its own needs databases of its own
    possible = _ON_ONE if options.topology.environment else SECTIONS
    wanted = [name for name in possible if options.wants(name)]
    if not wanted and not options.wants("floor"):
        raise InvalidInput(f"There is no such figure here. Sections: {', '.join(possible)}")
    report = Report(about(options))
    await _floors(report, options, wanted)
    shared = [name for name in wanted if name in _ON_ONE]
    if shared:
        await _on_one_installation(report, options, shared)
    for name in wanted:
        if name not in _ON_ONE:
            await _on_its_own(name, report, options)
    return report


async def _floors(report: Report, options: Options, wanted: Sequence[str]) -> None:
    """The bare calls, measured before anything else runs."""
    for part in floor.PARTS:
        if part == "guardian" and not {"check.guardian", "floor"} & {*wanted, *options.only}:
            continue
        measured = await floor.measure(
            part, _FLOOR_REPETITIONS, options.data_dir / "floor", crowded=True
        )
        report.add(f"floor.{part}.cpu", measured.mean * 1000, "ms")
        report.add(f"floor.{part}.cpu.median", measured.median * 1000, "ms")
        report.add(
            f"floor.{part}.per_second", measured.per_second, "/s", "on all cores at once"
        )


async def _on_one_installation(report: Report, options: Options, wanted: Sequence[str]) -> None:
    guardian = (GUARDIANSHIP,) if "check.guardian" in wanted else ()
    credentials = (ELIGIBILITY, *guardian)
    home = options.data_dir / "core"
    profiles = Profiles(options.data_dir / "profiles" if options.profile else None)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(
            running(home, options.topology, credentials=credentials, more=profiles.environment)
        )
        bench = Bench(house, report, options.data_dir / "floor", profiles)
        await warm_up(bench)
        bench.idle_rate = await idle_rate(house)
        report.add("idle.cpu", bench.idle_rate * 1000, "ms/s", "of all processes together")
        await measure_sections(bench, wanted)
        report.add("processes.restarted", house.restarts, "")


async def measure_sections(bench: Bench, names: Sequence[str]) -> None:
    """These sections, on an installation that was warmed up."""
    for name in names:
        await _ON_ONE[name](bench)


async def _on_its_own(name: str, report: Report, options: Options) -> None:
    measure = _ALONE[name]
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=options.data_dir) as folder:
        await measure(report, Path(folder), options.topology)


async def warm_up(bench: Bench) -> None:
    """First uses fill caches and load code; what is measured comes after them."""
    batch = await bench.issue_to(await bench.new_phones(_WARM_UP), at_once=1)
    checks = bench.house.cast.checks
    tried = await run([partial(check, checks, phone) for phone in bench.holders], 1)
    if lost := batch.why or tried.why:
        raise Lost(lost)


async def idle_rate(house: House) -> float:
    """Processor seconds a second while nothing happens."""
    await asyncio.sleep(_SETTLE_SECONDS)
    before = house.usage()
    await asyncio.sleep(_IDLE_SECONDS)
    used = house.usage().since(before)
    return used.total / used.at


# --- sections ---------------------------------------------------------------------------------


async def _issue_fresh(bench: Bench) -> None:
    """New wallets, one after the other: link, connection, offer, credential."""
    phones = await bench.new_phones(bench.sizes.alone)
    name = "issue.fresh"
    batch = await bench.measured(name, "issue", lambda: bench.issue_to(phones, at_once=1))
    _note_answers(bench, f"{name}.accept_to_stored", batch)
    bench.report.spread(f"{name}.whole", [each.whole for each in batch.done], "s")


async def _issue_existing(bench: Bench) -> None:
    """A second credential of the same organisation, to wallets that know it already."""
    phones = await bench.holders_of_one(bench.sizes.alone)
    name = "issue.existing"
    before = await connections(bench.house.settings)
    batch = await bench.measured(name, "issue", lambda: bench.issue_to(phones, at_once=1))
    made = await connections(bench.house.settings) - before
    bench.report.add(f"{name}.new_connections", made, "", "0: over the existing ones")
    _note_answers(bench, f"{name}.accept_to_stored", batch)
    bench.report.spread(f"{name}.whole", [each.whole for each in batch.done], "s")


async def _check_fresh(bench: Bench) -> None:
    """A plain shelter check, from a fresh link to the verdict at the desk."""
    phones = await bench.holders_of_one(bench.sizes.alone)
    desk = bench.house.cast.checks
    name = "check.fresh"
    works = [partial(check, desk, phone) for phone in phones]
    batch = await bench.measured(name, "check", lambda: run(works, 1))
    _note_answers(bench, f"{name}.accept_to_verdict", batch)
    bench.report.spread(f"{name}.whole", [each.whole for each in batch.done], "s")


async def _check_guardian(bench: Bench) -> None:
    """The check that a guardian answers for a child, with two credentials."""
    phones = await bench.new_phones(_GUARDIANS)
    works = [partial(_give_guardian, bench.house, phone) for phone in phones]
    given = await run(works, 2)
    if given.lost:
        raise Lost(given.why)
    desk = bench.house.cast.checks
    name = "check.guardian"
    answers = [partial(check, desk, phone, REPRESENTATIVE) for phone in phones]
    batch = await bench.measured(name, "guardian", lambda: run(answers, 1))
    _note_answers(bench, f"{name}.accept_to_verdict", batch)


async def _give_guardian(house: House, phone: Phone) -> None:
    office, child = guardian_values()
    await issue(house.cast.issuing[GUARDIANSHIP], phone, GUARDIANSHIP, office)
    await issue(house.cast.issuing[ELIGIBILITY], phone, ELIGIBILITY, child)


async def _throughput_issue_fresh(bench: Bench) -> None:
    phones = await bench.new_phones(bench.sizes.at_once)
    work = partial(bench.issue_to, phones, _AT_ONCE)
    await _throughput(bench, "throughput.issue.fresh", "issue", work)


async def _throughput_issue_existing(bench: Bench) -> None:
    phones = await bench.holders_of_one(bench.sizes.at_once)
    work = partial(bench.issue_to, phones, _AT_ONCE)
    await _throughput(bench, "throughput.issue.existing", "issue", work)


async def _throughput_check(bench: Bench) -> None:
    phones = await bench.holders_of_one(bench.sizes.at_once)
    desk = bench.house.cast.checks
    works = [partial(check, desk, phone) for phone in phones]
    work = partial(run, works, _AT_ONCE)
    await _throughput(bench, "throughput.check", "check", work)


async def _throughput(
    bench: Bench, name: str, part: str, work: Callable[[], Awaitable[Batch[Timing]]]
) -> None:
    """So many at once as fast as it goes; the clients' share of the machine is told."""
    cores = os.cpu_count() or 1
    base = await floor.measure(part, _FLOOR_AGAIN, bench.keys, crowded=True)
    clients = time.process_time()
    batch = await bench.measured(name, part, work)
    rate = len(batch.done) / batch.seconds
    share = (time.process_time() - clients) / (batch.seconds * cores)
    bench.report.add(f"{name}.per_second", rate, "/s", f"{_AT_ONCE} at once")
    words = f"floor {base.per_second:.2f} /s, on {cores} cores at once"
    bench.report.add(f"{name}.share_of_floor", rate / base.per_second * 100, "%", words)
    bench.report.add(f"{name}.clients_share_of_machine", share * 100, "%")


async def _crowd(bench: Bench) -> None:
    await crowd(bench.report, bench.house.cast.checks, await bench.holders_of_one(100))


async def _one_wallet(bench: Bench) -> None:
    (phone,) = await bench.holders_of_one(1)
    await one_wallet(bench.report, bench.house.cast.checks, phone)


def _note_answers(bench: Bench, name: str, batch: Batch[Timing]) -> None:
    bench.report.spread(name, [each.answer for each in batch.done], "s", "one at a time")


_ON_ONE: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "issue.fresh": _issue_fresh,
    "issue.existing": _issue_existing,
    "check.fresh": _check_fresh,
    "check.guardian": _check_guardian,
    "throughput.issue.fresh": _throughput_issue_fresh,
    "throughput.issue.existing": _throughput_issue_existing,
    "throughput.check": _throughput_check,
    "crowd.wallets": _crowd,
    "crowd.one_wallet": _one_wallet,
}
_ALONE: dict[str, Callable[[Report, Path, Topology], Awaitable[None]]] = {
    "registry": registries,
    "memory": idle_memory,
}
SECTIONS = (*_ON_ONE, *_ALONE)


def about(options: Options) -> dict[str, object]:
    """When and on what it was measured."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("acapy-agent", "anoncreds", "haven")},
        "topology": options.topology.name,
    }
