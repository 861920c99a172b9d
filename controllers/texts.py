"""The sentences of pages: `languages/<part>.<language>.json` of a folder, all together."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "es", "km")

type Say = Callable[..., str]


class Texts:
    """The sentences of one folder, each language read once."""

    def __init__(self, folder: Path) -> None:
        self._of = cache(lambda language: _read(folder, language))

    def say_in(self, language: str) -> Say:
        """Says a sentence by its key, its parts filled in, in one language."""
        texts = self._of(language)

        def say(key: str, **parts: object) -> str:
            return texts[key].format(**parts)

        return say

    def is_said(self, language: str, key: str) -> bool:
        """Whether there is a sentence of this key."""
        return key in self._of(language)


def _read(folder: Path, language: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob(f"*.{language}.json")):
        texts |= json.loads(path.read_text(encoding="utf-8"))["texts"]
    return texts
