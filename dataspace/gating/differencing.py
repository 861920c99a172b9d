"""Whether a plan's answer, held against earlier ones, would tell about a few of one's own.

All is judged by one organisation about its own rows, for it knows no others. A *row version*
is a row as it was between two imports; a case that changed is two versions of one case. Every
run that may have been seen counts as earlier, also one that failed after its result was opened.

Rule 1, selections (`too_close`). Two plans whose selections differ in at least one and fewer
than k of one's own cases are refused: one answer minus the other would be an answer about those
few. What is compared are the cases whose selected row versions differ, so it holds for two
filters on the same day and for the same filter before and after an import. k is the greater of
both plans' thresholds. Noise is no excuse, because suppression is decided on exact counts.

Rule 2, margins (`margins_cross`). A table adds up to coarser ones: region x age gives region,
and months give years. If the cells of one table are sums of cells of another over the same
cases, a suppressed cell of the finer one is a sum minus its other cells. So two tables whose
groupings share a column, or of which one has no grouping at all (a bare total), and are not the
same, are refused unless their selections differ in k cases or more, or at least one of them is
with noise (the difference then has that noise).

The same holds for a slice: a plan that filters by what an earlier one groups by. All cases of
the North are a row of region x age, whatever else that table holds; so only the very cells of
the other table may be asked for again, and not their sums, nor parts of several.

Rule 3, cells (`few_in_a_cell`). Where two tables have a grouping in common and other filters,
one minus the other is a table of those who differ, with its small cells: all by age, and all
without one nationality by age. So in each cell of what both are grouped by, the own cases that
only one of them takes are none, or k and more, or nobody is in that cell of both. This is asked
of the row versions that were there both times, since of one that has gone nothing is left to
tell its cell; for what an import changed there is rule 1 alone, or no table could be repeated.

What this does not see:

- tables without a common column (region, and age) still share their grand total: one suppressed
  cell of the first is that total minus its others. Releasing has to see to it that a table
  never hides exactly one cell; what several hidden ones have together can still be few;
- cells that an import changed: it changes k cases or more, but fewer of them in one cell;
- cells of two tables that have a column in common and group it in two ways (years, and months);
- three and more answers taken together (A, B, and A-or-B with one person more), and selections
  that differ in k or more at this node, of which something else tells who they are;
- the same grouping with other measures (a mean from sum and count is meant to be possible);
- agreements: other answers about the same cases under another agreement;
- k others who collude: k - 1 of k differing cases may be made up or known to the asker.

What a refusal tells: that here the difference is not empty and smaller than k, in a filter that
the asker chose. That is a bit about few people, so others are told only that a rule about own
data said no (`dataspace.gating.gate.Refused.told_to_others`), a refusal is logged, and
`Limits.most_plans` and the officers bound how often anybody can ask. Holding tells as much: the
difference is none, or k and more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.planning.plan import Filter, Grouping, Plan

type Mask = npt.NDArray[np.bool_]
type Ints = npt.NDArray[np.int64]
type Levels = Mapping[Grouping, Ints]
"""On which level of a grouping each own row version is: (n,) over `Versions`, from 1; 0 is on
none, ABSENT of one that is not there now."""

CODES: Final = ("differencing-few", "differencing-margins", "differencing-cells")
ABSENT: Final = -1  # the level of a row version that is not there any more

_NO_LEVELS: Levels = MappingProxyType({})
TABLES: Final = frozenset({"tabulation"})  # computations whose answers add up over cells


@dataclass(frozen=True, slots=True, repr=False)
class Versions:
    """Every row version this organisation ever imported, in order: (n,) each.

    `cases` is the number of the case, the same in all its versions; `since` the import that
    brought the version, `until` the one that ended it (a large number: none yet).
    """

    cases: Ints
    since: Ints
    until: Ints

    def __post_init__(self) -> None:
        if not self.cases.shape == self.since.shape == self.until.shape == (self.cases.size,):
            raise InvalidInput("cases, since and until have one length")

    def at(self, number: int) -> Mask:
        """The versions that were the organisation's rows after this import."""
        return (self.since <= number) & (number < self.until)


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What a plan selects of the own row versions, and how its answer is made of them.

    `selected` is (n,) over `Versions`, already restricted to the rows of its day
    (`Versions.at`); an earlier one may be shorter, later versions are then not selected.
    """

    selected: Mask
    groups: frozenset[Grouping]
    threshold: int
    noisy: bool
    is_table: bool
    filters: tuple[Filter, ...] = ()


def answer_of(plan: Plan, computation: str, selected: Mask) -> Answer:
    """The answer to a plan of which `selected` are the own row versions."""
    return Answer(
        selected=selected,
        groups=frozenset(plan.groups),
        threshold=plan.threshold,
        noisy=plan.epsilon_milli > 0,
        is_table=computation in TABLES,
        filters=plan.filters,
    )


def differing(one: Mask, other: Mask, versions: Versions) -> int:
    """How many own cases have a version that only one of two selections takes."""
    size = versions.cases.size
    differs = _padded(one, size) ^ _padded(other, size)
    return int(np.unique(versions.cases[differs]).size)


def _padded(selected: Mask, size: int) -> Mask:
    if selected.ndim != 1 or selected.size > size:
        raise InvalidInput("a selection is over the own row versions")
    return np.pad(selected.astype(np.bool_), (0, size - selected.size))


def too_close(new: Answer, earlier: Answer, versions: Versions) -> bool:
    """Rule 1: at least one and fewer than k own cases differ."""
    return 0 < differing(new.selected, earlier.selected, versions) < _k(new, earlier)


def margins_cross(new: Answer, earlier: Answer, versions: Versions) -> bool:
    """Rule 2: one table's cells are sums of the other's, over nearly the same own cases, or
    over a slice of the other's."""
    if not (new.is_table and earlier.is_table) or new.noisy or earlier.noisy:
        return False
    if new.groups == earlier.groups or not (new.selected.any() and earlier.selected.any()):
        return False
    if differing(new.selected, earlier.selected, versions) < _k(new, earlier):
        return _adds_up(new.groups, earlier.groups)
    return _slices(new, earlier, versions) or _slices(earlier, new, versions)


