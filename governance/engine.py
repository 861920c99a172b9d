"""The one place that says yes or no: a framework and a question in, a decision out.

1. Nothing is allowed that no rule allows: every path that finds no rule ends in Deny.
2. Time is an argument, and authority is judged as of it.
3. Rules only ever allow, and no rule is an exception to another one. So a document that lost
   a part allows less or the same, never more. A withdrawal is a field of the grant that it
   ends, and all fields of a grant are required, so it cannot be lost alone.
4. A Permit lists the rules that together allowed it; a Deny names the rule that was missing
   or stood against it, a stable reason and words for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never

from core.decision import Decision, Deny, Permit
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from governance.model import (
    TODAY,
    Check,
    CredentialRule,
    Framework,
    Grant,
    IntegerParameter,
    Participant,
    PredicateRule,
    Role,
)
from governance.parsing import parse_framework
from governance.reasons import DenyReason
from governance.timestamps import require_zone

__all__ = [
    "Act",
    "Ask",
    "Framework",
    "Issue",
    "Query",
    "Recognise",
    "Rely",
    "decide",
    "parse_framework",
]


@dataclass(frozen=True, slots=True)
class Issue:
    """May this DID issue this credential now, under this definition?

    Without a definition: may it make a definition, and be given a grant for it?
    """

    issuer: str
    credential: str
    definition_id: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """May this DID ask a holder for exactly these things for this purpose?"""

    asker: str
    purpose: str
    ask: PresentationAsk


@dataclass(frozen=True, slots=True)
class Rely:
    """May a verifier rely on a credential on this schema made under this definition?"""

    issuer: str
    schema_id: str
    definition_id: str


@dataclass(frozen=True, slots=True)
class Act:
    """May this DID, by its role, do this (issue, ask, compute) about this resource?

    The coarse question that registries are asked: of a request it says nothing but that its
    purpose is open to the asker, of a credential nothing of the definition.
    """

    entity: str
    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Recognise:
    """Is this other ecosystem's authority recognised for an action about a resource?"""

    authority: str
    action: str
    resource: str


type Query = Issue | Ask | Rely | Act | Recognise


def decide(framework: Framework, query: Query, *, as_of: datetime) -> Decision:
    """The framework's answer to `query` at the moment `as_of`.

    Raises InvalidInput if `as_of` has no time zone. Every other doubt is a Deny.
    """
    require_zone(as_of)
    match query:
        case Issue():
            return _decide_issue(framework, query, as_of)
        case Ask():
            return _decide_ask(framework, query, as_of)
        case Rely():
            return _decide_rely(framework, query, as_of)
        case Act():
            return _decide_act(framework, query, as_of)
        case Recognise():
            return _decide_recognise(framework, query, as_of)
        case _:
            assert_never(query)


# --- Issue ----------------------------------------------------------------------------------


def _decide_issue(framework: Framework, query: Issue, as_of: datetime) -> Decision:
    if query.credential not in framework.credentials:
        return _deny("credentials", DenyReason.UNKNOWN_CREDENTIAL)
    standing = _standing(framework, query.issuer, as_of)
    if isinstance(standing, Deny):
        return standing
    entitled = [p for p, role in standing if query.credential in role.issue]
    if not entitled:
        return _deny(_role_rule(standing, "issue"), DenyReason.CREDENTIAL_NOT_ALLOWED)
    by_role = (entitled[0].rule_id, f"roles/{entitled[0].role}/issue")
    if query.definition_id is None:
        return Permit(by_role)
    grant = framework.grants.get(query.definition_id)
    if grant is None or (grant.participant, grant.credential) != (
        query.issuer,
        query.credential,
    ):
        return _deny("grants", DenyReason.NOT_GRANTED)
    return _grant_stands(grant, as_of, for_new=True) or Permit((*by_role, grant.rule_id))


