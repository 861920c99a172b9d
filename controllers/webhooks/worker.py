"""The worker: handles what was announced, sweeps for what was not, removes what is over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from agent.announcements import RecordKind
from controllers.issuer.service import IssuerService
from controllers.store.models import InboxItem
from controllers.verifier.service import VerifierService
from controllers.webhooks.inbox import Inbox
from core.errors import HavenError

LOGGER = logging.getLogger(__name__)

_AT_ONCE = 16
_QUIET_FOR = timedelta(seconds=3)
_PURGE_EVERY_SWEEPS = 3

type Purge = Callable[[], Awaitable[None]]


class Worker:
    """One per process; any number of replicas share the work through the database."""

    def __init__(
        self,
        inbox: Inbox,
        issuer: IssuerService,
        verifier: VerifierService,
        purges: Sequence[Purge],
        sweep_seconds: float,
    ) -> None:
        self._inbox = inbox
        self._issuer = issuer
        self._verifier = verifier
        self._purges = purges
        self._sweep_seconds = sweep_seconds
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Something was announced."""
        self._wake.set()

    def start(self) -> None:
        """Begin: first with a sweep, for what happened while nobody listened."""
        self._tasks = [
            asyncio.create_task(self._forever(self._handle_due)),
            asyncio.create_task(self._forever(self._sweep_and_wait)),
        ]

    async def stop(self) -> None:
        """End; what is unfinished is found again at the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def sweep(self) -> None:
        """Look after everything in flight that nothing was heard of."""
        for issuance_id in await self._issuer.unfinished(_QUIET_FOR):
            await self._careful(self._issuer.advance(issuance_id))
        for check_id in await self._verifier.unfinished(_QUIET_FOR):
            await self._careful(self._verifier.advance(check_id))

    async def purge(self) -> None:
        """Remove what may not be kept any longer."""
        for purge in self._purges:
            await purge()

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
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

    async def _handle_one(self, item: InboxItem) -> None:
        async with self._slots:
            if await self._careful(self._handle(item)):
                await self._inbox.handled(item)
            else:
                await self._inbox.failed(item)

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

    async def _advance(
        self, subject_id: str | None, advance: Callable[[str], Awaitable[None]]
    ) -> None:
        if subject_id is not None:  # else: announced before we noted it; the sweep finds it
            await advance(subject_id)

    async def _careful(self, work: Awaitable[None]) -> bool:
        try:
            await work
        except HavenError as err:
            LOGGER.warning("a step has to be repeated: %s", type(err).__name__)
            return False
        except Exception as err:  # one item that nobody foresaw does not hold up the others
            LOGGER.error("a step met an unforeseen %s", type(err).__name__)
            return False
        return True

    async def _sweep_and_wait(self) -> None:
        for _ in range(_PURGE_EVERY_SWEEPS):
            await self.sweep()
            await asyncio.sleep(self._sweep_seconds)
        await self.purge()
