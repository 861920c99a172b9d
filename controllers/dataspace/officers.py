"""Officers: who may act for the organisation.

A key is `hvo_<id>_<secret>`; the database holds its digest only.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, select, update

from controllers.access import digest
from controllers.store.brief import table_of
from controllers.store.database import Database
from controllers.store.models import DataspaceOfficer
from core.errors import Forbidden, NotAuthenticated, NotFound
from core.secret import Secret

_OFFICER = table_of(DataspaceOfficer)
_OF_ID = select(_OFFICER).where(_OFFICER.c.id == bindparam("wanted"))
_CURRENT = select(_OFFICER).where(_OFFICER.c.ended_at.is_(None)).order_by(_OFFICER.c.created_at)
_END = update(_OFFICER).where(
    _OFFICER.c.id == bindparam("wanted"), _OFFICER.c.ended_at.is_(None)
)


class OfficerDuty(StrEnum):
    """What somebody may do: approve for the data, approve for the law, ask and run."""

    DATA = "data"
    LEGAL = "legal"
    ANALYST = "analyst"


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody whose key was recognised."""

    id: str
    duties: frozenset[OfficerDuty]

    def require(self, *duties: OfficerDuty) -> None:
        """One of these duties. Raises Forbidden."""
        if self.duties.isdisjoint(duties):
            named = " or ".join(each.value for each in duties)
            raise Forbidden(f"This key is not one of a {named} officer", code="duty")


async def create_officer(
    database: Database, duties: frozenset[OfficerDuty], at: datetime
) -> Secret:
    """Make a key; this is the only time that it is seen."""
    officer_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    officer = DataspaceOfficer(
        id=officer_id,
        duties=",".join(sorted(duties)),
        key_digest=digest(secret),
        created_at=at,
    )
    await database.write(lambda steps: steps.add(officer))
    return Secret(f"hvo_{officer_id}_{secret}")


async def officers(database: Database) -> Sequence[tuple[str, str, datetime]]:
    """Id, duties and beginning of each key that has not ended, the oldest first."""
    return [(row.id, row.duties, row.created_at) for row in await database.rows(_CURRENT)]


async def end_officer(database: Database, officer_id: str, at: datetime) -> None:
    """End a key at once. Raises NotFound."""
    if not await database.change(_END.values(ended_at=at), wanted=officer_id):
        raise NotFound("There is no such officer, or the key has ended already")


async def recognise(database: Database, key: str) -> Officer:
    """The officer of a key. Raises NotAuthenticated."""
    kind, _, rest = key.partition("_")
    officer_id, _, secret = rest.partition("_")
    row = await database.row(_OF_ID, wanted=officer_id) if kind == "hvo" else None
    known = row.key_digest if row is not None and row.ended_at is None else ""
    if row is None or not hmac.compare_digest(known, digest(secret)):
        raise NotAuthenticated("This key is not known here, or has ended")
    return Officer(row.id, frozenset(OfficerDuty(each) for each in row.duties.split(",")))
