"""A plan: one question, declared. No code, no expression; what it does not say is not done.

People sign its digest (SHA-256 over RFC 8785 canonical JSON), so two plans that differ in
anything are two plans.
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from core.canonical import canonicalize, content_digest
from core.errors import InvalidInput
from dataspace.agreeing.agreement import Did, Multikey, Name, Title

FORMAT = "haven-plan-1"

MOST_BYTES = 64 * 1024  # in canonical form: so that many of them fit into one message
_LARGEST = 2**53 - 1  # beyond it RFC 8785 has no form of its own for an integer

type Code = Annotated[str, Field(min_length=1, max_length=100)]
type Number = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST, strict=True)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Filter(_Frozen):
    """Only cases whose column has one of these codes (or lies in [first, last] for dates)."""

    column: Name
    codes: Annotated[tuple[Code, ...], Field(max_length=200)] = ()
    first: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    last: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class Grouping(_Frozen):
    """A column that the cells are made by: its codes, or periods or steps of it."""

    column: Name
    period: Literal["year", "quarter", "month"] | None = None
    cuts: Annotated[tuple[Number, ...], Field(max_length=50)] = ()


class Plan(_Frozen):
    """One question to the data of all holders under an agreement."""

    format: Literal["haven-plan-1"] = "haven-plan-1"
    operation: Name  # a question of dataspace.questions
    title: Title
    agreement: Annotated[str, Field(max_length=100)]  # digest of the agreement's terms
    asker: Did
    analyst: Multikey  # who countersigns each run
    purpose: Name
    groups: Annotated[tuple[Grouping, ...], Field(max_length=4)] = ()
    filters: Annotated[tuple[Filter, ...], Field(max_length=10)] = ()
    measures: Annotated[tuple[Name, ...], Field(max_length=20)] = ()  # columns to add up
    link: Annotated[tuple[Name, ...], Field(max_length=6)] = ()  # match keys or link kinds
    options: dict[Name, Number | str | tuple[str, ...]] = Field(default_factory=dict)
    threshold: Annotated[int, Field(ge=2, le=100_000)] = 11
    contributors: Annotated[int, Field(ge=2, le=50)] = 2
    epsilon_milli: Annotated[int, Field(ge=0, le=100_000)] = 0  # 0: no noise is asked for
    receivers: Annotated[tuple[Did, ...], Field(min_length=1, max_length=50)]
    runs: Annotated[int, Field(ge=1, le=1000)] = 1
    expires: AwareDatetime

    def document(self) -> dict[str, Any]:
        """As JSON, the form that is hashed and sent."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """What people sign."""
        return content_digest(self.document())


def read_plan(document: object, *, kept: bool = False) -> Plan:
    """A plan from JSON; a `kept` one was taken in before. Raises InvalidInput, naming the place
    and no value."""
    try:
        plan = Plan.model_validate(document, context={"kept": kept})
    except ValidationError as err:
        where = ".".join(str(part) for part in err.errors()[0]["loc"]) or "plan"
        raise InvalidInput(f"this is no plan: see {where}", code="plan-form") from err
    if len(canonicalize(plan.document(), step="plan")) > MOST_BYTES:
        raise InvalidInput("a plan is not so long", code="plan-form")
    try:
        if not kept:
            plan.expires.astimezone(UTC)  # as it will be kept
    except OverflowError as err:
        raise InvalidInput("this is no plan: see expires", code="plan-form") from err
    return plan
