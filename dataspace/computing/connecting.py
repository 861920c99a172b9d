"""Connects a party with all others over mutual TLS 1.3, each held to its pinned certificate.

MPyC's own start listens on every interface, and takes any certificate of the run for any
party. Here a party listens on its own host only; the certificate is compared with the pinned
one when a connection is made, before a byte of ours is sent. As in MPyC, a party connects to
those with larger numbers and listens for the others.

A connection counts once both sides have greeted each other. Until then it may break, or be
accepted by a proxy behind which nobody listens yet, and is tried again until the deadline of
the run, which launch.py keeps.
"""

from __future__ import annotations

import asyncio
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
        self._changed = asyncio.Event()
        self._computing = False

    # what Exchange tells us

    def number_of(self, transport: Any) -> int | None:
        """The party whose pinned certificate the other side of the connection showed."""
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return None if not shown else self._numbers.get(sha256(shown).hexdigest())

    def greeting(self) -> bytes:
        """The hash of what this party agreed to."""
        return self._greeting

    def greeted(self, exchange: Exchange, payload: bytes) -> None:
        """A connection counts from here on; a newer one takes the place of a broken one."""
        if payload != self._greeting:
            self.refuse("agreeing")
        elif exchange.certified is not None and not self._computing:
            self._links[exchange.certified] = exchange
            self._changed.set()

    def lost(self, exchange: Exchange) -> None:
        """Before all are connected another try may follow; afterwards it is the end."""
        if self._links.get(exchange.certified) is exchange:
            del self._links[exchange.certified]
            if self._computing and not exchange.said_goodbye:
                self.refuse("computing")
        self._changed.set()

    def refuse(self, step: Step) -> None:
        """Keeps the first failure; whoever waits on `failure` stops."""
        if not self.failure.done():
            self.failure.set_result(step)

    # what the party does

    async def connect(self) -> None:
        """Returns when all parties are connected. Raises Stopped."""
        me = self.runtime.pid
        server = await self._listen() if me > 0 else None
        peers = self._job.parties[me + 1 :]
        dialling = [asyncio.ensure_future(self._dial(peer.number)) for peer in peers]
        try:
            while len(self._links) < len(self._job.parties) - 1:
                await self._wait_for_change()
        finally:
            for task in dialling:
                task.cancel()
            await asyncio.gather(*dialling, return_exceptions=True)
            if server is not None:
                server.close()
        self._computing = True
        for number, link in self._links.items():
            self.runtime.parties[number].protocol = link

    async def _wait_for_change(self) -> None:
        change = asyncio.ensure_future(self._changed.wait())
        await asyncio.wait({change, self.failure}, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
        self._changed.clear()
        if self.failure.done():
            raise Stopped(self.failure.result())

    async def _listen(self) -> asyncio.Server:
        own = self._job.parties[self.runtime.pid]
        context = self._secured(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
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

    async def _dial(self, number: int) -> None:
        """Tries until the connection is greeted on both sides, and again when it breaks."""
        context = self._secured(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        while True:
            if number not in self._links:
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

    def abort(self, step: Step) -> None:
        """Tells all that are connected why this party stops, so that none waits for it."""
        for link in self._links.values():
            if not link.transport.is_closing():
                link.send(ABORT, step.encode())
                link.close_connection()
