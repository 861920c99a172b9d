"""Places of work, as an organisation's own people call them; its numbers are told by place."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from controllers.moment import now
from controllers.sealing import Seal
from controllers.staff.deeds import note
from controllers.staff.people import plain_text
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import DeskPlace
from core.errors import NotFound

LONGEST_PLACE = 40

_PLACE = table_of(DeskPlace)
_ALL = (
    select(_PLACE)
    .where(_PLACE.c.organisation_id == bindparam("organisation"))
    .order_by(_PLACE.c.created_at, _PLACE.c.id)
)
_END = update(_PLACE).where(
    _PLACE.c.id == bindparam("its_id"),
    _PLACE.c.organisation_id == bindparam("organisation"),
    _PLACE.c.ended_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One place; what was done there is told under its name after it has ended, too."""

    id: str
    name: str
    ended_at: datetime | None


class Places:
    """Adds, ends and names places."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def add(self, organisation_id: str, name: str, *, by: str | None) -> Place:
        """A new place. Raises InvalidInput."""
        place_id, plain = str(uuid.uuid4()), plain_text(name, LONGEST_PLACE)

        def add(steps: Steps) -> None:
            steps.add(
                DeskPlace(
                    id=place_id,
                    organisation_id=organisation_id,
                    sealed_name=self._seal.seal(plain, place_id),
                    created_at=now(),
                )
            )
            note(steps, organisation_id, by, "place-added", place_id)

        await self._database.write(add)
        return Place(place_id, plain, None)

    async def end(self, organisation_id: str, place_id: str, *, by: str | None) -> None:
        """Nobody is put there any more. Raises NotFound."""

        def end(steps: Steps) -> None:
            ended = steps.change(
                _END, its_id=place_id, organisation=organisation_id, ended_at=now()
            )
            if not ended:
                raise NotFound("There is no such place here", code="no-such-place")
            note(steps, organisation_id, by, "place-ended", place_id)

        await self._database.write(end)

    async def all(self, organisation_id: str) -> list[Place]:
        """Every place of an organisation, also what has ended."""
        rows = await self._database.rows(_ALL, organisation=organisation_id)
        return [
            Place(row.id, str(self._seal.open(row.sealed_name, row.id)), row.ended_at)
            for row in rows
        ]

    async def names(self, organisation_id: str) -> dict[str, str]:
        """Names by id."""
        return {each.id: each.name for each in await self.all(organisation_id)}
