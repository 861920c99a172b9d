"""What an organisation asks of its own desks beside the framework: two people for some deeds.

To ask for more is one administrator's matter. To ask for less weakens a guard that a colleague
relies on: where there is a second administrator who can sign in, she has to agree.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import bindparam, delete, select

from controllers.moment import now
from controllers.staff.deeds import note
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import DeskOption

_OPTION = table_of(DeskOption)
_ON = select(_OPTION.c.name).where(_OPTION.c.organisation_id == bindparam("organisation"))
_OFF = delete(_OPTION).where(
    _OPTION.c.organisation_id == bindparam("organisation"),
    _OPTION.c.name == bindparam("its_name"),
)


class Option(StrEnum):
    """What may be asked for."""

    TWO_FOR_WITHDRAWING = "two-for-withdrawing"
    TWO_FOR_IDENTITY = "two-for-identity"


class Options:
    """Which options of an organisation are on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def on(self, organisation_id: str) -> frozenset[Option]:
        """Those that are on now."""
        rows = await self._database.rows(_ON, organisation=organisation_id)
        return frozenset(Option(row.name) for row in rows)

    async def turn(
        self, organisation_id: str, option: Option, *, on: bool, by: str | None
    ) -> None:
        """Turn one on or off; who has to agree before it is turned off, the caller asks."""

        def turn(steps: Steps) -> None:
            if on:
                row = DeskOption(
                    organisation_id=organisation_id, name=option.value, since=now()
                )
                changed = steps.add_unless_there(row)
            else:
                changed = bool(
                    steps.change(_OFF, organisation=organisation_id, its_name=option.value)
                )
            if changed:
                state = "on" if on else "off"
                note(steps, organisation_id, by, f"option-{state}", option.value)

        await self._database.write(turn)
