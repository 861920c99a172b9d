"""The sentences of the desks' pages: `languages/<part>.<language>.json`, all parts together."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "languages"
LANGUAGES = ("en", "es", "km")

type Say = Callable[..., str]


def say_in(language: str) -> Say:
    """Says a sentence by its key, its parts filled in, in one language."""
    texts = _texts(language)

    def say(key: str, **parts: object) -> str:
        return texts[key].format(**parts)

    return say


def is_said(language: str, key: str) -> bool:
    """Whether there is a sentence of this key."""
    return key in _texts(language)


@cache
def _texts(language: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(_FOLDER.glob(f"*.{language}.json")):
        texts |= json.loads(path.read_text(encoding="utf-8"))["texts"]
    return texts
