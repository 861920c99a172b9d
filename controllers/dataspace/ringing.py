"""The ring's messages between nodes: frames over the peers' channel, senders known by TLS."""

from __future__ import annotations

import asyncio

from controllers.dataspace.peers import Peers
from core.errors import Conflict, TooLarge, Unavailable
from dataspace.agreeing.agreement import Participant
from dataspace.ring.messages import Message, decode, encode

MOST_WAITING = 256 * 2**20  # bytes of frames that nobody has taken yet: beyond it, no more
_KEEPING = 256  # bytes that a waiting frame needs beside its own, be it ever so short
_SEND_SECONDS = 120.0


class RingPort:
    """One node's port in one run (dataspace.ring.messages.Network).

    A sender waits until its frame is taken in. Frames of one sender stay in order, because the
    next is sent when the one before was answered.
    """

    def __init__(self, peers: Peers, tag: str) -> None:
        self._peers, self._tag = peers, tag
        self._inbox: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._waiting = 0
        self._lines: dict[str, asyncio.Lock] = {}
        self._closed = False

    async def send(self, to: str, message: Message) -> None:
        """Raises Unavailable: the other is gone, or refuses."""
        member = self._peers.space.terms.participant(to)
        if member is None:
            raise Unavailable("a party of the ring is nobody in this space")
        async with self._lines.setdefault(to, asyncio.Lock()):
            try:
                await self._peers.send_frame(member, self._tag, encode(message), _SEND_SECONDS)
            except Conflict as err:
                raise Unavailable("a party of the ring has stopped", code=err.code) from err

    async def receive(self) -> tuple[str, Message]:
        """The next message of anybody. Raises Unavailable when the run was given up here."""
        found = await self._inbox.get()
        if found is None:
            raise Unavailable("the run was given up")
        sender, frame = found
        self._waiting -= _KEEPING + len(frame)
        return sender, decode(frame)

    def put(self, sender: Participant, frame: bytes) -> None:
        """A frame that came. Raises TooLarge: more waits than is kept; Conflict: closed."""
        if self._closed:
            raise Conflict("No run waits for this", code="not-served")
        size = _KEEPING + len(frame)
        if self._waiting + size > MOST_WAITING:
            raise TooLarge("more of the ring waits here than is kept")
        self._waiting += size
        self._inbox.put_nowait((sender.did, frame))

    def close(self) -> None:
        """Nothing more is taken, and who waits is told."""
        self._closed = True
        self._inbox.put_nowait(None)
