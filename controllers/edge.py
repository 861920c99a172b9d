"""Around every request: its correlation id, its time, its span, a line if we failed it.

The id is made here and answered as `X-Request-ID`; one that a caller sends is not looked at.
Requests are measured by the template of their route. There is no access log.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controllers.metrics import Metrics
from controllers.tracing import Tracing
from core.correlation import correlated, fresh

LOGGER = logging.getLogger(__name__)

HEADER = "X-Request-ID"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FILES = frozenset({"/static", "/wallet"})
_STREAM = b"text/event-stream"


class Edge:
    """Plain ASGI, outermost, so that refusals and failures pass through it too."""

    def __init__(self, app: ASGIApp, listener: str, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._listener = listener
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier, seen = fresh(), _Seen()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.answers(message)
                name = (HEADER.lower().encode(), identifier.encode())
                message = {**message, "headers": [*message.get("headers", ()), name]}
            await send(message)

        given: dict[str, str | int] = {"haven.correlation_id": identifier}
        with correlated(identifier), self._tracing.span("request", given) as span:
            try:
                await self._app(scope, receive, noted)
            finally:
                method, route = _method(scope), route_of(scope)
                self._metrics.answered(
                    self._listener, method, route, seen.status, seen.seconds()
                )
                told: dict[str, str | int] = {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": seen.status,
                }
                span.describe(f"{method} {route}", told)
                if seen.status >= 500:
                    status = seen.status
                    LOGGER.warning("%s %s was answered with %d", method, route, status)


class _Seen:
    """What is seen of an answer on its way out."""

    def __init__(self) -> None:
        self.status = 0
        self._began = time.perf_counter()
        self._streams_after: float | None = None

    def answers(self, message: Message) -> None:
        self.status = int(message["status"])
        kind = dict(message.get("headers", ())).get(b"content-type", b"")
        if kind.startswith(_STREAM):  # how long somebody follows it is no measure of us
            self._streams_after = time.perf_counter() - self._began

    def seconds(self) -> float:
        if self._streams_after is not None:
            return self._streams_after
        return time.perf_counter() - self._began


def route_of(scope: Scope) -> str:
    """The template of a request's route; never its path, which holds ids and tokens."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    top = "/" + str(scope.get("path", "")).removeprefix("/").partition("/")[0]
    return top if top in _FILES else "none"


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "OTHER"
