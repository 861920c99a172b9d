"""The sentences of the framework's pages: `languages/<language>.json`, and words for names.

A name of the framework (a role, an action, a topic) that has no sentence here is shown as it
is: new rules are data, and need no new release to be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from governance.model import Names

_FOLDER = Path(__file__).parent / "languages"
LANGUAGES = ("en", "es", "km")
FALLBACK = "en"

type Say = Callable[..., str]


def say_in(language: str) -> Say:
    """Says a sentence by its key, its parts filled in, in one language."""
    texts = _texts(language)

    def say(key: str, **parts: object) -> str:
        return texts[key].format(**parts)

    return say


def called(language: str, kind: str, name: str) -> str:
    """What a name of the framework is called, or the name itself."""
    return _texts(language).get(f"{kind}.{name}", name)


def in_words(texts: Names | Mapping[str, str], language: str) -> str:
    """One of several languages' texts: the language's, the English one, or any."""
    if isinstance(texts, str):
        return texts
    return texts.get(language) or texts.get(FALLBACK) or next(iter(texts.values()), "")


def day(moment: datetime) -> str:
    """A day, the same in every language; times of the framework are in UTC."""
    return moment.strftime("%Y-%m-%d")


def minute(moment: datetime) -> str:
    """A day and a time."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


@cache
def _texts(language: str) -> Mapping[str, str]:
    text = (_FOLDER / f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)["texts"]
    return found
