"""Figures: a name, a value, a unit, and what the value should be.

One line a figure: name, value, unit, target, `met` or `short` (a dash where none is set).
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

type Comparison = Literal["<=", ">=", "="]


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised: `value` has to stand in this relation to `bound`."""

    comparison: Comparison
    bound: float

    def met(self, value: float) -> bool:
        """Whether a value keeps the promise; what was not measured (NaN) does not."""
        match self.comparison:
            case "<=":
                return value <= self.bound
            case ">=":
                return value >= self.bound
            case "=":
                return value == self.bound

    def __str__(self) -> str:
        return f"{self.comparison} {self.bound:g}"


# The promises, by figure. A figure without one is printed for the reader's sake.
TARGETS = {
    "issue.fresh.cpu_ratio": Target("<=", 2.8),
    "issue.existing.cpu_ratio": Target("<=", 1.6),
    "issue.fresh.accept_to_stored.median": Target("<=", 1.0),
    "issue.existing.accept_to_stored.median": Target("<=", 1.0),
    "check.fresh.cpu_ratio": Target("<=", 2.0),
    "check.fresh.accept_to_verdict.median": Target("<=", 0.9),
    "check.guardian.accept_to_verdict.median": Target("<=", 2.0),
    "throughput.issue.fresh.share_of_floor": Target(">=", 55),
    "throughput.issue.existing.share_of_floor": Target(">=", 55),
    "throughput.check.share_of_floor": Target(">=", 55),
    "registry.issuances.failed": Target("=", 0),
    "registry.issuances.duplicate_entries": Target("=", 0),
    "registry.issuances.missing_in_wallet": Target("=", 0),
    "registry.revocations.failed": Target("=", 0),
    "registry.revoked_but_not_refused": Target("=", 0),
    "registry.good_but_not_accepted": Target("=", 0),
    "crowd.wallets.lost": Target("=", 0),
    "crowd.one_wallet.lost": Target("=", 0),
    "dataspace.table.50": Target("<=", 1.0),
    "dataspace.table.5000": Target("<=", 4.0),
    "dataspace.table.50.far": Target("<=", 1.5),
    "dataspace.ring.10000": Target("<=", 3.5),
    "dataspace.ring.10000.memory": Target("<=", 300),
    "dataspace.ring.100000": Target("<=", 40),
    "dataspace.ring.100000.memory": Target("<=", 300),
    "dataspace.estimates": Target("<=", 10),
    "dataspace.independence": Target("<=", 1.0),
    "governance.decide.median": Target("<=", 50),
    "governance.load": Target("<=", 1.5),
    "governance.trqp.requests": Target(">=", 1_500),
    "governance.trqp.p99": Target("<=", 20),
    "governance.trqp.failed": Target("=", 0),
    "memory.idle.pss": Target("<=", 700),
    "memory.after_wallets.growth": Target("<=", 20),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value."""

    name: str
    value: float
    unit: str
    remark: str = ""

    @property
    def target(self) -> Target | None:
        return TARGETS.get(self.name)

    @property
    def verdict(self) -> str:
        """`met`, `short`, or a dash where nothing was promised."""
        if self.target is None:
            return "-"
        return "met" if self.target.met(self.value) else "short"

    def line(self) -> str:
        """The figure as it is printed."""
        target = str(self.target) if self.target else "-"
        words = f"{self.name:<46} {_number(self.value):>9} {self.unit:<8} {target:<8} "
        return f"{words}{self.verdict:<5}{'  ' + self.remark if self.remark else ''}".rstrip()

    def document(self) -> dict[str, Any]:
        """The figure for a JSON file."""
        return {
            "name": self.name,
            "value": None if math.isnan(self.value) else round(self.value, 4),
            "unit": self.unit,
            "target": str(self.target) if self.target else None,
            "verdict": self.verdict,
            "remark": self.remark,
        }


def _number(value: float) -> str:
    if value == int(value) if math.isfinite(value) else False:
        return str(int(value))
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


class Report:
    """The figures of a run, printed as they come."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.about = about
        self.figures: list[Figure] = []

    def add(self, name: str, value: float, unit: str, remark: str = "") -> None:
        """Note a figure and print its line."""
        figure = Figure(name, value, unit, remark)
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def spread(self, name: str, values: Sequence[float], unit: str, remark: str = "") -> None:
        """Median and 95th percentile of several measurements."""
        self.add(f"{name}.median", median(values), unit, remark)
        self.add(f"{name}.p95", percentile(values, 95), unit)

    def value(self, name: str) -> float:
        """A figure that was noted before; NaN if it was not."""
        return next((f.value for f in self.figures if f.name == name), math.nan)

    @property
    def short(self) -> list[str]:
        """The names of what falls short of its target."""
        return [figure.name for figure in self.figures if figure.verdict == "short"]

    def write(self, path: Path) -> None:
        """Keep the figures as JSON."""
        kept = {"about": self.about, "figures": [each.document() for each in self.figures]}
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def median(values: Sequence[float]) -> float:
    """NaN of nothing."""
    return statistics.median(values) if values else math.nan


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of them do not exceed; NaN of none."""
    if not values:
        return math.nan
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]
