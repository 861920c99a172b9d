"""With which organisations stated cases of the asker share an identifier, by name.

A plan of its own, which every holder of data has to approve, and for each a legal officer too
(`Use.LINK_REVEAL`). The plan is seen by everybody, so it does not name the cases: it holds how
many they are and a commitment to them (SHA-256 over the canonical JSON of a random salt and
the sorted references), which the asker's node opens to itself alone. So the asker cannot ask
about other cases, or about more of them, than were approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from core.canonical import content_digest
from core.errors import InvalidInput, VerificationError
from dataspace.gathering.coding import Gathered
from dataspace.planning.plan import Plan
from dataspace.questions import links, tables
from dataspace.questions.base import ColumnUse, Engine, Links, Ranked, Released, Use
from dataspace.questions.describing import NONE, Description, Option, Takes
from dataspace.questions.options import check_options, number, text
from dataspace.vocabulary.model import Vocabulary

MOST_CASES: Final = 100
CASES: Final = Option(
    "cases",
    Takes.TEXT,
    None,
    "the commitment to the cases that are asked about",
    least=40,
    most=60,
)
HOW_MANY: Final = Option(
    "how_many", Takes.NUMBER, None, "how many cases are asked about", least=1, most=MOST_CASES
)
OPTIONS: Final = (CASES, HOW_MANY)
REVEAL: Final = "reveal"
_SALT_BYTES: Final = 32


class Stated(BaseModel):
    """The cases that a plan is about; it stays at the asker's node."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]
    references: Annotated[
        tuple[str, ...], Field(min_length=1, max_length=MOST_CASES, repr=False)
    ]

    @property
    def commitment(self) -> str:
        """What the plan's option `cases` has to be."""
        return content_digest({"salt": self.salt, "references": sorted(self.references)})

    @property
    def options(self) -> dict[str, int | str]:
        """The options of a plan about these cases."""
        return {CASES.name: self.commitment, HOW_MANY.name: len(self.references)}


def state(references: Sequence[str]) -> Stated:
    """The cases with a fresh salt. Raises InvalidInput: none, too many, or one twice."""
    if not 1 <= len(references) <= MOST_CASES or len(set(references)) != len(references):
        raise InvalidInput(f"a plan to reveal is about 1 to {MOST_CASES} different cases")
    return Stated(salt=token_hex(_SALT_BYTES), references=tuple(references))


class Reveal(links.LinksQuestion):
    """Who shares an identifier with stated cases of the asker, told to the asker alone."""

    name: Final = "reveal"
    computation: Final = "linkage"
    engine: Final = Engine.OWNERS
    options = OPTIONS
    titles: ClassVar[Mapping[str, str]] = {
        "en": "Who knows more about these cases",
        "es": "Quién sabe más de estos casos",
        "km": "អ្នកណាដឹងបន្ថែមអំពីករណីទាំងនេះ",
    }
    leak: Final = (
        "The asker learns which organisation has which identifier of the stated cases; that"
        " is the result. The evaluator, which holds no data, learns how many identifiers of"
        " each kind each two organisations share, also two others than the asker. "
        "Organisations learn of each other's lists a rounded length, and how many cases are"
        " asked about."
    )

    def check(self, plan: Plan) -> None:
        tables.check_nothing(plan, "groups", "filters", "measures", "epsilon_milli")
        links.check_kinds(plan)
        check_options(plan, OPTIONS)
        if plan.receivers != (plan.asker,):
            raise InvalidInput("what is revealed goes to the asker, and to nobody else")
        if plan.runs != 1:
            raise InvalidInput("a plan to reveal is run once")

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        return links.kind_uses(plan, Use.LINK_REVEAL)

    def describe(self, vocabulary: Vocabulary) -> Description:
        return replace(super().describe(vocabulary), filters=NONE)  # the cases are stated

    def detail(self, plan: Plan) -> str:
        return REVEAL

    def answered(self, plan: Plan) -> tuple[str, ...]:
        return (plan.asker,)

    def rank(self, plan: Plan, own: Gathered, ranked: Sequence[Ranked]) -> Released:
        """At an organisation that is asked there is nothing to tell."""
        raise InvalidInput("only the asker, with the stated cases, is told anything")

    def stated(self, references: Sequence[str]) -> tuple[str, Mapping[str, int | str]]:
        made = state(references)
        return made.model_dump_json(), made.options

    def about(self, kept: str) -> StatedCases:
        return StatedCases(Stated.model_validate_json(kept))


class StatedCases(Reveal):
    """The question at the asker's node, where the stated cases are at hand."""

    def __init__(self, stated: Stated) -> None:
        self._stated = stated

    def records(self, plan: Plan, own: Gathered) -> list[Links]:
        """The links of the stated cases alone.

        Raises VerificationError: step `stated-cases`, the plan was approved for other cases.
        InvalidInput: a case that the organisation has not.
        """
        return links.links_of(plan, own, self._rows(plan, own))

    def rank(self, plan: Plan, own: Gathered, ranked: Sequence[Ranked]) -> Released:
        """The stated cases with the names of those who share a link."""
        return links.named(links.ranking(own, self._rows(plan, own), ranked), ranked)

    def _rows(self, plan: Plan, own: Gathered) -> list[int]:
        if (text(plan, CASES), number(plan, HOW_MANY)) != (
            self._stated.commitment,
            len(self._stated.references),
        ):
            raise VerificationError(
                "the plan was approved for other cases than these", step="stated-cases"
            )
        return links.chosen_rows(plan, own, links.places_of(own, self._stated.references))


QUESTION: Final = Reveal()
