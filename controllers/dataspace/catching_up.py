"""What a node missed while it was away: plans and decisions, asked for by what it has.

Without it an organisation that was off when a plan was made would never be asked about it. It
believes nobody: each document is verified as if its maker had sent it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.keeping import Keeping
from controllers.dataspace.peers import MOST_MESSAGE, Peers
from controllers.dataspace.plans import Plans
from core.canonical import Json, canonicalize
from core.clock import Clock
from core.errors import HavenError, VerificationError
from dataspace.agreeing.agreement import Participant

LOGGER = logging.getLogger(__name__)

KIND = "plans-missed"
EVERY_SECONDS = 60.0
_MOST = 200  # plans, and decisions, in one answer; the rest comes the next time
_MOST_BYTES = MOST_MESSAGE // 4  # of plans, and of decisions: both fit into one answer
_MOST_KNOWN = 20_000


class CatchingUp:
    """Asks the others now and then, and answers them."""

    def __init__(
        self,
        agreements: Agreements,
        keeping: Keeping,
        plans: Plans,
        peers: Peers,
        clock: Clock,
    ) -> None:
        self._agreements, self._keeping = agreements, keeping
        self._plans, self._peers, self._clock = plans, peers, clock
        self._task: asyncio.Task[None] | None = None
        peers.on(KIND, self._on_missed)

    def start(self) -> None:
        """Ask now, and then every minute."""
        self._task = asyncio.create_task(self._keep_up())

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_up(self) -> None:
        while True:
            await self.catch_up()
            await asyncio.sleep(EVERY_SECONDS)

    async def catch_up(self) -> None:
        """Ask every other node once; who does not answer is asked the next time."""
        for member in self._peers.others:
            try:
                plans, decisions = await self._known()
                have = {"plans": sorted(plans), "decisions": sorted(decisions)}
                answer = await self._peers.ask(member, KIND, have, seconds=10)
                await self._take(answer)
            except HavenError as error:
                LOGGER.info("a peer could not be caught up with: %s", error.slug)

    async def _known(self) -> tuple[frozenset[str], frozenset[str]]:
        agreement = self._agreements.agreement.terms.digest
        return await self._keeping.known(agreement, self._clock.now())

    async def _take(self, answer: Json) -> None:
        for document in _listed(answer, "plans"):
            await _if_it_holds(self._plans.take_plan(document))
        for document in _listed(answer, "decisions"):
            await _if_it_holds(self._plans.take_decision(document))

    async def _on_missed(self, _sender: Participant, body: Json) -> Json:
        have = {name: frozenset(map(str, _listed(body, name))) for name in body}
        plans, decisions = await self._known()
        asked = _some(plans - have.get("plans", frozenset()))
        decided = _some(decisions - have.get("decisions", frozenset()))
        return {
            "plans": _fitting([(await self._keeping.plan(each)).document for each in asked]),
            "decisions": _fitting(await self._keeping.decided(decided)),
        }


async def _if_it_holds(taking: Awaitable[object]) -> None:
    """One document that is refused keeps nobody from the next."""
    try:
        await taking
    except HavenError as error:
        LOGGER.info("what a peer told was not taken in: %s", error.slug)


def _some(missed: frozenset[str]) -> list[str]:
    """Other ones each time: those that the asker refuses are missed for ever."""
    return random.sample(sorted(missed), min(len(missed), _MOST))


def _fitting(documents: Sequence[Json]) -> list[Json]:
    """As many from the first on as one answer takes; the rest comes the next time. An answer
    that is too long would be thrown away whole, and nobody would ever catch up."""
    found, size = list[Json](), 0
    for document in documents:
        size += len(canonicalize(document, step="missed"))
        if size > _MOST_BYTES:
            break
        found.append(document)
    return found


def _listed(body: Json, name: str) -> list[Any]:
    found = body.get(name)
    if not isinstance(found, list) or len(found) > _MOST_KNOWN:
        raise VerificationError("this is no list of what is known", step="form")
    return found
