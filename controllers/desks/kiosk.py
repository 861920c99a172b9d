"""A counter on its own: it shows a code, then a verdict without any value, then the next code.

Whoever left the device there has signed out of all else: it can make its one check and nothing
more (controllers/staff/sessions.py). What was disclosed is not on this screen, because anybody
may look at it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from controllers.desks import live, shown
from controllers.desks.checking import LAST, asked, begin, result_of
from controllers.desks.entry import (
    COOKIE,
    AtChecking,
    AtKiosk,
    Desk,
    DeskRoute,
    Sent,
    browser_of,
    keep_session,
    network_of,
)
from controllers.desks.pages import HEADERS
from controllers.moment import now
from controllers.verifier.service import State
from core.errors import InvalidInput, NotFound

router = APIRouter(prefix="/desk/kiosk", route_class=DeskRoute, include_in_schema=False)

_PATH = "/desk/kiosk"
_SHOWN_FOR = 20  # seconds that a verdict stands
_RENEWED_BEFORE = 30  # seconds before a code ends


@router.post("/begin")
async def leave_here(desk: AtChecking, sent: Sent) -> Response:
    """Leave this device at the counter, for one check that needs nothing typed."""
    check = await asked(desk, sent.get("check", ""), {})
    if check.fields:
        raise InvalidInput(
            "A check that needs something typed cannot run alone", code="no-kiosk"
        )
    value = await desk.house.desks.sessions.to_kiosk(
        desk.request.cookies.get(COOKIE, ""),
        check.name,
        browser=browser_of(desk.request),
        network=network_of(desk.request, desk.house),
    )
    answer = desk.go(_PATH)
    keep_session(answer, desk.house, value)
    return answer


@router.get("")
async def counter(desk: AtKiosk) -> HTMLResponse:
    """The code, or the verdict, or the button to begin."""
    return desk.page("kiosk.html", away_after=0, **await _now(desk))


@router.get("/part")
async def part(desk: AtKiosk) -> HTMLResponse:
    """The part of it that changes by itself."""
    return desk.part("kiosk_live.html", **await _now(desk))


@router.get("/live", response_class=StreamingResponse)
async def stream(
    desk: AtKiosk, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> StreamingResponse:
    """That something moved."""
    told = shown.kept(desk.request, desk, _PATH)
    if told is None or told.subject_id is None:
        raise NotFound("No check waits here", code="no-such-check")
    return live.follow(desk, told.subject_id, after, LAST)


@router.post("/next")
async def following(desk: AtKiosk, _sent: Sent) -> Response:
    """The next code."""
    check = await asked(desk, desk.who.kiosk or "", {})
    made, told = await begin(desk, check.name, {})
    answer = desk.go(_PATH)
    shown.keep(answer, desk, _PATH, told, made.expires_at)
    return answer


@router.post("/end")
async def end(desk: AtKiosk, _sent: Sent, request: Request) -> Response:
    """The counter is taken away."""
    await desk.house.desks.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/desk/sign-in?why=out", 303, headers=dict(HEADERS))
    answer.delete_cookie(COOKIE, path="/desk")
    return answer


async def _now(desk: Desk) -> dict[str, Any]:
    told = shown.kept(desk.request, desk, _PATH)
    if told is None or told.subject_id is None:
        return {"check": None}
    context = await result_of(desk, told.subject_id, look=False)
    check = context["check"]
    left = int((check.expires_at - now()).total_seconds()) - _RENEWED_BEFORE
    done = check.state == State.DONE
    return {**context, "next_in": _SHOWN_FOR if done else max(1, left)}
