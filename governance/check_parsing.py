"""The checks of a framework document: what verifiers may ask, and what must hold of it.

Two uses with opposite needs read the same rules. Bounding a request must survive any loss:
each good item allows itself. Making a check must not: a variant that lost a predicate or a
link would accept more, so every loss is a fault, and a variant with faults makes no check.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from core.errors import InvalidInput
from core.presentation import Operator
from governance.entry import Entry, Faults, string
from governance.model import (
    TODAY,
    VARIABLE,
    Check,
    CredentialRule,
    IntegerParameter,
    OnceRule,
    Parameter,
    Per,
    PredicateRule,
    Reference,
    Representation,
    TextParameter,
    Variant,
)

# each costs about 50 ms on either side and 13 KB of proof (measured with anoncreds 0.2.3)
MOST_PREDICATES = 3
# predicates compare 32-bit integers (AnonCreds specification v1.0)
_LEAST, _MOST = -(2**31), 2**31 - 1


def require_few_predicates(checks: Mapping[str, Any]) -> None:
    """InvalidInput if any credential of any check has more than three predicates."""
    variants = [v for check in _objects(checks) for v in _objects(check.get("variants"))]
    rules = [rule for variant in variants for rule in _objects(variant.get("credentials"))]
    predicates = [rule.get("predicates") for rule in rules]
    if any(isinstance(each, list) and len(each) > MOST_PREDICATES for each in predicates):
        raise InvalidInput(f"a check has more than {MOST_PREDICATES} predicates a credential")


def _objects(raw: object) -> list[dict[str, Any]]:
    members = raw.values() if isinstance(raw, Mapping) else ()
    return [each for each in members if isinstance(each, dict)]


def parse_check(name: str, raw: Any) -> Check:
    """One check. InvalidInput if a field is missing; smaller faults are kept in `faults`."""
    entry = Entry.of(raw)
    faults = Faults()
    parameters = faults.named(entry, "parameters", _parameter)
    variants = faults.named(
        entry, "variants", lambda _, each: _VariantReader.of(each, parameters).variant()
    )
    title = faults.named(entry, "title", string)
    description = faults.named(entry, "description", string)
    return Check(
        name=name,
        purpose=entry.text("purpose"),
        title=title,
        description=description,
        parameters=parameters,
        retention_seconds=entry.integer("retention_seconds", least=0),
        variants=variants,
        faults=tuple(faults.found),
    )


def _parameter(name: str, raw: Any) -> Parameter:
    entry = Entry.of(raw)
    if VARIABLE + name == TODAY:
        raise InvalidInput("this name is taken")
    match entry.text("type"):
        case "integer":
            return IntegerParameter(
                minimum=entry.integer("min", least=_LEAST, most=_MOST),
                maximum=entry.integer("max", least=_LEAST, most=_MOST),
            )
        case "text":
            return TextParameter(_pattern(entry.text("pattern")))
        case _:
            raise InvalidInput("type must be integer or text")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidInput("pattern is not a regular expression") from error


@dataclass(frozen=True, slots=True)
class _VariantReader:
    """Reads one variant; references must point to what the variant itself reveals."""

    entry: Entry
    parameters: Mapping[str, Parameter]
    credentials: Mapping[str, CredentialRule]
    faults: Faults

    @classmethod
    def of(cls, raw: Any, parameters: Mapping[str, Parameter]) -> _VariantReader:
        entry, faults = Entry.of(raw), Faults()

        def read(label: str, rule: Any) -> CredentialRule:
            return _credential_rule(label, rule, parameters, faults)

        return cls(entry, parameters, faults.named(entry, "credentials", read), faults)

    def variant(self) -> Variant:
        equal = self.faults.listed(self.entry, "equal", self._equal)
        expect = self.faults.named(self.entry, "expect", self._expected)
        representative = self._optional("representative", self._representative)
        once = self._optional("once", self._once)
        if representative is not None:
            self.faults.keep(
                "representative", lambda: self._require_bond(representative, equal)
            )
        return Variant(
            credentials=self.credentials,
            equal=equal,
            expect=tuple(expect.values()),
            representative=representative,
            once=once,
            faults=tuple(self.faults.found),
        )

    def _optional[T](self, name: str, read: Any) -> Any:
        raw = self.entry.raw(name)
        return None if raw is None else self.faults.keep(name, lambda: read(Entry.of(raw)))

    def _reference(self, raw: object) -> Reference:
        label, _, attribute = string("", raw).partition(".")
        rule = self.credentials.get(label)
        if rule is None or attribute not in rule.reveal:
            raise InvalidInput("must name a revealed attribute as label.attribute")
        return Reference(label, attribute)

    def _equal(self, _: str, raw: Any) -> tuple[Reference, ...]:
        group = tuple(self._reference(each) for each in raw) if isinstance(raw, list) else ()
        if len(group) < 2:
            raise InvalidInput("must be a list of at least two references")
        return group

    def _expected(self, name: str, raw: Any) -> tuple[Reference, int | str]:
        if type(raw) is int:
            return self._reference(name), raw
        value = string(name, raw)
        if value.startswith(VARIABLE) and value[1:] not in self.parameters:
            raise InvalidInput("names an unknown parameter")
        return self._reference(name), value

    def _representative(self, entry: Entry) -> Representation:
        found = Representation(entry.text("credential"), entry.text("permission"))
        rule = self.credentials.get(found.credential)
        if rule is None or not rule.predicates:
            raise InvalidInput("must name a credential of which something is proven")
        return found

    def _require_bond(
        self, found: Representation, equal: tuple[tuple[Reference, ...], ...]
    ) -> None:
        bound = {
            ref.label
            for group in equal
            for ref in group
            if any(other.label == found.credential for other in group)
        }
        if not set(self.credentials) <= bound:
            raise InvalidInput("every credential must be bound to it by an equal value")

    def _once(self, entry: Entry) -> OnceRule:
        per = entry.text("per")
        if per not in get_args(Per.__value__):
            raise InvalidInput("per must be day, week or month")
        amount = entry.raw("amount")
        if amount is not None:
            amount = _integer_value(amount, self.parameters)
        return OnceRule(self._reference(entry.raw("by")), cast(Per, per), amount)


def _credential_rule(
    label: str, raw: Any, parameters: Mapping[str, Parameter], outer: Faults
) -> CredentialRule:
    entry, faults = Entry.of(raw), Faults()
    rule = CredentialRule(
        credential=entry.text("credential"),
        reveal=faults.listed(entry, "reveal", string),
        predicates=faults.listed(
            entry, "predicates", lambda _, each: _predicate(each, parameters)
        ),
    )
    if not rule.reveal and not rule.predicates:
        faults.found.append("asks for nothing")
    outer.found.extend(f"credentials/{label}/{fault}" for fault in faults.found)
    return rule


def _predicate(raw: Any, parameters: Mapping[str, Parameter]) -> PredicateRule:
    if not isinstance(raw, list) or len(raw) != 3:
        raise InvalidInput("a predicate is [attribute, operator, value]")
    attribute, operator, value = raw
    if operator not in get_args(Operator):
        raise InvalidInput("the operator is not known")
    if value != TODAY:
        value = _integer_value(value, parameters)
    return PredicateRule(string("", attribute), operator, value)


def _integer_value(raw: Any, parameters: Mapping[str, Parameter]) -> int | str:
    if type(raw) is int and _LEAST <= raw <= _MOST:
        return raw
    named = parameters.get(raw[1:]) if isinstance(raw, str) and raw[:1] == VARIABLE else None
    if not isinstance(named, IntegerParameter):
        raise InvalidInput("a value is a 32-bit integer, $today, or $ and an integer parameter")
    return cast(str, raw)
