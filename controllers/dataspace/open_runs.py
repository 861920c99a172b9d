"""The run that is open at this node: its deadline, and its end.

One at a time, so that two runs cannot spend one budget or use one state of the cases.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
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


class OpenRuns:
    """At most one open run."""

    def __init__(self, runs: Runs, journal: Journal, clock: Clock) -> None:
        self._runs, self._journal, self._clock = runs, journal, clock
        self._ending: set[asyncio.Task[None]] = set()
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

        def ring() -> None:
            task = asyncio.ensure_future(self.fail(run, late))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

        run.alarm = asyncio.get_running_loop().call_later(seconds, ring)

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
        if await self._runs.fail(run.tag, error, self._clock.now()):
            phase = (await self._runs.run(run.tag)).phase
            await self._journal.append(
                Kind.RUN_FAILED, run=run.tag, plan=run.plan.digest, phase=phase
            )

    async def fail_tagged(self, tag: str, error: HavenError) -> None:
        """The same by a tag, open or not."""
        if self.now is not None and self.now.tag == tag:
            await self.fail(self.now, error)
        else:
            await self._runs.fail(tag, error, self._clock.now())

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
