"""Nodes speak over TLS 1.3, each showing a certificate whose fingerprint the terms name.

The handshake lets in only the very certificates of the space (they are self-signed, and no
other can be made under them). Who it was is then read from the fingerprint, on both sides, and
compared with the terms of the moment: a participant's place in the space is its certificate's,
whatever it says of itself.

Answers to a peer carry a stable code and never a text of what went wrong; of a peer's answer
nothing but such a code is believed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from controllers.dataspace.certificates import der_of, fingerprint, require_environment
from controllers.dataspace.envelopes import (
    Envelope,
    Seen,
    fresh_id,
    open_envelope,
    seal_envelope,
)
from controllers.dataspace.identity import Identity
from core.canonical import Json, canonicalize
from core.clock import Clock
from core.errors import Conflict, Forbidden, HavenError, Unavailable, VerificationError
from dataspace.agreeing.agreement import Participant, Terms

LOGGER = logging.getLogger(__name__)

MOST_MESSAGE = 4 * 1024 * 1024  # bytes of a message or an answer
MOST_FRAME = 4 * 1024 * 1024  # bytes of a frame of the ring
_CONNECT_SECONDS = 10
_STOP_SECONDS = 1.0  # for answers that are being made when the node stops
_TLS = ssl.TLSVersion.TLSv1_3

type Handler = Callable[[Participant, Json], Awaitable[Json]]
type FrameHandler = Callable[[Participant, str, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Space:
    """Who may connect: the terms, and each participant's certificate (PEM) by DID."""

    terms: Terms
    digest: str
    certificates: Mapping[str, str]

    def require_whole(self) -> None:
        """That there is a certificate for everybody, the one that the terms name, made for
        the environment of the space.

        Raises VerificationError: step `certificate` or `environment`.
        """
        for each in self.terms.participants:
            der = der_of(self.certificates.get(each.did, ""))
            if fingerprint(der) != each.certificate:
                raise VerificationError(
                    "a certificate is not the one that the terms name", step="certificate"
                )
            require_environment(der, self.terms.environment)

    def who(self, der: bytes | None) -> Participant:
        """The participant that shows this certificate. Raises Forbidden."""
        shown = fingerprint(der) if der else ""
        found = [each for each in self.terms.participants if each.certificate == shown]
        if len(found) != 1 or der is None:
            raise Forbidden(
                "This certificate belongs to nobody in this space", code="unknown-peer"
            )
        require_environment(der, self.terms.environment)
        return found[0]


