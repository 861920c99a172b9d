"""The language of a page: as just chosen in its address, as chosen before, or the browser's."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from controllers.texts import LANGUAGES
from controllers.words import preferred

_A_YEAR = 365 * 24 * 3600


def place_of(request: Request) -> dict[str, str]:
    """Where a page is, and all that its address asks for beside the language."""
    asked = [(name, value) for name, value in request.query_params.items() if name != "lang"]
    return {"here": request.url.path, "asked": urlencode(asked)}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choice of one set of pages, kept in a cookie of theirs."""

    cookie: str
    path: str

    def language_of(self, request: Request) -> str:
        """As just chosen, as chosen before, or as the browser asks for."""
        for chosen in (request.query_params.get("lang"), request.cookies.get(self.cookie)):
            if chosen in LANGUAGES:
                return chosen
        return preferred(request.headers.get("accept-language", "")[:200])

    def remembering(self, request: Request, language: str) -> dict[str, str]:
        """The header that keeps a language that was just chosen."""
        if request.query_params.get("lang") != language:
            return {}
        kept = f"{self.cookie}={language}; Path={self.path}; Max-Age={_A_YEAR}"
        return {"Set-Cookie": f"{kept}; SameSite=Strict; HttpOnly"}
