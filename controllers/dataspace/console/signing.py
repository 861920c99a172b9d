"""Coming in and going out: a link that is good once, and passkeys where it is hosted.

A link's secret stands behind the #, which browsers send to nobody; the page's script takes it
from there into the body of a request. Without scripts it can be pasted.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from controllers.dataspace.console.entry import (
    AtConsole,
    Console,
    Fields,
    OwnConsole,
    Sent,
    SpaceRoute,
    Then,
    browser_of,
    go,
    keep_session,
    plain_page,
)
from controllers.dataspace.console.members import Member, Members
from controllers.rendering import STRICT
from controllers.sent import require_own_script, require_own_site, sent_pairs
from core.errors import NotFound

router = APIRouter(route_class=SpaceRoute, include_in_schema=False)

_SECRET = Field(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")
_ID = Field(pattern=r"^[0-9a-f-]{36}$")
OwnScript = Depends(require_own_script)


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Invited(_Sent):
    """The secret of an invitation."""

    token: str = _SECRET


class Enrolled(Invited):
    """A new passkey, as the browser made it (WebAuthn, RegistrationResponseJSON)."""

    ceremony: str = _ID
    credential: dict[str, Any] = Field(max_length=16)


class Answered(_Sent):
    """A passkey's answer (WebAuthn, AuthenticationResponseJSON)."""

    ceremony: str = _ID
    credential: dict[str, Any] = Field(max_length=16)


@router.get("/enter")
async def link_page(request: Request) -> HTMLResponse:
    """The page of a one-time link."""
    return plain_page(request, "enter.html")


@router.post("/enter")
async def enter(request: Request, console: OwnConsole) -> Response:
    """Use it up."""
    require_own_site(request)
    secret = Fields(await sent_pairs(request)).one("token")
    # somebody pastes the whole address
    answer = go("/")
    secret = secret.rpartition("#")[2]
    value = console.sessions.use(secret, browser=browser_of(request))
    keep_session(answer, console, value)
    return answer


@router.get("/sign-in")
async def door(request: Request, console: OwnConsole, then: Then) -> HTMLResponse:
    """The page to sign in on with a passkey."""
    _members(console)
    return plain_page(request, "sign_in.html", then=then)


@router.post("/sign-in/begin", dependencies=[OwnScript])
async def begin(console: OwnConsole) -> Response:
    """A question for any passkey of this console."""
    return _json(_members(console).begin_sign_in())


@router.post("/sign-in/finish", dependencies=[OwnScript])
async def finish(request: Request, console: OwnConsole, body: Answered) -> Response:
    """Its answer opens a session."""
    member = _members(console).finish_sign_in(body.ceremony, body.credential)
    return _signed_in(request, console, member)


@router.get("/enrol")
async def invitation(request: Request, console: OwnConsole) -> HTMLResponse:
    """The page of an invitation."""
    _members(console)
    return plain_page(request, "enrol.html")


@router.post("/enrol/begin", dependencies=[OwnScript])
async def begin_enrolment(console: OwnConsole, body: Invited) -> Response:
    """What a new passkey is to be made for; the link stays good until one is made."""
    return _json(_members(console).begin_enrolment(body.token))


@router.post("/enrol/finish", dependencies=[OwnScript])
async def finish_enrolment(request: Request, console: OwnConsole, body: Enrolled) -> Response:
    """The passkey is kept, the link has ended, and its owner is signed in."""
    members = _members(console)
    member = members.finish_enrolment(body.token, body.ceremony, body.credential)
    return _signed_in(request, console, member)


@router.post("/at/{place}/invite")
async def invite(visitor: AtConsole, place: str, fields: Sent) -> HTMLResponse:
    """A link for a colleague of the same organisation, shown once."""
    visitor.node(place)
    members = _members(visitor.console)
    name = " ".join(fields.one("name").split())[:80] or visitor.say("invite.colleague")
    secret = members.invite(place, name, visitor.session.member)
    link = f"{visitor.console.base_url}/enrol#{secret}"
    return await visitor.page("invited.html", at=place, link=link, name=name)


@router.get("/at/{place}/invite")
async def invited(visitor: AtConsole, place: str) -> Response:
    """The desk, for who chose another language where the link was shown: it is shown once."""
    visitor.node(place)
    return visitor.back(f"/at/{place}")


def _members(console: Console) -> Members:
    if console.members is None:
        raise NotFound("Nobody signs in here: this sandbox is one person's own")
    return console.members


def _signed_in(request: Request, console: Console, member: Member) -> Response:
    browser = browser_of(request)
    value = console.sessions.open(member.name, (member.place,), member.id, browser=browser)
    answer = _json({})
    keep_session(answer, console, value)
    return answer


def _json(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers=dict(STRICT))
