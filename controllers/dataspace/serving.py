"""A node's process: the other nodes over mutual TLS, its own officers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from controllers import logs
from controllers.dataspace.framework import documents_in, load_rules
from controllers.dataspace.identity import Identity, load_identity
from controllers.dataspace.node import Node, Outside, opened_books, running_node
from controllers.dataspace.officer_api import officer_app
from controllers.dataspace.settings import NodeSettings
from core.clock import Clock, SystemClock
from core.errors import Unavailable
from dataspace.agreeing.agreement import Environment
from dataspace.computing.launch import compute
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import Vocabulary, cases, load

LOOPBACK = "127.0.0.1"
SIGNERS, VOCABULARY = "framework-signers.json", "vocabulary.json"


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


def vocabulary_of(settings: NodeSettings) -> Vocabulary:
    """The vocabulary in the node's folder, else the built-in one. Raises ConfigurationError."""
    path = settings.folder / VOCABULARY
    return load(path) if path.exists() else cases()


async def outside_of(settings: NodeSettings, identity: Identity, clock: Clock) -> Outside:
    """What a real node is given: the framework that its terms name, real computing.

    Raises ConfigurationError, VerificationError.
    """
    async with opened_books(settings, identity, clock) as books:
        authority = books.agreements.agreement.terms.framework
    signers = documents_in(settings.folder / SIGNERS)
    rules = load_rules(settings.framework_path, authority, signers, now=clock.now())
    return Outside(rules, catalogue(), vocabulary_of(settings), clock, compute)


@asynccontextmanager
async def serving_officers(node: Node, port: int) -> AsyncIterator[int]:
    """The officers' API on loopback; the port that it has. Raises Unavailable."""
    config = uvicorn.Config(
        officer_app(node),
        host=LOOPBACK,
        port=port,
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
        lifespan="off",
    )
    server = _Server(config)
    try:
        sock = config.bind_socket()
    except SystemExit as err:  # uvicorn's word for a port that is taken
        raise Unavailable("The port for officers is in use already") from err
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        await server.listening.wait()
        yield int(sock.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        sock.close()


async def serve_node(settings: NodeSettings) -> None:
    """Be a node until told to stop."""
    logs.configure()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    identity, clock = load_identity(settings.folder), SystemClock()
    outside = await outside_of(settings, identity, clock)
    async with (
        running_node(settings, identity, outside) as node,
        serving_officers(node, settings.officer_port),
    ):
        if identity.environment is Environment.PRODUCTION:
            node.books.agreements.signed()
        await stop.wait()
