"""Which checks an organisation may make, what has to be typed for each, and results in words.

All of it is read from the framework and the overlays: a check that the authority adds tomorrow
has its button, its fields and its words without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from controllers.desks.forms import Choice
from controllers.desks.texts import Say, is_said, say_in
from controllers.store.models import Check as CheckMade
from controllers.wallet.labelling import labelled
from controllers.wallet.schemas import Labelled
from core.decision import Permit
from core.errors import HavenError, InvalidInput
from credential_defs import CredentialDefinition, load_all
from governance.checks import describe, instantiate
from governance.engine import Ask, Framework, decide
from governance.model import Check, IntegerParameter, Parameter, Variant

PREFIX = "p-"
_MINOR = "_minor"  # of a parameter in hundredths of a currency
_HUNDREDTHS = 100
_FIRST_VARIANT = "plain"
# tried where a pattern is all that is known of a text
_SAMPLES = ("USD", "US", "en", "a", "A", "1")
# an amount with a separator of thousands would be another amount: it is none at all
_MONEY = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,2}))?")
_NUMBER = re.compile(r"-?[0-9]{1,10}")
_KHMER_DIGITS = str.maketrans("០១២៣៤៥៦៧៨៩", "0123456789")
_CONDITION_NAME = "predicate"
_CONDITION = re.compile(r"(\S+): (\S+) (<|<=|>=|>) (-?\d+)")

_OPERATORS = {">=": "at-least", "<=": "at-most", ">": "above", "<": "below"}
_AT_THE_END = (">=", "<=")  # of a yes or no these leave one

type FieldKind = Literal["money", "number", "choice", "text"]


@dataclass(frozen=True, slots=True)
class AskField:
    """Something to be typed before a check."""

    name: str
    parameter: str
    kind: FieldKind
    choices: tuple[Choice, ...]
    shown: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A check that may be made here."""

    name: str
    title: str
    fields: tuple[AskField, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One check that was made: what it is about, what was found, and one line that says it."""

    name: str
    outcome: str
    title: str
    words: str

    @property
    def line(self) -> str:
        """What it is about, if it holds; else what was found, of a condition with its name."""
        if self.outcome == "passed":
            return self.title
        return f"{self.title} · {self.words}" if self.name == _CONDITION_NAME else self.words


def askable(
    framework: Framework, did: str, language: str, as_of: datetime, typed: Mapping[str, str]
) -> list[Asked]:
    """The checks that the framework lets this organisation make now."""
    found = []
    for name, check in framework.checks.items():
        try:
            plan = instantiate(framework, name, _FIRST_VARIANT, _sample(check), as_of=as_of)
        except HavenError:
            continue
        if isinstance(decide(framework, Ask(did, plan.purpose, plan.ask), as_of=as_of), Permit):
            found.append(_asked(framework, check, language, typed))
    return found


def title_of(framework: Framework, name: str, language: str) -> str:
    """What a check is called at a desk; else as its holder is told; else by its name."""
    if is_said(language, f"checking.title.{name}"):
        return say_in(language)(f"checking.title.{name}")
    if name not in framework.checks:
        return name
    titles = describe(framework, name).title
    return titles.get(language) or titles["en"]


def parameters_of(
    check: Asked, rules: Mapping[str, Parameter], typed: Mapping[str, str]
) -> dict[str, int | str]:
    """What was typed, as the framework's parameters.

    Raises InvalidInput with `fields`: the names of those that do not fit.
    """
    given: dict[str, int | str] = {}
    wrong = []
    for field in check.fields:
        value = _value(field, typed.get(field.name, "").strip())
        if value is None or not rules[field.parameter].accepts(value):
            wrong.append(field.name)
        else:
            given[field.parameter] = value
    if wrong:
        raise InvalidInput(
            "Something does not fit", fields=",".join(wrong), code="wrong-parameters"
        )
    return given


def in_words(framework: Framework, check: CheckMade, language: str, say: Say) -> list[Result]:
    """Each check that was made, with its outcome, in words of this language."""
    variant = _variant_of(framework, check)
    return [_told(each, variant, language, say) for each in check.result or []]


def asked_for(framework: Framework, check: CheckMade, language: str) -> list[str]:
    """What was typed before a check, as a person reads it."""
    known = framework.checks.get(check.name)
    if known is None:
        return []
    return [
        _parameter_in_words(known, name, check.parameters[name], language)
        for name in known.parameters
        if name in check.parameters
    ]


def _parameter_in_words(check: Check, name: str, value: int | str, language: str) -> str:
    if isinstance(value, int) and name.endswith(_MINOR):
        return f"{value // _HUNDREDTHS}.{value % _HUNDREDTHS:02d}"
    labels = {each.value: each.label for each in _choices(check, name, language)}
    return f"{labels[value]} ({value})" if value in labels else str(value)


def learnt(
    framework: Framework,
    check: CheckMade,
    values: Mapping[str, Mapping[str, str]],
    language: str,
) -> list[Labelled]:
    """What was shown, with its labels, as a person reads it."""
    variant = _variant_of(framework, check)
    found: list[Labelled] = []
    for label, shown in values.items():
        found += labelled(_definition(variant, label), shown, language)
    return found


def permission_in_words(framework: Framework, check: CheckMade, language: str) -> str | None:
    """What the one who answered for somebody else may do."""
    variant = _variant_of(framework, check)
    if variant is None or variant.representative is None or check.permission is None:
        return None
    label = variant.representative.credential
    rule, definition = variant.credentials.get(label), _definition(variant, label)
    if rule is None or definition is None or not rule.predicates:
        return check.permission
    return definition.label(rule.predicates[0].attribute, language)


def _variant_of(framework: Framework, check: CheckMade) -> Variant | None:
    known = framework.checks.get(check.name)
    return None if known is None else known.variants.get(check.variant or _FIRST_VARIANT)


def _definition(variant: Variant | None, label: str) -> CredentialDefinition | None:
    rule = None if variant is None else variant.credentials.get(label)
    return None if rule is None else load_all().get(rule.credential)


# --- what has to be typed -------------------------------------------------------------------


def _asked(
    framework: Framework, check: Check, language: str, typed: Mapping[str, str]
) -> Asked:
    fields = tuple(
        _field(check, name, rule, language, typed) for name, rule in check.parameters.items()
    )
    return Asked(check.name, title_of(framework, check.name, language), fields)


def _field(
    check: Check, name: str, rule: Parameter, language: str, typed: Mapping[str, str]
) -> AskField:
    choices = () if isinstance(rule, IntegerParameter) else _choices(check, name, language)
    if isinstance(rule, IntegerParameter):
        kind: FieldKind = "money" if name.endswith(_MINOR) else "number"
    else:
        kind = "choice" if choices else "text"
    shown = typed.get(PREFIX + name, "")
    return AskField(PREFIX + name, name, kind, choices, shown, wrong=False)


def _choices(check: Check, name: str, language: str) -> tuple[Choice, ...]:
    """The code list of the attribute of this name in a credential that the check asks for."""
    for variant in check.variants.values():
        for rule in variant.credentials.values():
            definition = load_all().get(rule.credential)
            for attribute in definition.attributes if definition else ():
                if attribute.name == name and attribute.codes:
                    return tuple(
                        Choice(entry.code, entry.label.in_language(language))
                        for entry in attribute.codes
                    )
    return ()


def _value(field: AskField, written: str) -> int | str | None:
    if field.kind in ("choice", "text"):
        return written or None
    digits = written.translate(_KHMER_DIGITS)
    if field.kind == "number":
        return int(digits) if _NUMBER.fullmatch(digits) else None
    found = _MONEY.fullmatch(digits)
    if found is None:
        return None
    whole, hundredths = found[1], (found[2] or "").ljust(2, "0")
    return int(whole) * _HUNDREDTHS + int(hundredths)


def _sample(check: Check) -> dict[str, int | str]:
    """Parameters that fit, to ask whether the check may be made at all."""
    return {name: _fitting(rule) for name, rule in check.parameters.items()}


def _fitting(rule: Parameter) -> int | str:
    if isinstance(rule, IntegerParameter):
        return rule.minimum
    return next((each for each in _SAMPLES if rule.accepts(each)), "")


# --- results in words -----------------------------------------------------------------------


def _told(
    result: Mapping[str, str], variant: Variant | None, language: str, say: Say
) -> Result:
    name, reason = result["name"], result["reason"]
    condition = _condition(result, variant, language, say)
    reasons = f"made.reason.{reason}"
    words = say(reasons if is_said("en", reasons) else f"made.{result['outcome']}")
    titles = f"made.{name}"
    return Result(
        name=name,
        outcome=result["outcome"],
        title=condition or say(titles if is_said("en", titles) else "made.other"),
        words=words,
    )


def _condition(
    result: Mapping[str, str], variant: Variant | None, language: str, say: Say
) -> str | None:
    """A condition by the name that its attribute has on the card."""
    found = _CONDITION.fullmatch(result.get("explanation", ""))
    if result["name"] != _CONDITION_NAME or found is None:
        return None
    label, attribute, operator, number = found.groups()
    definition = _definition(variant, label)
    if definition is None or attribute not in definition.attribute_names:
        return None
    about, what = definition.attribute(attribute), definition.label(attribute, language)
    if number in about.code_values and operator in _AT_THE_END:
        meant = definition.entry_label(attribute, number, language)
        return say("made.is", what=what, value=meant)
    kind = "day" if about.is_date else "number"
    value = f"{number[:4]}-{number[4:6]}-{number[6:]}" if about.is_date else number
    return say(f"made.{_OPERATORS[operator]}.{kind}", what=what, value=value)


def failed(results: Sequence[Result]) -> list[Result]:
    """Those that decided against it."""
    return [each for each in results if each.outcome == "failed"]
