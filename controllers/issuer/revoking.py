"""Revoking: one registry at a time, published before anything is claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import update

from controllers.events import note_event
from controllers.moment import now
from controllers.organisations.service import tenant_of
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.ports import RevocationAgent


class Revoker:
    """Revokes on the agent and notes it; repeating changes nothing."""

    def __init__(self, database: Database, agent: RevocationAgent) -> None:
        self._database = database
        self._agent = agent

    async def revoke(self, organisation: Organisation, issued: Sequence[Issuance]) -> None:
        """Returns when the new lists are published. Raises Unavailable if one could not be."""
        by_registry: dict[str, list[Issuance]] = defaultdict(list)
        for issuance in issued:
            if issuance.registry_id is not None and issuance.registry_index is not None:
                by_registry[issuance.registry_id].append(issuance)
        for registry_id, entries in by_registry.items():
            indices = sorted(
                each.registry_index for each in entries if each.registry_index is not None
            )
            await self._agent.revoke(tenant_of(organisation), registry_id, indices)
            await self._note([each.id for each in entries])

    async def _note(self, issuance_ids: list[str]) -> None:
        async with self._database.transaction() as session:
            noted = await session.scalars(
                update(Issuance)
                .where(Issuance.id.in_(issuance_ids), Issuance.revoked_at.is_(None))
                .values(revoked_at=now())
                .returning(Issuance.id)
            )
            for issuance_id in noted.all():  # of several at once, one tells
                note_event(session, issuance_id, "revoked")
