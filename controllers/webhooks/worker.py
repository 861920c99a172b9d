"""The worker: handles what was announced, sweeps for what was not, removes what is over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from agent.announcements import Announcement, RecordKind
from controllers.issuer.service import IssuerService
from controllers.store.models import InboxItem
from controllers.verifier.service import VerifierService
from controllers.watching import LONGEST_SILENCE, Watch
from controllers.webhooks.inbox import Inbox
from core.errors import HavenError

LOGGER = logging.getLogger(__name__)

_AT_ONCE = 16
_QUIET_FOR = timedelta(seconds=3)
_PURGE_EVERY_SWEEPS = 3

_INBOX, _SWEEP = "inbox", "sweep"

type Purge = Callable[[], Awaitable[None]]
type Advance = Callable[[str], Awaitable[None]]


class Worker:
    """One per process; any number of replicas share the work through the database."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        issuer: IssuerService,
        verifier: VerifierService,
        purges: Sequence[Purge],
        sweep_seconds: float,
        watch: Watch,
    ) -> None:
        self._inbox = inbox
        self._issuer = issuer
        self._verifier = verifier
        self._purges = purges
        self._sweep_seconds = sweep_seconds
        self._watch = watch
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []
        self._at_once: set[asyncio.Task[None]] = set()  # tasks that nothing else holds

    async def hear(self, announcement: Announcement) -> None:
        """Returns when it is safe. It is handled at once if there is room, else in its turn."""
        if not self._tasks or self._slots.locked():
            await self._inbox.put(announcement)
            self.wake()
            return
        item = await self._inbox.take(announcement)
        task = asyncio.create_task(self._handle_heard(item))
        self._at_once.add(task)
        task.add_done_callback(self._at_once.discard)

    def wake(self) -> None:
        """Something was announced."""
        self._wake.set()

    def start(self) -> None:
        """Begin: first with a sweep, for what happened while nobody listened."""
        loops = {_INBOX: self._handle_due, _SWEEP: self._sweep_and_wait}
        self._tasks = [
            asyncio.create_task(self._forever(name, work)) for name, work in loops.items()
        ]

    def alive(self) -> bool:
        """Whether it got somewhere not long ago; it rests for as long as between two sweeps."""
        return self._watch.silence() < LONGEST_SILENCE + self._sweep_seconds

    async def stop(self) -> None:
        """End; what is unfinished is found again at the next start."""
        tasks = [*self._tasks, *self._at_once]
        self._tasks = []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def sweep(self) -> None:
        """Look after everything in flight that nothing was heard of."""
        for issuance_id in await self._issuer.unfinished(_QUIET_FOR):
            await self._sweep_one("swept issuance", self._issuer.advance, issuance_id)
        for check_id in await self._verifier.unfinished(_QUIET_FOR):
            await self._sweep_one("swept check", self._verifier.advance, check_id)

    async def purge(self) -> None:
        """Remove what may not be kept any longer; all of it that can be reached.

        Raises the first failure, after the others had their turn.
        """
        failed: list[HavenError] = []
        for purge in self._purges:
            try:
                await purge()
            except HavenError as err:  # a wallet agent that is away keeps nothing else here
                failed.append(err)
        if failed:
            raise failed[0]

    async def _forever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._watch.beat(name)
        while True:
            try:
                await work()
                self._watch.beat(name)
            except Exception as err:  # the worker outlives what it could not foresee
                LOGGER.error("the worker met an unforeseen %s", type(err).__name__)
                await asyncio.sleep(1)

    async def _handle_due(self) -> None:
        items = await self._inbox.due()
        if not items:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 1.0)
            self._wake.clear()
            return
        await asyncio.gather(*(self._handle_one(item) for item in items))

    async def _handle_heard(self, item: InboxItem) -> None:
        try:
            await self._handle_one(item)
        except Exception as err:  # its claim ends, and then it is due again
            LOGGER.error("the worker met an unforeseen %s", type(err).__name__)

    async def _handle_one(self, item: InboxItem) -> None:
        async with self._slots:
            if await self._careful(item.kind, _INBOX, self._handle(item)):
                await self._inbox.handled(item)
            else:
                await self._inbox.failed(item)

    async def _sweep_one(self, kind: str, advance: Advance, subject_id: str) -> None:
        await self._careful(kind, _SWEEP, self._advance(subject_id, advance))

    async def _handle(self, item: InboxItem) -> None:
        match item.kind:
            case RecordKind.CONNECTION if item.invitation_id:
                found = await self._issuer.by_connection(item.invitation_id)
                await self._advance(found, self._issuer.advance)
            case RecordKind.ISSUANCE:
                found = await self._issuer.by_exchange(item.record_id)
                await self._advance(found, self._issuer.advance)
            case RecordKind.PRESENTATION:
                found = await self._verifier.by_exchange(item.record_id)
                await self._advance(found, self._verifier.advance)

    async def _advance(self, subject_id: str | None, advance: Advance) -> None:
        if subject_id is not None:  # else: announced before we noted it; the sweep finds it
            self._watch.about(subject_id)
            await advance(subject_id)

    async def _careful(self, kind: str, loop: str, work: Awaitable[None]) -> bool:
        with self._watch.item(kind, loop) as item:
            try:
                await work
            except HavenError as err:
                item.failed(err.slug)
                LOGGER.warning("a step has to be repeated: %s", type(err).__name__)
                return False
            except Exception as err:  # one item nobody foresaw does not hold up the others
                item.failed("unforeseen")
                LOGGER.error("a step met an unforeseen %s", type(err).__name__)
                return False
        return True

    async def _sweep_and_wait(self) -> None:
        for _ in range(_PURGE_EVERY_SWEEPS):
            await self.sweep()
            await asyncio.sleep(self._sweep_seconds)
        await self.purge()
