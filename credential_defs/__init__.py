"""The credentials Haven knows, as data: one folder each, found by being there."""

from credential_defs.loader import CredentialDefinition, load, load_all
from credential_defs.source import LANGUAGES, Attribute, DefinitionSettings, Language
from credential_defs.values import fresh_reference

__all__ = [
    "LANGUAGES",
    "Attribute",
    "CredentialDefinition",
    "DefinitionSettings",
    "Language",
    "fresh_reference",
    "load",
    "load_all",
]
