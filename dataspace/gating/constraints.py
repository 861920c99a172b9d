"""What a plan may do with a column: the constraint against the use, as a table.

Flagged personal data is refused for everything but linking, whatever its constraint says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dataspace.planning.plan import Plan
from dataspace.questions.base import ColumnUse, Use
from dataspace.vocabulary.model import TABLE_KINDS, Column, Constraint, Vocabulary

COUNTING: Final = frozenset({Use.FILTER, Use.GROUP, Use.SUM, Use.MODEL})

ALLOWED: Final = {
    Constraint.LOCAL_ONLY: frozenset[Use](),
    Constraint.AGGREGATE_ONLY: COUNTING,
    Constraint.LINK_COUNT_ONLY: frozenset({Use.LINK_COUNT}),
    Constraint.LINK_REVEAL: frozenset({Use.LINK_COUNT, Use.LINK_REVEAL}),
    Constraint.FORBIDDEN: frozenset[Use](),
}

CODES: Final = ("column-unknown", "column-personal", "column-constraint", "column-least-cell")


def uses_named(plan: Plan) -> tuple[ColumnUse, ...]:
    """What the plan itself says that it does with columns: a question cannot leave one out."""
    return (
        *(ColumnUse(each.column, Use.GROUP) for each in plan.groups),
        *(ColumnUse(each.column, Use.FILTER) for each in plan.filters),
        *(ColumnUse(each, Use.SUM) for each in plan.measures),
    )


def constraint_code(
    uses: Iterable[ColumnUse], vocabulary: Vocabulary, threshold: int
) -> tuple[str, str] | None:
    """The code and the column of the first use that is not allowed, or None."""
    for each in uses:
        code = _code(each.use, vocabulary.columns.get(each.column), threshold)
        if code is not None:
            return code, each.column
    return None


def _code(use: Use, column: Column | None, threshold: int) -> str | None:
    if column is None:
        return "column-unknown"
    if use in COUNTING and (column.personal or column.kind not in TABLE_KINDS):
        return "column-personal"
    if use not in ALLOWED[column.constraint]:
        return "column-constraint"
    return "column-least-cell" if use in COUNTING and threshold < column.least_cell else None
