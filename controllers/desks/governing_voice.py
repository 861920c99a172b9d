"""Who may change the rules at a desk: people with the duty, of an organisation that signs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from controllers.desks.entry import AtDesk, Desk
from controllers.governance.drafts import Voice
from controllers.organisations.service import did_of
from controllers.staff.people import Duty
from core.errors import Forbidden, NotFound


async def at_governing(desk: AtDesk) -> Desk:
    """Who has the duty, while her organisation signs. Raises Forbidden, NotFound."""
    desk.who.needs(Duty.GOVERN)
    if not await desk.house.drafts.has_voice(did_of(desk.organisation)):
        raise Forbidden("This organisation does not sign the rules", code="not-a-signer")
    return desk


AtGoverning = Annotated[Desk, Depends(at_governing)]


def voice_of(desk: Desk) -> Voice:
    """The organisation, through this person."""
    return Voice(desk.organisation, did_of(desk.organisation), desk.who.person_id)


async def duties_here(desk: Desk) -> tuple[Duty, ...]:
    """The duties that mean something in this organisation."""
    did = desk.organisation.did
    try:
        signs = did is not None and await desk.house.drafts.has_voice(did)
    except NotFound:  # there are no rules yet
        signs = False
    return tuple(each for each in Duty if signs or each is not Duty.GOVERN)
