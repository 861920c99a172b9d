"""The framework as Cedar policies: the same answers from an engine that is not ours.

One policy for each right of a participant's entry, with the rule's id as its `@id`; nothing is
forbidden, since nothing is permitted that no policy permits. A right is a group of resources
(`Right::"shelter/issue"`), so a role that gains a credential changes the entities and no
policy. Policies and entities are parsed once, and the policies are validated against the
schema: an attribute that is misspelt is an error and not a silent no.

Source: the Cedar policy language reference, "Policies", "Schema".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import cedarpy

from core.decision import Decision, Deny, Permit
from core.errors import ConfigurationError
from governance.engine import Act, Recognise
from governance.model import Endorsement, Framework, Participant

ACTIONS = ("issue", "ask", "compute")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = {"issue": "Credential", "ask": "Purpose", "compute": "Computation"}

SCHEMA = """
namespace Haven {
  entity Participant;
  entity Ecosystem;
  entity Right;
  entity Scope;
  entity Credential in [Right, Scope];
  entity Purpose in [Right, Scope];
  entity Computation in [Right, Scope];
  type Moment = { at: Long };
  action issue appliesTo { principal: Participant, resource: Credential, context: Moment };
  action ask appliesTo { principal: Participant, resource: Purpose, context: Moment };
  action compute appliesTo { principal: Participant, resource: Computation, context: Moment };
  action recogniseToIssue
    appliesTo { principal: Ecosystem, resource: Credential, context: Moment };
  action recogniseToAsk appliesTo { principal: Ecosystem, resource: Purpose, context: Moment };
  action recogniseToCompute
    appliesTo { principal: Ecosystem, resource: Computation, context: Moment };
}
"""


def policies(framework: Framework) -> str:
    """Every policy, in Cedar's own syntax."""
    return "\n".join((*_of_participants(framework), *_of_endorsements(framework)))


def entities(framework: Framework) -> list[dict[str, Any]]:
    """Credentials, purposes and computations, each in the rights and scopes that hold it."""
    found = []
    for action in ACTIONS:
        for resource in sorted(framework.resources(action) or ()):
            uid = {"type": f"Haven::{_KINDS[action]}", "id": resource}
            groups = [*_rights(framework, action, resource)]
            groups += _scopes(framework, action, resource)
            found.append({"uid": uid, "attrs": {}, "parents": groups})
    return found


class CedarFace:
    """A framework that Cedar answers for.

    Raises ConfigurationError if the policies do not fit the schema.
    """

    def __init__(self, framework: Framework) -> None:
        self._framework = framework
        self._schema = cedarpy.Schema.from_str(SCHEMA)
        text = policies(framework)
        result = cedarpy.validate_policies(text, self._schema)
        if not result.validation_passed:
            raise ConfigurationError("the framework's Cedar policies do not fit their schema")
        self._policies = cedarpy.PolicySet.from_str(text)
        self._entities = cedarpy.Entities.from_json_str(json.dumps(entities(framework)))

    def decide(self, query: Act | Recognise, *, as_of: datetime) -> Decision:
        """Cedar's answer; the rule ids are those of the deciding policies."""
        resources = self._framework.resources(query.action)
        if resources is None or query.resource not in resources:
            return _no("Cedar knows no such action or resource.")
        asked = {
            "principal": _principal(query),
            "action": {"type": "Haven::Action", "id": _action(query)},
            "resource": {"type": f"Haven::{_KINDS[query.action]}", "id": query.resource},
            "context": {"at": _micros(as_of)},
        }
        result = cedarpy.is_authorized(asked, self._policies, self._entities, self._schema)
        if not result.allowed or result.diagnostics.errors:
            return _no("No policy of the framework permits this.")
        return Permit(tuple(sorted(_ids(result))))


def _no(words: str) -> Deny:
    return Deny("policies", "not-permitted", words)


def _ids(result: cedarpy.AuthzResult) -> Iterator[str]:
    named = result.diagnostics.id_annotations_by_reason
    for reason in result.diagnostics.reasons:
        yield named.get(reason) or reason


def _principal(query: Act | Recognise) -> dict[str, str]:
    if isinstance(query, Act):
        return {"type": "Haven::Participant", "id": query.entity}
    return {"type": "Haven::Ecosystem", "id": query.authority}


def _action(query: Act | Recognise) -> str:
    return query.action if isinstance(query, Act) else f"recogniseTo{query.action.title()}"


def _of_participants(framework: Framework) -> Iterator[str]:
    for did, held in framework.participants.items():
        for entry in held:
            role = framework.roles.get(entry.role)
            for action in ACTIONS:
                if role is not None and role.may(action):
                    yield _permit(did, entry, action)


def _permit(did: str, entry: Participant, action: str) -> str:
    return (
        f"@id({_text(entry.rule_id + '/' + action)})\n"
        f"permit (principal == Haven::Participant::{_text(did)}, "
        f'action == Haven::Action::"{action}", '
        f"resource in Haven::Right::{_text(entry.role + '/' + action)})\n"
        f"when {{ {_during(entry.starts, entry.until)} }};"
    )


def _of_endorsements(framework: Framework) -> Iterator[str]:
    for several in framework.endorsements.values():
        for each in several:
            yield from (_recognise(each, action) for action in ACTIONS if action in each.scope)


def _recognise(endorsement: Endorsement, action: str) -> str:
    scope = f"{endorsement.id}/{action}"
    return (
        f"@id({_text(endorsement.rule_id + '/' + action)})\n"
        f"permit (principal == Haven::Ecosystem::{_text(endorsement.authority)}, "
        f'action == Haven::Action::"recogniseTo{action.title()}", '
        f"resource in Haven::Scope::{_text(scope)})\n"
        f"when {{ {_during(endorsement.starts, endorsement.until)} }};"
    )


def _rights(framework: Framework, action: str, resource: str) -> Iterator[dict[str, str]]:
    for name, role in framework.roles.items():
        if resource in role.may(action):
            yield {"type": "Haven::Right", "id": f"{name}/{action}"}


def _scopes(framework: Framework, action: str, resource: str) -> Iterator[dict[str, str]]:
    for several in framework.endorsements.values():
        for each in several:
            if resource in each.scope.get(action, frozenset()):
                yield {"type": "Haven::Scope", "id": f"{each.id}/{action}"}


def _during(starts: datetime, until: datetime | None) -> str:
    begun = f"context.at >= {_micros(starts)}"
    return begun if until is None else f"{begun} && context.at < {_micros(until)}"


def _micros(moment: datetime) -> int:
    """Microseconds since 1970: what times of a framework are exact to."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _text(value: str) -> str:
    """A Cedar string literal: no name of a framework can end it and go on as policy."""
    escaped = "".join(
        letter
        if letter.isascii() and letter.isprintable() and letter not in '"\\'
        else f"\\u{{{ord(letter):x}}}"
        for letter in value
    )
    return f'"{escaped}"'
