"""Questions to the engine as data, and its answer with the version that it rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controllers.governance.operations import Moment, Slug, Who
from core.decision import Decision, Deny
from core.presentation import PresentationAsk
from governance.engine import Act, Ask, Framework, Issue, Query, Recognise, Rely

type _Resource = Annotated[str, Field(max_length=400, pattern=r"^[!-~]+$")]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IssueQuestion(_Question):
    """May it issue this; under this definition, if one is named?"""

    kind: Literal["issue"]
    who: Who
    credential: Slug
    definition_id: _Resource | None = None


class AskQuestion(_Question):
    """May it ask a holder for exactly this, for this purpose?"""

    kind: Literal["ask"]
    who: Who
    purpose: Slug
    ask: PresentationAsk


class RelyQuestion(_Question):
    """May a verifier rely on what it issued on this schema under this definition?"""

    kind: Literal["rely"]
    who: Who
    schema_id: _Resource
    definition_id: _Resource


class ActQuestion(_Question):
    """May it, by its role, issue, ask or compute this?"""

    kind: Literal["act"]
    who: Who
    action: Slug
    resource: Slug


class RecogniseQuestion(_Question):
    """Is this other authority recognised for this?"""

    kind: Literal["recognise"]
    who: Who
    action: Slug
    resource: Slug


type Question = Annotated[
    IssueQuestion | AskQuestion | RelyQuestion | ActQuestion | RecogniseQuestion,
    Field(discriminator="kind"),
]


def query_of(question: Question, did: str) -> Query:
    """The question as the engine takes it; `did` is who it is about."""
    match question:
        case IssueQuestion():
            return Issue(did, question.credential, question.definition_id)
        case AskQuestion():
            return Ask(did, question.purpose, question.ask)
        case RelyQuestion():
            return Rely(did, question.schema_id, question.definition_id)
        case ActQuestion():
            return Act(did, question.action, question.resource)
        case RecogniseQuestion():
            return Recognise(did, question.action, question.resource)


class ToDecide(BaseModel):
    """A question; judged as of a moment (now), by the version that was in force at one (the
    newest)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "query": {"kind": "issue", "who": "shelter-a", "credential": "identity"},
                    "as_of": "2026-07-01T12:00:00Z",
                }
            ]
        },
    )

    query: Question
    as_of: Moment | None = None
    in_force_at: Moment | None = None


class Decided(BaseModel):
    """Yes or no, by which rules, and by which version of the framework."""

    allowed: bool
    rules: list[str]
    reason: str | None = Field(description="Of a no: a code of governance/README.md")
    explanation: str | None
    as_of: datetime
    version: str
    sequence: int

    @classmethod
    def of(cls, decision: Decision, framework: Framework, as_of: datetime) -> Decided:
        """Of the engine's answer."""
        denied = decision if isinstance(decision, Deny) else None
        ground: dict[str, Any] = {
            "as_of": as_of,
            "version": framework.version,
            "sequence": framework.sequence,
        }
        if denied is None:
            rules = list(getattr(decision, "rule_ids", ()))
            return cls(allowed=True, rules=rules, reason=None, explanation=None, **ground)
        return cls(
            allowed=False,
            rules=[denied.rule_id],
            reason=denied.reason,
            explanation=denied.explanation,
            **ground,
        )
