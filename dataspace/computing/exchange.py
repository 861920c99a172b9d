"""One connection between two parties: MPyC's messages, bounded, after a greeting of ours.

    client -> server   number (2 bytes), keys of pseudorandom sharing   (MPyC's own preface),
                       GREETING with the hash of what was agreed
    server -> client   GREETING likewise
    client -> server   READY
    both ways          MPyC's messages
    both ways          GOODBYE, after which the other may close; or ABORT with a step's name

A connection's certificate is looked at before anything is sent or read.
"""

from __future__ import annotations

import struct
from typing import Any, Protocol

from mpyc import asyncoro

from dataspace.computing.steps import STEPS, Step

# MPyC's own labels are hashes; that one of them is so small has a chance of 2**-62
GREETING, READY, GOODBYE, ABORT = (-(2**63) + number for number in range(4))
MOST_MESSAGE = 64 * 2**20  # bytes: twenty times what 100,000 cells need in one message
MOST_WAITING = 256 * 2**20  # bytes of messages that nobody here has asked for yet
_KEEPING = 256  # bytes that a waiting message needs beside its own, be it ever so short
_HEADER = struct.Struct("<qI")


class Meeting(Protocol):
    """Who is told what happens on a connection (connecting.py)."""

    runtime: Any

    def number_of(self, transport: Any) -> int | None:
        """The party whose pinned certificate the other side showed."""

    def greeting(self, exchange: Exchange) -> bytes:
        """The hash of what this party agreed to, for a peer whose certificate is right."""

    def agrees(self, payload: bytes) -> bool:
        """Whether the other side agreed to the same."""

    def ready(self, exchange: Exchange) -> None:
        """The connection counts, at this side at least."""

    def lost(self, exchange: Exchange) -> None:
        """The connection is gone."""

    def refuse(self, step: Step) -> None:
        """Something is wrong that no second try mends."""


class Exchange(asyncoro.MessageExchanger):  # type: ignore[misc]  # MPyC has no types
    """MPyC's end of a connection with one peer; `peer` is None where the peer connects."""

    def __init__(self, meeting: Meeting, peer: int | None = None) -> None:
        super().__init__(meeting.runtime, peer)
        self.certified: int | None = None
        self.said_goodbye = False
        self._meeting = meeting
        self._waiting_bytes = 0
        self._outgoing: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.certified = self._meeting.number_of(transport)
        if self.peer_pid is None:
            # who connects has a smaller number than we; which one, its certificate says
            if self.certified is None or self.certified >= self.runtime.pid:
                self._refuse("identities")
        elif self.certified != self.peer_pid:
            self._refuse("identities")
        else:
            preface = [self.runtime.pid.to_bytes(2, "little")]
            if not self.runtime.options.no_prss:
                preface += self.runtime._prss_keys_to_peer(self.peer_pid)
            transport.write(b"".join(preface))
            self.send(GREETING, self._meeting.greeting(self))

    def data_received(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        self.bytes.extend(data)
        if self.peer_pid is None and not self._read_preface():
            return
        while len(self.bytes) >= _HEADER.size:
            label, size = _HEADER.unpack_from(self.bytes)
            if size > MOST_MESSAGE:
                self._refuse("messages")
                return
            end = _HEADER.size + size
            if len(self.bytes) < end:
                return
            payload = bytes(self.bytes[_HEADER.size : end])
            del self.bytes[:end]
            self._take(label, payload)

    def send(self, pc: int, payload: bytes) -> None:
        """Sends what one turn of the loop says to this peer in one piece.

        A circuit's parallel steps then share a TLS record and a wake-up of the peer: with six
        parties on two processors a tenth of the time.
        """
        if not self._outgoing:
            self.runtime._loop.call_soon(self._flush)
        self._outgoing += (_HEADER.pack(pc, len(payload)), payload)
        self.nbytes_sent += _HEADER.size + len(payload)

    def _flush(self) -> None:
        pieces, self._outgoing = self._outgoing, []
        if not self.transport.is_closing():
            self.transport.write(b"".join(pieces))

    def close_connection(self) -> None:
        self._flush()
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._meeting.lost(self)

    def is_flushed(self) -> bool:
        """Whether everything was handed to the system that was to be sent."""
        transport = self.transport
        unsent = self._outgoing or transport.get_write_buffer_size()
        return transport.is_closing() or not unsent

    def _read_preface(self) -> bool:
        """Whether the number and the keys are there; the number is the certificate's."""
        if self.certified is None:
            return False
        with_keys = not self.runtime.options.no_prss
        size = 2 + (self.runtime._prss_keys_from_peer(self.certified) if with_keys else 0)
        if len(self.bytes) < size:
            return False
        if int.from_bytes(self.bytes[:2], "little") != self.certified:
            self._refuse("identities")
            return False
        del self.bytes[:2]
        keys = bytes(self.bytes[: size - 2])
        del self.bytes[: size - 2]
        if with_keys:
            self.runtime._prss_keys_from_peer(self.certified, keys)
        self.peer_pid = self.certified
        return True

    def _take(self, label: int, payload: bytes) -> None:
        if label == GREETING:
            self._greet(payload)
        elif label == READY:
            self._meeting.ready(self)
        elif label == GOODBYE:
            self.said_goodbye = True
        elif label == ABORT:
            named = payload.decode("ascii", "replace")
            self._meeting.refuse(next((step for step in STEPS if step == named), "messages"))
        else:
            self._deliver(label, payload)

    def _greet(self, payload: bytes) -> None:
        is_client = self.certified is not None and self.certified > self.runtime.pid
        if not is_client:
            self.send(GREETING, self._meeting.greeting(self))
        if not self._meeting.agrees(payload):
            self._meeting.refuse("agreeing")
        elif is_client:
            self.send(READY, b"")
            self._meeting.ready(self)

    def _deliver(self, label: int, payload: bytes) -> None:
        """To whoever waits for it, or into the buffer."""
        expected = self.buffers.pop(label, None)
        if expected is None:
            self._waiting_bytes += _KEEPING + len(payload)
            self.buffers[label] = payload
            if self._waiting_bytes > MOST_WAITING:
                self._refuse("messages")
        elif isinstance(expected, bytes):
            self._refuse("messages")  # the same label twice
        elif not expected.done():
            expected.set_result(payload)

    def receive(self, pc: int) -> Any:
        found = super().receive(pc)
        if isinstance(found, bytes):
            self._waiting_bytes -= _KEEPING + len(found)
        return found

    def _refuse(self, step: Step) -> None:
        self._meeting.refuse(step)
        self.transport.abort()
