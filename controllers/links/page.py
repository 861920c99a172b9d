"""The pages behind a link when a person, not a wallet, opens it. They say little on purpose:
no organisation, no kind of credential, nothing that tells who the person is."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from controllers.qr import qr_code
from controllers.words import languages, words

_FRAME = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/link.css">
</head>
<body><main><h1>{title}</h1>
{body}
{others}</main></body>
</html>
"""


def message_page(language: str, *keys: str, title: str = "link.title") -> str:
    """A page of plain sentences."""
    body = "".join(_paragraph(language, key) for key in keys)
    return _frame(language, body, title)


def check_page(language: str, link: str) -> str:
    """A page for somebody who opened a check's link outside of a wallet."""
    keys = ("link.check", "link.how")
    body = "".join(_paragraph(language, key) for key in keys) + _open_here(language, link)
    return _frame(language, body + _paragraph(language, "link.leave"))


def code_page(language: str, link: str = "", *, wrong: bool = False) -> str:
    """A page that asks for the desk's code. After a wrong one only the form is left: what it
    is about was read already, and a small screen shows the field without scrolling."""
    if wrong:
        return _frame(language, _code_form(language, warning=True))
    intro = "".join(_paragraph(language, key) for key in ("link.offer", "link.how"))
    intro += _open_here(language, link)
    other = f"<section>{_paragraph(language, 'link.code')}{_code_form(language)}</section>"
    return _frame(language, f"{intro}{other}{_paragraph(language, 'link.leave')}")


def _open_here(language: str, link: str) -> str:
    """The way into this installation's own wallet app. The link stands behind the #, which
    browsers send to nobody."""
    address = html.escape(f"/wallet/#l={quote(link, safe='')}")
    words_of_link = _text(language, "link.here")
    return f'<p><a class="button" href="{address}">{words_of_link}</a></p>'


def _code_form(language: str, *, warning: bool = False) -> str:
    """The field and its button; a warning stands at the field and is read out with it."""
    words_of_warning = (
        f'<p id="wrong" role="alert">{_text(language, "link.wrong-code")}</p>'
        if warning
        else ""
    )
    marks = ' aria-invalid="true" aria-describedby="wrong" autofocus' if warning else ""
    return (
        f'<form method="post"><label for="code">{_text(language, "link.code-label")}</label>'
        f"{words_of_warning}"
        '<input id="code" name="code" autocomplete="off" autocapitalize="characters" '
        f'spellcheck="false" maxlength="12" required{marks}>'
        f"<button>{_text(language, 'link.go')}</button></form>"
    )


def invitation_page(language: str, invitation: Mapping[str, Any]) -> str:
    """The invitation itself, for a wallet of another maker on the same or another phone."""
    encoded = base64.urlsafe_b64encode(json.dumps(dict(invitation)).encode()).decode()
    address = f"didcomm://invite?oob={encoded.rstrip('=')}"
    picture = qr_code(address).png
    body = (
        f"{_paragraph(language, 'link.open-other')}"
        f'<p><a class="button" href="{html.escape(address)}">'
        f"{_text(language, 'link.title')}</a></p>"
        f'<p><img alt="" src="{picture}" width="400" height="400"></p>'
    )
    return _frame(language, body)


def _frame(language: str, body: str, title: str = "link.title") -> str:
    return _FRAME.format(
        language=language,
        title=_text(language, title),
        body=body,
        others=_other_languages(language),
    )


def _other_languages(language: str) -> str:
    """A borrowed phone speaks its owner's language: the others are one tap away."""
    links = (
        f'<a href="?lang={each}" lang="{each}" hreflang="{each}">{_text(each, "language")}</a>'
        for each in languages()
        if each != language
    )
    return f"<nav>{' '.join(links)}</nav>"


def _paragraph(language: str, key: str) -> str:
    return f"<p>{_text(language, key)}</p>"


def _text(language: str, key: str) -> str:
    return html.escape(words(language, key))
