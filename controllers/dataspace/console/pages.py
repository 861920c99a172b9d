"""How a page of the console is made: the desks' style sheet and headers, a frame of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from controllers.dataspace.console.texts import LANGUAGES, is_said, say_in
from controllers.rendering import drawing, static, templates


@cache
def _environment() -> Environment:
    made = templates(Path(__file__).parent / "templates")
    made.globals.update(
        static=static, languages=LANGUAGES, say_in=say_in, is_said=is_said, drawing=drawing
    )
    return made


def render(template: str, language: str, **context: Any) -> str:
    """A template with all that it names."""
    said = _environment().get_template(template)
    return said.render(language=language, say=say_in(language), **context)
