"""Connects a party with all others over mutual TLS 1.3, each held to its pinned certificate.

MPyC's own start listens on every interface, and takes any certificate of the run for any
party. Here a party listens on its own host only; the certificate is compared with the pinned
one when a connection is made, before a byte of ours is sent. As in MPyC, a party connects to
those with larger numbers and listens for the others.

A connection counts once both sides have greeted each other. Until then it may break, or be
accepted by a proxy behind which nobody listens yet, and is tried again until the deadline of
the run, which launch.py keeps. Afterwards its loss ends the run: who stops tells the others.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from dataspace.computing.certificates import fingerprint
from dataspace.computing.exchange import ABORT, GOODBYE, Exchange
from dataspace.computing.job import Job, agreed
from dataspace.computing.steps import Step, Stopped

_CERTIFICATES = Path(".config")
_PATIENCE = 5.0  # seconds for a handshake or a greeting, before it is tried again
_PAUSE = 0.1  # seconds between two tries
_LINGER = 3.0  # seconds in which a party that stops tells those who come late
_FAREWELL = 0.1  # seconds in which last words leave
_GLANCE = 0.005  # seconds between two looks at a connection


class Connections:
    """The connections of this party with all the others."""

    def __init__(self, runtime: Any, job: Job) -> None:
        self.runtime = runtime
        self.failure: asyncio.Future[Step] = asyncio.get_running_loop().create_future()
        self._job = job
        self._greeting = agreed(job)
        self._numbers = {fingerprint(each.certificate): each.number for each in job.parties}
        self._links: dict[int, Exchange] = {}
        self._open: set[Exchange] = set()
        self._last_words: Step | None = None
        self._told: set[int | None] = set()
        self._server: asyncio.Server | None = None
        self._dialling: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._computing = False

    # what Exchange tells us

    def number_of(self, transport: Any) -> int | None:
        """The party whose pinned certificate the other side of the connection showed."""
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return None if not shown else self._numbers.get(sha256(shown).hexdigest())

    def greeting(self, exchange: Exchange) -> bytes:
        """The hash of what this party agreed to, for a peer whose certificate is right."""
        self._open.add(exchange)
        if self._last_words is not None:
            asyncio.get_running_loop().call_soon(self._tell, exchange, self._last_words)
        return self._greeting

    def agrees(self, payload: bytes) -> bool:
        """Whether the other side agreed to the same."""
        return payload == self._greeting

    def ready(self, exchange: Exchange) -> None:
        """A connection counts from here on."""
        if exchange.certified is None or exchange.certified in self._links:
            self.refuse("messages")
        else:
            self._links[exchange.certified] = exchange
            self._changed.set()

    def lost(self, exchange: Exchange) -> None:
        """A connection that did not count yet is tried again; one that did was the last."""
        self._open.discard(exchange)
        counted = exchange in self._links.values()
        if counted and not exchange.said_goodbye:
            self.refuse("computing" if self._computing else "connecting")
        self._changed.set()

    def refuse(self, step: Step) -> None:
        """Keeps the first failure; whoever waits on `failure` stops."""
        if not self.failure.done():
            self.failure.set_result(step)
        self._changed.set()

    # what the party does

    async def connect(self) -> None:
        """Returns when all parties are connected. Raises Stopped."""
        me = self.runtime.pid
        listening = self._secured(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        dialling = self._secured(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        shutil.rmtree(_CERTIFICATES)  # the key is in memory: whoever kills us finds it nowhere
        if me > 0:
            self._server = await self._listen(listening)
        peers = self._job.parties[me + 1 :]
        self._dialling = [
            asyncio.create_task(self._dial(peer.number, dialling)) for peer in peers
        ]
        while len(self._links) < len(self._job.parties) - 1:
            await self._wait_for_change()
        self._computing = True
        await self._meet_no_more()
        for number, link in self._links.items():
            self.runtime.parties[number].protocol = link

    async def _meet_no_more(self) -> None:
        for task in self._dialling:
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        if self._server is not None:
            self._server.close()

    async def _wait_for_change(self) -> None:
        await self._changed.wait()
        self._changed.clear()
        if self.failure.done():
            raise Stopped(self.failure.result())

    async def _listen(self, context: ssl.SSLContext) -> asyncio.Server:
        own = self._job.parties[self.runtime.pid]
        context.num_tickets = 0  # nobody resumes
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(
                lambda: Exchange(self),
                own.host,
                own.port,
                ssl=context,
                ssl_handshake_timeout=_PATIENCE,
            )
        except OSError:
            raise Stopped("listening") from None

    async def _dial(self, number: int, context: ssl.SSLContext) -> None:
        """Tries until the connection counts."""
        while number not in self._links and number not in self._told:
            await self._try_once(number, context)
            await asyncio.sleep(_PAUSE)

    async def _try_once(self, number: int, context: ssl.SSLContext) -> None:
        peer = self._job.parties[number]
        exchange = Exchange(self, number)
        try:
            async with asyncio.timeout(2 * _PATIENCE):
                await asyncio.get_running_loop().create_connection(
                    lambda: exchange,
                    peer.host,
                    peer.port,
                    ssl=context,
                    ssl_handshake_timeout=_PATIENCE,
                )
        except ssl.SSLCertVerificationError:
            self.refuse("identities")  # somebody else answers there
            return
        except (OSError, TimeoutError, ssl.SSLError):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._links.get(number) is not exchange:
                    if exchange.transport.is_closing():
                        return
                    await asyncio.sleep(_GLANCE)
                return
        exchange.transport.abort()

    def _secured(self, context: ssl.SSLContext) -> ssl.SSLContext:
        me = self.runtime.pid
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # the certificate is pinned, whatever the host is
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(
            _CERTIFICATES / f"party_{me}.crt", _CERTIFICATES / f"party_{me}.key"
        )
        context.load_verify_locations(_CERTIFICATES / "mpyc_ca.crt")
        return context

    async def part(self) -> None:
        """Says goodbye to all and waits for theirs: so nobody answers before all are done.

        Raises Stopped if a party was lost before it said goodbye.
        """
        links = list(self._links.values())
        for link in links:
            link.send(GOODBYE, b"")
        while not all(link.said_goodbye and link.is_flushed() for link in links):
            if self.failure.done():
                raise Stopped("answering")
            await asyncio.sleep(_GLANCE)
        for link in links:
            link.close_connection()

    async def abort(self, step: Step) -> None:
        """Tells all why this party stops, so that none waits for it until the deadline.

        Who is not connected yet is waited for, for a few seconds.
        """
        self._last_words = step
        for exchange in list(self._open):
            self._tell(exchange, step)
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self._computing else _LINGER):
                while len(self._told) < len(self._job.parties) - 1:
                    self._changed.clear()
                    await self._changed.wait()
        await asyncio.sleep(_FAREWELL)
        await self._meet_no_more()

    def _tell(self, exchange: Exchange, step: Step) -> None:
        if not exchange.transport.is_closing():
            exchange.send(ABORT, step.encode())
            exchange.close_connection()
            self._told.add(exchange.certified)
            self._changed.set()
