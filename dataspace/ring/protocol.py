"""The ring: every list is blinded by every holder, and ends at the evaluator.

A holder hashes and blinds its own list in random order and sends it to the next one; each next
one blinds the list and passes it on, and the last one passes it to the evaluator. So the list
of the holder at place o has hops (p - o) mod n when the holder at place p takes it, and n at
the evaluator. In counting runs each holder also shuffles the whole list, in runs for priorities
none does (priorities.py says why).

What is learnt, in short (docs/dataspace/leaks-ring.md has all of it): a holder learns of every
list only the bucket of its size, the evaluator the exact size that the holder attests, and
which of its blinded records are equal. All parties are taken to follow the protocol
(semi-honest); what is checked here keeps mistakes and broken nodes from giving a wrong number.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType

from core.errors import InvalidInput, Unavailable, VerificationError
from dataspace.ring.collecting import Incoming, cut, parts
from dataspace.ring.group import TOKEN, Scalar, require_points
from dataspace.ring.lists import (
    Record,
    distinct,
    hashed,
    padded,
    random_order,
    require_distinct,
    shuffled,
)
from dataspace.ring.messages import Attested, Batch, Done, Message, Network, Stopped
from dataspace.ring.terms import Terms

_THREADS = os.process_cpu_count() or 2  # a node has its machine for itself
_LAST_WORD = 1.0  # seconds for telling others that a run is given up


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the evaluator has when all lists came: a table for each holder, in their order.

    A table has the padded number of records, each one token a key. sizes: how many records of
    each are no dummies, as attested; empty in runs for priorities.
    """

    tables: tuple[bytes, ...]
    sizes: tuple[int, ...]


class Blinder:
    """The node's secret of this run, and the threads that multiply with it."""

    def __init__(self, threads: int | None = None) -> None:
        self._scalar = Scalar()
        self._threads = threads or _THREADS
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ring")

    def __enter__(self) -> Blinder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the threads (each after its piece of a batch), then destroys the secret."""
        self._pool.shutdown(cancel_futures=True)
        self._scalar.destroy()

    async def blind(self, tokens: bytes) -> bytes:
        """Every token times the secret, shared out among the threads."""
        size = -(-len(tokens) // TOKEN // self._threads) * TOKEN
        pieces = [tokens[at : at + size] for at in range(0, len(tokens), size or 1)]
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(self._pool, self._scalar.blind, each) for each in pieces]
        return b"".join(await asyncio.gather(*calls))

    async def first_blind(self, records: Sequence[Record], tags: Sequence[bytes]) -> bytes:
        """Tokens of a holder's own records: hashed, then blinded."""
        size = -(-len(records) // self._threads)
        pieces = [records[at : at + size] for at in range(0, len(records), size or 1)]
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(self._pool, self._first, each, tags) for each in pieces]
        return b"".join(await asyncio.gather(*calls))

    def _first(self, records: Sequence[Record], tags: Sequence[bytes]) -> bytes:
        return self._scalar.blind(hashed(records, tags))


class Holder:
    """One organisation's part in one run: its own list out, the others' lists through."""

    def __init__(
        self, terms: Terms, me: str, network: Network, blinder: Blinder, *, shuffles: bool
    ) -> None:
        self.terms, self._network, self._blinder = terms, network, blinder
        self.place = terms.place(me)
        self.run = terms.tag()
        self._shuffles = shuffles
        self._waiting = {
            origin: Incoming(terms, terms.width)
            for origin in range(len(terms.holders))
            if origin != self.place
        }
        self._kept: dict[int, list[bytes]] = {origin: [] for origin in self._waiting}

    async def send_own(self, table: Sequence[Record]) -> None:
        """The holder's own list, padded and in random order, batch for batch."""
        tags = self.terms.separation_tags()
        for part in range(parts(self.terms, len(table))):
            first = part * self.terms.batch
            records = table[first : first + self.terms.batch]
            tokens = await self._blinder.first_blind(records, tags)
            await self._pass_on(self.place, part, len(table), tokens)

    async def attest(self, size: int) -> None:
        """Tell the evaluator how many records are no dummies."""
        await self._network.send(self.terms.evaluator, Attested(self.run, self.place, size))

    async def take_others(self, sending: asyncio.TaskGroup) -> None:
        """Blind every other list, and pass it on in tasks of `sending`, until all have come.

        Nothing here waits for who is sent to: a holder that does not read any more would not
        hear that the run was stopped.
        """
        while not all(each.complete for each in self._waiting.values()):
            batch = self._checked(*await self._network.receive())
            tokens = self._waiting[batch.origin].take(batch)
            self._kept[batch.origin].append(await self._blinder.blind(tokens))
            if self._waiting[batch.origin].complete:
                sending.create_task(self._pass_whole(batch.origin))

    async def answer(self) -> Message:
        """The next message, which only the evaluator sends.

        Raises VerificationError: step `run`, `sender`.
        """
        sender, message = await self._network.receive()
        require_going_on(sender, message, self.run)
        if sender != self.terms.evaluator:
            raise _stray()
        return message

    def _checked(self, sender: str, message: Message) -> Batch:
        require_going_on(sender, message, self.run)
        if not isinstance(message, Batch) or sender != self.terms.before(self.place):
            raise _stray()
        if message.origin not in self._waiting or message.hops != self._hops(message.origin):
            raise VerificationError("a list took another way than agreed", step="hops")
        return message

    def _hops(self, origin: int) -> int:
        return (self.place - origin) % len(self.terms.holders)

    async def _pass_whole(self, origin: int) -> None:
        table = b"".join(self._kept.pop(origin))
        table = await asyncio.to_thread(self._ordered, table)
        records = self._waiting[origin].records
        for part, tokens in enumerate(cut(self.terms, table, self.terms.width)):
            await self._pass_on(origin, part, records, tokens)

    def _ordered(self, table: bytes) -> bytes:
        require_distinct(table, len(self.terms.keys))
        return shuffled(table, self.terms.width) if self._shuffles else table

    async def _pass_on(self, origin: int, part: int, records: int, tokens: bytes) -> None:
        hops = self._hops(origin) + 1
        last = hops == len(self.terms.holders)
        to = self.terms.evaluator if last else self.terms.after(self.place)
        of = parts(self.terms, records)
        await self._network.send(to, Batch(self.run, origin, hops, part, of, records, tokens))


