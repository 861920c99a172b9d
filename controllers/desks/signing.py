"""Coming in and going out: passkeys, the one-time link that makes one, the end of a session.

The link's secret stands behind the `#`, which browsers send to nobody: the page's script takes
it from there into the body of a request.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from controllers.desks.entry import (
    COOKIE,
    AtDesk,
    Desk,
    DeskRoute,
    Sent,
    browser_of,
    keep_session,
    network_of,
    plain_page,
)
from controllers.desks.pages import HEADERS
from controllers.haven import House
from controllers.sent import require_own_script
from controllers.staff.passkeys import Proven

router = APIRouter(prefix="/desk", route_class=DeskRoute, include_in_schema=False)

_WHY = {"passkey-again": "signing.again", "idle": "signing.idle", "out": "signing.out"}
# nothing else reaches the database: some of what can be sent, it cannot even be asked for
_SECRET = Field(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")
_ID = Field(pattern=r"^[0-9a-f-]{36}$")


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Invitation(_Sent):
    """The secret of a one-time link."""

    token: str = _SECRET


class Enrolled(Invitation):
    """A new passkey, as the browser made it (WebAuthn, RegistrationResponseJSON)."""

    ceremony: str = _ID
    credential: dict[str, Any] = Field(max_length=16)


class Answered(_Sent):
    """A passkey's answer, as the browser gave it (WebAuthn, AuthenticationResponseJSON)."""

    ceremony: str = _ID
    credential: dict[str, Any] = Field(max_length=16)


OwnSite = Depends(require_own_script)


@router.get("/sign-in")
async def door(
    request: Request,
    why: Annotated[str, Query(max_length=32)] = "",
    then: Annotated[str, Query(max_length=200)] = "/desk",
) -> HTMLResponse:
    """The page to sign in on."""
    return plain_page(request, "sign_in.html", why=_WHY.get(why), then=_own_path(then))


@router.post("/sign-in/begin", dependencies=[OwnSite])
async def begin(house: House) -> Response:
    """A question for any passkey of this installation."""
    ceremony = await house.desks.passkeys.begin_sign_in()
    return _json({"ceremony": ceremony.id, "options": ceremony.options})


@router.post("/sign-in/finish", dependencies=[OwnSite])
async def finish(house: House, request: Request, body: Answered) -> Response:
    """Its answer opens a session."""
    proven = await house.desks.passkeys.finish_sign_in(body.ceremony, body.credential)
    return await _signed_in(house, request, proven)


@router.get("/enrol")
async def invitation(request: Request) -> HTMLResponse:
    """The page of a one-time link."""
    return plain_page(request, "enrol.html")


@router.post("/enrol/begin", dependencies=[OwnSite])
async def begin_enrolment(house: House, body: Invitation) -> Response:
    """What a new passkey is to be made for; the link stays good until one is made."""
    ceremony, name = await house.desks.passkeys.begin_enrolment(body.token)
    return _json({"ceremony": ceremony.id, "options": ceremony.options, "name": name})


@router.post("/enrol/finish", dependencies=[OwnSite])
async def finish_enrolment(house: House, request: Request, body: Enrolled) -> Response:
    """The passkey is kept, the link has ended, and its owner is signed in."""
    proven = await house.desks.passkeys.finish_enrolment(
        body.token, body.ceremony, body.credential
    )
    return await _signed_in(house, request, proven)


@router.post("/sign-out")
async def sign_out(house: House, request: Request, _sent: Sent) -> Response:
    """End the session at once."""
    await house.desks.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/desk/sign-in?why=out", 303, headers=dict(HEADERS))
    answer.delete_cookie(COOKIE, path="/desk")
    return answer


@router.get("/hidden")
async def hidden(request: Request) -> HTMLResponse:
    """A page about nothing, for when somebody looks over a shoulder."""
    return plain_page(request, "hidden.html", back="/desk")


@router.get("/away")
async def away(request: Request) -> HTMLResponse:
    """Where a page goes by itself when nobody touches it."""
    return plain_page(request, "hidden.html", back="/desk")


@router.get("/still-here")
async def still_here(_desk: AtDesk) -> Response:
    """Somebody types a long form: her session goes on."""
    return Response(status_code=204, headers=dict(HEADERS))


async def _signed_in(house: House, request: Request, proven: Proven) -> Response:
    value = await house.desks.sessions.open(
        proven, browser=browser_of(request), network=network_of(request, house)
    )
    answer = _json({})
    keep_session(answer, house, value)
    return answer


def _own_path(path: str) -> str:
    """Where to go on: a page of the desks, and never another site's."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and (path == "/desk" or path.startswith("/desk/")) else "/desk"


def _json(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers=dict(HEADERS))


@router.get("")
async def home(desk: AtDesk) -> HTMLResponse:
    """What somebody can do here."""
    return desk.page("home.html", waiting=await _waiting(desk))


async def _waiting(desk: Desk) -> int:
    return len(await desk.house.desks.proposals.open(desk.organisation.id))
