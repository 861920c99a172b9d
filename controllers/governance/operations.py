"""What can be changed in the framework, as data: each kind is a form, and one function.

An operation names organisations by their DIDs, or by short names of this installation, which
`controllers/governance/naming.py` looks up before anything is made of it. New grants need a
credential definition from the agent: accreditation.py makes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    field_validator,
)

from core.errors import InvalidInput
from governance import documents
from governance.documents import Document
from governance.loading import is_deeper

_DEEPEST = 24  # levels of rules; the documents that we know have nine
# what rules are made of, and whom the authority wants to be asked by everybody
_RULES = (*sorted(documents.packaged_rules()), "contact")
_NAME = r"^[a-z][a-z0-9-]{1,62}$"
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]+$"
_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


def _of_our_times(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2999:  # near the calendar's ends there are no time zones
        raise ValueError("not of our times")
    return moment


type Moment = Annotated[AwareDatetime, AfterValidator(_of_our_times)]
type Tag = Annotated[str, Field(pattern=_LANGUAGE, max_length=35)]
type Words = Annotated[str, Field(min_length=1, max_length=120, pattern=_PRINTABLE)]
type Names = Words | Annotated[dict[Tag, Words], Field(min_length=1, max_length=40)]
type Slug = Annotated[str, Field(pattern=_NAME)]
type Who = Annotated[
    str,
    Field(
        max_length=300,
        pattern=rf"{_NAME}|^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$",
        description="Short name of an organisation of this installation, or a DID",
    ),
]
type Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
type Did = Annotated[str, Field(max_length=300, pattern=r"^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$")]
type Code = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]


class _Operation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Join(_Operation):
    """An organisation takes part in a role, from a moment (or now) until another (or open)."""

    kind: Literal["join"]
    organisation: Who
    role: Slug
    name: Names
    jurisdictions: list[Code] = Field(default_factory=list, max_length=50)
    starts: Moment | None = None
    until: Moment | None = None


class Leave(_Operation):
    """It leaves one role, or all; what it issued stays good."""

    kind: Literal["leave"]
    organisation: Who
    role: Slug | None = None


class Suspend(_Operation):
    """It takes no part from now. With `withdraw_grants`, for a stolen key, everything under
    its grants is refused too, and stays refused."""

    kind: Literal["suspend"]
    organisation: Who
    withdraw_grants: bool = False


class ComeBack(_Operation):
    """Whoever was suspended takes part again, in the roles that it had."""

    kind: Literal["come-back"]
    organisation: Who
    until: Moment | None = None


class GiveGrant(_Operation):
    """It may issue this under this definition, which it has made (accreditation.py)."""

    kind: Literal["grant"]
    organisation: Who
    credential: Slug
    grant: Id
    definition_id: Annotated[str, Field(max_length=400, pattern=r"^[!-~]+$")]


class EndGrant(_Operation):
    """Nothing new under this grant; what was issued stays good."""

    kind: Literal["end-grant"]
    grant: Id


class WithdrawGrant(_Operation):
    """Everything under this grant is refused, and stays refused."""

    kind: Literal["withdraw-grant"]
    grant: Id


class Rules(_Operation):
    """Other rules: all of `rules.json` that `rules` names, whole."""

    kind: Literal["rules"]
    rules: dict[str, Any] = Field(
        min_length=1,
        max_length=20,
        json_schema_extra={"propertyNames": {"enum": [*_RULES]}},
    )

    @field_validator("rules")
    @classmethod
    def _sensible(cls, rules: dict[str, Any]) -> dict[str, Any]:
        if not rules.keys() <= set(_RULES):
            raise ValueError("only what rules are made of")
        if is_deeper(rules, _DEEPEST):
            raise ValueError("too many levels")
        return rules


class SetSigners(_Operation):
    """Who signs what comes next, and how many of them; the authority stays one of them."""

    kind: Literal["signers"]
    signers: list[Who] = Field(min_length=1, max_length=16)
    threshold: int = Field(ge=1, le=16)


class RecogniseOther(_Operation):
    """Another ecosystem counts here, for stated actions about stated resources of ours."""

    kind: Literal["recognise"]
    id: Slug
    authority: Did
    name: Names
    endpoint: Annotated[str, Field(max_length=300, pattern=r"^https://[!-~]+$")]
    scope: dict[Slug, list[Slug]] = Field(min_length=1, max_length=3)
    until: Moment


class EndRecognition(_Operation):
    """It counts no more."""

    kind: Literal["end-recognition"]
    id: Slug


class Renew(_Operation):
    """The same rules, good for another while."""

    kind: Literal["renew"]


type Operation = Annotated[
    Join
    | Leave
    | Suspend
    | ComeBack
    | GiveGrant
    | EndGrant
    | WithdrawGrant
    | Rules
    | SetSigners
    | RecogniseOther
    | EndRecognition
    | Renew,
    Field(discriminator="kind"),
]

_ANY: TypeAdapter[Operation] = TypeAdapter(Operation)


def operation_of(text: str) -> Operation:
    """An operation that was kept as JSON."""
    return _ANY.validate_json(text)


def apply(operation: Operation, document: Mapping[str, Any], at: datetime) -> Document:
    """The next document. Raises NotFound, Conflict, InvalidInput, as governance.documents."""
    try:
        return _TABLE[operation.kind](operation, document, at)
    except InvalidInput as err:
        raise _without_quoting(err) from err


def _without_quoting(err: InvalidInput) -> InvalidInput:
    """Faults name what stands in the rules, which is the caller's own text: of that only the
    names that all rules have are told again."""
    if "malformed" not in err.detail:
        return err
    parts = sorted(
        name for name in _RULES if re.search(rf"(?<![\w-]){name}(?![\w-])", err.detail)
    )
    where = f", in: {', '.join(parts)}" if parts else ""
    return InvalidInput(f"These rules are malformed{where}", code="malformed-change")


def _join(it: Join, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.with_participant(
        document,
        did=it.organisation,
        role=it.role,
        name=it.name,
        jurisdictions=dict.fromkeys(it.jurisdictions),
        starts=it.starts,
        until=it.until,
        at=at,
    )


def _leave(it: Leave, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.end_participant(document, it.organisation, at, role=it.role)


def _suspend(it: Suspend, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.suspend_participant(
        document, it.organisation, at, withdraw_grants=it.withdraw_grants
    )


def _come_back(it: ComeBack, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.readmit_participant(document, it.organisation, at, until=it.until)


def _grant(it: GiveGrant, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.with_grant(
        document,
        grant_id=it.grant,
        did=it.organisation,
        credential=it.credential,
        definition_id=it.definition_id,
        at=at,
    )


def _end_grant(it: EndGrant, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.end_grant(document, it.grant, at)


def _withdraw_grant(it: WithdrawGrant, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.withdraw_grant(document, it.grant, at)


def _rules(it: Rules, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.with_rules(document, it.rules, at)


def _signers(it: SetSigners, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.with_signers(document, it.signers, it.threshold, at)


def _recognise(it: RecogniseOther, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.with_endorsement(
        document,
        endorsement_id=it.id,
        authority=it.authority,
        name=it.name,
        endpoint=it.endpoint,
        scope=it.scope,
        until=it.until,
        at=at,
    )


def _end_recognition(it: EndRecognition, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.end_endorsement(document, it.id, at)


def _renew(_it: Renew, document: Mapping[str, Any], at: datetime) -> Document:
    return documents.refreshed(document, at)


_TABLE: Mapping[str, Callable[[Any, Mapping[str, Any], datetime], Document]] = {
    "join": _join,
    "leave": _leave,
    "suspend": _suspend,
    "come-back": _come_back,
    "grant": _grant,
    "end-grant": _end_grant,
    "withdraw-grant": _withdraw_grant,
    "rules": _rules,
    "signers": _signers,
    "recognise": _recognise,
    "end-recognition": _end_recognition,
    "renew": _renew,
}
KINDS = tuple(_TABLE)
