"""What a node missed while it was away: plans and decisions, asked for by what it has.

Without it an organisation that was off when a plan was made would never be asked about it. It
believes nobody: each document is verified as if its maker had sent it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
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

type Makers = Mapping[str, str]
"""Digests of plans or of decisions, with the DID of whose they are."""


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
            try:
                await self.catch_up()
            except Exception as error:  # else one answer would end it for good
                LOGGER.error("catching up was broken off: %s", type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def catch_up(self) -> None:
        """Ask every other node once; who does not answer is asked the next time."""
        for member in self._peers.others:
            try:
                plans, decisions = await self._known()
                have = {
                    "plans": fair(plans, _MOST_KNOWN),
                    "decisions": fair(decisions, _MOST_KNOWN),
                }
                answer = await self._peers.ask(member, KIND, have, seconds=10)
                await self._take(answer)
            except HavenError as error:
                LOGGER.info("a peer could not be caught up with: %s", error.slug)

    async def _known(self) -> tuple[Makers, Makers]:
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
        asked = fair(_without(plans, have.get("plans")), _MOST)
        decided = fair(_without(decisions, have.get("decisions")), _MOST)
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
    except Exception as error:  # nor does one that nobody foresaw
        LOGGER.error("what a peer told broke off: %s", type(error).__name__)


def _without(makers: Makers, known: frozenset[str] | None) -> Makers:
    return {digest: did for digest, did in makers.items() if digest not in (known or ())}


def fair(makers: Makers, most: int) -> list[str]:
    """At most so many digests, other ones each time, and of each maker as many as of any other
    that has so many: who floods does not crowd the others out. Those that the asker refuses
    would else be told for ever, and nothing beside them."""
    drawn = random.sample(sorted(makers), len(makers))
    turn, counted = dict[str, int](), Counter[str]()
    for digest in drawn:
        counted[makers[digest]] += 1
        turn[digest] = counted[makers[digest]]
    return sorted(drawn, key=lambda digest: turn[digest])[:most]


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
