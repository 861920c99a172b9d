"""Which of its own cases share an exploiter, a place or a telephone with a case elsewhere.

Each owner gets its own cases in the order of urgency, with reasons; nobody else gets anything,
and no owner learns with whom it shares. To learn that is another plan (`reveal`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from dataspace.gathering.coding import Gathered
from dataspace.planning.plan import Plan
from dataspace.questions import links, tables
from dataspace.questions.base import ColumnUse, Engine, Ranked, Released, Use
from dataspace.questions.describing import (
    Option,
    Takes,
)
from dataspace.questions.options import check_options, text

ANY, LEVEL = "any", "level"
DETAIL: Final = Option(
    "detail",
    Takes.CHOICE,
    ANY,
    "whether at least one other organisation has it; or whether one has, or two and more",
    choices=(ANY, LEVEL),
)
OPTIONS: Final = (DETAIL,)
# what an owner is told is no exact number: 1 is one or more of `any`, 2 the most of `level`
OTHERS: Final[Mapping[str, Mapping[int, str]]] = {
    ANY: {1: "any"},
    LEVEL: {1: "one", 2: "two-or-more"},
}


class Priorities(links.LinksQuestion):
    """Own cases that share a link with at least one other organisation, ranked."""

    name: Final = "priorities"
    computation: Final = "linkage"
    engine: Final = Engine.OWNERS
    options = OPTIONS
    titles: ClassVar[Mapping[str, str]] = {
        "en": "Which of our cases to look at first",
        "es": "Qué casos nuestros mirar primero",
        "km": "ករណីណារបស់យើងដែលត្រូវពិនិត្យមុន",
    }
    leak: Final = (
        "Each owner learns of its own identifiers which ones another organisation has, and "
        "so who chooses what goes into its list can ask about a name. The evaluator, which "
        "holds no data, learns how many identifiers of each kind each two organisations "
        "share, and not which cases they belong to. Organisations learn of each other's "
        "lists a rounded length."
    )

    def check(self, plan: Plan) -> None:
        tables.check_nothing(plan, "groups", "measures", "epsilon_milli")
        tables.check_filters(plan)
        links.check_kinds(plan)
        check_options(plan, OPTIONS)

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        return links.kind_uses(plan, Use.LINK_COUNT)

    def detail(self, plan: Plan) -> str:
        return text(plan, DETAIL)

    def answered(self, plan: Plan) -> tuple[str, ...]:
        return plan.receivers

    def rank(self, plan: Plan, own: Gathered, ranked: Sequence[Ranked]) -> Released:
        others = OTHERS[self.detail(plan)]
        return links.ranking(own, links.chosen_rows(plan, own), ranked, others)


QUESTION: Final = Priorities()
