"""A form for a credential, from its definition: labels, help, code lists, formats.

What an attribute is decides how it is asked for: a code list is a choice, a yes-or-no is a box
to tick, a date a date, a number a number. What is left empty gets its default. What nobody
types is not asked for: a fresh reference, or whether a date is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from controllers.desks.texts import Say, is_said
from core.errors import InvalidInput
from credential_defs import CredentialDefinition, fresh_reference
from credential_defs.source import Attribute

type Kind = Literal["choice", "flag", "date", "number", "text"]

PREFIX = "a-"  # of a field's name: an attribute may be called like a field of ours
_FLAG = ("0", "1")
_LONGEST = 200
_TEXT_LIMITS = {"number": 11, "date": 10}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a code list."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field; `shown` is what stands in it, `wrong` what does not fit, in words."""

    name: str
    label: str
    help: str
    kind: Kind
    required: bool
    personal: bool
    longest: int
    shown: str
    wrong: str
    is_link: bool
    choices: tuple[Choice, ...]

    @property
    def id(self) -> str:
        """Its id on the page."""
        return f"f-{self.name}"

    @property
    def described_by(self) -> str:
        """Ids of its help and of what is wrong with it."""
        return f"{self.id}-help" + (f" {self.id}-wrong" if self.wrong else "")


def fields_of(
    definition: CredentialDefinition,
    language: str,
    say: Say,
    typed: Mapping[str, str],
    wrong: Mapping[str, str],
) -> list[FormField]:
    """The form's fields, holding what was typed (by field name), with what is wrong."""
    return [
        _field(each, language, typed, _told(say, wrong.get(each.name)))
        for each in definition.attributes
        if is_asked(each)
    ]


def is_asked(attribute: Attribute) -> bool:
    """Whether a person is asked for it: not for what is made by itself."""
    return attribute.known_flag_of is None and (
        not attribute.reference or attribute.role == "link"
    )


def values_of(
    definition: CredentialDefinition, typed: Mapping[str, str]
) -> dict[str, str | int | bool]:
    """What was typed as values to sign; what was left empty is left out."""
    values: dict[str, str | int | bool] = {}
    for each in definition.attributes:
        if not is_asked(each):
            continue
        written = typed.get(PREFIX + each.name, "").strip()
        if _kind(each) == "flag":
            values[each.name] = "1" if written else "0"
        elif written:
            values[each.name] = written.replace("-", "") if each.is_date else written
    return values


def with_links(
    definition: CredentialDefinition, values: Mapping[str, str | int | bool]
) -> dict[str, str | int | bool]:
    """The same, with the codes that link a guardian's card to the cards of the person she acts
    for: made here, so that they can be told to who issues those."""
    if not definition.acts_for_other:
        return dict(values)
    return {name: fresh_reference() for name in definition.links} | dict(values)


def typed_of(definition: CredentialDefinition, sent: Mapping[str, str]) -> dict[str, str]:
    """Of a form's fields those that are attributes."""
    names = {PREFIX + each.name for each in definition.attributes if is_asked(each)}
    return {name: value for name, value in sent.items() if name in names}


def mistakes(err: InvalidInput) -> dict[str, str]:
    """What does not fit, by attribute: the codes of credential_defs/values.py."""
    listed = str(err.extra.get("problems", ""))
    pairs = (each.rpartition(": ") for each in listed.split(", ") if each)
    return {name: code for name, _, code in pairs}


def first_wrong(fields: Iterable[FormField]) -> list[FormField]:
    """Those with a mistake, for the list above the form."""
    return [each for each in fields if each.wrong]


def _field(
    attribute: Attribute, language: str, typed: Mapping[str, str], wrong: str
) -> FormField:
    kind = _kind(attribute)
    return FormField(
        name=PREFIX + attribute.name,
        label=attribute.label.in_language(language),
        help=attribute.help.in_language(language),
        kind=kind,
        required=attribute.required and kind != "flag",
        personal=attribute.personal,
        longest=_TEXT_LIMITS.get(kind, _LONGEST),
        shown=typed.get(PREFIX + attribute.name, ""),
        wrong=wrong,
        is_link=attribute.role == "link",
        choices=tuple(
            Choice(entry.code, entry.label.in_language(language)) for entry in attribute.codes
        ),
    )


def _kind(attribute: Attribute) -> Kind:
    if attribute.code_values == _FLAG:
        return "flag"
    if attribute.codes:
        return "choice"
    if attribute.is_date:
        return "date"
    return "number" if attribute.integer else "text"


def _told(say: Say, code: str | None) -> str:
    """A code of credential_defs/values.py in words."""
    if code is None:
        return ""
    key = f"issuing.wrong.{code}"
    return say(key if is_said("en", key) else "issuing.wrong.wrong-format")
