"""From a plan to the dimensions, filters and cells of a table: what tabulating questions share.

A date that is grouped by periods has a filter with both ends: these are the first and the last
period. So a plan says how many cells there are without looking at anybody's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.coded import NOBODY, Between, CodedTable
from dataspace.gathering.coded import Filter as CodeFilter
from dataspace.gathering.dimensions import (
    Bins,
    Codes,
    Dimension,
    Periods,
    cell_names,
    day_number,
)
from dataspace.planning.plan import Filter, Grouping, Plan
from dataspace.questions.base import ColumnUse, Integers, Opened, Released, Use
from dataspace.questions.describing import Option, Takes
from dataspace.questions.notes import Note
from dataspace.releasing.disclosure import without_a_single_gap
from dataspace.vocabulary.model import Kind, Vocabulary

MOST_CELLS: Final = 5_000
"""More make cells of few people, and comparing takes seconds (2.6 s for 5,000)."""
FEWEST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)


def largest_cell(default: int = 1_000_000) -> Option:
    """The option that bounds what an organisation puts into a cell."""
    return Option(
        "largest_cell",
        Takes.NUMBER,
        default,
        "most cases of one organisation in one cell; a smaller limit is computed faster",
        least=100,
        most=4_000_000,
    )


def check_table(plan: Plan, *, least: int, most: int) -> None:
    """That the plan's groups and filters can be meant, as far as it says without a vocabulary.

    Raises InvalidInput.
    """
    if not least <= len(plan.groups) <= most:
        raise InvalidInput(f"this question is broken down by {least} to {most} columns")
    if len({each.column for each in plan.groups}) != len(plan.groups):
        raise InvalidInput("a plan groups by a column twice")
    for group in plan.groups:
        _check_group(group, plan)
    check_filters(plan)


def check_filters(plan: Plan) -> None:
    """Raises InvalidInput for a filter that says nothing, contradicts itself or is no date."""
    if len({each.column for each in plan.filters}) != len(plan.filters):
        raise InvalidInput("a plan filters a column twice; name all of its codes in one filter")
    for each in plan.filters:
        is_range = each.first is not None or each.last is not None
        if bool(each.codes) == is_range:
            raise InvalidInput(
                f"the filter of {each.column} has codes, or a first and last day"
            )
        if len(set(each.codes)) != len(each.codes):
            raise InvalidInput(f"the filter of {each.column} names a code twice")
        if is_range and not _day(each.first, FEWEST_DAY) <= _day(each.last, LAST_DAY):
            raise InvalidInput(f"the filter of {each.column} ends before it starts")


def check_nothing(plan: Plan, *members: str) -> None:
    """Raises InvalidInput if the plan says something that this question does not do."""
    for member in members:
        if getattr(plan, member):
            raise InvalidInput(f"this question takes no {member} in its plan")


def _check_group(group: Grouping, plan: Plan) -> None:
    if group.period is not None and group.cuts:
        raise InvalidInput(f"{group.column} is grouped by periods or by steps, not both")
    if group.period is not None:
        found = _filter_of(plan, group.column)
        if found is None or found.first is None or found.last is None:
            raise InvalidInput(
                f"periods of {group.column} need a filter on it with a first and a last day"
            )
    if list(group.cuts) != sorted(set(group.cuts)):
        raise InvalidInput(f"the steps of {group.column} go upwards")


def _filter_of(plan: Plan, column: str) -> Filter | None:
    return next((each for each in plan.filters if each.column == column), None)


def _day(text: str | None, otherwise: date) -> date:
    try:
        day = otherwise if text is None else date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("a day of a filter is not in the calendar") from None
    if not FEWEST_DAY <= day <= LAST_DAY:
        raise InvalidInput("the days of a filter are from 1900 to 2099")
    return day


def filter_uses(plan: Plan) -> tuple[ColumnUse, ...]:
    """The columns that select."""
    return tuple(ColumnUse(each.column, Use.FILTER) for each in plan.filters)


def table_uses(plan: Plan) -> tuple[ColumnUse, ...]:
    """The columns that group and select."""
    groups = tuple(ColumnUse(each.column, Use.GROUP) for each in plan.groups)
    return (*groups, *filter_uses(plan))


def dimensions(
    plan: Plan, vocabulary: Vocabulary, *, with_missing: bool = False
) -> tuple[Dimension, ...]:
    """Raises InvalidInput: a group does not fit its column."""
    return tuple(_dimension(each, plan, vocabulary, with_missing) for each in plan.groups)


def _dimension(
    group: Grouping, plan: Plan, vocabulary: Vocabulary, with_missing: bool
) -> Dimension:
    kind = vocabulary.column(group.column).kind
    if kind is Kind.CODE and group.period is None and not group.cuts:
        return Codes(group.column, with_missing)
    if kind is Kind.DATE and group.period is not None:
        return _periods(group, plan)
    if kind is Kind.NUMBER and group.cuts:
        return Bins(group.column, group.cuts, with_missing)
    raise InvalidInput(f"a column that is a {kind} cannot be grouped so: {group.column}")


def _periods(group: Grouping, plan: Plan) -> Periods:
    if group.period is None:
        raise InvalidInput(f"the plan does not group {group.column} by periods")
    between = _filter_of(plan, group.column)
    first = _day(between.first if between else None, FEWEST_DAY)
    last = _day(between.last if between else None, LAST_DAY)
    return Periods(group.column, group.period, first, last)  # the filter knows every day


def filters(plan: Plan, vocabulary: Vocabulary) -> list[CodeFilter | Between]:
    """The plan's filters for a coded table. Raises InvalidInput: no such column or code."""
    made: list[CodeFilter | Between] = []
    for each in plan.filters:
        if each.codes:
            if not set(each.codes) <= set(vocabulary.levels(each.column)):
                raise InvalidInput(f"column {each.column} has no such code")
            made.append(CodeFilter(each.column, frozenset(each.codes)))
        elif vocabulary.column(each.column).kind is Kind.DATE:
            ends = _day(each.first, FEWEST_DAY), _day(each.last, LAST_DAY)
            made.append(Between(each.column, *map(day_number, ends)))
        else:
            raise InvalidInput(f"column {each.column} has no days")
    return made


