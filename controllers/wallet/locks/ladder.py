"""How often a PIN may be tried, and how long one then waits. Pure: counts, a try, a time.

A device has two slots, and nobody is told whether there is a PIN behind the second one:

1. A wrong try counts for each slot that does not wait. Opening a slot sets its own count to 0,
   and the other's stays: who has one PIN gets no further tries at the other by opening.
2. A slot that waits does not open, and what would have opened it is a wrong try like any other.
3. What a wrong try is answered follows the slot with the smaller count, which is the one that
   was opened last. A slot without a PIN is never opened, so its count is never the smaller one:
   the answers are those of the PIN that there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TRIES = 5
# after the first five wrong tries, the second five, and so on; the last one from then on
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(days=1),
)
FORGOTTEN_AFTER = timedelta(days=2)
# what a restored backup begins with: few tries, and no wait for who knows her PIN
RESTORED = TRIES * (len(WAITS) - 1) + 1

_NO_WAIT = timedelta()


@dataclass(frozen=True, slots=True)
class Count:
    """The wrong tries at one slot, and when the last of them was."""

    wrong: int = 0
    since: datetime | None = None


type Counts = tuple[Count, Count]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try led to: a slot that is `opened`; or a `wait`, or how many tries are left
    until there is one."""

    counts: Counts
    opened: int | None = None
    wait: timedelta = _NO_WAIT
    tries_left: int = TRIES


def attempt(counts: Counts, right: int | None, now: datetime) -> Tried:
    """One try; `right` is the slot whose proof was shown, if it was that of one."""
    counts = remembered(counts, now)
    if right is not None and not wait_of(counts[right], now):
        return Tried(_with(counts, right, Count()), opened=right)
    first, second = (_counted(each, now) for each in counts)
    # of two equal counts the one that waits longer: it was opened later than the other
    told = min(first, second, key=lambda each: (each.wrong, -wait_of(each, now)))
    left = TRIES - told.wrong % TRIES
    return Tried((first, second), None, wait_of(told, now), left)


def wait_of(count: Count, now: datetime) -> timedelta:
    """How long a slot still waits; nothing if it does not."""
    step, between = divmod(count.wrong, TRIES)
    if count.since is None or between or not step:
        return _NO_WAIT
    whole = WAITS[min(step, len(WAITS)) - 1]
    return max(_NO_WAIT, min(whole, count.since + whole - now))


def remembered(counts: Counts, now: datetime) -> Counts:
    """The counts, or none if they are old."""
    until = remembered_until(counts)
    return (Count(), Count()) if until is not None and until <= now else counts


def remembered_until(counts: Counts) -> datetime | None:
    """When the counts are forgotten: two days after the last wrong try at either slot."""
    tried = [each.since for each in counts if each.since is not None]
    return max(tried) + FORGOTTEN_AFTER if tried else None


def restored(counts: Counts, now: datetime) -> Counts:
    """No try is given back by restoring a backup that does not know how often was tried since:
    the right PIN opens, and few wrong ones lead to the longest wait."""
    first, second = (
        each if each.wrong >= RESTORED else Count(RESTORED, now)
        for each in remembered(counts, now)
    )
    return first, second


def _counted(count: Count, now: datetime) -> Count:
    return count if wait_of(count, now) else Count(count.wrong + 1, now)


def _with(counts: Counts, slot: int, count: Count) -> Counts:
    return (count, counts[1]) if slot == 0 else (counts[0], count)
