"""The asker's node leads a run: it carries what each node signs to all, and nothing else.

It has no say that the others would have to believe. Whatever fails, at it or at another, is
told to all, and the run has failed; a new one has a new tag.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.identity import Identity
from controllers.dataspace.judging import Gatekeeper
from controllers.dataspace.open_runs import OpenRuns
from controllers.dataspace.partaking import Partaking
from controllers.dataspace.peers import Peers
from controllers.dataspace.plans import Plans
from controllers.dataspace.settings import NodeSettings
from core.canonical import Json
from core.clock import Clock
from core.errors import Forbidden, HavenError, Unavailable
from dataspace.planning.statements import MOST_RUNS, RunRequest, fresh_tag, sign_request

LOGGER = logging.getLogger(__name__)

_ABORT_SECONDS = 10.0


class Coordinating:
    """Runs that this node's own analyst asks for."""

    def __init__(
        self,
        *,
        identity: Identity,
        settings: NodeSettings,
        agreements: Agreements,
        plans: Plans,
        gate: Gatekeeper,
        peers: Peers,
        partaking: Partaking,
        open_runs: OpenRuns,
        clock: Clock,
    ) -> None:
        self._identity, self._settings, self._agreements = identity, settings, agreements
        self._plans, self._gate, self._peers = plans, gate, peers
        self._partaking, self._open, self._clock = partaking, open_runs, clock
        self._driving: dict[str, asyncio.Task[None]] = {}

    async def start(self, digest: str) -> str:
        """Begin a run of a plan; its tag. What this node itself refuses is said at once.

        Raises Forbidden (another organisation asked this), and what `Partaking.begin` raises.
        """
        kept = await self._plans.kept(digest)
        plan = await self._plans.plan(digest)
        if plan.asker != self._identity.did:
            raise Forbidden("Only who asks can run the plan", code="not-the-asker")
        done = await self._done(digest)
        now, tag = self._clock.now(), fresh_tag()
        request = RunRequest(plan=digest, tag=tag, number=done + 1, at=now)
        body = {
            "run": tag,
            "plan": kept.document,
            "decisions": list(await self._plans.decisions(digest)),
            "request": sign_request(request, self._identity.analyst, now),
        }
        own = await self._partaking.begin(self._agreements.own, body)
        task = asyncio.create_task(self._drive(tag, body, own))
        self._driving[tag] = task
        task.add_done_callback(lambda _: self._driving.pop(tag, None))
        return tag

    async def _done(self, digest: str) -> int:
        """How many runs count at the node where most do: an answer that was seen there counts,
        although the run failed here before."""
        own = (await self._gate.ledger()).runs_of(digest)
        quick, asked = self._settings.answer_seconds, {}
        with suppress(HavenError):  # to begin asks the same nodes, and says which one is away
            asked = await self._peers.ask_all("run-count", {"plan": digest}, seconds=quick)
        said = [answer.get("done") for answer in asked.values()]
        return max(
            [own, *(each for each in said if isinstance(each, int) and each < MOST_RUNS)]
        )

    async def finished(self, tag: str) -> None:
        """Wait until a run that was started here has come to its end, either way."""
        if tag in self._driving:
            await asyncio.shield(self._driving[tag])

    async def stop(self) -> None:
        """Give up what is led here, at the end of the process."""
        for task in list(self._driving.values()):
            task.cancel()
        await asyncio.gather(*self._driving.values(), return_exceptions=True)

    async def _drive(self, tag: str, begin: Json, own: Json) -> None:
        try:
            await self._steps(tag, begin, own)
        except HavenError as error:
            await self._give_up(tag, error)
        except asyncio.CancelledError:
            await self._give_up(tag, Unavailable("The run was given up", code="stopped"))
            raise
        except Exception as error:  # the task's end: nobody else would see it
            LOGGER.error("unforeseen %s in a run", type(error).__name__)
            await self._give_up(tag, Unavailable("The run broke off", code="internal"))

    async def _steps(self, tag: str, begin: Json, own: Json) -> None:
        quick = self._settings.answer_seconds
        asked = await self._peers.ask_all("run-begin", begin, seconds=quick)
        readies = [own["ready"], *_each(asked, "ready")]
        computed = await self._all(
            tag, "run-go", {"readies": readies}, self._settings.compute_seconds + quick
        )
        # here first: a run that counted at another node and not at the one that numbers them
        # would be in the way of every later run of the plan
        said = {"run": tag, "computed": _each(computed, "computed")}
        mine = await self._partaking.conclude(self._agreements.own, said)
        asked = await self._peers.ask_all("run-conclude", said, seconds=quick)
        entries = {self._identity.did: mine, **asked}
        others = {did: answer.get("entries") for did, answer in entries.items()}
        agreed = await self._all(tag, "run-compare", {"entries": others}, quick)
        both = {"agreed": _each(agreed, "agreed"), "reports": _each(agreed, "report")}
        # all have signed that they agree: whoever misses this word has the run as failed, and
        # the others have it as it is
        whole = {"run": tag, **both}
        await self._partaking.release(self._agreements.own, whole)
        await self._peers.tell_all("run-release", whole, seconds=quick)

    async def _all(self, tag: str, kind: str, body: Json, seconds: float) -> dict[str, Json]:
        """One step at every node, this one included; the first error ends it."""
        whole = {"run": tag, **body}
        step = self._partaking.steps[kind]
        try:
            async with asyncio.TaskGroup() as group:
                own = group.create_task(step(self._agreements.own, whole))
                others = group.create_task(self._peers.ask_all(kind, whole, seconds=seconds))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {self._identity.did: own.result(), **others.result()}

    async def _give_up(self, tag: str, error: HavenError) -> None:
        await self._open.fail_tagged(tag, error)
        body = {"run": tag, "code": error.code}
        await self._peers.tell_all("run-abort", body, seconds=_ABORT_SECONDS)


def _each(answers: Mapping[str, Json], name: str) -> list[Any]:
    return [answer.get(name) for answer in answers.values()]
