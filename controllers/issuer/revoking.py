"""Revoking: one registry at a time, published before anything is claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import bindparam, update

from controllers.events import tell
from controllers.moment import now
from controllers.organisations.service import tenant_of
from controllers.store.brief import Beside, Steps, nothing_beside, table_of
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.ports import RevocationAgent

_ROW = table_of(Issuance)
_REVOKED = update(_ROW).where(_ROW.c.id == bindparam("its_id"), _ROW.c.revoked_at.is_(None))


class Revoker:
    """Revokes on the agent and notes it; repeating changes nothing."""

    def __init__(self, database: Database, agent: RevocationAgent) -> None:
        self._database = database
        self._agent = agent

    async def revoke(
        self,
        organisation: Organisation,
        issued: Sequence[Issuance],
        *,
        because: str | None = None,
        beside: Beside = nothing_beside,
    ) -> None:
        """Returns when the new lists are published. Raises Unavailable if one could not be.

        `beside` is written for each that was not revoked before, in the unit that notes it.
        """
        by_registry: dict[str, list[Issuance]] = defaultdict(list)
        for issuance in issued:
            if issuance.registry_id is not None and issuance.registry_index is not None:
                by_registry[issuance.registry_id].append(issuance)
        for registry_id, entries in by_registry.items():
            indices = sorted(
                each.registry_index for each in entries if each.registry_index is not None
            )
            await self._agent.revoke(tenant_of(organisation), registry_id, indices)
            await self._note([each.id for each in entries], because, beside)

    async def _note(
        self, issuance_ids: Sequence[str], because: str | None, beside: Beside
    ) -> None:
        def noted(steps: Steps) -> None:
            given = {"revoked_at": now(), "withdrawn_because": because}
            for issuance_id in sorted(set(issuance_ids)):
                if steps.change(_REVOKED, its_id=issuance_id, **given):
                    tell(steps, issuance_id, "revoked")  # of several at once, one tells
                    beside(steps, issuance_id)

        await self._database.write(noted)
