"""A wallet that is open: its store, its sessions, and the messages on their way through it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field

from acapy_agent.admin.server import AdminResponder
from acapy_agent.askar.profile_anon import AskarAnonCredsProfile
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.transport.inbound.message import InboundMessage


@dataclass(eq=False)
class Taken:
    """A message that the wallet has taken in. `waits`: it is still in the agent's store.
    `ended`: its handler had ended when the wallet's store was closed."""

    envelope: bytes
    waits: bool = False
    ended: bool = False
    read: asyncio.Event = field(default_factory=asyncio.Event)
    message: InboundMessage | None = None

    @property
    def is_over(self) -> bool:
        """Whether its handler has ended, or it was none."""
        done = self.message is None or self.message.processing_complete_event.is_set()
        return self.read.is_set() and done

    async def over(self) -> None:
        """Wait until its handler has ended."""
        await self.read.wait()
        if self.message is not None:
            await self.message.wait_processing_complete()


@dataclass(eq=False)
class OpenWallet:
    """`caught_up`: nothing waits for it any more, so what arrives goes straight in. `closing`:
    nothing more is begun in it. `closed`: whatever failed now may have failed for that."""

    wallet_id: str
    profile: Profile
    salt: bytes
    key_digest: bytes
    sessions: dict[str, float] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    caught_up: bool = False
    catching_up: asyncio.Task[None] | None = None
    closing: bool = False
    closed: bool = False

    def matches(self, raw_key: str) -> bool:
        """Whether this key opened it."""
        return hmac.compare_digest(self.key_digest, digest(self.salt, raw_key))

    def begin(self, envelope: bytes, *, waits: bool = False) -> Taken:
        """Note that a message goes in."""
        self.taken = [each for each in self.taken if not each.is_over]
        taken = Taken(envelope, waits)
        self.taken.append(taken)
        return taken

    async def finish(self, seconds: float) -> list[Taken]:
        """Wait until no message is on its way; answers those that are when the time is over."""
        left = [each for each in self.taken if not each.is_over]
        if left:
            waits = [asyncio.create_task(each.over()) for each in left]
            _, late = await asyncio.wait(waits, timeout=seconds)
            for each in late:
                each.cancel()
        return [each for each in left if not each.is_over]

    def leave(self) -> None:
        """The store closes now, or the agent stops."""
        for each in self.taken:
            each.ended = each.is_over
        self.closing = self.closed = True
        self.caught_up = False


def digest(salt: bytes, raw_key: str) -> bytes:
    """What is kept of a key while its wallet is open."""
    return hashlib.blake2b(raw_key.encode(), key=salt).digest()


def request_profile(profile: Profile) -> Profile:
    """A profile of its own for each request, over the one open store, as ACA-Py does it."""
    return AskarAnonCredsProfile(profile.opened, profile.context)


def message_profile(profile: Profile) -> Profile:
    """The same for a message, with its own way to answer (as ACA-Py's InboundSession)."""
    own = request_profile(profile)
    responder = AdminResponder(own, own.inject(BaseResponder).send_fn)
    own.context.injector.bind_instance(BaseResponder, responder)
    return own
