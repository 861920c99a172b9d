"""Where the processor time of a section went, process by process (agent/profiling.py)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from agent.profiling import VARIABLE
from controllers.bench.figures import Report

_PACKAGES, _FUNCTIONS = 12, 15

type Spent = dict[str, Counter[str]]


class Profiles:
    """The samples of every process, in a folder of their own; without one, nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What asks the processes for their samples."""
        return {VARIABLE: str(self._folder.resolve())} if self._folder else {}

    def read(self, pids: Mapping[str, int]) -> Spent:
        """Seconds by place, for each process, up to now (written once a second)."""
        if self._folder is None:
            return {}
        found: Spent = {}
        for name, pid in pids.items():
            for path in self._folder.glob(f"*-{pid}.json"):
                found[name] = Counter(json.loads(path.read_text()))
        return found

    def tell(self, report: Report, name: str, before: Spent, after: Spent) -> None:
        """Print each process's own time by package, as a share, and its dearest functions."""
        for process, until_now in after.items():
            spent = until_now - before.get(process, Counter())
            total = sum(spent.values()) or 1.0
            packages: Counter[str] = Counter()
            for place, seconds in spent.items():
                packages[place.partition("|")[0]] += seconds
            for package, seconds in packages.most_common(_PACKAGES):
                share = seconds / total * 100
                report.add(f"profile.{name}.{process}.{package}", share, "%", "own time")
            for place, seconds in spent.most_common(_FUNCTIONS):
                print(f"    {seconds / total * 100:5.1f} %  {place.partition('|')[2]}")
