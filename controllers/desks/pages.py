"""How a page of a desk is made: one frame, strict headers, only scripts that are files of ours.

1. Templates escape all that is put into them, and fail over a name that is not there.
2. Nothing of a page is kept by a browser, and nothing is loaded from anywhere else.
3. A page that somebody is signed in to goes away by itself when nobody touches it: also where
   scripts are off, what it shows does not stand on a screen for who comes next.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from controllers.desks.places import places_of
from controllers.desks.texts import LANGUAGES, say_in
from controllers.rendering import STRICT, drawing, static, templates

_HERE = Path(__file__).parent

SECONDS_UNTIL_AWAY = 15 * 60  # as long as a session that nobody touches

HEADERS = STRICT


@cache
def _environment() -> Environment:
    made = templates(_HERE / "templates")
    made.globals.update(
        static=static,
        languages=LANGUAGES,
        say_in=say_in,
        drawing=drawing,
        places_of=places_of,
        idle=SECONDS_UNTIL_AWAY,
    )
    return made


def render(template: str, language: str, **context: Any) -> str:
    """A template with all that it names."""
    return (
        _environment()
        .get_template(template)
        .render(language=language, say=say_in(language), **context)
    )