async def count_with(
    terms: Terms,
    me: str,
    records: Sequence[Record],
    network: Network,
    *,
    threads: int | None = None,
) -> None:
    """A holder's whole part in a counting run. It learns the buckets of sizes, nothing else.

    threads: how many multiply at once; one for each core if nothing is said.

    Returns when the evaluator has counted.

    Raises:
        Forbidden: not a holder of this ring, or its list is too short.
        InvalidInput: the list is too long or malformed.
        VerificationError: another party sent what cannot be; its `step` names what.
        Unavailable: a party is gone or stopped, or the deadline has passed. Nothing was
            released.
    """
    async with one_run(terms, me, network):
        if terms.answer is not None:
            raise InvalidInput("the terms are those of a run for priorities")
        unique = distinct(records, len(terms.keys))
        terms.require_own_size(len(unique))
        table = padded(unique, terms)
        table = [table[at] for at in random_order(len(table))]
        with Blinder(threads) as blinder:
            holder = Holder(terms, me, network, blinder, shuffles=True)
            await holder.attest(len(unique))
            async with grouped() as sending:
                sending.create_task(holder.send_own(table))
                await holder.take_others(sending)
                if not isinstance(await holder.answer(), Done):
                    raise _stray()


async def gather_lists(terms: Terms, network: Network, *, attested: bool) -> Gathered:
    """The evaluator's first half: take every list after its full round.

    Raises:
        VerificationError: as `count_with`.
        Unavailable: a party is gone. Call it inside `one_run`.
    """
    run, count = terms.tag(), len(terms.holders)
    waiting = [Incoming(terms, terms.width) for _ in terms.holders]
    tables = [bytearray() for _ in terms.holders]
    sizes: dict[int, int] = {}
    while not all(each.complete for each in waiting) or (attested and len(sizes) < count):
        sender, message = await network.receive()
        require_going_on(sender, message, run)
        if isinstance(message, Attested) and attested:
            _take_attested(terms, sender, message, sizes)
            continue
        batch = _checked_last(terms, sender, message)
        tokens = waiting[batch.origin].take(batch)
        await asyncio.to_thread(require_points, tokens)
        tables[batch.origin] += tokens
    for place, size in sizes.items():
        terms.require_attested_size(size, waiting[place].records)
    return Gathered(tuple(map(bytes, tables)), tuple(sizes[place] for place in sorted(sizes)))


def _checked_last(terms: Terms, sender: str, message: Message) -> Batch:
    count = len(terms.holders)
    if not isinstance(message, Batch) or sender != terms.before(message.origin % count):
        raise _stray()
    if message.origin >= count or message.hops != count:
        raise VerificationError("a list took another way than agreed", step="hops")
    return message


def _take_attested(terms: Terms, sender: str, said: Attested, sizes: dict[int, int]) -> None:
    place = said.origin % len(terms.holders)
    if said.origin != place or sender != terms.holders[place] or place in sizes:
        raise _stray()
    sizes[said.origin] = said.size


async def send_all(
    terms: Terms, network: Network, messages: Sequence[tuple[str, Message]]
) -> None:
    """The evaluator's answers, to all holders at once."""
    to_each = {name: [m for to, m in messages if to == name] for name in terms.holders}

    async def send(name: str) -> None:
        for message in to_each[name]:
            await network.send(name, message)

    async with grouped() as sending:
        for name in terms.holders:
            sending.create_task(send(name))


def require_going_on(sender: str, message: Message, run: bytes) -> None:
    """The message belongs to this run, under these terms, and does not end it.

    Raises:
        VerificationError: step `run`.
        Unavailable: the sender has stopped the run.
    """
    if message.run != run:
        raise VerificationError("a message belongs to another run", step="run")
    if isinstance(message, Stopped):
        raise Unavailable(
            f"this run of the ring was stopped ({sender} says so); nothing was released. Ask "
            "why, then start a new run"
        )


@asynccontextmanager
async def one_run(terms: Terms, me: str, network: Network) -> AsyncIterator[None]:
    """A deadline around everything, and word to the others when it fails or is given up.

    A holder tells the evaluator, and the evaluator tells every holder.

    Raises Unavailable: the deadline has passed.
    """
    others = terms.holders if me == terms.evaluator else (terms.evaluator,)
    try:
        async with _within(terms.seconds):
            yield
    except BaseException:
        stopped = [network.send(name, Stopped(terms.tag())) for name in others]
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORD):
                await asyncio.gather(*stopped, return_exceptions=True)
        raise


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(
            "the ring did not come to its end in time; nothing was released. Ask the other "
            "organisations whether their nodes run, then start a new run"
        ) from None


@asynccontextmanager
async def grouped() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks beside the body; if one or the body fails all are stopped, and its error raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise _first(failed) from None


def _first(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed


def _stray() -> VerificationError:
    return VerificationError(
        "a party sent something that was not its turn, or not its part", step="sender"
    )