def _standing(
    framework: Framework, did: str, as_of: datetime
) -> list[tuple[Participant, Role]] | Deny:
    """The entries under which `did` may act now, each with its role."""
    entries = framework.participants.get(did, ())
    known = [(p, framework.roles[p.role]) for p in entries if p.role in framework.roles]
    if not known:
        return _deny("participants", DenyReason.UNKNOWN_PARTICIPANT)
    current = [
        (participant, role) for participant, role in known if participant.is_current(as_of)
    ]
    return current or _deny(known[0][0].rule_id, DenyReason.PARTICIPANT_NOT_CURRENT)


def _role_rule(standing: list[tuple[Participant, Role]], right: str) -> str:
    return f"roles/{standing[0][0].role}/{right}"


def _grant_stands(grant: Grant, as_of: datetime, *, for_new: bool) -> Deny | None:
    """Why the grant does not carry at `as_of`; its end counts for new credentials only."""
    if grant.is_withdrawn(as_of):
        return _deny(grant.rule_id, DenyReason.WITHDRAWN)
    if as_of < grant.starts:
        return _deny(grant.rule_id, DenyReason.NOT_YET_VALID)
    if for_new and grant.has_ended(as_of):
        return _deny(grant.rule_id, DenyReason.GRANT_ENDED)
    return None


# --- Act ------------------------------------------------------------------------------------

_NOT_ALLOWED = {
    "issue": (DenyReason.UNKNOWN_CREDENTIAL, DenyReason.CREDENTIAL_NOT_ALLOWED),
    "ask": (DenyReason.UNKNOWN_PURPOSE, DenyReason.PURPOSE_NOT_ALLOWED),
    "compute": (DenyReason.UNKNOWN_COMPUTATION, DenyReason.COMPUTATION_NOT_ALLOWED),
}


def _decide_act(framework: Framework, query: Act, as_of: datetime) -> Decision:
    resources = framework.resources(query.action)
    if resources is None:
        return _deny("actions", DenyReason.UNKNOWN_ACTION)
    unknown, not_allowed = _NOT_ALLOWED[query.action]
    if query.resource not in resources:
        return _deny("actions", unknown)
    standing = _standing(framework, query.entity, as_of)
    if isinstance(standing, Deny):
        return standing
    for participant, role in standing:
        if query.resource in role.may(query.action):
            return Permit((participant.rule_id, f"roles/{participant.role}/{query.action}"))
    return _deny(_role_rule(standing, query.action), not_allowed)


# --- Recognise ------------------------------------------------------------------------------


def _decide_recognise(framework: Framework, query: Recognise, as_of: datetime) -> Decision:
    """One hop, and only what was written down: nothing of the other one's own recognitions."""
    known = framework.endorsements.get(query.authority, ())
    if not known:
        return _deny("endorsements", DenyReason.NOT_RECOGNISED)
    current = [each for each in known if each.is_current(as_of)]
    if not current:
        return _deny(known[0].rule_id, DenyReason.RECOGNITION_NOT_CURRENT)
    for each in current:
        if query.resource in each.scope.get(query.action, frozenset()):
            return Permit((each.rule_id,))
    return _deny(current[0].rule_id, DenyReason.OUTSIDE_RECOGNITION)


# --- Rely -----------------------------------------------------------------------------------


def _decide_rely(framework: Framework, query: Rely, as_of: datetime) -> Decision:
    entries = framework.participants.get(query.issuer, ())
    if not entries:
        return _deny("participants", DenyReason.UNKNOWN_ISSUER)
    begun = [participant for participant in entries if participant.starts <= as_of]
    if not begun:
        return _deny(entries[0].rule_id, DenyReason.NOT_YET_VALID)
    if query.schema_id not in _schema_ids(framework):
        return _deny("schemas", DenyReason.UNKNOWN_SCHEMA)
    grant = framework.grants.get(query.definition_id)
    if grant is None or not _ties(framework, grant, query):
        return _deny("grants", DenyReason.NOT_GRANTED)
    rules = (begun[0].rule_id, f"schemas/{grant.credential}", grant.rule_id)
    return _grant_stands(grant, as_of, for_new=False) or Permit(rules)


