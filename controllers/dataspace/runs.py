"""Runs as a node keeps them: a state machine whose every step is written before it is taken.

    preparing -> computing -> comparing -> released
        any of the first three -> failed

From the moment when its own part is done, a run that still is computing has the phase `opened`:
what comes out may have been seen somewhere, whatever becomes of the run.

A tag is used once, for good. What was begun and not finished when a node stopped is marked as
failed when it starts again.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, bindparam, func, select, update

from controllers.sealing import Seal
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import DataspaceResult, DataspaceRun
from core.canonical import Json, canonicalize
from core.errors import Conflict, HavenError, NotFound
from core.secret import Secret

type Mask = npt.NDArray[np.bool_]

_RUN, _RESULT = table_of(DataspaceRun), table_of(DataspaceResult)
_HOW_MANY = select(func.count()).select_from(_RUN)
_OF_TAG = select(_RUN).where(_RUN.c.tag == bindparam("wanted"))
_OF_PLAN = (
    select(_RUN)
    .where(_RUN.c.plan == bindparam("wanted"))
    .order_by(_RUN.c.started_at, _RUN.c.tag)
)
_RESULT_OF = select(_RESULT).where(_RESULT.c.tag == bindparam("wanted"))


class RunState(StrEnum):
    """Where a run stands at this node."""

    PREPARING = "preparing"
    COMPUTING = "computing"
    COMPARING = "comparing"
    RELEASED = "released"
    FAILED = "failed"


BEFORE: Final[Mapping[RunState, tuple[RunState, ...]]] = {
    RunState.COMPUTING: (RunState.PREPARING,),
    RunState.COMPARING: (RunState.COMPUTING,),
    RunState.RELEASED: (RunState.COMPARING,),
    RunState.FAILED: (RunState.PREPARING, RunState.COMPUTING, RunState.COMPARING),
}
OPEN: Final = BEFORE[RunState.FAILED]
OPENED: Final = "opened"  # a phase: computing is done here, and elsewhere perhaps all is seen
# changes nothing; whoever ends the run at the same time waits, or is seen
_STILL_COMPARING = (
    update(_RUN)
    .where(_RUN.c.tag == bindparam("wanted"), _RUN.c.state == RunState.COMPARING.value)
    .values(phase=RunState.COMPARING.value)
)
_ONLY: Final = 1  # there is one slot for an open run


@dataclass(frozen=True, slots=True)
class Run:
    """A run as this node knows it. `phase` is where it is, or where it failed."""

    tag: str
    plan: str
    agreement: str
    coordinator: str
    state: RunState
    phase: str
    failure: str | None
    detail: str | None
    parties: int
    threshold: int
    epsilon_milli: int
    result_digest: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What came out of a run, and the report that everybody signed."""

    result: Json = field(repr=False)
    report: Json


