"""Time as an argument: whoever needs `now` is given a Clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, always with a time zone (UTC)."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def dateint(day: date) -> int:
    """A day as the integer YYYYMMDD, the form that predicates compare."""
    return day.year * 10_000 + day.month * 100 + day.day
