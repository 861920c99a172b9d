"""Attributes, values and names in the holder's language.

Everything comes from the credential definitions and the framework, so a credential that is
added as a folder is shown as well as the four that come with Haven.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from controllers.governance.service import participant_name
from controllers.wallet.schemas import AttributeNamed, Branding, Labelled
from controllers.wallet.validity import read_day
from controllers.words import words
from credential_defs import CredentialDefinition, load_all
from credential_defs.source import Attribute
from governance.engine import Framework

type Kind = Literal["text", "date", "number", "code", "none"]

# for a card of a kind that we do not know
_PLAIN = Branding(background="#4d4d4d", background2="#8c8c8c")


def definition_of(framework: Framework, schema_id: str) -> CredentialDefinition | None:
    """What a credential made on this schema is; None for one of a kind that we do not know."""
    for name, schema in framework.schemas.items():
        if schema == schema_id:
            return load_all().get(name)
    return None


def who(framework: Framework, did: str, language: str) -> str:
    """What the framework calls an organisation: never what it calls itself."""
    return participant_name(framework, did, language) or words(language, "unknown-organisation")


def labelled(
    definition: CredentialDefinition | None, values: Mapping[str, str], language: str
) -> list[Labelled]:
    """Values in the order of the definition. Of a kind that we do not know, as they are."""
    if definition is None:
        return [
            Labelled(attribute=name, label=name, value=values[name], kind="text")
            for name in sorted(values)
        ]
    return [
        _labelled(attribute, values[attribute.name], language)
        for attribute in definition.attributes
        if attribute.name in values
    ]


def named(
    definition: CredentialDefinition, attributes: Iterable[str], language: str
) -> list[AttributeNamed]:
    """Attributes with their names."""
    return [
        AttributeNamed(attribute=each, label=definition.label(each, language))
        for each in attributes
    ]


def branding(definition: CredentialDefinition | None) -> Branding:
    """The look of a card."""
    if definition is None:
        return _PLAIN
    look = definition.source.branding
    return Branding(
        background=look.primary_background_color,
        background2=look.secondary_background_color,
        primary=look.primary_attribute,
        secondary=look.secondary_attribute,
    )


def _labelled(attribute: Attribute, value: str, language: str) -> Labelled:
    kind, shown = _read(attribute, value, language)
    return Labelled(
        attribute=attribute.name,
        label=attribute.label.in_language(language),
        value=shown,
        kind=kind,
        help=attribute.help.in_language(language),
    )


def _read(attribute: Attribute, value: str, language: str) -> tuple[Kind, str]:
    """The kind of a value and how it is written; what does not fit its format is a text."""
    if attribute.zero_allowed and value == "0":
        return "none", ""
    for entry in attribute.codes:
        if entry.code == value:
            return "code", entry.label.in_language(language)
    if attribute.is_date:
        day = read_day(value)
        return ("date", day.isoformat()) if day else ("text", value)
    is_number = attribute.type == "Numeric" and value.isascii() and value.isdigit()
    return ("number" if is_number else "text"), value
