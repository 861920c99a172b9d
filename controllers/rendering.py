"""What all pages that are rendered here share: templates, files, strict headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_STATIC = Path(__file__).parent / "static"

STRICT: Mapping[str, str] = {
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


def templates(folder: Path) -> Environment:
    """The templates of a folder: everything is escaped, and what is not there is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def static(name: str) -> str:
    """The address of a file in controllers/static/, which changes when the file does."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:16]
    return f"/static/{name}?v={digest}"


def drawing(svg: str) -> Markup:
    """A picture that we drew ourselves, to stand in a page as it is."""
    return Markup(svg)  # noqa: S704 (made here of numbers and of words that were escaped)


def page(
    content: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A page as it is sent."""
    return HTMLResponse(content, status, headers={**STRICT, **(headers or {})})
