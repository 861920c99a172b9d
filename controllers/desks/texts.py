"""The sentences of the desks' pages: `languages/<part>.<language>.json`, all parts together."""

from __future__ import annotations

from pathlib import Path

from controllers.texts import LANGUAGES, Say, Texts

__all__ = ["LANGUAGES", "Say", "is_said", "keys", "say_in"]

_TEXTS = Texts(Path(__file__).parent / "languages")

say_in = _TEXTS.say_in
is_said = _TEXTS.is_said
keys = _TEXTS.keys
