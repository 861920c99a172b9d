"""How a process of ours listens: bounded, quiet, in an event loop that has others too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from controllers.problems import problem
from core.errors import InvalidInput, Unavailable

_MOST_BESIDE_BODY = 64 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Lets go of whoever sends more headers, trailers and framing than any client of ours.

    The parser itself takes any amount of them into memory; a body is bounded by problems.py.
    """

    _beside_body = 0

    def data_received(self, data: bytes) -> None:
        self._beside_body += len(data)
        super().data_received(data)
        if self._beside_body > _MOST_BESIDE_BODY:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused as everything else is: in a form and words of ours."""
        answer = problem(InvalidInput("This is no request that can be read."))
        head = [b"HTTP/1.1 422 Unprocessable Content", b"connection: close"]
        head += [b": ".join(pair) for pair in answer.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.transport.close()

    def on_body(self, body: bytes) -> None:
        self._beside_body -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._beside_body = 0
        super().on_message_complete()


class Listener(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, so that several can share a loop, and
    says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # as in uvicorn
        yield


def listener(app: ASGIApp, host: str, port: int) -> Listener:
    """A server for an app, not started yet."""
    # no access log: who opened which link is nobody's business
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        access_log=False,
        log_level="warning",
        log_config=None,  # ours stays
        server_header=False,
        proxy_headers=False,  # whose word for the client is taken: controllers/limits.py
        # longer than any client or proxy keeps a quiet connection (nginx: 60 s): whoever closes
        # first must be the one who asks, or a request meets a connection that just went
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        lifespan="off",
    )
    return Listener(config)


@asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Serve an app; the port that it has (0 asks for any). Raises Unavailable: it is taken."""
    server = listener(app, host, port)
    try:
        sock = server.config.bind_socket()
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