class Runs:
    """Runs and their results in the node's database; results rest sealed."""

    def __init__(self, database: Database, sealing_key: Secret) -> None:
        self._database = database
        self._seal = Seal(sealing_key, "dataspace-result")

    async def begin(
        self,
        *,
        tag: str,
        plan: str,
        agreement: str,
        coordinator: str,
        epsilon_milli: int,
        at: datetime,
        judged_after: int | None = None,
    ) -> None:
        """A new run; `judged_after` so many others were known.

        Raises Conflict: its tag was used before, another run is open here, or one has begun
        (and perhaps ended) since this one was judged.
        """
        run = DataspaceRun(
            tag=tag,
            plan=plan,
            agreement=agreement,
            coordinator=coordinator,
            state=RunState.PREPARING.value,
            open_slot=_ONLY,
            phase=RunState.PREPARING.value,
            parties=0,
            threshold=0,
            epsilon_milli=epsilon_milli,
            started_at=at,
        )

        def add(steps: Steps) -> str | None:
            if steps.row(_OF_TAG, wanted=tag) is not None:
                return "approval-tag"
            # what another one spent meanwhile was not looked at
            is_judged = judged_after in (None, steps.value(_HOW_MANY))
            # one at a time, so that two cannot spend one budget
            return None if is_judged and steps.add_unless_there(run) else "busy"

        refused = await self._database.write(add)
        if refused == "busy":
            words = "Another run is going on here; please try again when it ended"
            raise Conflict(words, code="busy")
        if refused is not None:
            raise Conflict("This run has begun before", code=refused)

    async def note_parties(self, tag: str, parties: int) -> None:
        """How many compute it in shares, and how many of them learn nothing together; none
        where nothing is computed in shares."""
        change = update(_RUN).where(_RUN.c.tag == bindparam("wanted"))
        both = change.values(parties=parties, threshold=max(0, (parties - 1) // 2))
        await self._database.change(both, wanted=tag)

    async def move(self, tag: str, to: RunState, **values: Any) -> None:
        """The next state. Raises Conflict if the run is not where it can be taken."""
        change = (
            update(_RUN)
            .where(_RUN.c.tag == bindparam("wanted"), _RUN.c.state.in_(BEFORE[to]))
            .values(state=to.value, phase=to.value, **values)
        )
        if not await self._database.change(change, wanted=tag):
            raise Conflict("The run is not where it could go on", code="run-state")

    async def fail(self, tag: str, error: HavenError, at: datetime) -> bool:
        """It ended without a result, in the phase where it was; False if it had ended."""
        change = (
            update(_RUN)
            .where(_RUN.c.tag == bindparam("wanted"), _RUN.c.state.in_(OPEN))
            .values(
                state=RunState.FAILED.value,
                open_slot=None,
                failure=error.code[:64],
                detail=error.detail[:400],
                ended_at=at,
            )
        )
        forget = _RESULT.delete().where(
            _RESULT.c.tag == bindparam("wanted"), _RESULT.c.released_at.is_(None)
        )

        def end(steps: Steps) -> bool:
            ended = bool(steps.change(change, wanted=tag))
            if ended:
                steps.change(forget, wanted=tag)
            return ended

        return await self._database.write(end)

    async def fail_interrupted(self, at: datetime) -> Sequence[str]:
        """At start: whatever was open when the node stopped has failed. The tags of those."""
        rows = await self._database.rows(select(_RUN.c.tag).where(_RUN.c.state.in_(OPEN)))
        error = Conflict(
            "The node stopped during the run; nothing was released", code="stopped"
        )
        tags = [row.tag for row in rows]
        for tag in tags:
            await self.fail(tag, error, at)
        return tags

    async def begin_computing(self, tag: str, selection: Mask, salt: bytes) -> None:
        """The next state, with what the plan selected of the own row versions, and the salt of
        the commitment to the input, sealed. Raises Conflict."""
        packed = base64.b64encode(zlib.compress(np.packbits(selection).tobytes())).decode()
        document = {"size": int(selection.size), "bits": packed, "salt": salt.hex()}
        sealed = self._seal.seal(document, f"selection|{tag}")
        await self.move(tag, RunState.COMPUTING, sealed_selection=sealed)

    async def note_opened(self, tag: str) -> None:
        """The own part of computing is done: from now on somebody may have seen the result."""
        change = update(_RUN).where(
            _RUN.c.tag == bindparam("wanted"), _RUN.c.state == RunState.COMPUTING.value
        )
        await self._database.change(change.values(phase=OPENED), wanted=tag)

    async def selections(self) -> Mapping[str, Mask]:
        """What each run selected that came as far as computing, by its tag, in their order."""
        listed = select(_RUN.c.tag, _RUN.c.sealed_selection).where(
            _RUN.c.sealed_selection.is_not(None)
        )
        rows = await self._database.rows(listed.order_by(_RUN.c.started_at))
        return {row.tag: self._selection(row.tag, row.sealed_selection) for row in rows}

    def _selection(self, tag: str, sealed: bytes) -> Mask:
        document = self._seal.open(sealed, f"selection|{tag}")
        packed = np.frombuffer(zlib.decompress(base64.b64decode(document["bits"])), np.uint8)
        return np.unpackbits(packed, count=document["size"]).astype(np.bool_)

    async def run(self, tag: str) -> Run:
        """Raises NotFound."""
        row = await self._database.row(_OF_TAG, wanted=tag)
        if row is None:
            raise NotFound("There is no run with this tag")
        return _run(row)

    async def runs_of(self, plan: str) -> Sequence[Run]:
        """The runs of a plan, the oldest first."""
        return [_run(row) for row in await self._database.rows(_OF_PLAN, wanted=plan)]

    async def alive_of(self, plans: Sequence[str]) -> Mapping[str, Sequence[Run]]:
        """The runs of these plans that have not failed, by plan, the oldest first."""
        wanted = _RUN.c.plan.in_(plans), _RUN.c.state != RunState.FAILED.value
        listed = select(*(_RUN.c[name] for name in Run.__slots__)).where(*wanted)
        ordered = listed.order_by(_RUN.c.started_at, _RUN.c.tag)
        found: dict[str, list[Run]] = {}
        for row in await self._database.rows(ordered) if plans else ():
            found.setdefault(row.plan, []).append(_run(row))
        return found

    async def all(self) -> Sequence[Run]:
        """Every run that this node took part in, the oldest first."""
        listed = select(_RUN).order_by(_RUN.c.started_at, _RUN.c.tag)
        return [_run(row) for row in await self._database.rows(listed)]

    # --- results ------------------------------------------------------------------------

    async def keep_result(self, tag: str, result: Json) -> None:
        """Keep what came out, sealed; nobody is shown it before `release`. Raises Conflict: the
        run has failed meanwhile."""
        row = DataspaceResult(tag=tag, sealed=self._seal.seal(result, tag))

        def keep(steps: Steps) -> bool:
            is_there = bool(steps.change(_STILL_COMPARING, wanted=tag))
            if is_there:
                steps.add(row)
            return is_there

        if not await self._database.write(keep):
            raise Conflict("The run is not where it could go on", code="run-state")

    async def release(self, tag: str, at: datetime, *, digest: str, report: Json) -> None:
        """The run came to its end, and its receivers may see the result. Raises Conflict."""
        signed = canonicalize(report, step="report").decode()
        move = (
            update(_RUN)
            .where(
                _RUN.c.tag == bindparam("wanted"),
                _RUN.c.state.in_(BEFORE[RunState.RELEASED]),
            )
            .values(
                state=RunState.RELEASED.value,
                open_slot=None,
                phase=RunState.RELEASED.value,
                result_digest=digest,
                ended_at=at,
            )
        )
        show = update(_RESULT).where(_RESULT.c.tag == bindparam("wanted"))

        def both(steps: Steps) -> bool:
            moved = bool(steps.change(move, wanted=tag))
            if moved:
                steps.change(show.values(released_at=at, report=signed), wanted=tag)
            return moved

        if not await self._database.write(both):
            raise Conflict("The run is not where it could be released", code="run-state")

    async def with_results(self, tags: Sequence[str]) -> frozenset[str]:
        """Those of these runs whose result this organisation may see."""
        listed = select(_RESULT.c.tag).where(
            _RESULT.c.tag.in_(tags), _RESULT.c.released_at.is_not(None)
        )
        return frozenset(row.tag for row in (await self._database.rows(listed) if tags else ()))

    async def result(self, tag: str) -> Kept:
        """What came out of a released run. Raises NotFound, also where this node is no
        receiver of it."""
        row = await self._database.row(_RESULT_OF, wanted=tag)
        if row is None or row.released_at is None:
            raise NotFound("There is no result here")
        return Kept(self._seal.open(row.sealed, tag), json.loads(row.report))


def _run(row: Row[Any]) -> Run:
    values = {name: getattr(row, name) for name in Run.__slots__}
    return Run(**(values | {"state": RunState(row.state)}))
