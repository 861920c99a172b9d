"""From an organisation's rows to the links of its cases: what both linking questions share.

Only identifiers of exploiters, places and telephones link cases. A person's own identifiers
never do: that would be following survivors from desk to desk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.coding import Gathered
from dataspace.gathering.matchkeys import LINK_ROLES
from dataspace.planning.plan import Plan
from dataspace.questions import tables
from dataspace.questions.base import ColumnUse, Links, Ranked, Reason, Released, Use
from dataspace.questions.describing import NONE, Choice, Description, Option, filters_of
from dataspace.questions.notes import Note
from dataspace.vocabulary.model import Vocabulary

KINDS: Final = tuple(role.value for role in LINK_ROLES)  # the most important first
COLUMNS: Final = ("rank", "case", "kind", "others")

type Mask = npt.NDArray[np.bool_]


def check_kinds(plan: Plan) -> None:
    """Raises InvalidInput: no kind of link, one twice, or one that there is not."""
    if not plan.link or len(set(plan.link)) != len(plan.link):
        raise InvalidInput("cases are linked by one or more different kinds of identifiers")
    if not set(plan.link) <= set(KINDS):
        raise InvalidInput(f"cases are linked by: {', '.join(KINDS)}; never by a person's own")


def kind_uses(plan: Plan, use: Use) -> tuple[ColumnUse, ...]:
    """The columns that link, and those that select."""
    return (*(ColumnUse(each, use) for each in plan.link), *tables.filter_uses(plan))


def chosen_rows(plan: Plan, own: Gathered, among: Mask | None = None) -> list[int]:
    """The selected rows that have a link, in the table's order."""
    mask = tables.selected(plan, own.table)
    mask = mask if among is None else mask & among
    return [int(row) for row in np.flatnonzero(mask) if _links(plan, own, int(row))]


def links_of(plan: Plan, own: Gathered, rows: Sequence[int]) -> list[Links]:
    """The links of these rows."""
    return [_links(plan, own, row) for row in rows]


def _links(plan: Plan, own: Gathered, row: int) -> Links:
    by_kind = {role.value: keys for role, keys in own.links.items()}
    found: dict[str, frozenset[bytes]] = {}
    for kind in plan.link:
        key = by_kind[kind][row] if kind in by_kind else None
        if key is not None:
            found[kind] = frozenset((key,))
    return found


def ranking(
    own: Gathered,
    rows: Sequence[int],
    ranked: Sequence[Ranked],
    others: Mapping[int, str] | None = None,
) -> Released:
    """For the owner: a row for each reason of each case, the most urgent case first. Cases with
    equal reasons have one rank, and the next one counts them all: 1, 1, 3. `others` are codes
    in the place of numbers that stand for more than themselves.

    Raises InvalidInput: a case that did not go in.
    """
    made: list[tuple[str | int | None, ...]] = []
    codes, rank, before = others or {}, 0, None
    for place, each in enumerate(ranked, 1):
        if not 0 <= each.case < len(rows):
            raise InvalidInput("the answer is about a case that was not asked about")
        if each.urgency != before:
            rank, before = place, each.urgency
        case = own.references[rows[each.case]] or f"row {rows[each.case] + 1}"
        made.extend(
            (rank, case, reason.kind, codes.get(reason.others, reason.others))
            for reason in each.reasons
        )
    return Released(COLUMNS, tuple(made), notes=(Note.INTELLIGENCE,))


def named(released: Released, ranked: Sequence[Ranked]) -> Released:
    """The same with a column of who shares the link."""
    reasons: list[Reason] = [reason for each in ranked for reason in each.reasons]
    rows = tuple(
        (*row, " ".join(sorted(reason.who)))
        for row, reason in zip(released.rows, reasons, strict=True)
    )
    return Released((*released.columns, "who"), rows, notes=released.notes)


def places_of(own: Gathered, references: Sequence[str]) -> Mask:
    """The rows with these references of the organisation's own.

    Raises InvalidInput: a reference that no row has; which is not told.
    """
    at: Mapping[str, list[int]] = _by_reference(own)
    if any(not each or each not in at for each in references):
        raise InvalidInput("a stated case is not among the cases of this organisation")
    mask = np.zeros(len(own.table), np.bool_)
    mask[[row for each in references for row in at[each]]] = True
    return mask


def _by_reference(own: Gathered) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, reference in enumerate(own.references):
        found.setdefault(reference, []).append(row)
    return found


class LinksQuestion:
    """What questions that answer owners about links of their cases have in common."""

    options: ClassVar[tuple[Option, ...]] = ()

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        tables.filters(plan, vocabulary)
        for each in plan.link:
            vocabulary.column(each)

    def describe(self, vocabulary: Vocabulary) -> Description:
        kinds = tuple(each for each in KINDS if each in vocabulary.columns)
        return Description(
            groups=NONE,
            filters=filters_of(vocabulary),
            measures=NONE,
            link=Choice(1, len(kinds), kinds),
            options=self.options,
            example={"link": list(kinds)},
        )

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        return ()

    def opens_to_all(self, plan: Plan) -> bool:
        return False

    def kinds(self, plan: Plan) -> tuple[str, ...]:
        return plan.link

    def records(self, plan: Plan, own: Gathered) -> list[Links]:
        """All cases of the organisation that were selected and have a link."""
        return links_of(plan, own, chosen_rows(plan, own))
