"""What may be shown for as long as it lives, and is kept nowhere: a link and its code.

The database has only digests of them. So that a page survives being opened again, the browser
that made them holds them, sealed and in a cookie for that one page: no script reads it, another
session or another page cannot open it, and it ends with the link.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

from controllers.desks.entry import Desk
from controllers.haven import Haven
from controllers.moment import now
from core.errors import NotAuthenticated

_COOKIE = "haven-desk-shown"


class Shown(BaseModel):
    """A link and, of an offer, the code that is said to the person."""

    token: str
    code: str | None = None
    subject_id: str | None = None  # what it leads to, where the page's address does not say

    def address(self, house: Haven) -> str:
        """The link as it is sent or scanned."""
        return f"{house.settings.base_url}/l/{self.token}"


def keep(answer: Response, desk: Desk, path: str, shown: Shown, until: datetime) -> None:
    """Let this browser show it again on this one page."""
    seconds = max(0, int((until - now()).total_seconds()))
    answer.set_cookie(
        _COOKIE,
        desk.house.desks.seal.seal_text(shown.model_dump(), _context(desk, path)),
        path=path,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=desk.house.settings.base_url.startswith("https:"),
    )


def kept(request: Request, desk: Desk, path: str) -> Shown | None:
    """What this browser may show on this page; None if that is over, or was made elsewhere."""
    sealed = request.cookies.get(_COOKIE)
    if not sealed:
        return None
    try:
        return Shown.model_validate(
            desk.house.desks.seal.open_text(sealed, _context(desk, path))
        )
    except (NotAuthenticated, ValidationError):
        return None


def _context(desk: Desk, path: str) -> str:
    return f"shown:{desk.who.session_digest}:{path}"
