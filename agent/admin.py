"""The transport to one ACA-Py admin API: requests, time limits, errors in Haven's words.

No URL with a value in it and no body ever reaches a log or an error.
"""

from __future__ import annotations

import logging
from typing import Any

import httpx

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


class AdminApi:
    """One agent's admin API, with its admin key; `token` speaks for one of its tenants."""

    def __init__(self, base_url: str, admin_key: Secret, *, timeout: float = 60.0) -> None:
        self._admin_key = admin_key
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(timeout, connect=5.0),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            trust_env=False,  # an agent is on loopback; no proxy may read what it is told
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ready(self) -> bool:
        """Whether the agent answers and says it is ready."""
        try:
            answer = await self._http.get(
                "/status/ready", headers=self._headers(None), timeout=2
            )
            return answer.status_code == 200 and bool(_decoded(answer).get("ready"))
        except (httpx.HTTPError, Unavailable):
            return False

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
    ) -> Json:
        try:
            answer = await self._http.request(
                method, path, json=body, params=params or None, headers=self._headers(token)
            )
        except httpx.HTTPError as err:
            raise Unavailable("The agent does not answer") from err
        if answer.is_success:
            return _decoded(answer)
        raise _error(answer)

    def _headers(self, token: Secret | None) -> dict[str, str]:
        headers = {"x-api-key": self._admin_key.reveal()}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        return headers


def _decoded(answer: httpx.Response) -> Json:
    if not answer.content:
        return {}
    try:
        decoded = answer.json()
    except ValueError as err:
        raise Unavailable("The agent's answer cannot be read") from err
    return decoded if isinstance(decoded, dict) else {"items": decoded}


def _error(answer: httpx.Response) -> HavenError:
    """The status decides. ACA-Py's text may hold values and is not passed on; ours is safe."""
    LOGGER.info("agent answered %d", answer.status_code)
    kind = _BY_STATUS.get(answer.status_code, Unavailable)
    try:
        return _ours(kind, answer.json())
    except (ValueError, KeyError, TypeError):
        return kind(f"The agent refused this ({answer.status_code})")


def _ours(kind: type[HavenError], body: Json) -> HavenError:
    """An error of our own plugins, which answer `{"slug", "detail", ...}`."""
    if body["slug"] == VerificationError.slug:
        return VerificationError(str(body["detail"]), step=str(body["step"]))
    return kind(str(body["detail"]))
