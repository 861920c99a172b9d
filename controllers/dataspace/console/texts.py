"""The sentences of the console's pages: `languages/<part>.<language>.json`."""

from __future__ import annotations

from pathlib import Path

from controllers import texts

LANGUAGES = texts.LANGUAGES

type Say = texts.Say

_TEXTS = texts.Texts(Path(__file__).parent / "languages")
say_in = _TEXTS.say_in
is_said = _TEXTS.is_said
