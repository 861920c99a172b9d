"""Finds the credentials: every folder here with a `credential.json` is one.

A folder is complete when its source loads, its two committed OCA bundles verify and have the
schema's attributes, and its example values can be signed. An incomplete folder is a
ConfigurationError: no credential is issued from half a definition.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from core.errors import ConfigurationError, HavenError, InvalidInput, NotFound
from credential_defs.oca import FORMS, Document, Form, parse, verify
from credential_defs.source import (
    Attribute,
    CredentialSource,
    DefinitionSettings,
    EntryCode,
    Frozen,
)
from credential_defs.values import Given, RandomBytes, attribute_values

HERE = Path(__file__).parent
SOURCE_FILE = "credential.json"
EXAMPLE_FILE = "example.json"


class CredentialDefinition(Frozen):
    """One credential as the rest of Haven uses it. Made by `load` and `load_all` only."""

    source: CredentialSource
    bundles: dict[Form, dict[str, Any]]
    example: dict[str, str]

    @property
    def name(self) -> str:
        """The schema's name, stable: it is disclosed in every presentation."""
        return self.source.name

    @property
    def version(self) -> str:
        return self.source.version

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return self.source.attributes

    @property
    def attribute_names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.source.attributes)

    @property
    def settings(self) -> DefinitionSettings:
        return self.source.settings

    @property
    def issued_by(self) -> tuple[str, ...]:
        """Roles that may issue it, for a framework that does not know it yet."""
        return self.source.issued_by

    def wants_two(self, values: Mapping[str, str]) -> bool:
        """Whether an organisation with four eyes has two people issue these signed values."""
        two = self.settings.two_people
        return two is not None and int(values[two.attribute]) >= two.at_least

    @property
    def acts_for_other(self) -> bool:
        """Its holder acts for somebody else by it."""
        return self.source.acts_for_other

    @property
    def links(self) -> tuple[str, ...]:
        """The attributes whose equality says that two credentials are about one dependent."""
        return tuple(each.name for each in self.attributes if each.role == "link")

    @property
    def issued_date(self) -> str | None:
        """The attribute with the day on which it was given, if it says that."""
        return self.source.branding.issued_date_attribute

    @property
    def last_days(self) -> tuple[str, ...]:
        """The attributes with the last day of what it grants; the latest of them ends it."""
        ends = self.source.branding.expiry_date_attribute
        return tuple(
            each.name for each in self.attributes if each.valid_until or each.name == ends
        )

    def is_for_other(self, values: Mapping[str, str]) -> bool:
        """Whether a credential with these values is kept for somebody else."""
        return any(
            each.held_for_other and values.get(each.name) == "1" for each in self.attributes
        )

    def about(self, language: str) -> str:
        """What it is for, in a sentence."""
        return self.source.meta.description.in_language(language)

    def holder_help(self, language: str) -> str:
        """What its holder may do with it, and whom to ask."""
        return self.source.meta.credential_help_text.in_language(language)

    def display_name(self, language: str) -> str:
        """The discreet name for a card, safe where others look on."""
        return self.source.display_name.in_language(language)

    def title(self, language: str) -> str:
        """The plain name, for a professional's console or a page the holder has opened."""
        return self.source.title.in_language(language)

    def attribute(self, name: str) -> Attribute:
        """Raises InvalidInput if the credential has no such attribute."""
        for attribute in self.source.attributes:
            if attribute.name == name:
                return attribute
        raise InvalidInput(f"The credential {self.name} has no such attribute")

    def label(self, attribute: str, language: str) -> str:
        return self.attribute(attribute).label.in_language(language)

    def help(self, attribute: str, language: str) -> str:
        return self.attribute(attribute).help.in_language(language)

    def entry_label(self, attribute: str, code: str, language: str) -> str:
        """What a code is called. Raises InvalidInput if it is not in the attribute's list."""
        return self._entry(attribute, code).label.in_language(language)

    def oca_bundle(self, form: Form) -> Document:
        """A copy of the bundle, to publish. Wallets fetch the 1.0 form as an array of one."""
        return copy.deepcopy(self.bundles[form])

    def validate_values(
        self,
        values: Mapping[str, Given],
        *,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> dict[str, str]:
        """The exact strings to sign, all attributes in order (see credential_defs/values.py).

        Raises InvalidInput naming every attribute that does not fit, never a value.
        """
        return attribute_values(self.source, values, random_bytes)

    def _entry(self, attribute: str, code: str) -> EntryCode:
        for entry in self.attribute(attribute).codes:
            if entry.code == code:
                return entry
        raise InvalidInput(f"The code list of {attribute} has no such code")


def bundle_file(form: Form) -> str:
    """The name of a bundle's file in a credential's folder."""
    return f"oca-{form}.json"


def folders(root: Path = HERE) -> tuple[Path, ...]:
    """The credentials' folders, by name."""
    return tuple(sorted(found.parent for found in root.glob(f"*/{SOURCE_FILE}")))


def load_source(folder: Path) -> CredentialSource:
    """The authored source of one credential. Raises ConfigurationError if it is not sound."""
    try:
        source = CredentialSource.model_validate_json((folder / SOURCE_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigurationError(
            f"{folder.name}/{SOURCE_FILE} is not sound: {_places(error)}"
        ) from error
    if folder.name != source.name.replace("-", "_"):
        raise ConfigurationError(f"{folder.name} holds a credential of another name")
    return source


def _places(error: OSError | ValidationError) -> str:
    """Where it is wrong and how, without repeating what stands there."""
    if isinstance(error, OSError):
        return "it cannot be read"
    wrong = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in wrong)


@cache
def load_all(root: Path = HERE) -> Mapping[str, CredentialDefinition]:
    """All credentials by name. Raises ConfigurationError for a folder that is not complete."""
    loaded = [_load_folder(folder) for folder in folders(root)]
    return MappingProxyType({definition.name: definition for definition in loaded})


def load(name: str) -> CredentialDefinition:
    """One credential by its name. Raises NotFound, or ConfigurationError as `load_all`."""
    try:
        return load_all()[name]
    except KeyError as error:
        raise NotFound("There is no credential definition of that name") from error


def _load_folder(folder: Path) -> CredentialDefinition:
    source = load_source(folder)
    try:
        bundles = {form: _load_bundle(folder, source, form) for form in FORMS}
        example = json.loads((folder / EXAMPLE_FILE).read_bytes())
        attribute_values(source, example)
        return CredentialDefinition(source=source, bundles=bundles, example=example)
    except (OSError, ValueError, HavenError) as error:
        raise ConfigurationError(f"{folder.name} is not complete: {error}") from error


def _load_bundle(folder: Path, source: CredentialSource, form: Form) -> Document:
    bundle = parse((folder / bundle_file(form)).read_bytes())
    verified = verify(bundle, form)
    schema = {attribute.name for attribute in source.attributes}
    if set(verified.attributes) != schema:  # Aries RFC 0755: they MUST be equal
        raise ConfigurationError(f"{bundle_file(form)} has other attributes than the schema")
    return bundle
