"""What has been spent at one node under one agreement: privacy budget, and runs of each plan.

Epsilon is counted in whole thousandths and adds up (basic composition: Dwork and Roth, "The
Algorithmic Foundations of Differential Privacy", 2014, theorem 3.16). A run's epsilon is
reserved when it begins, so two runs at once cannot both take the last of it.

A run that failed is given back only if nothing can have been seen of it: a plan with noise
keeps its reservation spent (the noise was drawn, and drawing again averages it away), and so
does any run whose result was opened before it failed. A run that was cut off by a crash stays
reserved, which counts as spent, until somebody says that it failed.

The ledger belongs to the agreement's id, not to a version of it: a new version brings new
limits, not a new purse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from core.errors import Conflict, Gone, InvalidInput
from dataspace.agreeing.agreement import Limits

CODES: Final = (
    "ledger-epsilon",
    "ledger-runs",
    "ledger-plans",
    "ledger-tag",
    "ledger-not-reserved",
)


class Standing(StrEnum):
    """Where an entry stands; all but GIVEN_BACK count."""

    RESERVED = "reserved"
    SPENT = "spent"
    GIVEN_BACK = "given-back"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One run: its tag, its plan's digest, epsilon in thousandths (0: no noise)."""

    tag: str
    plan: str
    epsilon_milli: int
    standing: Standing = Standing.RESERVED

    @property
    def counts(self) -> bool:
        return self.standing is not Standing.GIVEN_BACK


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries under one agreement, oldest first. Nothing is ever removed."""

    entries: tuple[LedgerEntry, ...] = ()

    @property
    def epsilon_milli(self) -> int:
        """What is spent or reserved, in thousandths."""
        return sum(each.epsilon_milli for each in self.entries if each.counts)

    @property
    def tags(self) -> frozenset[str]:
        """Every tag that was ever used, those of runs given back too."""
        return frozenset(each.tag for each in self.entries)

    def runs_of(self, plan: str) -> int:
        """Runs of a plan that count."""
        return sum(each.counts and each.plan == plan for each in self.entries)

    def spent_of(self, plan: str) -> int:
        """Runs of a plan that have ended and count: whose answer may have been seen."""
        return sum(
            each.plan == plan and each.standing is Standing.SPENT for each in self.entries
        )

    @property
    def plans(self) -> frozenset[str]:
        """Digests of the plans of which a run counts."""
        return frozenset(each.plan for each in self.entries if each.counts)

    def epsilon_left(self, limits: Limits) -> int:
        """Thousandths that can still be taken; never below zero, even if limits fell."""
        return max(0, limits.epsilon_milli - self.epsilon_milli)

    def runs_left(self, plan: str, most: int, limits: Limits) -> int:
        """Runs of the plan that can still begin, of `most` that the plan asks for."""
        return max(0, min(most, limits.most_runs) - self.runs_of(plan))

    def plans_left(self, plan: str, limits: Limits) -> int:
        """Plans that can still begin, this one counted if it has begun."""
        return max(0, limits.most_plans - len(self.plans - {plan}))


def begin(ledger: Ledger, entry: LedgerEntry, limits: Limits, *, most_runs: int) -> Ledger:
    """With the run's entry reserved.

    Raises:
        Conflict: code `ledger-tag`, the tag was used before.
        Gone: code `ledger-epsilon`, `ledger-runs` or `ledger-plans`: none is left.
        InvalidInput: a negative epsilon, or an entry that is not a reservation.
    """
    if entry.epsilon_milli < 0 or entry.standing is not Standing.RESERVED:
        raise InvalidInput("a run begins with a reservation that is not negative")
    if entry.tag in ledger.tags:
        raise Conflict("a run with this tag has begun before", code="ledger-tag")
    if entry.epsilon_milli > ledger.epsilon_left(limits):
        raise Gone("the privacy budget does not suffice", code="ledger-epsilon")
    if not ledger.runs_left(entry.plan, most_runs, limits):
        raise Gone("every run that was approved has been made", code="ledger-runs")
    if not ledger.plans_left(entry.plan, limits):
        raise Gone("as many plans as were agreed on have been run", code="ledger-plans")
    return Ledger((*ledger.entries, entry))


def release(ledger: Ledger, tag: str) -> Ledger:
    """The run's result came out. Raises Conflict, code `ledger-not-reserved`."""
    return _settle(ledger, tag, Standing.SPENT)


def fail(ledger: Ledger, tag: str, *, opened: bool = False) -> Ledger:
    """The run failed; `opened`: after a node may have seen its result.

    Raises Conflict, code `ledger-not-reserved`: no such run is open.
    """
    entry = _reserved(ledger, tag)
    seen = opened or entry.epsilon_milli > 0
    return _settle(ledger, tag, Standing.SPENT if seen else Standing.GIVEN_BACK)


def _reserved(ledger: Ledger, tag: str) -> LedgerEntry:
    for each in ledger.entries:
        if each.tag == tag and each.standing is Standing.RESERVED:
            return each
    raise Conflict("no run with this tag is open", code="ledger-not-reserved")


def _settle(ledger: Ledger, tag: str, standing: Standing) -> Ledger:
    found = _reserved(ledger, tag)
    settled = replace(found, standing=standing)
    return Ledger(tuple(settled if each is found else each for each in ledger.entries))
