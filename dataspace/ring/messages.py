"""What travels in a ring, as typed messages and as bytes, read strictly.

One message is one frame; how frames are delimited is the transport's affair. Numbers are
unsigned and big-endian. A frame begins with its kind (one byte) and the run's tag (32 bytes).
Parties stand in messages as their place in the ring, so no text has to be read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Protocol

from core.errors import VerificationError

_RUN = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a list on its way around the ring.

    origin: place of the list's holder. hops: how many holders have blinded it. part, of: from
    0, and how many. records: the padded size of the list. tokens: records of this part, each
    one token a key.
    """

    run: bytes = field(repr=False)
    origin: int
    hops: int
    part: int
    of: int
    records: int
    tokens: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attested:
    """A holder tells the evaluator, and only it, how many records are no dummies."""

    run: bytes = field(repr=False)
    origin: int
    size: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class Marks:
    """The evaluator's answer to the owner of a list of links: for each record and kind a mark.

    A mark is two bytes: how many others hold the identifier (at most what the plan tells), or
    in a revealing run a bit for each other holder's place.
    """

    run: bytes = field(repr=False)
    origin: int
    part: int
    of: int
    records: int
    marks: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The evaluator has counted, and tells every holder that the run came to its end."""

    run: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A party has given up this run, for whatever reason; nobody need wait for its deadline."""

    run: bytes = field(repr=False)


type Message = Batch | Attested | Marks | Done | Stopped


class Network(Protocol):
    """One node's connections in one run. The transport knows who is who (mutual TLS).

    Both methods raise core.errors.Unavailable when the other side is gone. `send` waits while
    the receiver is slow; `receive` gives the next message of anybody, those of one sender in
    the order sent, with the sender's authenticated name.
    """

    async def send(self, to: str, message: Message) -> None: ...

    async def receive(self) -> tuple[str, Message]: ...


_HEAD = struct.Struct(f"!B{_RUN}s")
_BATCH = struct.Struct("!HHIII")
_ATTESTED, _MARKS = struct.Struct("!HI"), struct.Struct("!HIII")
OVERHEAD = _HEAD.size + _BATCH.size  # bytes of the longest frame beside its records
_BARE: dict[int, type[Done | Stopped]] = {
    4: Done,
    5: Stopped,
}  # kinds that say no more than that


def encode(message: Message) -> bytes:
    """The frame of a message."""
    run = message.run
    match message:
        case Batch():
            fields = (message.origin, message.hops, message.part, message.of, message.records)
            return _HEAD.pack(1, run) + _BATCH.pack(*fields) + message.tokens
        case Attested():
            return _HEAD.pack(2, run) + _ATTESTED.pack(message.origin, message.size)
        case Marks():
            numbers = (message.origin, message.part, message.of, message.records)
            return _HEAD.pack(3, run) + _MARKS.pack(*numbers) + message.marks
        case Done():
            return _HEAD.pack(4, run)
        case Stopped():
            return _HEAD.pack(5, run)


def decode(frame: bytes) -> Message:
    """Undo `encode`. That it fits the run is checked where it is taken.

    Raises VerificationError: step `frame`, for anything that `encode` does not make.
    """
    try:
        kind, run = _HEAD.unpack_from(frame)
        rest = frame[_HEAD.size :]
        if kind == 1:
            origin, hops, part, of, records = _BATCH.unpack_from(rest)
            return Batch(run, origin, hops, part, of, records, rest[_BATCH.size :])
        if kind == 2:
            return Attested(run, *_ATTESTED.unpack(rest))
        if kind == 3:
            origin, part, of, records = _MARKS.unpack_from(rest)
            return Marks(run, origin, part, of, records, rest[_MARKS.size :])
    except struct.error:
        raise _not_understood() from None
    if kind not in _BARE or rest:
        raise _not_understood()
    return _BARE[kind](run)


def _not_understood() -> VerificationError:
    return VerificationError("a message of the ring is not understood", step="frame")
