"""What goes over the wires of an installation in this process, written down for a search.

Both apps are listened to from inside: addresses, heads and bodies of answers that refuse, and
every body that the agents send. And each address that this process itself asks for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.installation import Installation


@dataclass
class Overheard:
    """Everything, by what it is; bytes, because that is what is searched."""

    addresses: list[bytes] = field(default_factory=list, repr=False)
    answer_heads: list[bytes] = field(default_factory=list, repr=False)
    refusals: list[bytes] = field(default_factory=list, repr=False)
    webhooks: list[bytes] = field(default_factory=list, repr=False)
    written: list[bytes] = field(default_factory=list, repr=False)


class _Ear:
    def __init__(self, app: ASGIApp, heard: Overheard, inside: bool) -> None:
        self._app, self._heard, self._inside = app, heard, inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._heard.addresses.append(scope["raw_path"] + b"?" + scope["query_string"])
        webhook = scope["path"].startswith("/webhooks/")
        refused = False

        async def received() -> Message:
            message = await receive()
            if self._inside:
                kept = self._heard.webhooks if webhook else self._heard.written
                kept.append(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = message["status"] >= 400
                self._heard.answer_heads += [b": ".join(each) for each in message["headers"]]
            elif refused:
                self._heard.refusals.append(message.get("body", b""))
            await send(message)

        await self._app(scope, received, sent)


@contextmanager
def overhearing(installation: Installation) -> Iterator[Overheard]:
    """Listen until the end of the block."""
    heard, haven = Overheard(), installation.haven
    with pytest.MonkeyPatch.context() as patch:
        for app, inside in ((haven.public_app, False), (haven.internal_app, True)):
            patch.setattr(app, "middleware_stack", _Ear(_stack(app), heard, inside))
        _hear_requests(patch, heard)
        yield heard


@contextmanager
def controllers_log(path: Path) -> Iterator[None]:
    """Write down what the controllers log, at the level and with the silence of `serve`."""
    root, handler = logging.getLogger(), logging.FileHandler(path)
    handler.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def _stack(app: FastAPI) -> ASGIApp:
    return app.middleware_stack or app.build_middleware_stack()


def _hear_requests(patch: pytest.MonkeyPatch, heard: Overheard) -> None:
    by_aiohttp, by_httpx = aiohttp.ClientSession._request, httpx.AsyncClient.send

    async def request(self: Any, method: str, address: Any, **options: Any) -> Any:
        heard.addresses.append(f"{address} {options.get('params')}".encode())
        return await by_aiohttp(self, method, address, **options)

    async def send(self: Any, request: httpx.Request, **options: Any) -> httpx.Response:
        heard.addresses.append(str(request.url).encode())
        return await by_httpx(self, request, **options)

    patch.setattr(aiohttp.ClientSession, "_request", request)
    patch.setattr(httpx.AsyncClient, "send", send)
