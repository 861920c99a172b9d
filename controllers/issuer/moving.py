"""Moving a credential to another wallet goes over the issuer's desk (docs/adr/0028).

    wallet: asks, by the claim that it took the credential with     -> move_asked_at
    desk:   speaks with the person, and offers anew                 -> replaces
    flow:   the new one is issued, and the one before is withdrawn  -> revoked_at

Asking moves nothing. Whoever has the phone alone cannot move a credential into a wallet of his
own; and a wallet of any make can take the new offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from controllers.events import tell
from controllers.issuer.rows import OPEN, State
from controllers.links.service import digest
from controllers.moment import now
from controllers.store.brief import Steps, filled, table_of
from controllers.store.database import Database
from controllers.store.models import Issuance, Organisation
from core.errors import Conflict, NotFound

ASKED_EVENT = "move-asked"
# for a page of issuances: whose holder waits for the desk
MOVE_ASKED = (Issuance.move_asked_at.is_not(None), Issuance.revoked_at.is_(None))

_ROW = table_of(Issuance)
_GIVEN = (State.SENT.value, State.ISSUED.value)
_STANDING = (*(state.value for state in OPEN), State.ISSUED.value)
_BY_CLAIM = select(_ROW.c.id, _ROW.c.move_asked_at, _ROW.c.revoked_at).where(
    _ROW.c.claim_digest == bindparam("claim"), _ROW.c.state.in_(_GIVEN)
)
_ASK = update(_ROW).where(_ROW.c.id == bindparam("its_id"), _ROW.c.move_asked_at.is_(None))
_LOCKED = select(_ROW).where(_ROW.c.id == bindparam("its_id")).with_for_update()
_REPLACEMENTS = (
    select(_ROW.c.id, _ROW.c.replaces, _ROW.c.state)
    .where(_ROW.c.replaces.is_not(None))
    .where(_ROW.c.replaces.in_(bindparam("replaced", expanding=True)))
    .where(_ROW.c.state.in_(_STANDING))
    .order_by(_ROW.c.created_at)
)


class Standing(StrEnum):
    """How far a move has come; WITHDRAWN: there is nothing to move any more."""

    ASKED = "asked"
    OFFERED = "offered"
    MOVED = "moved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Replacement:
    """The issuance, open or issued, that replaces another."""

    id: str
    state: State


class Moves:
    """What wallets ask for, and what became of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, claim: str) -> Standing:
        """Note that the holder asks for a move, and answer how it stands; asking again
        changes nothing. Only who took the credential can make the claim.

        Raises NotFound.
        """

        def look(steps: Steps) -> Standing | None:
            row, standing = _standing(steps, claim)
            new = standing is Standing.ASKED and row.move_asked_at is None
            return None if new else standing

        def ask(steps: Steps) -> Standing:
            row, standing = _standing(steps, claim)
            if standing is Standing.ASKED and steps.change(
                _ASK, its_id=row.id, move_asked_at=now()
            ):
                tell(steps, row.id, ASKED_EVENT)
            return standing

        known = await self._database.read(look)
        return await self._database.write(ask) if known is None else known

    async def replacements(self, issuance_ids: Sequence[str]) -> dict[str, Replacement]:
        """Of these issuances, those that are replaced, or are about to be, and by which."""
        return await self._database.read(lambda steps: _replacements(steps, issuance_ids))


def check_replaceable(
    steps: Steps, organisation: Organisation, credential: str, replaced_id: str
) -> None:
    """Before a replacement is written, in the same unit of work: of two desks at once one may.

    Raises NotFound for what this organisation did not issue, and Conflict.
    """
    row = steps.row(_LOCKED, its_id=replaced_id)
    if row is None or row.organisation_id != organisation.id:
        raise NotFound("There is no such issuance to replace")
    replaced = filled(Issuance, row)
    if replaced.credential != credential:
        raise Conflict("A credential is replaced by one of the same kind")
    if replaced.state != State.ISSUED or replaced.registry_id is None:
        raise Conflict("What was not issued yet cannot be replaced")
    if replaced.revoked_at is not None:
        raise Conflict("This credential was withdrawn; offer a new one without replacing it")
    if _replacements(steps, [replaced_id]):
        raise Conflict("This credential was replaced already, or is about to be")


def _replacements(steps: Steps, issuance_ids: Sequence[str]) -> dict[str, Replacement]:
    found = steps.rows(_REPLACEMENTS, replaced=list(issuance_ids))
    return {row.replaces: Replacement(row.id, State(row.state)) for row in found}


def _standing(steps: Steps, claim: str) -> tuple[Row[Any], Standing]:
    row = steps.row(_BY_CLAIM, claim=digest(claim))
    if row is None:
        raise NotFound("There is nothing to move under this claim")
    new = _replacements(steps, [row.id]).get(row.id)
    if new is None:
        return row, Standing.ASKED if row.revoked_at is None else Standing.WITHDRAWN
    done = new.state is State.ISSUED and row.revoked_at is not None
    return row, Standing.MOVED if done else Standing.OFFERED
