"""The sentences of the framework's pages: `languages/<language>.json`, and words for names.

A name of the framework (a role, an action, a topic) that has no sentence here is shown as it
is: new rules are data, and need no new release to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from controllers.texts import LANGUAGES, Say, Texts
from governance.model import Names

__all__ = ["FALLBACK", "LANGUAGES", "Say", "called", "day", "in_words", "minute", "say_in"]

FALLBACK = "en"

_TEXTS = Texts(Path(__file__).parent / "languages")

say_in = _TEXTS.say_in


def called(language: str, kind: str, name: str) -> str:
    """What a name of the framework is called, or the name itself."""
    return _TEXTS.said_or(language, f"{kind}.{name}", name)


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
