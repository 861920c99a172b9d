"""How a page of a desk is made: one frame, strict headers, only scripts that are files of ours.

1. Templates escape all that is put into them, and fail over a name that is not there.
2. Nothing of a page is kept by a browser, and nothing is loaded from anywhere else.
3. A page that somebody is signed in to goes away by itself when nobody touches it: also where
   scripts are off, what it shows does not stand on a screen for who comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup

from controllers.desks.places import places_of
from controllers.desks.texts import LANGUAGES, say_in
from controllers.rendering import static, templates

_HERE = Path(__file__).parent

SECONDS_UNTIL_AWAY = 15 * 60  # as long as a session that nobody touches

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-get=(self), "
    "publickey-credentials-create=(self), camera=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
    # an address of ours holds ids alone; a form's origin must be told, or it is not believed
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def drawing(svg: str) -> Markup:
    """A picture that we drew ourselves, to stand in a page as it is."""
    return Markup(svg)  # noqa: S704 (made here of numbers and of words that were escaped)


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


def page(
    content: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A page as it is sent."""
    return HTMLResponse(content, status, headers={**HEADERS, **(headers or {})})
