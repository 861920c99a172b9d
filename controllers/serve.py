"""The controllers' process: both listeners in one event loop.

    python -m controllers.serve

It is started by `haven up`, and ends when its supervisor does.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import uvicorn
import uvloop
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from agent.launch import collect_garbage_seldom, die_with_parent, use_all_files_allowed
from agent.profiling import profile_if_asked
from controllers import logs
from controllers.app import build
from controllers.haven import Haven
from controllers.problems import problem
from controllers.secrets import load
from controllers.settings import read_settings
from core.errors import HavenError, InvalidInput

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


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, so that two can share a loop."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # as in uvicorn
        yield


async def serve(haven: Haven, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    settings = haven.settings
    await haven.start()
    collect_garbage_seldom()
    servers = [
        _server(haven.public_app, settings.host, settings.public_port),
        _server(haven.internal_app, settings.internal_host, settings.internal_port),
    ]
    running = [asyncio.create_task(server.serve()) for server in servers]
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    await haven.stop()


def _server(app: FastAPI, host: str, port: int) -> _Server:
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
    return _Server(config)


async def _run() -> None:
    settings = read_settings()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(build(settings, load(settings.secrets_folder)), stop)


def main() -> None:
    """Run until told to stop."""
    die_with_parent()
    use_all_files_allowed()
    profile_if_asked("controllers")
    logs.configure()
    try:
        uvloop.run(_run())
    except HavenError as err:  # in our words, which hold no value
        sys.exit(f"{err.title}. {err.detail}")


if __name__ == "__main__":
    main()
