"""One connection between two parties: MPyC's messages, bounded, after a greeting of ours.

    client -> server   number (2 bytes), keys of pseudorandom sharing   (MPyC's own preface)
    both ways          GREETING with the hash of what was agreed
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
GREETING, GOODBYE, ABORT = (-(2**63) + number for number in range(3))
MOST_MESSAGE = 64 * 2**20  # bytes: twenty times what 100,000 cells need in one message
MOST_WAITING = 256 * 2**20  # bytes of messages that nobody here has asked for yet
_HEADER = struct.Struct("<qI")


class Meeting(Protocol):
    """Who is told what happens on a connection (connecting.py)."""

    runtime: Any

    def number_of(self, transport: Any) -> int | None:
        """The party whose pinned certificate the other side showed."""

    def greeting(self) -> bytes:
        """The hash of what this party agreed to."""

    def greeted(self, exchange: Exchange, payload: bytes) -> None:
        """The other side said what it agreed to."""

    def lost(self, exchange: Exchange) -> None:
        """The connection is gone."""

    def refuse(self, step: Step) -> None:
        """Something is wrong that no second try mends."""


class Exchange(asyncoro.MessageExchanger):
    """MPyC's end of a connection with one peer; `peer` is None where the peer connects."""

    def __init__(self, meeting: Meeting, peer: int | None = None) -> None:
        super().__init__(meeting.runtime, peer)
        self.certified: int | None = None
        self.said_goodbye = False
        self._meeting = meeting
        self._waiting_bytes = 0

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
            self.send(GREETING, self._meeting.greeting())

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

    def connection_lost(self, exc: Exception | None) -> None:
        self._meeting.lost(self)

    def is_flushed(self) -> bool:
        """Whether everything was handed to the system that was to be sent."""
        return bool(self.transport.is_closing() or not self.transport.get_write_buffer_size())

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
        self.send(GREETING, self._meeting.greeting())
        return True

    def _take(self, label: int, payload: bytes) -> None:
        if label == GREETING:
            self._meeting.greeted(self, payload)
        elif label == GOODBYE:
            self.said_goodbye = True
        elif label == ABORT:
            named = payload.decode("ascii", "replace")
            self._meeting.refuse(next((step for step in STEPS if step == named), "messages"))
        elif label in self.buffers:
            expected = self.buffers.pop(label)
            if isinstance(expected, bytes):
                self._refuse("messages")  # the same label twice
            elif not expected.done():
                expected.set_result(payload)
        else:
            self._waiting_bytes += len(payload)
            if self._waiting_bytes > MOST_WAITING:
                self._refuse("messages")
                return
            self.buffers[label] = payload

    def receive(self, pc: int) -> Any:
        found = super().receive(pc)
        if isinstance(found, bytes):
            self._waiting_bytes -= len(found)
        return found

    def _refuse(self, step: Step) -> None:
        self._meeting.refuse(step)
        self.transport.abort()
