"""How often a PIN may be tried: whatever is tried in whatever order, and whoever looks on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.wallet.locks.ladder import (
    FORGOTTEN_AFTER,
    RESTORED,
    TRIES,
    WAITS,
    Count,
    Counts,
    Tried,
    attempt,
    remembered,
    remembered_until,
    restored,
    wait_of,
)

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
FRESH: Counts = (Count(), Count())
DAY = timedelta(days=1)

# what is tried: the PIN of slot 0, that of slot 1, or neither; and how long after the last try
WHAT = st.sampled_from((None, None, 0, 1))
PAUSES = st.one_of(
    st.integers(0, 120),
    st.sampled_from((59, 60, 61, 600, 3600, 86399, 86400, 2 * 86400 - 1, 2 * 86400)),
    st.integers(0, 3 * 86400),
).map(lambda seconds: timedelta(seconds=seconds))
TRIED = st.lists(st.tuples(WHAT, PAUSES), max_size=120)


def wrong(times: int, counts: Counts = FRESH, at: datetime = START) -> Tried:
    tried = Tried(counts)
    for _ in range(times):
        tried = attempt(tried.counts, None, at)
    return tried


def told(tried: Tried) -> tuple[object, ...]:
    """Everything that is answered."""
    return tried.opened, tried.wait, tried.tries_left


def test_the_rules() -> None:
    """5, 10, 15, 20 and each further 5 wrong tries: a minute, ten, an hour, a day, a day."""
    counts, at, waits = FRESH, START, []
    while len(waits) < 6:
        tried = attempt(counts, None, at)
        counts = tried.counts
        if tried.wait:
            waits.append(tried.wait)
            at += tried.wait
    assert waits == [*WAITS, DAY, DAY]
    assert (*map(timedelta.total_seconds, WAITS),) == (60, 600, 3600, 86400)
    assert counts[0].wrong == counts[1].wrong == 30


def test_it_is_told_how_many_tries_are_left_and_then_how_long_to_wait() -> None:
    assert [wrong(times).tries_left for times in range(1, 5)] == [4, 3, 2, 1]
    assert not wrong(4).wait
    assert wrong(5).wait == timedelta(minutes=1)
    assert attempt(wrong(5).counts, None, START + timedelta(seconds=18)).wait == timedelta(
        seconds=42
    )


@pytest.mark.parametrize("slot", [0, 1])
def test_a_slot_that_waits_opens_for_nobody_and_then_it_does(slot: int) -> None:
    counts = wrong(5).counts
    just_before, at = START + timedelta(seconds=59), START + timedelta(seconds=60)
    refused = attempt(counts, slot, just_before)
    assert refused == attempt(counts, None, just_before)
    assert refused.opened is None
    assert attempt(counts, slot, at).opened == slot


def test_opening_one_slot_leaves_the_other_s_count() -> None:
    opened = attempt(wrong(4).counts, 0, START)
    assert [each.wrong for each in opened.counts] == [0, 4]
    last = attempt(opened.counts, None, START)
    assert last.tries_left == 4, "nothing shows that the other slot waits now"
    assert attempt(last.counts, 1, START).opened is None
    assert attempt(last.counts, 0, START).opened == 0


@given(TRIED)
def test_whether_there_is_a_second_pin_cannot_be_told(
    tries: list[tuple[int | None, timedelta]],
) -> None:
    """The one who knows PIN 0 gets the same answers, whatever he tries, from a device where
    what he tries is also the right PIN of a slot that waits, and from one with a single PIN."""
    for known in (0, 1):
        one_pin, two_pins, at = FRESH, FRESH, START
        for what, pause in tries:
            at += pause
            other = what is not None and what != known
            would_open = other and not wait_of(remembered(two_pins, at)[1 - known], at)
            right = None if would_open else what
            single = attempt(one_pin, known if right == known else None, at)
            double = attempt(two_pins, right, at)
            assert told(single) == told(double)
            assert single.counts == double.counts
            one_pin, two_pins = single.counts, double.counts


def most_guesses(elapsed: timedelta) -> int:
    """How many tries the ladder allows in so much time."""
    guesses, at = TRIES, timedelta()
    while True:
        at += WAITS[min(guesses // TRIES, len(WAITS)) - 1]
        if at > elapsed:
            return guesses
        guesses += TRIES


@given(
    st.lists(
        st.tuples(
            st.booleans(),  # whether he opens the slot that he knows, or guesses
            st.integers(0, 90_000).map(lambda seconds: timedelta(seconds=seconds)),
        ),
        max_size=200,
    ),
    st.sampled_from((0, 1)),
)
def test_opening_one_slot_gives_no_further_guess_at_the_other(
    moves: list[tuple[bool, timedelta]], known: int
) -> None:
    counts, at, began, guesses = FRESH, START, START, 0
    for opens, pause in moves:
        at += pause
        before = remembered(counts, at)
        if before != counts:  # two days without a wrong try: it begins anew
            began, guesses = at, 0
        counts = attempt(before, known if opens else None, at).counts
        if not opens and not wait_of(before[1 - known], at):
            guesses += 1
        assert guesses <= most_guesses(at - began)


@given(TRIED)
def test_a_slot_that_is_never_opened_never_has_the_smaller_count(
    tries: list[tuple[int | None, timedelta]],
) -> None:
    counts, at = FRESH, START
    for what, pause in tries:
        at += pause
        counts = attempt(counts, 0 if what == 0 else None, at).counts
        first, second = remembered(counts, at)
        assert first.wrong <= second.wrong
        if first.wrong == second.wrong:
            assert wait_of(first, at) >= wait_of(second, at)


@given(TRIED)
def test_two_days_after_the_last_wrong_try_all_is_forgotten(
    tries: list[tuple[int | None, timedelta]],
) -> None:
    counts, at, last = FRESH, START, None
    for what, pause in tries:
        at += pause
        before = counts
        counts = attempt(counts, what, at).counts
        if any(each.since == at and each.wrong for each in counts) and counts != before:
            last = at
    until = remembered_until(counts)
    if until is None:
        assert counts == FRESH
        return
    assert last is not None
    assert until <= last + FORGOTTEN_AFTER
    assert remembered(counts, until - timedelta(seconds=1)) == counts
    assert remembered(counts, until) == FRESH


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_restore_gives_no_try_back(first: int, second: int) -> None:
    counts = (Count(first, START), Count(second, START))
    after = restored(counts, START)
    for was, each in zip(counts, after, strict=True):
        assert each.wrong >= max(was.wrong, RESTORED)
        assert was.wrong >= RESTORED or not wait_of(each, START), "who knows her PIN waits not"
    assert wrong(TRIES - RESTORED % TRIES, restored(FRESH, START)).wait == DAY


def test_a_clock_that_was_set_back_makes_nobody_wait_longer() -> None:
    counts = wrong(5).counts
    assert wait_of(counts[0], START - timedelta(days=400)) == timedelta(minutes=1)
