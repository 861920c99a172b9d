"""How a page of the framework is made and sent: escaped, from here alone, kept by its content.

1. Templates escape all that is put into them, and fail over a name that is not there.
2. No script runs, nothing is loaded from anywhere else, and no page is framed by another.
3. An ETag names the version and what was sent; who has that already is answered in one line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from jinja2 import Environment

from controllers.governance.site.texts import LANGUAGES, called, day, minute, say_in
from controllers.rendering import static, templates
from controllers.words import preferred

_HERE = Path(__file__).parent
STYLESHEET = "governance/site.css"
PLACES = ("start", "documents", "participants", "who-may", "checks", "history", "search")

# looked at again after a minute: an organisation can be suspended at any time
CHANGES = "public, max-age=60, must-revalidate"
IMMUTABLE = "public, max-age=31536000, immutable"
NOT_KEPT = "no-store"

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # what is searched for, or asked of the rules, stands in an address
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
}


class Reading:
    """One reader's request: in which language, and how its links go on."""

    def __init__(self, request: Request) -> None:
        self.request = request
        chosen = request.query_params.get("lang")
        self._chosen = chosen if chosen in LANGUAGES else None
        header = request.headers.get("accept-language", "")[:200]
        self.language = self._chosen or preferred(header)
        self.say = say_in(self.language)

    def to(self, path: str, anchor: str = "", **query: str) -> str:
        """An address of ours, in the language that was chosen."""
        asked = query if self._chosen is None else {"lang": self._chosen, **query}
        return (
            path + (f"?{urlencode(asked)}" if asked else "") + (f"#{anchor}" if anchor else "")
        )

    def here_in(self, language: str) -> str:
        """This page in another language."""
        asked = [each for each in self.request.query_params.multi_items() if each[0] != "lang"]
        return f"?{urlencode([*asked[:8], ('lang', language)])}"


def stylesheet() -> str:
    """The stylesheet's address, which changes when it does."""
    return static(STYLESHEET)


@cache
def _environment() -> Environment:
    made = templates(_HERE / "templates")
    made.globals.update(
        languages=LANGUAGES,
        say_in=say_in,
        stylesheet=stylesheet,
        day=day,
        minute=minute,
        places=PLACES,
        place="",  # which of them a page is; one that says that there is nothing is none
        newest=None,
    )
    return made


def render(template: str, reading: Reading, **context: Any) -> str:
    """A template with all that it names."""

    def named(kind: str, name: str) -> str:
        return called(reading.language, kind, name)

    return (
        _environment()
        .get_template(template)
        .render(
            language=reading.language,
            say=reading.say,
            to=reading.to,
            here_in=reading.here_in,
            called=named,
            path=reading.request.url.path,
            **context,
        )
    )


def answer(
    request: Request,
    content: str | bytes,
    version: str,
    *,
    media_type: str = "text/html; charset=utf-8",
    caching: str = CHANGES,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page or a file as it is sent; nothing but its ETag to who has it already."""
    data = content.encode() if isinstance(content, str) else content
    tag = f'"{version}-{hashlib.sha256(data).hexdigest()[:24]}"'
    sent = {**HEADERS, "Cache-Control": caching, "ETag": tag, **(headers or {})}
    if caching != NOT_KEPT and _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=sent)
    return Response(data, media_type=media_type, headers=sent)


def refusal(content: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A page that says what is not there."""
    sent = {**HEADERS, "Cache-Control": NOT_KEPT, **(headers or {})}
    return Response(content, status, media_type="text/html; charset=utf-8", headers=sent)


def _has(header: str, tag: str) -> bool:
    """RFC 9110, section 13.1.2: a list, compared weakly."""
    held = {each.strip().removeprefix("W/") for each in header[:1000].split(",")}
    return tag in held or "*" in held
