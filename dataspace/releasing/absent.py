"""Why a released table has no number somewhere: it was withheld, or there never was one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final


class Absent(StrEnum):
    """A stable code; CSV has it in the number's place, and pages have words for it."""

    SUPPRESSED = "suppressed"
    NO_UPPER_END = "no-upper-end"
    NO_INTERVAL = "no-interval"
    NO_ESTIMATE = "no-estimate"


LOW: Final = "low"
HIGH: Final = "high"


def absence(
    columns: Sequence[str], row: Sequence[str | int | None], at: int, *, suppressed: int
) -> Absent:
    """Why `row` has nothing in its column `at`. Where nothing was suppressed it is an estimate
    or an end of its interval; the estimate stands in the column before `low`."""
    if suppressed:
        return Absent.SUPPRESSED
    if columns[at] in (LOW, HIGH) and LOW in columns[1:]:
        low = list(columns).index(LOW)
        if at != low and row[low] is not None:
            return Absent.NO_UPPER_END
        if row[low - 1] is not None:
            return Absent.NO_INTERVAL
    return Absent.NO_ESTIMATE
