"""Judging what was shown against the plan of a check: one result a question, no shortcuts.

The questions, in the order of CHECK_NAMES:

1. Was the plan's own request sent?
2. Is every credential and attribute of it shown, and nothing beside?
3. Does each answer rest on one credential of its own?
4. Is each credential made on the schema asked for?
5. Is every predicate proven?
6. Are the values equal that link credentials to each other?
7. Do shown values match the parameters they must match?
8. Is the representative's permission proven, where one answers?
"""

from __future__ import annotations

from collections.abc import Mapping

from core.presentation import (
    CredentialAsk,
    PresentationAsk,
    ShownCredential,
    ShownPresentation,
)
from governance.model import Reference
from governance.plan import CheckPlan, CheckResult, Outcome
from governance.reasons import CheckReason

CHECK_NAMES = (
    "request-matches-policy",
    "complete",
    "one-credential-each",
    "schema",
    "predicates",
    "links",
    "expected-values",
    "representative",
)

type _Found = tuple[CheckReason, str]
_OK: _Found = (CheckReason.OK, "As it should be.")
_MISSING: _Found = (
    CheckReason.MISSING_CREDENTIAL,
    "A credential that was asked for is missing.",
)


def assess(
    plan: CheckPlan, shown: ShownPresentation, request_ask: PresentationAsk | None
) -> tuple[CheckResult, ...]:
    """Every policy check of `shown` against `plan`, in the order of CHECK_NAMES.

    `request_ask` is what was really sent, as read back from the exchange; None, if it cannot
    be known, fails. A presentation is acceptable only if no result is "failed".
    """
    by_label = _single(shown)
    findings = (
        _request_matches(plan, request_ask),
        _complete(plan, shown, by_label),
        _one_credential_each(plan, by_label),
        _schemas(plan, by_label),
        _predicates(plan, by_label),
        _links(plan, by_label),
        _expected_values(plan, by_label),
        _representative(plan, by_label),
    )
    named = zip(CHECK_NAMES, findings, strict=True)
    return tuple(_result(name, reason, words) for name, (reason, words) in named)


def _result(name: str, reason: CheckReason, explanation: str) -> CheckResult:
    outcomes: dict[CheckReason, Outcome] = {
        CheckReason.OK: "passed",
        CheckReason.NOT_APPLICABLE: "not-applicable",
    }
    outcome = outcomes.get(reason, "failed")
    return CheckResult(name=name, outcome=outcome, reason=reason.value, explanation=explanation)


type _ByLabel = Mapping[str, ShownCredential]


def _single(shown: ShownPresentation) -> _ByLabel:
    """The credentials by label; one whose label comes twice counts as not shown."""
    labels = [each.label for each in shown.credentials]
    return {each.label: each for each in shown.credentials if labels.count(each.label) == 1}


def _request_matches(plan: CheckPlan, sent: PresentationAsk | None) -> _Found:
    if sent is None:
        return CheckReason.REQUEST_UNKNOWN, "The request that was sent is not known."
    if _normal(sent) != _normal(plan.ask):
        return CheckReason.REQUEST_DIFFERS, "The request that was sent is not the check's."
    return _OK


def _normal(
    ask: PresentationAsk,
) -> list[tuple[str, str, list[str], list[tuple[str, str, int]]]]:
    """A request without its order, which carries no meaning."""
    return sorted(
        (
            each.label,
            each.schema_id,
            sorted(each.reveal),
            sorted((p.attribute, p.operator, p.value) for p in each.predicates),
        )
        for each in ask.asks
    )


