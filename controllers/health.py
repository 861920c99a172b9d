"""Whether this process lives, and whether it can do its work.

live    it answers, so its event loop turns. Nothing else is asked: a supervisor that starts a
        process again because a database is away helps nobody.
ready   the database answers and is in the version that we know; each agent answers and says
        that it is ready; the worker got somewhere not long ago.

Looking is bounded in time, done once for all who ask at that moment, and believed for a second,
so that a probe cannot be used to load the agents. What is answered names parts, no addresses.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from controllers.metrics import Metrics
from controllers.store.database import Database
from controllers.store.upgrading import newest_version

LOGGER = logging.getLogger(__name__)

BELIEVED_SECONDS = 1.0
LOOK_SECONDS = 3.0

Look = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Part:
    """What work here needs, what to say if it is away, and how to look at it.

    Of several parts of one kind, one has to be ready.
    """

    name: str
    saying: str
    look: Look
    kind: str = ""


class Live(BaseModel):
    """This process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether work can be done here now, and what is missing."""

    status: Literal["ok", "not ready"] = "ok"
    not_ready: list[str] = Field(
        default_factory=list, examples=[["the wallet agent does not answer"]]
    )


class Health:
    """Looks at the parts."""

    def __init__(self, parts: Sequence[Part], metrics: Metrics) -> None:
        self._parts = parts
        self._metrics = metrics
        self._looking: asyncio.Task[Readiness] | None = None
        self._looked_at = float("-inf")
        self._before: list[str] = []

    async def readiness(self) -> Readiness:
        """How it is now, or was within the last second."""
        fresh = time.monotonic() - self._looked_at < BELIEVED_SECONDS
        if self._looking is None or (self._looking.done() and not fresh):
            self._looking = asyncio.create_task(self._look())
        # who asks may go away; the others still wait for the same look
        return await asyncio.shield(self._looking)

    async def _look(self) -> Readiness:
        found = await asyncio.gather(*(self._is_well(part.look) for part in self._parts))
        looked = list(zip(self._parts, found, strict=True))
        for part, well in looked:
            self._metrics.ready.labels(part.name).set(well)
        missing = [part.saying for part, well in looked if not well]
        needed = {part.kind or part.name for part in self._parts}
        there = {part.kind or part.name for part, well in looked if well}
        if missing != self._before:
            LOGGER.warning("parts that are not ready: %d", len(missing))
        self._before = missing
        self._looked_at = time.monotonic()
        return Readiness(status="ok" if needed == there else "not ready", not_ready=missing)

    async def _is_well(self, look: Look) -> bool:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await look()
        except Exception as error:  # whatever keeps a part from answering: it is not ready
            LOGGER.info("a part could not be looked at: %s", type(error).__name__)
            return False


def database_ready(database: Database) -> Look:
    """Whether the database answers, and has the tables that this version works with."""

    async def look() -> bool:
        try:
            async with database.reading() as session:
                found = await session.scalars(text("SELECT version_num FROM alembic_version"))
                return set(found) == {newest_version()}
        except (SQLAlchemyError, OSError):
            return False

    return look


def router(health: Health) -> APIRouter:
    """The same two routes for both listeners."""
    routes = APIRouter(prefix="/health", tags=["health"])

    @routes.get("/live")
    async def live() -> Live:
        """Whether this process answers."""
        return Live()

    @routes.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}})
    async def ready(response: Response) -> Readiness:
        """Whether it can work now; if not (503), which part is missing."""
        found = await health.readiness()
        response.status_code = 200 if found.status == "ok" else 503
        response.headers["Cache-Control"] = "no-store"
        return found

    return routes
