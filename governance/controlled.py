"""The controlled documents that come with Haven: the framework in words, each by its digest.

A version of the framework lists them by the SHA-256 of their bytes, so that whoever has signed
it has signed these texts too. What has another digest is not part of that version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

OFFICIAL = "en"  # every document is there in this language

# in the order in which they are read; a document that is not named here comes after them
_ORDER = (
    "for-you",
    "primary",
    "glossary",
    "risk-assessment",
    "trust-assurance",
    "governance-requirements",
    "business-requirements",
    "technical-requirements",
    "information-trust-requirements",
    "inclusion-equitability-accessibility",
    "legal-agreements",
    "compliance-matrix",
)
_KINDS = {"primary": "primary", "for-you": "explanation", "compliance-matrix": "explanation"}


@dataclass(frozen=True, slots=True)
class Text:
    """One document in one language, as it lies in the package."""

    name: str
    kind: str
    language: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hex."""
        return sha256(self.content).hexdigest()


@cache
def packaged_texts() -> Mapping[tuple[str, str], Text]:
    """Every document by name and language, in the order in which they are read."""
    found = [
        _text(path, folder.name)
        for folder in _folder().iterdir()
        if folder.is_dir()
        for path in folder.iterdir()
        if path.name.endswith(".md")
    ]
    found.sort(key=lambda each: (_place(each.name), each.language != OFFICIAL, each.language))
    return MappingProxyType({(each.name, each.language): each for each in found})


def controlled_documents() -> list[dict[str, str]]:
    """What a version of the framework says of them: name, kind, language and digest."""
    return [
        {
            "name": each.name,
            "kind": each.kind,
            "language": each.language,
            "digest": each.digest,
        }
        for each in packaged_texts().values()
    ]


@cache
def packaged_requirements() -> Mapping[str, Mapping[str, Any]]:
    """What stands behind each requirement, by its identifier."""
    data = files("governance").joinpath("framework", "requirements.json").read_bytes()
    found: dict[str, Mapping[str, Any]] = json.loads(data)
    return MappingProxyType(found)


def _folder() -> Traversable:
    return files("governance").joinpath("framework", "documents")


def _text(path: Traversable, language: str) -> Text:
    name = path.name.removesuffix(".md")
    return Text(name, _KINDS.get(name, "controlled"), language, path.read_bytes())


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER)), name
