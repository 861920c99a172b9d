"""What the processes of Haven use: processor time and memory, from /proc (Linux only)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError

_PROC = Path("/proc")
_KIB, _MB = 1024, 1_000_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes: `rss` counts shared pages in every process, `pss` its part of them."""

    pss: float
    rss: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds by process name, at a moment."""

    at: float
    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def since(self, earlier: Usage) -> Usage:
        """What was used between the two; `at` is the time that passed."""
        used = {name: spent - earlier.seconds[name] for name, spent in self.seconds.items()}
        return Usage(self.at - earlier.at, used)


def require_proc() -> None:
    """Raises ConfigurationError where processor time and memory cannot be read."""
    if not (_PROC / "self/smaps_rollup").exists():
        raise ConfigurationError("The benches read /proc; they run on Linux only")


def processor_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, those that ended included."""
    # the name in parentheses may hold anything: the fields count from the last one
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def usage(pids: Mapping[str, int]) -> Usage:
    """What these processes have used up to now."""
    spent = {name: processor_seconds(pid) for name, pid in pids.items()}
    return Usage(time.monotonic(), spent)


def memory(pids: Iterable[int]) -> Memory:
    """The memory of several processes together."""
    each = [_rollup(pid) for pid in pids]
    return Memory(sum(m.pss for m in each), sum(m.rss for m in each))


def _rollup(pid: int) -> Memory:
    found = {"Pss": 0.0, "Rss": 0.0}
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = int(rest.split()[0]) * _KIB / _MB
    return Memory(found["Pss"], found["Rss"])
