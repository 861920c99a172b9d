"""Our own sentences in the languages people read; the texts are in controllers/languages/."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "languages"
_FALLBACK = "en"


def languages() -> tuple[str, ...]:
    """The languages there is a file for."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def words(language: str, key: str, **parts: str) -> str:
    """A sentence with its parts filled in; in English if the language is not there."""
    texts = _texts(language) or _texts(_FALLBACK)
    return texts[key].format(**parts)


def preferred(header: str | None) -> str:
    """The first language of an Accept-Language header that we have."""
    for part in (header or "").split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if _texts(language):
            return language
    return _FALLBACK


@cache
def _texts(language: str) -> dict[str, str]:
    if language not in languages():
        return {}
    texts: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text())["texts"]
    return texts