def selected(plan: Plan, table: CodedTable) -> npt.NDArray[np.bool_]:
    """The rows that the plan asks about."""
    mask = table.mask(filters(plan, table.vocabulary))
    return np.ones(len(table), np.bool_) if mask is None else mask


def labels(
    plan: Plan, vocabulary: Vocabulary, *, with_missing: bool = False
) -> tuple[tuple[str, ...], ...]:
    """What each cell stands for, in order. Raises InvalidInput: more than MOST_CELLS."""
    filters(plan, vocabulary)
    found = dimensions(plan, vocabulary, with_missing=with_missing)
    if prod(len(each.names(vocabulary)) for each in found) > MOST_CELLS:
        raise InvalidInput(f"a table has {MOST_CELLS:,} cells at most: group by less")
    return tuple(cell_names(found, vocabulary))


def at_most_rows_each(
    table: CodedTable, mask: npt.NDArray[np.bool_], most: int
) -> npt.NDArray[np.bool_]:
    """The selected rows, but of each person only the first `most`; rows of nobody all stay.

    Without this bound one person changes a table by more than noise is made for.
    """
    rows = np.flatnonzero(mask & (table.persons != NOBODY))
    persons = table.persons[rows]
    order = np.argsort(persons, kind="stable")
    sorted_persons = persons[order]
    starts = np.flatnonzero(np.diff(sorted_persons, prepend=-2))
    place = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)]))
    kept = mask.copy()
    kept[rows[order[place >= most]]] = False
    return kept


def bounded(values: Integers, most: int, what: str) -> Integers:
    """The values, if none is beyond `most`; it would wrap around in the computation.

    Raises InvalidInput; how large it is stays unsaid.
    """
    if values.size and (int(values.max()) > most or int(values.min()) < -most):
        raise InvalidInput(
            f"{what} of this organisation is larger than the plan provides for: ask for a plan "
            "with a larger limit",
            code="over-the-limit",
        )
    return values


def table_notes(plan: Plan, *, with_missing: bool = False) -> tuple[Note, ...]:
    """What a reader has to know of how the plan breaks its table down."""
    dated = [_periods(each, plan) for each in plan.groups if each.period is not None]
    partial = not all(each.are_whole for each in dated)
    unsaid = len(dated) < len(plan.groups) and not with_missing
    return (
        *((Note.PARTIAL_PERIOD,) if partial else ()),
        *((Note.NOT_SAID_LEFT_OUT,) if unsaid else ()),
    )


def released_table(
    plan: Plan,
    cells: Sequence[tuple[str, ...]],
    opened: Opened,
    *,
    noise_offset: int | None = None,
    notes: tuple[str, ...] = (),
    counted: str = "cases",
    with_missing: bool = False,
) -> Released:
    """Cells of sums of what is `counted`; `noise_offset` (None: there is no noise) is taken off
    again. If exactly one exact cell stayed closed the smallest other one is withheld too: a
    grand total, from another plan, would give it away."""
    shown = [
        total - (noise_offset or 0) if bit else None
        for bit, total in zip(opened.values["released"], opened.values["gate"], strict=True)
    ]
    kept = without_a_single_gap(shown) if noise_offset is None else tuple(shown)
    rows = tuple((*label, value) for label, value in zip(cells, kept, strict=True))
    hidden = sum(value is None for value in kept)
    notes = (*notes, *table_notes(plan, with_missing=with_missing))
    said = (*notes, Note.BELOW_THRESHOLD) if hidden else notes
    said = (*said, Note.WITHHELD_TOO) if list(kept) != shown else said
    columns = (*(each.column for each in plan.groups), counted)
    return Released(columns, rows, hidden, tuple(said))
