"""The transport to an agent's admin API: requests, time limits, errors in Haven's words.

An agent may run as several processes over one database: any of them answers. They are asked in
turn, and one that refuses connections is passed over for the next. No URL with a value in it
and no body ever reaches a log or an error.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from agent.operations import operation
from core.errors import (
    Conflict,
    Forbidden,
    HavenError,
    InvalidInput,
    NotFound,
    SessionClosed,
    Unavailable,
    VerificationError,
)
from core.secret import Secret

LOGGER = logging.getLogger(__name__)

Json = dict[str, Any]

Observer = Callable[[str, float, str], None]
"""Told of each call: the operation (no ids in it), its seconds, and how it went."""

_BY_STATUS: dict[int, type[HavenError]] = {
    400: Conflict,
    401: SessionClosed,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: InvalidInput,
    422: InvalidInput,
}
_CONNECTIONS = 512  # many of them only wait for something to happen in the agent
_CONNECT_SECONDS = 5.0
_READY_SECONDS = 2.0


class AdminApi:
    """One agent's admin API, with its admin key; `token` speaks for one of its tenants.

    `urls` are the processes that the agent runs as; `in_flight` says how many calls are under
    way now.
    """

    def __init__(
        self,
        urls: Sequence[str],
        admin_key: Secret,
        *,
        timeout: float = 60.0,
        observer: Observer | None = None,
    ) -> None:
        self._urls = [url.rstrip("/") for url in urls]
        self._turn = itertools.count()
        self._admin_key = admin_key
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT_SECONDS)
        self._observer = observer or _unobserved
        self._opened: aiohttp.ClientSession | None = None
        self.in_flight = 0

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()

    async def ready(self) -> bool:
        """Whether the agent answers and says it is ready."""
        limit = aiohttp.ClientTimeout(total=_READY_SECONDS)
        try:
            answer = await self._send("GET", "/status/ready", None, timeout=limit)
        except HavenError:
            return False
        return bool(answer.get("ready"))

    async def get(self, path: str, token: Secret | None = None, **params: str | int) -> Json:
        return await self._send("GET", path, token, params=params)

    async def post(
        self, path: str, token: Secret | None = None, body: Json | None = None, **params: str
    ) -> Json:
        return await self._send("POST", path, token, body=body or {}, params=params)

    async def put(
        self, path: str, token: Secret | None = None, body: Json | None = None
    ) -> Json:
        return await self._send("PUT", path, token, body=body or {})

    async def delete(self, path: str, token: Secret | None = None) -> Json:
        return await self._send("DELETE", path, token)

    async def _send(
        self,
        method: str,
        path: str,
        token: Secret | None,
        *,
        body: Json | None = None,
        params: dict[str, Any] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,  # noqa: ASYNC109 (handed to aiohttp)
    ) -> Json:
        began, outcome = time.monotonic(), "unreachable"
        options = {
            "params": params or None,
            "data": None if body is None else json.dumps(body).encode(),
            "headers": self._headers(token, with_body=body is not None),
            "timeout": timeout or self._timeout,
        }
        try:
            self.in_flight += 1
            status, content = await self._to_any(method, path, options)
            outcome = f"{status // 100}xx"
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise Unavailable("The agent does not answer") from err
        finally:
            self.in_flight -= 1
            self._observer(operation(method, path), time.monotonic() - began, outcome)
        if 200 <= status < 300:
            return _decoded(content)
        raise _error(status, content)

    async def _to_any(
        self, method: str, path: str, options: dict[str, Any]
    ) -> tuple[int, bytes]:
        """The answer of the process whose turn it is, or of the next that can be reached."""
        first = next(self._turn)
        for step in range(len(self._urls)):
            url = self._urls[(first + step) % len(self._urls)]
            try:
                async with self._http().request(method, url + path, **options) as answer:
                    return answer.status, await answer.read()
            except aiohttp.ClientConnectorError:  # nothing was sent
                if step == len(self._urls) - 1:
                    raise
        raise Unavailable("This agent has no address")

    def _http(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,  # an agent is near; no proxy may read what it is told
            )
        return self._opened

    def _headers(self, token: Secret | None, *, with_body: bool) -> dict[str, str]:
        headers = {"x-api-key": self._admin_key.reveal()}
        if with_body:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        return headers


def _unobserved(operation: str, seconds: float, outcome: str) -> None:
    """Nobody measures."""


def _decoded(content: bytes) -> Json:
    if not content:
        return {}
    try:
        decoded = json.loads(content)
    except ValueError as err:
        raise Unavailable("The agent's answer cannot be read") from err
    return decoded if isinstance(decoded, dict) else {"items": decoded}


def _error(status: int, content: bytes) -> HavenError:
    """The status decides. ACA-Py's text may hold values and is not passed on; ours is safe."""
    LOGGER.info("agent answered %d", status)
    kind = _BY_STATUS.get(status, Unavailable)
    try:
        return _ours(kind, json.loads(content))
    except (ValueError, KeyError, TypeError):
        return kind(f"The agent refused this ({status})")


def _ours(kind: type[HavenError], body: Json) -> HavenError:
    """An error of our own plugins, which answer `{"slug", "detail", ...}`."""
    if body["slug"] == VerificationError.slug:
        return VerificationError(str(body["detail"]), step=str(body["step"]))
    return kind(str(body["detail"]))
