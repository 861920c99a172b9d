"""What a browser sends from a page of ours: the fields of a form, and from where."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from fastapi import Request

from core.errors import Forbidden, InvalidInput, TooLarge

_MOST_FORM = 64 * 1024
_MOST_FIELDS = 500  # the largest form of the data space has some 250 with every box ticked


async def sent_pairs(request: Request) -> Sequence[tuple[str, str]]:
    """A form's fields (application/x-www-form-urlencoded) in order; a name may come again.

    Raises TooLarge, InvalidInput.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM:
            raise TooLarge("This is more than this form holds", code="too-large")
    try:
        return parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError as err:
        raise InvalidInput("This is not the form of this page", code="not-the-form") from err


def require_own_site(request: Request) -> None:
    """Refuse what a browser says that another site sent. Raises Forbidden."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This was not sent from this page", code="not-from-here")


def require_own_script(request: Request) -> None:
    """Only from our own page, and only as JSON, which no form of another site can send.

    Raises Forbidden.
    """
    require_own_site(request)
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Forbidden("This was not sent from this page", code="not-from-here")
