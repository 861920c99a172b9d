"""Messages that nobody asked for: however short they are, only so many are kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from controllers.dataspace import ringing
from controllers.dataspace.ringing import RingPort
from core.errors import TooLarge, VerificationError

COUNT = 3_000


# an exchange with somebody who only listens; in a process of its own, as MPyC wants it
EXCHANGE = """
from types import SimpleNamespace as Fake
from dataspace.computing import exchange

exchange.MOST_WAITING = 300_000
refused, aborted = [], []
meeting = Fake(
    runtime=Fake(pid=1, options=Fake(no_prss=True)),
    number_of=lambda line: 0,
    refuse=refused.append,
)
one = exchange.Exchange(meeting)
one.connection_made(Fake(is_closing=lambda: bool(aborted), abort=lambda: aborted.append(1)))
one.data_received(bytes(2) + b"".join(n.to_bytes(8, "little") + bytes(4) for n in range(3_000)))
print(*set(refused), *set(aborted))
"""


def test_empty_messages_of_a_party_fill_no_memory() -> None:
    command = [sys.executable, "-c", EXCHANGE]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["messages", "1"]


async def test_empty_frames_of_the_ring_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ringing, "MOST_WAITING", 100 * COUNT)
    port = RingPort(None, "tag")  # type: ignore[arg-type] # nothing is sent
    sender: Any = SimpleNamespace(did="did:web:other.example")

    def put_all() -> None:
        for _ in range(COUNT):
            port.put(sender, b"")

    with pytest.raises(TooLarge):
        put_all()
    port.close()
    with pytest.raises(VerificationError, match="not understood"):
        await asyncio.wait_for(port.receive(), 5)
