"""What a check becomes once it is made, and what is found of its answer: frozen, storable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.presentation import PresentationAsk
from governance.model import Per, Reference, Representation
from governance.timestamps import require_zone

Outcome = Literal["passed", "failed", "not-applicable"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectedValue(_Frozen):
    """The text that a revealed attribute must show."""

    reference: Reference
    value: str


class Once(_Frozen):
    """Accept once per period for each shown value of `by`; `amount` is what it uses up."""

    by: Reference
    per: Per
    amount: int | None

    def period(self, moment: datetime) -> str:
        """The day, week or month (ISO 8601) of `moment`, taken in its own time zone."""
        day = require_zone(moment).date()
        match self.per:
            case "day":
                return day.isoformat()
            case "week":
                year, week, _ = day.isocalendar()
                return f"{year:04d}-W{week:02d}"
            case "month":
                return f"{day.year:04d}-{day.month:02d}"


class CheckPlan(_Frozen):
    """One check, ready to be sent: everything resolved, nothing left to look up."""

    check: str
    purpose: str
    variant: str
    ask: PresentationAsk
    equal: tuple[tuple[Reference, ...], ...]
    expect: tuple[ExpectedValue, ...]
    representative: Representation | None
    once: Once | None
    retention_seconds: int


class CheckResult(_Frozen):
    """One question about a presentation, with its answer; never holds a shown value."""

    name: str
    outcome: Outcome
    reason: str
    explanation: str


class Description(_Frozen):
    """What the holder is told: why she is asked, and how long the answer is kept."""

    check: str
    purpose: str
    title: dict[str, str]
    description: dict[str, str]
    retention_seconds: int

    def words(self, languages: Iterable[str]) -> tuple[str, str]:
        """Title and description in the first of `languages` that has both, else in any."""
        both = [tag for tag in self.title if tag in self.description]
        chosen = next((tag for tag in languages if tag in both), both[0] if both else None)
        return ("", "") if chosen is None else (self.title[chosen], self.description[chosen])