def _slices(part: Answer, whole: Answer, versions: Versions) -> bool:
    """Whether `part` is over some levels of what `whole` is broken down by, and its cells are
    not simply cells of that. Within one cell they share a total alone, as any two tables do."""
    by = [each for each in part.filters if each not in whole.filters]
    if not by or not {each.column for each in by} <= {each.column for each in whole.groups}:
        return False
    size = versions.cases.size
    beside = _padded(part.selected, size) & ~_padded(whole.selected, size)
    if np.unique(versions.cases[beside]).size >= _k(part, whole):
        return False
    levels = {each.column for each in by if len(each.codes) == 1}
    same = {each for each in whole.groups if each.column not in levels}
    return bool(same) and not same <= part.groups <= whole.groups


def few_in_a_cell(new: Answer, earlier: Answer, versions: Versions, levels: Levels) -> bool:
    """Rule 3: in a cell of what both are grouped by that both have cases in, at least one and
    fewer than k own cases differ."""
    common = [each for each in new.groups & earlier.groups if each in levels]
    if not (common and new.is_table and earlier.is_table) or new.noisy or earlier.noisy:
        return False
    size = earlier.selected.size  # what came later is rule 1's
    if not size:
        return False
    one, other = _padded(new.selected, versions.cases.size)[:size], earlier.selected
    cells = np.zeros(size, np.int64)  # of each row version; below 0 where it is in none
    for each in common:
        places = levels[each][:size]
        cells = np.where((places > 0) & (cells >= 0), cells * (places.max() + 1) + places, -1)
    differs, both = (cells >= 0) & (one ^ other), (cells >= 0) & one & other
    most = int(versions.cases.max()) + 1
    pairs = np.unique(cells[differs] * most + versions.cases[:size][differs])
    where, few = np.unique(pairs // most, return_counts=True)
    return bool(((few < _k(new, earlier)) & np.isin(where, cells[both])).any())


def difference_code(
    new: Answer, earlier: Sequence[Answer], versions: Versions, levels: Levels = _NO_LEVELS
) -> str | None:
    """The code of the first rule that refuses the new answer, or None. `levels` are those of
    the new answer's groupings."""
    if any(too_close(new, each, versions) for each in earlier):
        return "differencing-few"
    if any(margins_cross(new, each, versions) for each in earlier):
        return "differencing-margins"
    if any(few_in_a_cell(new, each, versions, levels) for each in earlier):
        return "differencing-cells"
    return None


def _k(one: Answer, other: Answer) -> int:
    return max(one.threshold, other.threshold)


def _adds_up(one: frozenset[Grouping], other: frozenset[Grouping]) -> bool:
    columns = [{each.column for each in groups} for groups in (one, other)]
    return not all(columns) or bool(columns[0] & columns[1])