def _schema_ids(framework: Framework) -> set[str]:
    known = framework.credentials
    return {schema for name, schema in framework.schemas.items() if name in known}


def _ties(framework: Framework, grant: Grant, query: Rely) -> bool:
    """Whether the grant is this issuer's, and for the credential of this schema."""
    return (
        grant.participant == query.issuer
        and grant.credential in framework.credentials
        and framework.schemas.get(grant.credential) == query.schema_id
    )


# --- Ask ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Misfit:
    """Why a request does not fit a variant; a later `stage` is a nearer miss."""

    stage: int
    denial: Deny


def _decide_ask(framework: Framework, query: Ask, as_of: datetime) -> Decision:
    standing = _standing(framework, query.asker, as_of)
    if isinstance(standing, Deny):
        return standing
    checks = [check for check in framework.checks.values() if check.purpose == query.purpose]
    if not checks:
        return _deny("checks", DenyReason.UNKNOWN_PURPOSE)
    entitled = [p for p, role in standing if query.purpose in role.ask]
    if not entitled:
        return _deny(_role_rule(standing, "ask"), DenyReason.PURPOSE_NOT_ALLOWED)
    fit = _malformed(query.ask) or _fit(framework, checks, query.ask, as_of.date())
    if isinstance(fit, Deny):
        return fit
    return Permit((entitled[0].rule_id, f"roles/{entitled[0].role}/ask", fit))


def _malformed(ask: PresentationAsk) -> Deny | None:
    """A request for nothing, or one that names a credential or a predicate twice.

    Each predicate counts once: many bounds on one attribute in one request would measure it.
    """
    if not ask.asks or any(not each.reveal and not each.predicates for each in ask.asks):
        return _deny("checks", DenyReason.EMPTY_REQUEST)
    if len({each.label for each in ask.asks}) != len(ask.asks):
        return _deny("checks", DenyReason.REPEATED_CREDENTIAL)
    for each in ask.asks:
        kinds = {(predicate.attribute, predicate.operator) for predicate in each.predicates}
        if len(kinds) != len(each.predicates):
            return _deny("checks", DenyReason.PREDICATE_NOT_ALLOWED)
    return None


def _fit(
    framework: Framework, checks: list[Check], ask: PresentationAsk, today: date
) -> str | Deny:
    """The rule id of the first variant that the request fits inside, or the nearest miss."""
    nearest = _Misfit(-1, _deny("checks", DenyReason.CREDENTIAL_NOT_ALLOWED))
    for check in checks:
        for name, variant in check.variants.items():
            rule_id = f"checks/{check.name}/{name}"
            pairs = [(each, variant.credentials.get(each.label)) for each in ask.asks]
            misfit = next(_misfits(framework, check, pairs, today, rule_id), None)
            if misfit is None:
                return rule_id
            nearest = max(nearest, misfit, key=lambda miss: miss.stage)
    return nearest.denial


def _misfits(
    framework: Framework,
    check: Check,
    pairs: list[tuple[CredentialAsk, CredentialRule | None]],
    today: date,
    rule_id: str,
) -> Iterator[_Misfit]:
    """What the request asks beyond the variant: credentials, then attributes, predicates."""
    known = _schema_ids(framework)
    if any(ask.schema_id not in known for ask, _ in pairs):
        yield _Misfit(0, _deny("schemas", DenyReason.UNKNOWN_CREDENTIAL))
    matched = [(ask, rule) for ask, rule in pairs if rule and _is_for(framework, rule, ask)]
    if len(matched) != len(pairs):
        yield _Misfit(0, _deny(rule_id, DenyReason.CREDENTIAL_NOT_ALLOWED))
    if any(not set(ask.reveal) <= set(rule.reveal) for ask, rule in matched):
        yield _Misfit(1, _deny(rule_id, DenyReason.ATTRIBUTE_NOT_ALLOWED))
    if not all(_predicates_within(check, ask, rule, today) for ask, rule in matched):
        yield _Misfit(2, _deny(rule_id, DenyReason.PREDICATE_NOT_ALLOWED))


