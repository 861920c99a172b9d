"""Our own sentences in the languages people read; the texts are in controllers/languages/."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "languages"
_FALLBACK = "en"


@cache
def languages() -> tuple[str, ...]:
    """The languages there is a file for."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def words(language: str, key: str, **parts: str) -> str:
    """A sentence with its parts filled in; in English if the language is not there."""
    texts = _texts(language if language in languages() else _FALLBACK)
    return texts[key].format(**parts)


def preferred(header: str | None) -> str:
    """The first language of an Accept-Language header that we have."""
    for part in (header or "").split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if language in languages():
            return language
    return _FALLBACK


@cache  # only of languages that there are: what strangers ask for is not remembered
def _texts(language: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text())["texts"]
    return texts
