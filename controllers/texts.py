"""Sentences in language files: `<part>.<language>.json` or `<language>.json` of one folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

LANGUAGES = ("en", "es", "km")

type Say = Callable[..., str]


class Texts:
    """All sentences of a folder, read once; tests hold that each language has every key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def say_in(self, language: str) -> Say:
        """Says a sentence by its key, its parts filled in, in one language."""
        texts = self._texts[language]

        def say(key: str, **parts: object) -> str:
            return texts[key].format(**parts)

        return say

    def is_said(self, language: str, key: str) -> bool:
        """Whether there is a sentence of this key."""
        return key in self._texts[language]

    def keys(self, language: str) -> frozenset[str]:
        """The keys of all its sentences."""
        return frozenset(self._texts[language])

    def said_or(self, language: str, key: str, otherwise: str) -> str:
        """The sentence as it stands in the file, or other words where there is none."""
        return self._texts[language].get(key, otherwise)

    @cached_property
    def _texts(self) -> Mapping[str, Mapping[str, str]]:
        return {language: self._read(language) for language in LANGUAGES}

    def _read(self, language: str) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        for path in sorted(self._folder.glob(f"*{language}.json")):
            if path.name.split(".")[-2] == language:
                texts |= json.loads(path.read_text(encoding="utf-8"))["texts"]
        return texts