def _is_for(framework: Framework, rule: CredentialRule, ask: CredentialAsk) -> bool:
    known = rule.credential in framework.credentials
    return known and framework.schemas.get(rule.credential) == ask.schema_id


def _predicates_within(
    check: Check, ask: CredentialAsk, rule: CredentialRule, today: date
) -> bool:
    return all(
        any(_allows(check, allowed, asked, today) for allowed in rule.predicates)
        for asked in ask.predicates
    )


def _allows(check: Check, rule: PredicateRule, asked: Predicate, today: date) -> bool:
    if (rule.attribute, rule.operator) != (asked.attribute, asked.operator):
        return False
    if isinstance(rule.value, int):
        return asked.value == rule.value
    if rule.value == TODAY:
        return _is_about(asked.value, today)
    parameter = check.parameters.get(rule.value[1:])
    return isinstance(parameter, IntegerParameter) and parameter.accepts(asked.value)


def _is_about(dateint: int, today: date) -> bool:
    """Whether YYYYMMDD is today, or the day before or after: desks are in many time zones."""
    try:
        day = date(dateint // 10_000, dateint // 100 % 100, dateint % 100)
    except ValueError:
        return False
    return abs((day - today).days) <= 1


# --- words ----------------------------------------------------------------------------------

_EXPLANATIONS = {
    DenyReason.UNKNOWN_PARTICIPANT: "This organisation has no role in the framework.",
    DenyReason.PARTICIPANT_NOT_CURRENT: "This organisation takes no part at this time.",
    DenyReason.UNKNOWN_CREDENTIAL: "The framework does not know this credential.",
    DenyReason.CREDENTIAL_NOT_ALLOWED: "This credential is outside of what is allowed here.",
    DenyReason.NOT_GRANTED: "No grant ties this issuer, credential and definition together.",
    DenyReason.NOT_YET_VALID: "The authority to issue this has not begun yet.",
    DenyReason.GRANT_ENDED: "The authority to issue new credentials here has ended.",
    DenyReason.WITHDRAWN: "The authority behind this was withdrawn.",
    DenyReason.UNKNOWN_PURPOSE: "The framework does not know this purpose.",
    DenyReason.PURPOSE_NOT_ALLOWED: "The role of this organisation has no such purpose.",
    DenyReason.EMPTY_REQUEST: "The request, or a part of it, asks for nothing.",
    DenyReason.REPEATED_CREDENTIAL: "The request asks for one credential twice.",
    DenyReason.ATTRIBUTE_NOT_ALLOWED: "The request wants to see more than this purpose needs.",
    DenyReason.PREDICATE_NOT_ALLOWED: "The request wants more proven than this purpose needs.",
    DenyReason.UNKNOWN_ISSUER: "The framework does not know this issuer.",
    DenyReason.UNKNOWN_SCHEMA: "The framework does not know this kind of credential.",
    DenyReason.UNKNOWN_ACTION: "The framework does not know this action.",
    DenyReason.UNKNOWN_COMPUTATION: "The framework does not know this computation.",
    DenyReason.COMPUTATION_NOT_ALLOWED: "The role of this organisation does not compute this.",
    DenyReason.NOT_RECOGNISED: "The framework does not recognise this ecosystem.",
    DenyReason.RECOGNITION_NOT_CURRENT: "This ecosystem is not recognised at this time.",
    DenyReason.OUTSIDE_RECOGNITION: "This ecosystem is not recognised for this.",
}


def _deny(rule_id: str, reason: DenyReason) -> Deny:
    return Deny(rule_id, reason.value, _EXPLANATIONS[reason])
