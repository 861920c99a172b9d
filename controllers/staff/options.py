"""What an organisation asks of its own desks beside the framework: two people for some deeds.

To ask for more is one administrator's matter. To ask for less weakens a guard that a colleague
relies on: where there is a second administrator, or was one lately, she has to agree.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, delete, or_, select

from controllers.moment import now
from controllers.staff.deeds import note
from controllers.staff.kinds import Duty
from controllers.store.brief import Beside, Steps, nothing_beside, table_of
from controllers.store.database import Database
from controllers.store.models import DeskOption, StaffDuty, StaffMember

_OPTION = table_of(DeskOption)
_MEMBER, _DUTY = table_of(StaffMember), table_of(StaffDuty)
_ON = select(_OPTION.c.name).where(_OPTION.c.organisation_id == bindparam("organisation"))
_OFF = delete(_OPTION).where(
    _OPTION.c.organisation_id == bindparam("organisation"),
    _OPTION.c.name == bindparam("its_name"),
)


_OTHERS = (
    select(_MEMBER.c.id)
    .join(_DUTY, _DUTY.c.member_id == _MEMBER.c.id)
    .where(
        _MEMBER.c.organisation_id == bindparam("organisation"),
        _MEMBER.c.id != bindparam("but"),
        _DUTY.c.duty == Duty.ADMINISTER.value,
        or_(_DUTY.c.ended_at.is_(None), _DUTY.c.ended_at > bindparam("since")),
    )
    .limit(1)
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

    async def another_administers(
        self, organisation_id: str, person_id: str, *, since: datetime
    ) -> bool:
        """Whether somebody else has the duty to administer, or had it since then. Also who
        cannot sign in at the moment: that somebody shut her out makes her no less of one."""
        found = await self._database.value(
            _OTHERS, organisation=organisation_id, but=person_id, since=since
        )
        return found is not None

    async def turn(
        self,
        organisation_id: str,
        option: Option,
        *,
        on: bool,
        by: str | None,
        beside: Beside = nothing_beside,
    ) -> None:
        """Turn one on or off; who has to agree before it is turned off, the caller asks."""

        def turn(steps: Steps) -> None:
            beside(steps, option.value)
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
