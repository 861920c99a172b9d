"""An organisation's own settings: places of work, two people where it wants them, keys for
machines."""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import HTMLResponse

from controllers.access import Role, end_key, list_keys
from controllers.desks.entry import AtAdministering, Desk, DeskRoute, Sent
from controllers.governance.schemas import KeyMade, NewKeyOf
from controllers.moment import now
from controllers.paging import RowId
from controllers.staff.deeds import as_deed
from controllers.staff.options import Option
from controllers.staff.places import LONGEST_PLACE
from controllers.staff.proposals import STANDS, Kind
from core.errors import InvalidInput

router = APIRouter(prefix="/desk/organisation", route_class=DeskRoute, include_in_schema=False)

# what a machine may be given a key for; the authority's own is the operator's matter
KEY_ROLES = (Role.ISSUE, Role.CHECK)
_ONCE = re.compile(r"[0-9a-f-]{36}")
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,24}$")]


@router.get("")
async def settings(desk: AtAdministering) -> HTMLResponse:
    """All of them."""
    return await _page(desk)


@router.post("/places")
async def add_place(desk: AtAdministering, sent: Sent) -> Response:
    """A new place of work."""
    try:
        await desk.house.desks.places.add(
            desk.organisation.id, sent.get("place", ""), by=desk.who.person_id
        )
    except InvalidInput:
        return await _page(desk, wrong_place=sent.get("place", ""))
    return desk.go("/desk/organisation")


@router.post("/places/{place_id}/end")
async def end_place(desk: AtAdministering, place_id: RowId, _sent: Sent) -> Response:
    """Nobody is put there any more."""
    await desk.house.desks.places.end(desk.organisation.id, place_id, by=desk.who.person_id)
    return desk.go("/desk/organisation")


@router.post("/options/{option}")
async def turn(desk: AtAdministering, option: Option, sent: Sent) -> Response:
    """On at once. Off weakens a guard: a second administrator agrees, where there is one, or
    was one within the days that a proposal stands. So nobody gets rid of her to do it."""
    desks, organisation, person = desk.house.desks, desk.organisation.id, desk.who.person_id
    on = sent.get("on") == "1"
    another = await desks.options.another_administers(
        organisation, person, since=now() - STANDS
    )
    if on or not another:
        await desks.options.turn(organisation, option, on=on, by=person)
        return desk.go("/desk/organisation")
    made = await desks.proposals.propose(
        organisation, Kind.OPTION, {"option": option.value, "on": False}, by=person
    )
    return desk.go(f"/desk/tasks/{made.id}")


@router.post("/keys")
async def make_key(desk: AtAdministering, sent: Sent) -> Response:
    """A key for a machine; this page shows it, once. Sent again, it makes no second one."""
    role, once = sent.get("role", ""), sent.get("once", "")
    if role not in KEY_ROLES or not _ONCE.fullmatch(once):
        raise InvalidInput("There is no key for this", code="no-such-role")
    organisation, person = desk.organisation, desk.who.person_id

    async def make() -> KeyMade:
        deed = as_deed(organisation.id, person, f"key-made-{role}")
        key = await desk.house.organisations.new_key(organisation, Role(role), deed)
        return KeyMade(key=key.reveal())

    asked = NewKeyOf(slug=organisation.slug, role=Role(role))
    made = await desk.house.repeatable.run(person, once, asked, KeyMade, make)
    return await _page(desk, key=made.key)


@router.post("/keys/{key_id}/end")
async def ending_key(desk: AtAdministering, key_id: KeyId, _sent: Sent) -> Response:
    """It opens nothing from now."""
    deed = as_deed(desk.organisation.id, desk.who.person_id, "key-ended")
    await end_key(desk.house.database, desk.organisation.id, key_id, deed)
    return desk.go("/desk/organisation")


async def _page(
    desk: Desk, *, wrong_place: str | None = None, key: str | None = None
) -> HTMLResponse:
    desks, organisation = desk.house.desks, desk.organisation.id
    on = await desks.options.on(organisation)
    return desk.page(
        "organisation.html",
        200 if wrong_place is None else 422,
        places=[each for each in await desks.places.all(organisation) if each.ended_at is None],
        wrong_place=wrong_place,
        longest=LONGEST_PLACE,
        options=[(option, option in on) for option in Option],
        keys=[
            each
            for each in await list_keys(desk.house.database, organisation)
            if each.ended_at is None
        ],
        roles=KEY_ROLES,
        key=key,
        once={role: str(uuid.uuid4()) for role in KEY_ROLES},
    )
