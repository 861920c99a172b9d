"""Taking up a link: what a wallet fetches from the desk's side, and what it will not fetch.

Only our own installation over plain HTTP; anybody else over HTTPS, never an address inside
this machine or its network, no redirects, little time, little space. Nothing about the holder
is sent, and the link is not logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp

from agent.network import PublicHostsOnly
from core.errors import (
    Forbidden,
    Gone,
    HavenError,
    InvalidInput,
    NotFound,
    TooManyRequests,
    TooManyTries,
    Unavailable,
)
from core.ports import Document

_SIZE_LIMIT = 128 * 1024
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_NOWHERE = "This link leads nowhere. Please check that it is complete."
_CLOSED = "The link could not be opened. Please try again."
_NO_LINK = "This is not a link that a wallet can open."
_ASK = "Please ask the desk for a new"

# by the code that the desk's side says, if it is one of these; no other word of it is used
_SAID: Mapping[str, tuple[type[HavenError], str]] = {
    "code-needed": (Forbidden, "Please enter the code that the desk showed you."),
    "wrong-code": (Forbidden, "Please enter the code that the desk showed you."),
    "may-not-ask": (Forbidden, "The framework does not allow them to ask this."),
    "link-nowhere": (NotFound, _NOWHERE),
    "link-ended": (Gone, f"This link has ended or was used. {_ASK} one."),
    "link-used": (Gone, f"This link was used already. {_ASK} one."),
    "too-many-codes": (TooManyTries, f"Too many wrong codes. {_ASK} link."),
    "too-many-requests": (TooManyRequests, "Very much is asked there. Please wait a little."),
    "offer-not-arrived": (Unavailable, "The offer is not ready yet. Please try again."),
    "other-side-away": (
        Unavailable,
        "The other side cannot answer just now. Please try again in a moment.",
    ),
    "link-not-usable": (NotFound, "This link cannot be used here."),
}
_OF_STATUS: Mapping[int, Sequence[str]] = {  # first what it means where no code is said
    403: ("wrong-code", "code-needed", "may-not-ask"),
    404: ("link-nowhere",),
    409: ("link-not-usable", "offer-not-arrived"),
    410: ("link-ended", "link-used"),
    429: ("too-many-codes", "too-many-requests"),
}


class LinkFetcher:
    """Fetches links for wallets. `own` maps our public address to where we listen.

    `app` is what listens there. `transport` replaces the network, for tests.
    """

    def __init__(
        self,
        own: Mapping[str, str],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        app: ASGIApp | None = None,
    ) -> None:
        self._own = {public.rstrip("/"): local.rstrip("/") for public, local in own.items()}
        # most links lead to this very process: then nothing goes over a socket
        near = httpx.ASGITransport(app=app, raise_app_exceptions=False) if app else None
        self._http = httpx.AsyncClient(
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=transport or PublicHostsOnly(self._own.values()),
            mounts=dict.fromkeys(self._own.values(), near) if near else None,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, link: str, part: str = "", **params: str) -> Document:
        """The JSON that a link, or a part below it, answers."""
        return await self._send("GET", link, part, params=params)

    async def accept(
        self, link: str, claim: str, code: str | None, **more: str | bool
    ) -> Document:
        """Bind an offer's link to this wallet's claim (`Acceptance` in links/router.py)."""
        body = {"claim": claim, "code": code, **more}
        return await self._send("POST", link, "/accept", json=body)

    async def ask_move(self, site: str, claim: str) -> Document:
        """Ask the site of a credential for a move, and how it stands (links/moves.py)."""
        try:
            return await self._send("POST", f"{site}/moves", "", json={"claim": claim})
        except (TooManyTries, TooManyRequests) as err:  # no code was tried: come again later
            raise Unavailable(_SAID["other-side-away"][1], code="other-side-away") from err

    async def _send(self, method: str, link: str, part: str, **options: Any) -> Document:
        url = await self._address(link) + part
        headers = {"Accept": "application/json"}
        try:
            async with self._http.stream(method, url, headers=headers, **options) as answer:
                body = await _limited(answer)
                status = answer.status_code
        except httpx.InvalidURL as err:
            raise InvalidInput(_NO_LINK, code="not-a-link") from err
        except httpx.HTTPError as err:
            raise Unavailable(_CLOSED, code="other-side-away") from err
        if status != 200:
            code = _code(status, body)
            error, words = _SAID[code]
            raise error(words, code=code)
        return _json_object(body)

    async def _address(self, link: str) -> str:
        plain = link.split("#", 1)[0].split("?", 1)[0].rstrip("/")
        for public, local in self._own.items():
            if plain.startswith(f"{public}/"):
                return local + plain.removeprefix(public)
        await _refuse_private(_public_host(plain))
        return plain


def _public_host(link: str) -> str:
    try:
        parts = urlsplit(link)
        plain = parts.scheme == "https" and not parts.username and not parts.port
    except ValueError as err:  # no port, or no address
        raise InvalidInput(_NO_LINK, code="not-a-link") from err
    if not plain or not parts.hostname:
        raise InvalidInput(_NO_LINK, code="not-a-link")
    return parts.hostname


async def _refuse_private(host: str) -> None:
    """A link must not make us reach into our own network (server-side request forgery)."""
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(host, 443)
        found = {entry[4][0] for entry in entries}
    except (OSError, UnicodeError) as err:  # not known, or no name at all
        raise NotFound(_NOWHERE, code="link-nowhere") from err
    if not all(ipaddress.ip_address(address).is_global for address in found):
        raise InvalidInput(_NO_LINK, code="not-a-link")


def _code(status: int, body: bytes) -> str:
    """What an answer other than 200 means."""
    if status >= 500:
        # a link whose agent is being started again is not a link that leads nowhere
        return "other-side-away"
    possible = _OF_STATUS.get(status, ("link-not-usable",))
    try:
        said = _json_object(body).get("code")
    except InvalidInput:
        said = None
    return next((code for code in possible if code == said), possible[0])


async def _limited(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _SIZE_LIMIT:
            raise InvalidInput("The link holds too much to be shown.", code="cannot-show")
    return body


def _json_object(body: bytes) -> Document:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise InvalidInput(
            "The link holds nothing that can be shown.", code="cannot-show"
        ) from err
    if not isinstance(decoded, dict):
        raise InvalidInput("The link holds nothing that can be shown.", code="cannot-show")
    return decoded
