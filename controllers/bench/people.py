"""Desks and wallets for many exchanges at once: quick clients, whose own time is not measured.

They do what the story's people do (controllers/story/people.py), over one pool of connections,
and wait as a real desk waits: on the stream of events, not by asking again and again.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from controllers.story.people import Json, Refused

_PATIENCE = 120.0
_RECONNECT_AFTER = 0.1


class Lost(Exception):
    """An exchange that did not end as it should: which side, and in what state."""


class Line:
    """Everybody's way to Haven: one client, as many connections as are needed.

    Several controllers are called as the proxy does (docker/nginx): an open wallet stays with
    one of them, everything else takes turns.
    """

    def __init__(self, base_urls: Sequence[str]) -> None:
        self._base_urls = tuple(base_urls)
        self._turns = itertools.cycle(base_urls)
        self._http = aiohttp.ClientSession(
            # shorter than the server keeps a quiet connection
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2),
            timeout=aiohttp.ClientTimeout(total=_PATIENCE),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def call(
        self, method: str, path: str, bearer: str | None, body: Json | None = None
    ) -> Json:
        """One call. Raises Refused."""
        headers, url = _headers(bearer), self._url(path, bearer)
        async with self._http.request(method, url, headers=headers, json=body) as answer:
            decoded: Json = await answer.json(content_type=None)
            if answer.ok:
                return decoded
            raise Refused(decoded)

    async def until(self, path: str, bearer: str, ends: frozenset[str]) -> str:
        """Follow a stream of events until one of `ends`. Raises Lost."""
        last, seen = 0, "nothing"
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    headers = _headers(bearer) | {"Last-Event-ID": str(last)}
                    url = self._url(path, bearer)
                    async with self._http.get(url, headers=headers) as answer:
                        if not answer.ok:
                            raise Refused(await answer.json(content_type=None))
                        async for line in answer.content:
                            field_, _, value = line.decode().rstrip("\n").partition(": ")
                            if field_ == "id":
                                last = int(value)
                            elif field_ == "event":
                                seen = value
                                if seen in ends:
                                    return seen
                    await asyncio.sleep(_RECONNECT_AFTER)
        except TimeoutError as err:
            raise Lost(f"desk: no end in {_PATIENCE:g} s, the last event was {seen}") from err

    def _url(self, path: str, bearer: str | None) -> str:
        if bearer and path.startswith("/api/wallet/"):
            return self._base_urls[hash(bearer) % len(self._base_urls)] + path
        return next(self._turns) + path


def _headers(bearer: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}


_ISSUANCE_ENDS = frozenset({"issued", "declined", "failed", "expired"})
_VERDICTS = frozenset({"accepted", "refused", "not-shown"})


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk of an organisation."""

    line: Line
    key: str = field(repr=False)

    async def offer(self, credential: str, values: dict[str, Any]) -> Json:
        """Start an issuance."""
        body = {"credential": credential, "values": values}
        return await self.line.call("POST", "/api/issuer/issuances", self.key, body)

    async def issued(self, offer: Json) -> None:
        """Wait until the desk knows that the wallet has it. Raises Lost."""
        path = f"/api/issuer/issuances/{offer['id']}/events"
        ended = await self.line.until(path, self.key, _ISSUANCE_ENDS)
        if ended != "issued":
            raise Lost(f"desk: the issuance ended as {ended}")

    async def revoke(self, offer: Json) -> None:
        """Withdraw one credential. Raises Lost."""
        body = {"issuance_ids": [offer["id"]]}
        try:
            await self.line.call("POST", "/api/issuer/revocations", self.key, body)
        except Refused as refused:
            raise Lost(f"desk: revoking: {refused.why}") from refused

    async def ask(self, check: str) -> Json:
        """Start a check."""
        body: Json = {"check": check, "parameters": {}}
        return await self.line.call("POST", "/api/verifier/checks", self.key, body)

    async def verdict(self, check: Json) -> Json:
        """Wait for the verdict and read it. Raises Lost."""
        path = f"/api/verifier/checks/{check['id']}"
        await self.line.until(f"{path}/events", self.key, _VERDICTS)
        return await self.line.call("GET", path, self.key)


@dataclass
class Phone:
    """A holder's wallet, opened; what was issued to it is kept beside it."""

    line: Line
    wallet_id: str
    key: str = field(repr=False)
    session: str = field(default="", repr=False)

    @classmethod
    async def new(cls, line: Line) -> Self:
        """A new wallet, unlocked."""
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        made = await line.call("POST", "/api/wallet/wallets", None, {"key": key})
        return await cls(line, made["wallet_id"], key).unlock()

    async def unlock(self) -> Self:
        """Open a session."""
        path = f"/api/wallet/wallets/{self.wallet_id}/sessions"
        self.session = (await self.line.call("POST", path, None, {"key": self.key}))["session"]
        return self

    async def lock(self) -> None:
        """Close the session."""
        await self.line.call("POST", "/api/wallet/session/close", self.session, {})

    async def look(self, link: str, code: str | None = None, variant: str | None = None) -> str:
        """See what a link holds; the id to answer it with."""
        body = {"link": link, "code": code, "variant": variant}
        seen = await self.line.call("POST", "/api/wallet/links", self.session, body)
        return str(seen["id"])

    async def accept_offer(self, offer_id: str) -> None:
        """Take a credential; returns when it is stored."""
        path = f"/api/wallet/offers/{offer_id}/accept"
        await self.line.call("POST", path, self.session, {})

    async def answer(self, request_id: str) -> None:
        """Show what was asked for."""
        path = f"/api/wallet/requests/{request_id}/accept"
        await self.line.call("POST", path, self.session, {"choice": None})

    async def credentials(self) -> list[Json]:
        """What is in the wallet."""
        found = await self.line.call("GET", "/api/wallet/credentials", self.session)
        items: list[Json] = found["items"]
        return items
