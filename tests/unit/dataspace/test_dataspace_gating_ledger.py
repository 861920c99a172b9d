"""What is spent: never more than the budget, whatever happens in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, Gone, HavenError, InvalidInput
from dataspace.agreeing.agreement import Limits
from dataspace.gating.ledger import (
    CODES,
    Ledger,
    LedgerEntry,
    Standing,
    begin,
    fail,
    release,
)

LIMITS = Limits(epsilon_milli=1000, most_runs=5, most_plans=3)


def run(tag: int, plan: str = "a", epsilon: int = 0) -> LedgerEntry:
    return LedgerEntry(f"{tag:032x}", plan, epsilon)


def started(*entries: LedgerEntry, limits: Limits = LIMITS, most: int = 5) -> Ledger:
    ledger = Ledger()
    for each in entries:
        ledger = begin(ledger, each, limits, most_runs=most)
    return ledger


def test_a_run_reserves_and_then_spends() -> None:
    ledger = started(run(1, epsilon=300))
    assert (ledger.epsilon_milli, ledger.epsilon_left(LIMITS)) == (300, 700)
    ledger = release(ledger, run(1).tag)
    assert ledger.entries[0].standing is Standing.SPENT
    assert ledger.epsilon_left(LIMITS) == 700


def test_noise_that_was_drawn_stays_spent() -> None:
    ledger = fail(started(run(1, epsilon=300)), run(1).tag)
    assert (ledger.epsilon_milli, ledger.runs_of("a")) == (300, 1)


def test_a_run_without_noise_is_given_back() -> None:
    ledger = fail(started(run(1)), run(1).tag)
    assert ledger.runs_of("a") == 0
    assert run(1).tag in ledger.tags  # the tag is used up all the same
    with pytest.raises(Conflict) as caught:
        begin(ledger, run(1), LIMITS, most_runs=5)
    assert caught.value.code == "ledger-tag"


def test_a_run_that_failed_after_it_was_opened_stays_spent() -> None:
    assert fail(started(run(1)), run(1).tag, opened=True).runs_of("a") == 1


@pytest.mark.parametrize(
    ("entries", "next_", "code"),
    [
        ([run(1, epsilon=800)], run(2, epsilon=201), "ledger-epsilon"),
        ([run(n) for n in range(5)], run(9), "ledger-runs"),
        ([run(n, plan=str(n)) for n in range(3)], run(9, plan="z"), "ledger-plans"),
    ],
)
def test_what_is_not_there_is_not_taken(
    entries: list[LedgerEntry], next_: LedgerEntry, code: str
) -> None:
    with pytest.raises(Gone) as caught:
        begin(started(*entries), next_, LIMITS, most_runs=5)
    assert caught.value.code == code
    assert code in CODES


def test_the_last_thousandth_can_be_taken_by_one_only() -> None:
    ledger = started(run(1, epsilon=999), run(2, epsilon=1))
    with pytest.raises(Gone):
        begin(ledger, run(3, epsilon=1), LIMITS, most_runs=5)
    begin(ledger, run(3), LIMITS, most_runs=5)  # without noise nothing is needed


@pytest.mark.parametrize(
    "entry", [run(1, epsilon=-1), replace(run(1), standing=Standing.SPENT)]
)
def test_no_entry_gives(entry: LedgerEntry) -> None:
    with pytest.raises(InvalidInput):
        begin(Ledger(), entry, LIMITS, most_runs=5)


def test_a_run_ends_once() -> None:
    ledger = release(started(run(1)), run(1).tag)
    for end in (release, fail):
        with pytest.raises(Conflict):
            end(ledger, run(1).tag)
        with pytest.raises(Conflict):
            end(ledger, run(2).tag)


def test_limits_that_were_lowered_leave_nothing_and_not_less() -> None:
    ledger = started(run(1, epsilon=900))
    lower = Limits(epsilon_milli=100, most_runs=1, most_plans=1)
    assert ledger.epsilon_left(lower) == 0
    assert ledger.runs_left("a", 5, lower) == 0
    assert ledger.plans_left("b", lower) == 0


ACTS = st.tuples(
    st.sampled_from(["begin", "fail", "open-and-fail", "release"]),
    st.integers(0, 12),  # the tag
    st.sampled_from(["a", "b", "c", "d"]),
    st.integers(0, 600),
)


@given(st.lists(ACTS, max_size=60))
def test_never_more_than_the_budget_in_any_order(acts: list[tuple[str, int, str, int]]) -> None:
    ledger, seen = Ledger(), {"epsilon": 0}
    for act, tag, plan, epsilon in acts:
        try:
            ledger = _after(ledger, act, run(tag, plan, epsilon))
        except HavenError:
            continue
        drawn = sum(each.epsilon_milli for each in ledger.entries)
        assert drawn <= LIMITS.epsilon_milli  # of everything that was ever admitted
        assert drawn >= seen["epsilon"]
        seen["epsilon"] = drawn
        assert ledger.epsilon_left(LIMITS) == LIMITS.epsilon_milli - ledger.epsilon_milli
        assert all(ledger.runs_of(each) <= 5 for each in "abcd")
        assert len(ledger.plans) <= 3
        assert len(ledger.tags) == len(ledger.entries)


def _after(ledger: Ledger, act: str, entry: LedgerEntry) -> Ledger:
    if act == "begin":
        return begin(ledger, entry, LIMITS, most_runs=5)
    if act == "release":
        return release(ledger, entry.tag)
    return fail(ledger, entry.tag, opened=act == "open-and-fail")
