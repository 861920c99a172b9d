"""What a node keeps of an agreement and of plans: signed documents, exactly as they came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select, update

from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import DataspaceAgreement, DataspaceDecision, DataspacePlan
from core.canonical import Json, canonicalize
from core.errors import NotFound
from dataspace.planning.plan import Plan

_AGREEMENT, _PLAN = table_of(DataspaceAgreement), table_of(DataspacePlan)
_DECISION = table_of(DataspaceDecision)
_OF_DIGEST = select(_AGREEMENT).where(_AGREEMENT.c.digest == bindparam("wanted"))
_NEWEST = select(_AGREEMENT).order_by(_AGREEMENT.c.updated_at.desc()).limit(1)
_CHANGE = update(_AGREEMENT).where(_AGREEMENT.c.digest == bindparam("wanted"))
_PLAN_OF = select(_PLAN).where(_PLAN.c.digest == bindparam("wanted"))
_ALIVE = _PLAN.c.expires > bindparam("now")
_ASKED = select(func.count()).where(
    _PLAN.c.agreement == bindparam("agreement"),
    _PLAN.c.asker == bindparam("asker"),
    or_(_ALIVE, _PLAN.c.created_at > bindparam("lately")),
)
_TOLD_PLANS = select(_PLAN.c.digest, _PLAN.c.asker).where(
    _PLAN.c.agreement == bindparam("agreement"), _ALIVE
)
_TOLD_DECISIONS = (
    select(_DECISION.c.digest, _DECISION.c.did)
    .join(_PLAN, _PLAN.c.digest == _DECISION.c.plan)
    .where(_PLAN.c.agreement == bindparam("agreement"), _ALIVE)
)
_DECIDED_BY = select(_DECISION.c.digest).where(
    _DECISION.c.plan == bindparam("wanted"), _DECISION.c.did == bindparam("did")
)
_DECISIONS = (
    select(_DECISION).where(_DECISION.c.plan == bindparam("wanted")).order_by(_DECISION.c.id)
)


def written(document: Mapping[str, Any]) -> str:
    """A document as text, in its canonical form."""
    return canonicalize(dict(document), step="store").decode()


@dataclass(frozen=True, slots=True)
class KeptAgreement:
    """`document` holds terms, proofs, certificates and, where it ended, the termination."""

    digest: str
    document: Json
    state: str


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """`document` is the plan with its asker's proof; `gate` what this node's gate said."""

    digest: str
    document: Json
    gate: Json
    refused: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A signed approval, refusal or withdrawal."""

    did: str
    digest: str
    document: Json


class Keeping:
    """Agreements, plans and decisions in the node's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def agreement(self) -> KeptAgreement | None:
        """The one that was changed last: a node lives under one at a time."""
        row = await self._database.row(_NEWEST)
        return _agreement(row) if row is not None else None

    async def termination(self, digest: str) -> Json | None:
        """What ended an agreement that was kept here, if something has."""
        row = await self._database.row(_OF_DIGEST, wanted=digest)
        found: Json | None = json.loads(row.document).get("termination") if row else None
        return found

    async def keep_agreement(self, kept: KeptAgreement, at: datetime) -> None:
        """Write an agreement, or its next state."""

        def keep(steps: Steps) -> None:
            values = {"document": written(kept.document), "state": kept.state}
            if steps.row(_OF_DIGEST, wanted=kept.digest) is None:
                steps.add(
                    DataspaceAgreement(
                        digest=kept.digest, created_at=at, updated_at=at, **values
                    )
                )
            else:
                steps.change(_CHANGE.values(updated_at=at, **values), wanted=kept.digest)

        await self._database.write(keep)

    async def add_plan(
        self,
        plan: Plan,
        document: Json,
        gate: Json,
        at: datetime,
        *,
        sealed_stated: bytes | None = None,
    ) -> bool:
        """Keep a plan with its asker's proof (`document`), and the gate's word; False if it is
        there already."""
        row = DataspacePlan(
            digest=plan.digest,
            agreement=plan.agreement,
            asker=plan.asker,
            expires=plan.expires,
            document=written(document),
            gate=written(gate),
            refused=gate.get("refused"),
            sealed_stated=sealed_stated,
            created_at=at,
        )
        return await self._database.write(lambda steps: steps.add_unless_there(row))

    async def asked(
        self, agreement: str, asker: str, *, now: datetime, lately: datetime
    ) -> int:
        """How many plans of one asker under an agreement have not expired, or came lately."""
        about = {"agreement": agreement, "asker": asker, "now": now, "lately": lately}
        return int(await self._database.value(_ASKED, **about) or 0)

    async def sealed_stated(self, digest: str) -> bytes | None:
        """Which cases an own plan is about, sealed. Raises NotFound."""
        row = await self._database.row(_PLAN_OF, wanted=digest)
        if row is None:
            raise NotFound("There is no plan with this digest")
        found: bytes | None = row.sealed_stated
        return found

    async def plan(self, digest: str) -> KeptPlan:
        """Raises NotFound."""
        row = await self._database.row(_PLAN_OF, wanted=digest)
        if row is None:
            raise NotFound("There is no plan with this digest")
        return _plan(row)

    async def add_decision(
        self, plan: str, did: str, digest: str, document: Json, at: datetime
    ) -> bool:
        """Keep what an organisation decided; False if it is there already."""
        decision = DataspaceDecision(
            plan=plan, did=did, digest=digest, document=written(document), created_at=at
        )
        return await self._database.write(lambda steps: steps.add_unless_there(decision))

    async def known(
        self, agreement: str, now: datetime
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The digests of all plans under an agreement that have not expired, each with its
        asker, and of the decisions about them, each with whose it is."""
        about = {"agreement": agreement, "now": now}
        plans = await self._database.rows(_TOLD_PLANS, **about)
        decisions = await self._database.rows(_TOLD_DECISIONS, **about)
        return (
            {row.digest: row.asker for row in plans},
            {row.digest: row.did for row in decisions},
        )

    async def decided_by(self, did: str, plan: str) -> frozenset[str]:
        """The digests of what one organisation decided about a plan."""
        rows = await self._database.rows(_DECIDED_BY, wanted=plan, did=did)
        return frozenset(row.digest for row in rows)

    async def decided(self, digests: Sequence[str]) -> list[Json]:
        """The decisions of these digests, in the order they came."""
        wanted = _DECISION.c.digest.in_(digests)
        found = select(_DECISION.c.document).where(wanted).order_by(_DECISION.c.id)
        return [json.loads(row.document) for row in await self._database.rows(found)]

    async def decisions(self, plan: str) -> Sequence[KeptDecision]:
        """Everything that was decided about a plan, in the order it came."""
        rows = await self._database.rows(_DECISIONS, wanted=plan)
        return [KeptDecision(row.did, row.digest, json.loads(row.document)) for row in rows]


def _agreement(row: Row[Any]) -> KeptAgreement:
    return KeptAgreement(row.digest, json.loads(row.document), row.state)


def _plan(row: Row[Any]) -> KeptPlan:
    document, gate = json.loads(row.document), json.loads(row.gate)
    return KeptPlan(row.digest, document, gate, row.refused, row.created_at)
