"""The run that is open at this node: its deadline, and its end.

One at a time, so that two runs cannot spend one budget or use one state of the cases. An end
that cannot be written (the disk is full, the database away) is written as soon as it can be:
until then the run would stand in the way of every other one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from controllers.dataspace.journal import Journal
from controllers.dataspace.part import Part, Result
from controllers.dataspace.runs import Runs
from controllers.dataspace.saying import Computed
from core.canonical import Json
from core.clock import Clock
from core.errors import Conflict, Forbidden, HavenError, Unavailable
from dataspace.agreeing.agreement import Participant, Terms
from dataspace.planning.approvals import ApprovedPlan
from dataspace.planning.plan import Plan
from dataspace.questions.base import Question
from dataspace.recording.log import Kind

LOGGER = logging.getLogger(__name__)

_AGAIN_SECONDS = 5.0  # until an end that could not be written is tried again
_MOST_GIVEN_UP = 64  # runs given up before they were open here; as many are remembered
_LONGEST_TAG = 64

UNFORESEEN = Unavailable("This node could not go on with the run", code="internal")


@dataclass(slots=True)
class OpenRun:
    """What a node holds of a run until it ends. `imported` is the number of the import whose
    cases go in; `handed` are results that others saw, by who handed them on."""

    approved: ApprovedPlan
    question: Question
    coordinator: str
    part: Part
    imported: int
    result: Result | None = None
    handed: dict[str, Json] = field(default_factory=dict)
    computed: dict[str, Computed] = field(default_factory=dict)
    compared: bool = False
    work: asyncio.Task[Result | None] | None = None
    alarm: asyncio.TimerHandle | None = None

    @property
    def plan(self) -> Plan:
        return self.approved.plan

    @property
    def terms(self) -> Terms:
        return self.approved.agreement.terms

    @property
    def tag(self) -> str:
        return self.approved.request.tag


@dataclass(slots=True)
class _End:
    """How a run ended, and what of that is written: a run that was never open has no entry in
    the log that it began, and gets none that it failed."""

    error: HavenError
    was_open: bool
    moved: bool = False


class OpenRuns:
    """At most one open run."""

    def __init__(self, runs: Runs, journal: Journal, clock: Clock) -> None:
        self._runs, self._journal, self._clock = runs, journal, clock
        self._ending: set[asyncio.Task[None]] = set()
        self._unwritten: dict[str, _End] = {}
        self._given_up: deque[tuple[str, str, HavenError]] = deque(maxlen=_MOST_GIVEN_UP)
        self.now: OpenRun | None = None

    def led_by(self, sender: Participant, body: Json) -> OpenRun:
        """The open run, about which its coordinator speaks. Raises Conflict, Forbidden."""
        run = self.tagged(body.get("run"))
        if sender.did != run.coordinator:
            raise Forbidden("Another node leads this run", code="not-the-asker")
        return run

    def tagged(self, tag: Any) -> OpenRun:
        """The open run, if it has this tag. Raises Conflict."""
        if self.now is None or tag != self.now.tag:
            raise Conflict("This run is not open here", code="run-state")
        return self.now

    def watch(self, run: OpenRun, seconds: float) -> None:
        """The next step has to come within so long, or the run has failed."""
        if run.alarm is not None:
            run.alarm.cancel()
        late = Unavailable("The other nodes did not answer in time", code="deadline")

        run.alarm = self._after(seconds, lambda: self.fail(run, late))

    def _after(
        self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.TimerHandle:
        def begin() -> None:
            task = asyncio.ensure_future(work())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

        return asyncio.get_running_loop().call_later(seconds, begin)

    @asynccontextmanager
    async def ending_on_failure(self, run: OpenRun) -> AsyncIterator[None]:
        """Whatever leaves the block as an error ends the run at this node. Who cancels it (the
        coordinator, its own step) ends it with the error that is the reason."""
        try:
            yield
        except HavenError as error:
            await self.fail(run, error)
            raise
        except Exception as error:
            LOGGER.error("unforeseen %s in a run", type(error).__name__)
            await self.fail(run, UNFORESEEN)
            raise

    async def fail(self, run: OpenRun, error: HavenError) -> None:
        """End it without a result; one that has ended stays as it is."""
        self.close(run)
        await self._write(run.tag, _End(error, was_open=True))

    async def fail_tagged(self, tag: str, error: HavenError) -> None:
        """The same by a tag, open or not."""
        if self.now is not None and self.now.tag == tag:
            await self.fail(self.now, error)
        else:
            await self._write(tag, _End(error, was_open=False))

    async def _write(self, tag: str, end: _End) -> None:
        """Never an error of its own: who is told of the run's end has to hear the reason."""
        end = self._unwritten.pop(tag, end)  # the first reason is the one that is kept
        try:
            await self._written(tag, end)
        except Exception as error:
            LOGGER.error("%s while the end of a run was written", type(error).__name__)
            self._unwritten[tag] = end
            self._after(_AGAIN_SECONDS, self.write_ends)

    async def _written(self, tag: str, end: _End) -> None:
        end.moved |= await self._runs.fail(tag, end.error, self._clock.now())
        if end.moved and end.was_open:
            run = await self._runs.run(tag)
            await self._journal.append(Kind.RUN_FAILED, run=tag, plan=run.plan, phase=run.phase)

    async def write_ends(self) -> None:
        """Write the ends that could not be written before."""
        for tag in list(self._unwritten):
            if tag in self._unwritten:
                await self._write(tag, self._unwritten[tag])

    def give_up(self, tag: Any, coordinator: str, error: HavenError) -> None:
        """A run that is not open here, perhaps not yet, was given up by who leads it."""
        if isinstance(tag, str) and len(tag) <= _LONGEST_TAG:
            self._given_up.append((coordinator, tag, error))

    def require_going_on(self, tag: str, coordinator: str) -> None:
        """Raises the reason for which who leads a run gave it up before it was open here."""
        for led, given_up, error in self._given_up:
            if (led, given_up) == (coordinator, tag):
                raise error

    def close(self, run: OpenRun) -> None:
        """Let go of whatever it holds and waits for."""
        if run.alarm is not None:
            run.alarm.cancel()
        if run.work is not None and run.work is not asyncio.current_task():
            run.work.cancel()
        run.part.close()
        if self.now is run:
            self.now = None

    async def stop(self) -> None:
        """End what is open, at the end of the process."""
        if self.now is not None:
            await self.fail(self.now, Conflict("This node was stopped", code="stopped"))
        await asyncio.gather(*self._ending)