class Peers:
    """The network of one node: what it serves to its peers, and how it speaks to them."""

    def __init__(self, identity: Identity, space: Space, clock: Clock) -> None:
        """Raises VerificationError if a certificate of the space is not as it has to be."""
        space.require_whole()
        self.identity, self.space = identity, space
        self._clock, self._seen = clock, Seen()
        self._handlers: dict[str, Handler] = {}
        self._on_frame: FrameHandler = _no_frames
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._runner: web.AppRunner | None = None

    def on(self, kind: str, handler: Handler) -> None:
        """Serve one kind of message."""
        self._handlers[kind] = handler

    def on_frame(self, handler: FrameHandler) -> None:
        """Serve the ring's frames."""
        self._on_frame = handler

    # --- serving ------------------------------------------------------------------------

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises Unavailable if the port is taken."""
        app = web.Application(client_max_size=MOST_MESSAGE, middlewares=[self._guarded])
        app.router.add_post("/peer/messages", self._message)
        app.router.add_post("/peer/runs/{tag}/frames", self._frame)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=_STOP_SECONDS
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._server_context())
        try:
            await site.start()
        except OSError as err:
            await self._runner.cleanup()
            raise Unavailable(
                f"Port {port}, for the other nodes, cannot be opened: another program has it, "
                "or HAVEN_NODE_HOST is no address of this machine"
            ) from err

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        if self._runner is not None:
            await self._runner.cleanup()

    def _server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        everybody = [self.space.certificates[p.did] for p in self.space.terms.participants]
        return self._own(context, "\n".join(everybody))

    def _own(self, context: ssl.SSLContext, trusted: str) -> ssl.SSLContext:
        context.minimum_version = _TLS
        context.load_verify_locations(cadata=trusted)
        context.load_cert_chain(self.identity.certificate_file, self.identity.key_file)
        return context

    @web.middleware
    async def _guarded(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except HavenError as error:
            return web.json_response({"code": error.code}, status=error.status)
        except web.HTTPException as error:
            return web.json_response({"code": "not-served"}, status=error.status)
        except Exception as error:  # a process boundary: logged by its class, told as a code
            LOGGER.error("unforeseen %s in a peer's message", type(error).__name__)
            return web.json_response({"code": "internal"}, status=500)

    def _sender(self, request: web.Request) -> Participant:
        shown = request.transport and request.transport.get_extra_info("ssl_object")
        sender = self.space.who(shown.getpeercert(binary_form=True) if shown else None)
        if sender.did == self.identity.did:
            raise Forbidden("A node does not speak to itself", code="unknown-peer")
        return sender

    async def _message(self, request: web.Request) -> web.Response:
        sender = self._sender(request)
        envelope = self._opened(await request.read(), sender)
        self._seen.require_new(envelope.id, self._clock.now())
        handler = self._handlers.get(envelope.kind)
        if handler is None:
            raise Conflict("This kind of message is not served", code="not-served")
        answer = await handler(sender, envelope.body)
        sealed = self._sealed("answer", sender.did, answer, envelope.id)
        return web.Response(body=sealed, content_type="application/json")

    async def _frame(self, request: web.Request) -> web.Response:
        sender = self._sender(request)
        await self._on_frame(sender, request.match_info["tag"], await request.read())
        return web.Response(status=204)

    def _opened(self, data: bytes, sender: Participant) -> Envelope:
        return open_envelope(
            data,
            sender=sender,
            to=self.identity.did,
            agreement=self.space.digest,
            now=self._clock.now(),
        )

    def _sealed(self, kind: str, to: str, body: Mapping[str, Any], identifier: str) -> bytes:
        envelope = Envelope(
            kind=kind,
            id=identifier,
            sender=self.identity.did,
            to=to,
            agreement=self.space.digest,
            at=self._clock.now(),
            body=dict(body),
        )
        return canonicalize(seal_envelope(envelope, self.identity), step="message")

    # --- speaking -----------------------------------------------------------------------

    @property
    def others(self) -> tuple[Participant, ...]:
        """Everybody but this node."""
        every = self.space.terms.participants
        return tuple(each for each in every if each.did != self.identity.did)

    async def ask(self, to: Participant, kind: str, body: Json, *, seconds: float) -> Json:
        """Say something to a peer; its answer's body, verified.

        Raises Unavailable (it cannot be reached, or does not answer in time), Conflict (it
        refuses; `code` says why), VerificationError (the answer is not what it has to be).
        """
        identifier = fresh_id()
        data = self._sealed(kind, to.did, body, identifier)
        told = await self._post(to, "/peer/messages", data, seconds)
        envelope = self._opened(told, to)
        if envelope.kind != "answer" or envelope.id != identifier:
            raise VerificationError("this answers another message", step="answer")
        return envelope.body

    async def ask_all(
        self,
        kind: str,
        body: Json,
        *,
        seconds: float,
        among: Sequence[Participant] | None = None,
    ) -> dict[str, Json]:
        """The same message to all others, or to some; the answer of each, by DID.

        Raises the first error; what the others are doing then is given up.
        """
        to = self.others if among is None else among
        try:
            async with asyncio.TaskGroup() as group:
                asked = {
                    each.did: group.create_task(self.ask(each, kind, body, seconds=seconds))
                    for each in to
                }
        except ExceptionGroup as failed:
            raise _first(failed) from None
        return {did: task.result() for did, task in asked.items()}

    async def tell_all(self, kind: str, body: Json, *, seconds: float) -> frozenset[str]:
        """The same message to all others; the DIDs of those who took it. Whoever is away now
        is told again when a run begins."""

        async def tell(each: Participant) -> bool:
            try:
                await self.ask(each, kind, body, seconds=seconds)
            except HavenError as error:
                LOGGER.info("a peer was not told: %s", error.slug)
                return False
            return True

        told = await asyncio.gather(*(tell(each) for each in self.others))
        return frozenset(each.did for each, done in zip(self.others, told, strict=True) if done)

    async def send_frame(self, to: Participant, tag: str, frame: bytes, seconds: float) -> None:
        """Send a frame of the ring; returns when the peer has taken it."""
        await self._post(to, f"/peer/runs/{tag}/frames", frame, seconds)

    async def _post(self, to: Participant, path: str, data: bytes, seconds: float) -> bytes:
        url = f"https://{_host(to.host)}:{to.port}{path}"
        limit = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, _CONNECT_SECONDS))
        try:
            async with self._session(to).post(
                url,
                data=data,
                ssl=self._client_context(to),
                timeout=limit,
                allow_redirects=False,
                headers={"Content-Type": "application/json"},
            ) as response:
                answer = await _limited(response)
                if response.status >= 300:
                    raise Conflict("Another node refused", code=_code_in(answer))
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise Unavailable(
                f"The node of {to.name} does not answer", code="peer-unavailable"
            ) from err

    def _session(self, to: Participant) -> aiohttp.ClientSession:
        # a connector knows one fingerprint: every peer has its own
        if to.did not in self._sessions:
            pinned = aiohttp.Fingerprint(bytes.fromhex(to.certificate))
            connector = aiohttp.TCPConnector(ssl=pinned, limit=4)
            self._sessions[to.did] = aiohttp.ClientSession(connector=connector)
        return self._sessions[to.did]

    def _client_context(self, to: Participant) -> ssl.SSLContext:
        if to.did not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False  # the fingerprint says who it is, and not a name
            self._contexts[to.did] = self._own(context, self.space.certificates[to.did])
        return self._contexts[to.did]


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        data += chunk
        if len(data) > MOST_MESSAGE:
            raise VerificationError("another node's answer is too long", step="size")
    return bytes(data)


def _code_in(answer: bytes) -> str:
    """The code of a refusal, if it is one; nothing else of it is believed."""
    found = re.fullmatch(rb'\s*\{"code": ?"([a-z][a-z0-9-]{0,63})"\}\s*', answer)
    return found.group(1).decode() if found else "refused"


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _no_frames(_sender: Participant, _tag: str, _frame: bytes) -> None:
    raise Conflict("No run waits for this", code="not-served")


def _first(failed: BaseExceptionGroup[Exception]) -> Exception:
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
