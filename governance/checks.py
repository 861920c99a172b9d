"""From a check of the framework to a request, and from what was shown to findings.

1. `instantiate` fills a variant in with parameters and the day: a CheckPlan, which holds all
   that is needed to judge the answer later and can be stored as JSON.
2. `assess` compares the plan with what was sent and shown, one CheckResult a question.

Signatures, freshness of revocation, the issuer's grant (`decide(Rely)`) and the verifier's own
right to ask (`decide(Ask)`) are judged elsewhere; only all together make a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.clock import dateint
from core.errors import ConfigurationError, InvalidInput, NotFound
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from governance.assessment import CHECK_NAMES, assess
from governance.model import (
    TODAY,
    VARIABLE,
    Check,
    Framework,
    OnceRule,
    Parameter,
    PredicateRule,
    Variant,
)
from governance.plan import CheckPlan, CheckResult, Description, ExpectedValue, Once
from governance.timestamps import require_zone

__all__ = [
    "CHECK_NAMES",
    "CheckPlan",
    "CheckResult",
    "Description",
    "Once",
    "assess",
    "check_for_purpose",
    "describe",
    "instantiate",
]


def describe(framework: Framework, check: str) -> Description:
    """The words of a check in every language. Raises NotFound if there is no such check."""
    found = _check(framework, check)
    return Description(
        check=found.name,
        purpose=found.purpose,
        title=dict(found.title),
        description=dict(found.description),
        retention_seconds=found.retention_seconds,
    )


def check_for_purpose(framework: Framework, purpose: str) -> str:
    """The name of the first check with this purpose. Raises NotFound if there is none."""
    for check in framework.checks.values():
        if check.purpose == purpose:
            return check.name
    raise NotFound("the governance framework has no check for this purpose")


def instantiate(
    framework: Framework,
    check: str,
    variant: str,
    parameters: Mapping[str, int | str],
    *,
    as_of: datetime,
) -> CheckPlan:
    """The request of a variant on the day of `as_of`, taken in the time zone of `as_of`.

    Raises NotFound (no such check or variant), InvalidInput (a parameter is missing, unknown
    or out of bounds; the message names it and never its value) and ConfigurationError (the
    framework's rule is malformed, or a schema is not published yet).
    """
    found = _check(framework, check)
    chosen = _variant(found, variant)
    _require_parameters(found.parameters, parameters)
    values = {TODAY: dateint(require_zone(as_of).date())} | {
        VARIABLE + name: value for name, value in parameters.items()
    }
    return CheckPlan(
        check=found.name,
        purpose=found.purpose,
        variant=variant,
        ask=_ask(framework, chosen, values),
        equal=chosen.equal,
        expect=_expectations(chosen, values),
        representative=chosen.representative,
        once=_once(chosen.once, values),
        retention_seconds=found.retention_seconds,
    )


def _check(framework: Framework, name: str) -> Check:
    found = framework.checks.get(name)
    if found is None:
        raise NotFound("the governance framework has no such check")
    return found


def _variant(check: Check, name: str) -> Variant:
    found = check.variants.get(name)
    if found is None:
        raise NotFound("this check has no such variant")
    if check.faults or found.faults or not found.credentials:
        # a rule that lost a part would accept more than the whole rule: it is not used at all
        raise ConfigurationError("the governance framework's rule for this check is malformed")
    return found


def _require_parameters(rules: Mapping[str, Parameter], given: Mapping[str, int | str]) -> None:
    if not set(given) <= set(rules):
        # named by what is allowed, because an unknown name comes from the caller
        names = ", ".join(rules) or "none"
        raise InvalidInput(f"an unknown parameter was given; this check takes: {names}")
    for name, rule in rules.items():
        if name not in given:
            raise InvalidInput(f"the parameter {name} is missing", parameter=name)
        if not rule.accepts(given[name]):
            raise InvalidInput(f"the parameter {name} is not acceptable", parameter=name)


type _Values = Mapping[str, int | str]


def _ask(framework: Framework, variant: Variant, values: _Values) -> PresentationAsk:
    return PresentationAsk(
        asks=tuple(
            CredentialAsk(
                label=label,
                schema_id=_schema_id(framework, rule.credential),
                reveal=rule.reveal,
                predicates=tuple(_predicate(each, values) for each in rule.predicates),
            )
            for label, rule in variant.credentials.items()
        )
    )


def _schema_id(framework: Framework, credential: str) -> str:
    found = framework.schemas.get(credential)
    if found is None or credential not in framework.credentials:
        raise ConfigurationError("a credential of this check has no published schema yet")
    return found


def _predicate(rule: PredicateRule, values: _Values) -> Predicate:
    return Predicate(
        attribute=rule.attribute, operator=rule.operator, value=_integer(rule.value, values)
    )


def _integer(value: int | str, values: _Values) -> int:
    found = values[value] if isinstance(value, str) else value
    if not isinstance(found, int):  # parsing ties every such value to an integer parameter
        raise ConfigurationError("a predicate of this check has no integer to compare with")
    return found


def _expectations(variant: Variant, values: _Values) -> tuple[ExpectedValue, ...]:
    return tuple(
        ExpectedValue(reference=reference, value=str(values.get(str(value), value)))
        for reference, value in variant.expect
    )


def _once(rule: OnceRule | None, values: _Values) -> Once | None:
    if rule is None:
        return None
    amount = None if rule.amount is None else _integer(rule.amount, values)
    return Once(by=rule.by, per=rule.per, amount=amount)
