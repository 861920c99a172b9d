"""The framework as a trust registry answers: ToIP Trust Registry Query Protocol v2.0.

Pure: a request as JSON in, an answer or a refusal out. `action` is `issue`, `ask` or `compute`,
`resource` a name of the framework (a credential, a purpose, a computation). What is not known
here is a 404, for a consumer the same as a no. Context members other than `time` and fields
that are not understood are ignored (section "Query context").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from core.decision import Permit
from core.errors import MalformedQuery, NotKnown
from governance.engine import Act, Framework, Recognise, decide

type Kind = Literal["authorization", "recognition"]

_REQUIRED = ("entity_id", "authority_id", "action", "resource")
_LONGEST = 2_048
# RFC 3339 with the offset Z and no other
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?[Zz]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was understood; `requested` is the time that it is about, if it says so."""

    entity: str
    authority: str
    action: str
    resource: str
    requested: datetime | None
    requested_text: str | None


def read_query(body: object) -> Query:
    """The query in a JSON body. Raises MalformedQuery."""
    if not isinstance(body, dict):
        raise MalformedQuery("a JSON object was expected")
    for name in _REQUIRED:
        value = body.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            raise MalformedQuery(f"{name} must be a text that is not empty")
    requested = _requested(body.get("context"))
    return Query(
        entity=body["entity_id"],
        authority=body["authority_id"],
        action=body["action"],
        resource=body["resource"],
        requested=None if requested is None else _moment(requested),
        requested_text=requested,
    )


def _requested(context: object) -> str | None:
    if context is None:
        return None
    if not isinstance(context, dict):
        raise MalformedQuery("context must be an object")
    time = context.get("time")
    if time is None or time == "":  # "If blank, uses current server time"
        return None
    if not isinstance(time, str) or not _TIME.fullmatch(time):
        raise MalformedQuery("context.time must be an RFC 3339 time in UTC, ending in Z")
    return time


def _moment(text: str) -> datetime:
    whole, _, fraction = text[:-1].upper().partition(".")
    try:
        return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")
    except ValueError as error:
        raise MalformedQuery("context.time is not a date of the calendar") from error


def answer(
    kind: Kind,
    query: Query,
    newest: Framework,
    *,
    now: datetime,
    then: Framework | None = None,
) -> dict[str, Any]:
    """The registry's answer: what is known is known by the newest version, what was allowed
    is judged by the one that was in force at the time asked (`then`).

    Raises NotKnown.
    """
    _require_known(kind, query, newest)
    asked: Act | Recognise
    if kind == "authorization":
        asked = Act(query.entity, query.action, query.resource)
    else:
        asked = Recognise(query.entity, query.action, query.resource)
    decision = decide(then or newest, asked, as_of=query.requested or now)
    permitted = isinstance(decision, Permit)
    message = "Rules: " + ", ".join(decision.rule_ids) if isinstance(decision, Permit) else ""
    return {
        "entity_id": query.entity,
        "authority_id": query.authority,
        "action": query.action,
        "resource": query.resource,
        ("authorized" if kind == "authorization" else "recognized"): permitted,
        "time_evaluated": in_utc(now),
        "message": message or getattr(decision, "explanation", ""),
        **_echo(query),
    }


def _require_known(kind: Kind, query: Query, framework: Framework) -> None:
    if query.authority != framework.authority:
        raise NotKnown("the registry does not speak for this authority")
    resources = framework.resources(query.action)
    if resources is None:
        raise NotKnown("the framework has no such action")
    if query.resource not in resources:
        raise NotKnown("the framework has no such resource for this action")
    known = framework.participants if kind == "authorization" else framework.endorsements
    if query.entity not in known:
        raise NotKnown("the registry has no record of this entity")


def _echo(query: Query) -> Mapping[str, Any]:
    if query.requested_text is None:
        return {}
    text = query.requested_text
    return {"time_requested": text, "context": {"time": text}}


def in_utc(moment: datetime) -> str:
    """RFC 3339 with Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
