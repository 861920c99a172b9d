"""Who did what, and when: words of ours and ids. Kept for a year, for whoever has to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select

from controllers.moment import now
from controllers.store.brief import Beside, Steps, table_of
from controllers.store.database import Database
from controllers.store.models import Deed, StaffMember

_KEPT = timedelta(days=365)

_DEED, _MEMBER = table_of(Deed), table_of(StaffMember)
_NEW = insert(_DEED).inline()
_PAST = delete(_DEED).where(_DEED.c.at < bindparam("until"))
_COUNT = select(func.count()).where(
    _DEED.c.member_id == bindparam("its_member"),
    _DEED.c.what == bindparam("its_what"),
    _DEED.c.at >= bindparam("since"),
)
_HELD = (
    select(_MEMBER.c.id)
    .where(_MEMBER.c.id == bindparam("its_member"))
    .with_for_update(key_share=True)
)
_BY = (
    select(_DEED.c.member_id)
    .where(
        _DEED.c.organisation_id == bindparam("organisation"),
        _DEED.c.what == bindparam("its_what"),
        _DEED.c.subject_id == bindparam("subject"),
    )
    .order_by(_DEED.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class DeedShown:
    """One line; `member_id` is None for the operator and for machines."""

    id: int
    at: datetime
    member_id: str | None
    what: str
    subject_id: str | None


def note(
    steps: Steps,
    organisation_id: str,
    member_id: str | None,
    what: str,
    subject_id: str | None = None,
) -> None:
    """Write a deed in the unit of work that makes it true."""
    steps.change(
        _NEW,
        organisation_id=organisation_id,
        member_id=member_id,
        what=what,
        subject_id=subject_id,
        at=now(),
    )


def as_deed(organisation_id: str, member_id: str | None, what: str) -> Beside:
    """The same beside what another service writes: neither is there without the other."""

    def beside(steps: Steps, subject_id: str) -> None:
        note(steps, organisation_id, member_id, what, subject_id)

    return beside


def hold(steps: Steps, member_id: str) -> None:
    """Stand in line for one person: what is counted, ended or opened of her from here on,
    nobody else counts, ends or opens at the same moment."""
    steps.row(_HELD, its_member=member_id)


def count(steps: Steps, member_id: str, what: str, since: datetime) -> int:
    """How often one person did one thing since then."""
    return int(steps.value(_COUNT, its_member=member_id, its_what=what, since=since))


def who_did(steps: Steps, organisation_id: str, what: str, subject_id: str) -> str | None:
    """Who did this last; None for the operator, a machine, and what is not known any more."""
    found: str | None = steps.value(
        _BY, organisation=organisation_id, its_what=what, subject=subject_id
    )
    return found


class Deeds:
    """Reads what was done, and writes what has no unit of work of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self,
        organisation_id: str,
        member_id: str | None,
        what: str,
        subject_id: str | None = None,
    ) -> None:
        """The same in a unit of its own."""
        await self._database.write(
            lambda steps: note(steps, organisation_id, member_id, what, subject_id)
        )

    async def latest(
        self,
        organisation_id: str,
        *,
        before: int | None = None,
        size: int = 50,
        member_id: str | None = None,
        what: str | None = None,
    ) -> list[DeedShown]:
        """An organisation's, newest first; those `before` an id, of one person, of one kind."""
        query = select(_DEED).where(_DEED.c.organisation_id == organisation_id)
        for column, wanted in ((_DEED.c.member_id, member_id), (_DEED.c.what, what)):
            query = query if wanted is None else query.where(column == wanted)
        if before is not None:
            query = query.where(_DEED.c.id < before)
        found = await self._database.rows(query.order_by(_DEED.c.id.desc()).limit(size))
        return [_shown(row) for row in found]

    async def purge(self) -> None:
        """Forget what is older than a year."""
        await self._database.change(_PAST, until=now() - _KEPT)


def _shown(row: Row[Any]) -> DeedShown:
    return DeedShown(row.id, row.at, row.member_id, row.what, row.subject_id)