def _complete(plan: CheckPlan, shown: ShownPresentation, by_label: _ByLabel) -> _Found:
    if len(by_label) != len(shown.credentials):
        return CheckReason.REPEATED_CREDENTIAL, "One credential is answered twice."
    asked = {each.label: each for each in plan.ask.asks}
    if not asked.keys() <= by_label.keys():
        return _MISSING
    if shown.missing or any(
        not set(ask.reveal) <= by_label[label].revealed.keys() for label, ask in asked.items()
    ):
        return CheckReason.MISSING_ATTRIBUTE, "A part of the request was not answered openly."
    if not by_label.keys() <= asked.keys() or any(
        not by_label[label].revealed.keys() <= set(ask.reveal) for label, ask in asked.items()
    ):
        return CheckReason.UNASKED_DISCLOSURE, "More was shown than the check asks for."
    return _OK


def _one_credential_each(plan: CheckPlan, by_label: _ByLabel) -> _Found:
    """Referents can be answered from different credentials; then nothing holds of either."""
    rests_on = [set(by_label[a.label].sub_proofs) for a in plan.ask.asks if a.label in by_label]
    if len(rests_on) != len(plan.ask.asks):
        return _MISSING
    if any(len(indexes) != 1 for indexes in rests_on):
        return CheckReason.MIXED_CREDENTIALS, "One answer was put together from several."
    if len(set[int]().union(*rests_on)) != len(rests_on):
        return CheckReason.SHARED_CREDENTIAL, "Two answers rest on the same credential."
    return _OK


def _schemas(plan: CheckPlan, by_label: _ByLabel) -> _Found:
    for asked in plan.ask.asks:
        if asked.label not in by_label:
            return _MISSING
        if by_label[asked.label].schema_id != asked.schema_id:
            return CheckReason.WRONG_SCHEMA, "A credential of another kind was shown."
    return _OK


def _predicates(plan: CheckPlan, by_label: _ByLabel) -> _Found:
    for asked in plan.ask.asks:
        if asked.label not in by_label:
            return _MISSING
        if not _proves(by_label[asked.label], asked):
            return CheckReason.MISSING_PREDICATE, "A condition was not proven."
    return _OK


def _proves(shown: ShownCredential, asked: CredentialAsk) -> bool:
    return set(asked.predicates) <= set(shown.predicates)


def _value(by_label: _ByLabel, reference: Reference) -> str:
    """What is shown at `reference`; empty if nothing is, and an empty value links nothing."""
    shown = by_label.get(reference.label)
    return "" if shown is None else shown.revealed.get(reference.attribute, "")


def _links(plan: CheckPlan, by_label: _ByLabel) -> _Found:
    if not plan.equal:
        return CheckReason.NOT_APPLICABLE, "This check links no credentials."
    for group in plan.equal:
        values = [_value(by_label, reference) for reference in group]
        if not all(value.strip() for value in values):
            return (
                CheckReason.MISSING_ATTRIBUTE,
                "A value that links two credentials is missing.",
            )
        if len(set(values)) != 1:
            return CheckReason.VALUES_DIFFER, "The credentials do not belong together."
    return _OK


def _expected_values(plan: CheckPlan, by_label: _ByLabel) -> _Found:
    if not plan.expect:
        return CheckReason.NOT_APPLICABLE, "This check expects no particular value."
    for expected in plan.expect:
        value = _value(by_label, expected.reference)
        if not value:
            return CheckReason.MISSING_ATTRIBUTE, "A value that the check compares is missing."
        if value != expected.value:
            return CheckReason.UNEXPECTED_VALUE, "A shown value is not the one expected."
    return _OK


def _representative(plan: CheckPlan, by_label: _ByLabel) -> _Found:
    """The permission is what the predicates of the representative's credential prove."""
    found = plan.representative
    if found is None:
        return CheckReason.NOT_APPLICABLE, "The holder answers for herself."
    asked = next((each for each in plan.ask.asks if each.label == found.credential), None)
    shown = by_label.get(found.credential)
    if asked is None or shown is None or not asked.predicates or not _proves(shown, asked):
        words = f"The permission {found.permission} was not shown."
        return CheckReason.PERMISSION_NOT_SHOWN, words
    return CheckReason.OK, f"Shown by a representative with the permission {found.permission}."
