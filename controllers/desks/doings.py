"""What was done at an organisation's desks: who, what, when; nothing about a person served."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from controllers.desks.csvs import csv_answer
from controllers.desks.entry import AtAdministering, Desk, DeskRoute
from controllers.desks.texts import is_said
from controllers.staff.deeds import DeedShown
from controllers.staff.options import Option

router = APIRouter(prefix="/desk/deeds", route_class=DeskRoute, include_in_schema=False)

PAGE, MOST_IN_FILE = 50, 10_000
Who = Annotated[str, Query(pattern=r"^[0-9a-f-]{0,36}$")]
What = Annotated[str, Query(pattern=r"^[a-z-]{0,32}$")]


@router.get("")
async def deeds(
    desk: AtAdministering,
    who: Who = "",
    what: What = "",
    before: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> HTMLResponse:
    """The newest first."""
    found = await _found(desk, who, what, before or None, PAGE + 1)
    people = await desk.house.desks.people.all(desk.organisation.id)
    return desk.page(
        "deeds.html",
        abouts=await _abouts(desk),
        deeds=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        people=people,
        names={each.id: each.name for each in people},
        words={each.what: in_words(desk, each.what) for each in found},
        by=who,
        what=what,
    )


@router.get("/file")
async def file(desk: AtAdministering, who: Who = "", what: What = "") -> Response:
    """The same as CSV."""
    found = await _found(desk, who, what, None, MOST_IN_FILE)
    deeds = desk.house.desks.deeds
    await deeds.note(desk.organisation.id, desk.who.person_id, "deeds-saved")
    people = await desk.house.desks.people.all(desk.organisation.id)
    names, abouts = {each.id: each.name for each in people}, await _abouts(desk)
    say = desk.say
    head = [say("deeds.when"), say("deeds.who"), say("deeds.what"), say("deeds.about")]
    rows = [
        [
            each.at.isoformat(timespec="seconds"),
            names.get(each.member_id or "", say("deeds.nobody")),
            in_words(desk, each.what),
            abouts.get(each.subject_id or "", (each.subject_id or "")[:8]),
        ]
        for each in found
    ]
    return csv_answer("deeds", [head, *rows])


def in_words(desk: Desk, what: str) -> str:
    """A deed as a person reads it."""
    key = f"deed.{what}"
    return desk.say(key) if is_said("en", key) else what


async def _abouts(desk: Desk) -> dict[str, str]:
    """What a deed is about, where it has a name: a person, a place, an option."""
    people = await desk.house.desks.people.all(desk.organisation.id)
    options = {each.value: desk.say(f"organisation.option.{each}") for each in Option}
    places = await desk.house.desks.places.names(desk.organisation.id)
    return {**options, **places, **{each.id: each.name for each in people}}


async def _found(
    desk: Desk, who: str, what: str, before: int | None, size: int
) -> list[DeedShown]:
    return await desk.house.desks.deeds.latest(
        desk.organisation.id,
        before=before,
        size=size,
        member_id=who or None,
        what=what or None,
    )
