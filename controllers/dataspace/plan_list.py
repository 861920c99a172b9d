"""The list of plans, which officers meet on nearly every page: short, and soon there.

1. It is a page of the newest plans and, beside it, those that wait for this organisation: of
   each asker a few, so that nobody fills it for the others.
2. No signature is verified for it: each document's was when it was kept. Whatever a plan is
   approved or run by is verified anew (dataspace.planning.approvals).
3. What was said about a plan is remembered until more is: decisions are only ever added.
4. A plan that this node cannot read, or whose question it does not know, is listed as that.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, and_, bindparam, exists, func, or_, select

from controllers.dataspace.judging import plan_in
from controllers.dataspace.keeping import KeptDecision
from controllers.dataspace.node import Node
from controllers.dataspace.plans import read_decision
from controllers.dataspace.runs import Run, RunState
from controllers.dataspace.standing import Decided, PlanState, Standing, last_word, plan_state
from controllers.store.brief import table_of
from controllers.store.database import Database
from controllers.store.models import DataspaceDecision, DataspacePlan
from core.canonical import Json
from core.errors import HavenError, NotFound, VerificationError
from dataspace.agreeing.negotiating import Agreement, SignedAgreement
from dataspace.planning.approvals import is_in_time
from dataspace.planning.statements import Approval, Duty, Refusal, Withdrawal

PAGE: Final = 50
MOST_WAITING: Final = 10  # of one asker, beside the page
_MOST_LOOKED_AT = 3 * MOST_WAITING  # of one asker, for those: others may have refused some
_MOST_REMEMBERED = 5_000

_PLAN, _DECISION = table_of(DataspacePlan), table_of(DataspaceDecision)
_LINE = select(
    _PLAN.c.digest,
    _PLAN.c.agreement,
    _PLAN.c.asker,
    _PLAN.c.expires,
    _PLAN.c.document,
    _PLAN.c.refused,
    _PLAN.c.created_at,
)
_NEWEST = _LINE.order_by(_PLAN.c.created_at.desc(), _PLAN.c.digest).limit(PAGE + 1)
_BEFORE = _NEWEST.where(
    or_(
        _PLAN.c.created_at < bindparam("at"),
        and_(_PLAN.c.created_at == bindparam("at"), _PLAN.c.digest > bindparam("digest")),
    )
)
_MOMENT = select(_PLAN.c.created_at).where(_PLAN.c.digest == bindparam("wanted"))
_OWN_WORD = exists().where(
    _DECISION.c.plan == _PLAN.c.digest, _DECISION.c.did == bindparam("did")
)
_ALIVE = (
    select(_PLAN.c.digest, _PLAN.c.agreement, _PLAN.c.asker, _OWN_WORD.label("has_own"))
    .where(
        _PLAN.c.agreement == bindparam("agreement"),
        _PLAN.c.expires > bindparam("now"),
        _PLAN.c.refused.is_(None),
    )
    .order_by(_PLAN.c.created_at.desc(), _PLAN.c.digest)
)

type Mark = tuple[int, int]
"""How many decisions there are about a plan, and the last one's number."""


@dataclass(slots=True)
class _Said:
    """The last words of each organisation about one plan, as of a mark."""

    mark: Mark
    approvals: dict[tuple[str, Duty], Approval] = field(default_factory=dict)
    refusals: dict[tuple[str, Duty], Refusal] = field(default_factory=dict)
    withdrawals: dict[str, Withdrawal] = field(default_factory=dict)

    def take(self, said: Approval | Refusal | Withdrawal) -> None:
        """Remember it, if it is the newest of its kind."""
        if isinstance(said, Withdrawal):
            _keep_newest(self.withdrawals, said.organisation, said)
        elif isinstance(said, Refusal):
            _keep_newest(self.refusals, (said.organisation, said.duty), said)
        else:
            _keep_newest(self.approvals, (said.organisation, said.duty), said)

    def last_no(self, did: str, duty: Duty) -> Refusal | Withdrawal | None:
        """What last ended an organisation's approvals for a duty."""
        refused, withdrawn = self.refusals.get((did, duty)), self.withdrawals.get(did)
        if refused is None or withdrawn is None:
            return refused or withdrawn
        return refused if refused.made > withdrawn.made else withdrawn


