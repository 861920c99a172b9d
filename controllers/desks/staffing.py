"""People of an organisation: who works here, what each may do, who is to come in.

A one-time link is shown once, on the page that its making leads to; the browser that made it
can open that page again for as long as the link lives.
"""

from __future__ import annotations

import re

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from controllers.desks import shown
from controllers.desks.entry import AtAdministering, Desk, DeskRoute, Fields, Sent
from controllers.paging import RowId
from controllers.qr import qr_code
from controllers.staff.people import (
    LONGEST_NAME,
    Duty,
    FreshInvitation,
    Person,
    invitation_link,
)
from core.errors import Conflict, InvalidInput, NotFound

router = APIRouter(prefix="/desk/people", route_class=DeskRoute, include_in_schema=False)

_DUTY = "duty-"
_ID = re.compile(r"[0-9a-f-]{36}")


@router.get("")
async def people(desk: AtAdministering) -> HTMLResponse:
    """Everybody, and the form for somebody new."""
    return await _list(desk, {}, wrong=False)


@router.post("")
async def enrol(desk: AtAdministering, sent: Sent) -> Response:
    """Somebody new, and the link that she comes in with."""
    try:
        person, invitation = await desk.house.desks.people.enrol(
            desk.organisation.id,
            sent.get("name", ""),
            _duties(sent),
            by=desk.who.person_id,
            place_id=_place(sent),
        )
    except InvalidInput:
        return await _list(desk, sent, wrong=True)
    return _to_link(desk, person.id, invitation)


@router.get("/{person_id}")
async def one(desk: AtAdministering, person_id: RowId) -> HTMLResponse:
    """One person, with the link that was just made for her."""
    return await _one(desk, person_id, wrong=False)


@router.post("/{person_id}")
async def change(desk: AtAdministering, person_id: RowId, sent: Sent) -> Response:
    """Name, place and duties, each that changed."""
    organisation, by = desk.organisation.id, desk.who.person_id
    service, name, place = desk.house.desks.people, sent.get("name", ""), _place(sent)
    person, wanted = await service.one(organisation, person_id), _duties(sent)
    # the right to administer first: if it cannot end, nothing is changed
    for duty in sorted(person.duties - wanted, key=lambda each: each is not Duty.ADMINISTER):
        await service.end(organisation, person_id, duty, by=by)
    if (name.strip(), place) != (person.name, person.place_id):
        try:
            await service.change(organisation, person_id, name=name, place_id=place, by=by)
        except InvalidInput:
            return await _one(desk, person_id, wrong=True)
    for duty in sorted(wanted - person.duties):
        await service.give(organisation, person_id, duty, by=by)
    return desk.go(f"/desk/people/{person_id}")


@router.post("/{person_id}/invite")
async def invite(desk: AtAdministering, person_id: RowId, _sent: Sent) -> Response:
    """A new link; her passkeys and sessions end. Raises Conflict: her own she would not see."""
    if person_id == desk.who.person_id:
        raise Conflict("Another administrator has to do this for you", code="own-invitation")
    invitation = await desk.house.desks.people.invite_again(
        desk.organisation.id, person_id, by=desk.who.person_id
    )
    return _to_link(desk, person_id, invitation)


@router.get("/{person_id}/dismiss")
async def dismissing(desk: AtAdministering, person_id: RowId) -> HTMLResponse:
    """Ask whether it is meant."""
    person = await desk.house.desks.people.one(desk.organisation.id, person_id)
    return desk.page("people_dismiss.html", person=person)


@router.post("/{person_id}/dismiss")
async def dismiss(desk: AtAdministering, person_id: RowId, _sent: Sent) -> Response:
    """End everything of one person at once. Raises Conflict."""
    await desk.house.desks.people.dismiss(
        desk.organisation.id, person_id, by=desk.who.person_id
    )
    return desk.go("/desk/people")


def _to_link(desk: Desk, person_id: str, invitation: FreshInvitation) -> Response:
    path = f"/desk/people/{person_id}"
    answer = desk.go(path)
    told = shown.Shown(token=invitation.token)
    shown.keep(answer, desk, path, told, invitation.expires_at)
    return answer


def _duties(sent: Fields) -> frozenset[Duty]:
    return frozenset(each for each in Duty if sent.get(_DUTY + each))


def _place(sent: Fields) -> str | None:
    """The place that was chosen. Raises NotFound for what is no place's id."""
    place = sent.get("place", "")
    if place and not _ID.fullmatch(place):
        raise NotFound("There is no such place here", code="no-such-place")
    return place or None


async def _list(desk: Desk, sent: Fields, *, wrong: bool) -> HTMLResponse:
    everybody = await desk.house.desks.people.all(desk.organisation.id)
    places = await desk.house.desks.places.all(desk.organisation.id)
    return desk.page(
        "people.html",
        422 if wrong else 200,
        present=[each for each in everybody if each.dismissed_at is None],
        gone=[each for each in everybody if each.dismissed_at is not None],
        places=[each for each in places if each.ended_at is None],
        names={each.id: each.name for each in places},
        duties=tuple(Duty),
        ticked=_duties(sent),
        name=sent.get("name", ""),
        wrong=wrong,
        longest=LONGEST_NAME,
    )


async def _one(desk: Desk, person_id: str, *, wrong: bool) -> HTMLResponse:
    path = f"/desk/people/{person_id}"
    person = await desk.house.desks.people.one(desk.organisation.id, person_id)
    places = await desk.house.desks.places.all(desk.organisation.id)
    link = _link(desk, path, person)
    return desk.page(
        "people_one.html",
        422 if wrong else 200,
        person=person,
        places=[each for each in places if each.ended_at is None or each.id == person.place_id],
        duties=tuple(Duty),
        wrong=wrong,
        longest=LONGEST_NAME,
        link=link,
        picture=qr_code(link).svg if link else None,
    )


def _link(desk: Desk, path: str, person: Person) -> str | None:
    """Her link, while this browser may show it and she has not used it."""
    told = shown.kept(desk.request, desk, path)
    if told is None or person.can_sign_in or person.dismissed_at is not None:
        return None
    return invitation_link(desk.house.settings.base_url, told.token)
