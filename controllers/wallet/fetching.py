"""Taking up a link: what a wallet fetches from the desk's side, and what it will not fetch.

Only our own installation over plain HTTP; anybody else over HTTPS, never an address inside
this machine or its network, no redirects, little time, little space. Nothing about the holder
is sent, and the link is not logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Mapping
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
    TooManyTries,
    Unavailable,
)
from core.ports import Document

_SIZE_LIMIT = 128 * 1024
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_NOWHERE = "This link leads nowhere. Please check that it is complete."
_NO_LINK = "This is not a link that a wallet can open."
_ERRORS: Mapping[int, tuple[type[HavenError], str]] = {
    403: (Forbidden, "Please enter the code that the desk showed you."),
    404: (NotFound, _NOWHERE),
    410: (Gone, "This link has ended or was used. Please ask the desk for a new one."),
    429: (TooManyTries, "Too many wrong codes. Please ask the desk for a new link."),
}
_OTHERWISE = (NotFound, "This link cannot be used here.")
_LATER = (Unavailable, "The other side cannot answer just now. Please try again in a moment.")


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
        except TooManyTries as err:  # no code was tried: we are to come again later
            error, words = _LATER
            raise error(words) from err

    async def _send(self, method: str, link: str, part: str, **options: Any) -> Document:
        url = await self._address(link) + part
        headers = {"Accept": "application/json"}
        try:
            async with self._http.stream(method, url, headers=headers, **options) as answer:
                body = await _limited(answer)
                status = answer.status_code
        except httpx.InvalidURL as err:
            raise InvalidInput(_NO_LINK) from err
        except httpx.HTTPError as err:
            raise Unavailable("The link could not be opened. Please try again.") from err
        if status != 200:
            # a link whose agent is being started again is not a link that leads nowhere
            error, words = _ERRORS.get(status, _LATER if status >= 500 else _OTHERWISE)
            raise error(words)
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
        raise InvalidInput(_NO_LINK) from err
    if not plain or not parts.hostname:
        raise InvalidInput(_NO_LINK)
    return parts.hostname


async def _refuse_private(host: str) -> None:
    """A link must not make us reach into our own network (server-side request forgery)."""
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(host, 443)
        found = {entry[4][0] for entry in entries}
    except (OSError, UnicodeError) as err:  # not known, or no name at all
        raise NotFound(_NOWHERE) from err
    if not all(ipaddress.ip_address(address).is_global for address in found):
        raise InvalidInput(_NO_LINK)


async def _limited(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _SIZE_LIMIT:
            raise InvalidInput("The link holds too much to be shown.")
    return body


def _json_object(body: bytes) -> Document:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise InvalidInput("The link holds nothing that can be shown.") from err
    if not isinstance(decoded, dict):
        raise InvalidInput("The link holds nothing that can be shown.")
    return decoded
