"""The ring's network in memory: queues between parties, a record of all, and what goes wrong.

    net = RingNetwork("a", "b", "c", "evaluator")
    net.node("a")                                  the port of one party
    net.seen["b"]                                  everything that b received: (sender, message)
    net.change = lambda sender, to, message: ...   another message, or None: it never arrives
    net.stall("b", after=3)                        b's fourth message and all later get stuck
    net.die("b", after=3)                          b is gone: its neighbours are told

Every message goes through `encode` and `decode`, as on a real transport.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Unavailable
from dataspace.ring.messages import Message, decode, encode

_WAITING = 4  # messages on their way between two parties: a sender waits when there are more


class RingNetwork:
    """What is between the parties of one run."""

    def __init__(self, *names: str) -> None:
        self.seen: defaultdict[str, list[tuple[str, Message]]] = defaultdict(list)
        self.change: Callable[[str, str, Message], Message | None] | None = None
        self._inboxes = {
            name: asyncio.Queue[tuple[str, bytes] | None](_WAITING) for name in names
        }
        self._sent = Counter[str]()
        self._stalls: dict[str, int] = {}
        self._deaths: dict[str, int] = {}

    def node(self, name: str) -> RingNode:
        return RingNode(name, self)

    def stall(self, name: str, *, after: int) -> None:
        self._stalls[name] = after

    def die(self, name: str, *, after: int) -> None:
        self._deaths[name] = after

    async def carry(self, sender: str, to: str, message: Message) -> None:
        self._sent[sender] += 1
        if self._sent[sender] > self._stalls.get(sender, 2**31):
            await asyncio.Event().wait()
        if self._sent[sender] > self._deaths.get(sender, 2**31):
            for inbox in self._inboxes.values():
                await inbox.put(None)
            raise Unavailable("a party of the ring is gone")
        sent = self.change(sender, to, message) if self.change else message
        if sent is not None:
            await self._inboxes[to].put((sender, encode(sent)))

    async def deliver(self, name: str) -> tuple[str, Message]:
        found = await self._inboxes[name].get()
        if found is None:
            raise Unavailable("a party of the ring is gone")
        sender, frame = found
        message = decode(frame)
        self.seen[name].append((sender, message))
        return sender, message


@dataclass(frozen=True)
class RingNode:
    """One party's port."""

    name: str
    net: RingNetwork

    async def send(self, to: str, message: Message) -> None:
        await self.net.carry(self.name, to, message)

    async def receive(self) -> tuple[str, Message]:
        return await self.net.deliver(self.name)
