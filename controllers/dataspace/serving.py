"""A node's process: the other nodes over mutual TLS, its own officers on loopback.

    python -m controllers.dataspace.serving

is what `haven dataspace node run` is, for who starts several: settings come from the
environment, and the process ends when its parent does.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

from agent.launch import die_with_parent
from controllers import logs
from controllers.dataspace.framework import documents_in, load_rules
from controllers.dataspace.identity import Identity, load_identity
from controllers.dataspace.joining import PARTICIPANTS, SIGNERS
from controllers.dataspace.node import Books, Node, Outside, opened_books, running_node
from controllers.dataspace.officer_pages import Officers
from controllers.dataspace.settings import NodeSettings, read_node_settings
from controllers.listening import listening
from controllers.running import only_one
from core.clock import Clock, SystemClock
from core.errors import HavenError
from dataspace.agreeing.agreement import Environment
from dataspace.agreeing.keys import require_listed_keys
from dataspace.computing.launch import compute
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import Vocabulary, cases, load

LOOPBACK = "127.0.0.1"
VOCABULARY = "vocabulary.json"


def vocabulary_of(settings: NodeSettings) -> Vocabulary:
    """The vocabulary in the node's folder, else the built-in one. Raises ConfigurationError."""
    path = settings.folder / VOCABULARY
    return load(path) if path.exists() else cases()


def outside_of(books: Books, clock: Clock) -> Outside:
    """What a real node is given: the framework that its terms name, real computing.

    For real cases the keys of the terms have to be the participants' own: each stands in its
    DID's document.

    Raises ConfigurationError, VerificationError.
    """
    settings, terms = books.settings, books.agreements.agreement.terms
    if books.identity.environment is Environment.PRODUCTION:
        require_listed_keys(terms, documents_in(settings.folder / PARTICIPANTS))
    signers = documents_in(settings.folder / SIGNERS)
    rules = load_rules(settings.framework_path, terms.framework, signers, now=clock.now())
    return Outside(rules, catalogue(), vocabulary_of(settings), clock, compute)


@asynccontextmanager
async def serving_officers(node: Node, port: int) -> AsyncIterator[int]:
    """The officers' pages and API on loopback; the port that they have. Raises Unavailable."""
    async with listening(Officers(node), LOOPBACK, port) as given:
        yield given


def alone(settings: NodeSettings) -> AbstractContextManager[None]:
    """No other process is this node: a second one would end the first one's open run before it
    found the port taken. Raises ConfigurationError."""
    return only_one(settings.folder, "This node runs already; stop it first")


async def serve_node(
    settings: NodeSettings, say: Callable[[str], object] = lambda _: None
) -> None:
    """Be a node until told to stop; `say` is told where it can be reached, and what lacks."""
    logs.configure()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    identity, clock = load_identity(settings.folder), SystemClock()
    with alone(settings):
        await _serve(settings, identity, clock, stop, say)


async def _serve(
    settings: NodeSettings,
    identity: Identity,
    clock: Clock,
    stop: asyncio.Event,
    say: Callable[[str], object],
) -> None:
    async with (
        opened_books(settings, identity, clock) as books,
        running_node(books, outside_of(books, clock)) as node,
        serving_officers(node, settings.officer_port) as officer_port,
    ):
        agreements = node.books.agreements
        if identity.environment is Environment.PRODUCTION:
            agreements.signed()
        say(f"Other nodes: port {agreements.own.port} on {settings.host}.")
        say(f"Officers: http://{LOOPBACK}:{officer_port}/api. Ctrl-C stops the node.")
        if missing := agreements.unsigned():
            say(f"Nothing can be asked before these have signed: {', '.join(missing)}.")
        await stop.wait()


def main() -> None:
    """Be a node until told to stop, or until the parent is gone."""
    die_with_parent()
    try:
        asyncio.run(serve_node(read_node_settings()))
    except HavenError as err:  # in our words, which hold no value
        sys.exit(f"{err.title}. {err.detail}")


if __name__ == "__main__":
    main()