def _keep_newest[K, S: (Approval, Refusal, Withdrawal)](
    kept: dict[K, S], key: K, said: S
) -> None:
    if key not in kept or said.made > kept[key].made:
        kept[key] = said


@dataclass(frozen=True, slots=True)
class _Beside:
    """What else the lines of a page are made of."""

    marks: Mapping[str, Mark]
    runs: Mapping[str, Sequence[Run]]
    readable: frozenset[str]


class PlanList:
    """The lists of one node's plans."""

    def __init__(self, node: Node) -> None:
        self._node, self._books = node, node.books
        self._database: Database = node.books.database
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._duties: OrderedDict[str, tuple[Duty, ...] | None] = OrderedDict()
        self._verified: tuple[Agreement, SignedAgreement | None] | None = None

    async def page(self, before: str | None = None) -> Json:
        """The newest plans, or those before one, and those that wait for this organisation;
        `older` begins the page after it. Raises NotFound: there is no such plan."""
        rows = await self._rows(before)
        lifted = await self._lifted()
        known = {row.digest: row for row in rows}
        more = [digest for digest in lifted if digest not in known]
        known |= {row.digest: row for row in await self._rows_of(more)}
        lines = await self._lines(known)
        waiting, of_asker = [], Counter[str]()
        for line in (lines[digest] for digest in lifted if digest in lines):
            if line["waits"] and of_asker[line["asker"]] < MOST_WAITING:
                of_asker[line["asker"]] += 1
                waiting.append(line)
        return {
            "items": [lines[row.digest] for row in rows[:PAGE]],
            "waiting": waiting,
            "older": rows[PAGE - 1].digest if len(rows) > PAGE else None,
        }

    async def _rows(self, before: str | None) -> Sequence[Row[Any]]:
        if before is None:
            return await self._database.rows(_NEWEST)
        at = await self._database.value(_MOMENT, wanted=before)
        if at is None:
            raise NotFound("There is no plan with this digest")
        return await self._database.rows(_BEFORE, at=at, digest=before)

    async def _rows_of(self, digests: Sequence[str]) -> Sequence[Row[Any]]:
        if not digests:
            return ()
        return await self._database.rows(_LINE.where(_PLAN.c.digest.in_(digests)))

    # --- what waits ---------------------------------------------------------------------

    async def _lifted(self) -> list[str]:
        """Plans that may wait for this organisation, the newest first."""
        agreements = self._books.agreements
        if not agreements.own.holds_data:
            return []
        about = {"agreement": agreements.agreement.terms.digest, "did": agreements.own.did}
        now = self._node.outside.clock.now()
        rows = await self._database.rows(_ALIVE, now=now, **about)
        spoke = [row.digest for row in rows if row.has_own]  # of people's own hands: not many
        await self._read_duties(spoke)
        marks = await self._marks(spoke)
        found, of_asker = [], Counter[str]()
        for row in rows:
            if row.has_own:
                said = await self._said_of(row.digest, marks.get(row.digest, (0, 0)))
                duties = self._duties.get(row.digest) or ()
                if not self._owes(self._standings(row, said, duties)):
                    continue
            if of_asker[row.asker] < _MOST_LOOKED_AT:
                of_asker[row.asker] += 1
                found.append(row.digest)
        return found

    def _owes(self, decided: Sequence[Standing]) -> bool:
        """Whether this organisation has a decision to make, for the first time or again."""
        own = self._books.identity.did
        return any(
            each.did == own and each.state in (Decided.WAITING, Decided.EXPIRED)
            for each in decided
        )

    async def _read_duties(self, digests: Sequence[str]) -> None:
        unread = [digest for digest in digests if digest not in self._duties]
        for at in range(0, len(unread), PAGE):
            for row in await self._rows_of(unread[at : at + PAGE]):
                self._duties_of(row)
            await asyncio.sleep(0)

    def _duties_of(self, row: Row[Any]) -> tuple[Duty, ...] | None:
        """None: this node cannot say."""
        if row.digest not in self._duties:
            try:
                duties = self._node.plans.duties(plan_in(json.loads(row.document)))
            except HavenError:
                duties = None
            _remember(self._duties, row.digest, duties)
        return self._duties[row.digest]

    # --- lines --------------------------------------------------------------------------

    async def _lines(self, rows: Mapping[str, Row[Any]]) -> Mapping[str, Json]:
        runs = await self._books.runs.alive_of(list(rows))
        released = [
            run.tag for many in runs.values() for run in many if run.state is RunState.RELEASED
        ]
        beside = _Beside(
            await self._marks(list(rows)),
            runs,
            await self._books.runs.with_results(released),
        )
        return {digest: await self._line(row, beside) for digest, row in rows.items()}

    async def _marks(self, digests: Sequence[str]) -> Mapping[str, Mark]:
        counted: Select[Any] = (
            select(
                _DECISION.c.plan,
                func.count().label("many"),
                func.max(_DECISION.c.id).label("last"),
            )
            .where(_DECISION.c.plan.in_(digests))
            .group_by(_DECISION.c.plan)
        )
        rows = await self._database.rows(counted) if digests else ()
        return {row.plan: (row.many, row.last) for row in rows}

    async def _line(self, row: Row[Any], beside: _Beside) -> Json:
        document, runs = json.loads(row.document), beside.runs.get(row.digest, ())
        decided: Sequence[Standing] = ()
        duties = None
        if row.refused is None:
            duties = self._duties_of(row)
            said = await self._said_of(row.digest, beside.marks.get(row.digest, (0, 0)))
            decided = self._standings(row, said, duties or ())
        state = plan_state(
            row.expires,
            refused=row.refused is not None,
            decided=decided,
            runs=runs,
            now=self._node.outside.clock.now(),
        )
        if state is PlanState.WAITING and duties is None:
            state = PlanState.UNKNOWN
        return {
            "digest": row.digest,
            "title": document.get("title"),
            "asker": row.asker,
            "question": document.get("operation"),
            "state": state.value,
            "waits": state is PlanState.WAITING and self._owes(decided),
            "results": [run.tag for run in runs if run.tag in beside.readable],
        }

    async def _said_of(self, digest: str, mark: Mark) -> _Said:
        kept = self._said.get(digest)
        if kept is None or kept.mark != mark:
            kept = _said(mark, await self._books.keeping.decisions(digest) if mark[0] else ())
            _remember(self._said, digest, kept)
            await asyncio.sleep(0)  # others of this node's people wait too
        return kept

    def _standings(
        self, row: Row[Any], said: _Said, duties: Sequence[Duty]
    ) -> Sequence[Standing]:
        """As `standing.standings`, of words that were verified when they were kept."""
        terms, now = self._books.agreements.agreement.terms, self._node.outside.clock.now()
        return [
            Standing(each.did, each.name, duty, *self._standing(row, said, each.did, duty, now))
            for duty in duties
            for each in terms.holders
        ]

    def _standing(
        self, row: Row[Any], said: _Said, did: str, duty: Duty, now: datetime
    ) -> tuple[Decided, datetime | None]:
        signed = self._signed()

        def holds(yes: Approval) -> bool:
            if signed is None or row.agreement != signed.digest:
                return False
            return is_in_time(yes, signed, now)

        return last_word(said.approvals.get((did, duty)), said.last_no(did, duty), holds)

    def _signed(self) -> SignedAgreement | None:
        """The agreement, verified once; None while it is not signed by all."""
        agreement = self._books.agreements.agreement
        if self._verified is None or self._verified[0] is not agreement:
            try:
                self._verified = (agreement, self._books.agreements.last_signed())
            except VerificationError:
                self._verified = (agreement, None)
        return self._verified[1]


def _said(mark: Mark, decisions: Sequence[KeptDecision]) -> _Said:
    found = _Said(mark)
    for each in decisions:
        try:
            found.take(read_decision(each.document))
        except VerificationError:
            continue  # of an earlier or later Haven: it counts for nobody
    return found


def _remember[V](kept: OrderedDict[str, V], key: str, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MOST_REMEMBERED:
        kept.popitem(last=False)
