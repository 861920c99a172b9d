"""An app that listens inside a block, in an event loop that is somebody else's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from core.errors import Unavailable


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # as in uvicorn
        yield


@asynccontextmanager
async def listening(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serve an app; the port that it has (0 asks for any). Raises Unavailable: it is taken."""
    # no access log: who opened which link is nobody's business
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        lifespan="off",
    )
    server = _Server(config)
    try:
        sock = config.bind_socket()
    except SystemExit as err:  # uvicorn's word for a port that is taken
        raise Unavailable(f"Port {port} is in use by another program already") from err
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        await server.listening.wait()
        yield int(sock.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        sock.close()
