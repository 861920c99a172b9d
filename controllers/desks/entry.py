"""Who stands at a desk, and whether a form was really sent from its page.

1. The session's cookie is for these pages alone, and no script reads it. It is good in the
   browser and the network that it was given to (controllers/staff/sessions.py).
2. What a person may do is read at each request: a duty that ended a second ago has ended.
3. A form counts if it carries the page's own token, and no browser says that another site
   sent it. Nothing is changed by opening an address.
4. Errors are pages, in words; who is signed out is led to the door.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from controllers.choosing import Chosen, place_of
from controllers.desks.pages import HEADERS, SECONDS_UNTIL_AWAY, render
from controllers.desks.texts import Say, is_said, say_in
from controllers.haven import Haven, House
from controllers.problems import problem, storage_problem
from controllers.rendering import page
from controllers.sent import require_own_site, sent_pairs
from controllers.staff.people import Duty
from controllers.staff.sessions import SignedIn
from controllers.store.models import Organisation
from core.errors import Forbidden, HavenError, InvalidInput, NotAuthenticated

COOKIE = "haven-desk"
_PATH = "/desk"
_CHOSEN = Chosen("haven-desk-language", _PATH)
_LONGEST_AGENT = 400

type Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Desk:
    """A person at a desk: who it is, in which language, and how to answer."""

    house: Haven
    request: Request
    language: str
    who: SignedIn

    @property
    def organisation(self) -> Organisation:
        """The person's own; there is no other here."""
        return self.who.organisation

    @property
    def say(self) -> Say:
        """Sentences in the person's language."""
        return say_in(self.language)

    @property
    def is_part(self) -> bool:
        """Whether only a part of a page is asked for (by htmx)."""
        return self.request.headers.get("hx-request") == "true"

    def page(
        self,
        template: str,
        status: int = 200,
        *,
        away_after: int = SECONDS_UNTIL_AWAY,
        **context: Any,
    ) -> HTMLResponse:
        """A page of the frame; it goes away after so many seconds (0: never)."""
        content = render(
            template,
            self.language,
            who=self.who,
            **place_of(self.request),
            away_after=away_after,
            **context,
        )
        return page(content, status, _CHOSEN.remembering(self.request, self.language))

    def part(self, template: str, **context: Any) -> HTMLResponse:
        """A part of a page, without the frame."""
        place = place_of(self.request)
        return page(render(template, self.language, who=self.who, **place, **context))

    def go(self, path: str) -> Response:
        """On to another page, after something was done."""
        if self.is_part:
            return Response(status_code=204, headers={**HEADERS, "HX-Redirect": path})
        return RedirectResponse(path, 303, headers=dict(HEADERS))


def plain_page(
    request: Request, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page for somebody who is not signed in."""
    language, place = _CHOSEN.language_of(request), place_of(request)
    content = render(template, language, who=None, away_after=0, **place, **context)
    return page(content, status, _CHOSEN.remembering(request, language))


def browser_of(request: Request) -> str:
    """What a browser says it is."""
    return request.headers.get("user-agent", "")[:_LONGEST_AGENT]


def network_of(request: Request, house: Haven) -> str:
    """Which network a request comes from; empty for this machine itself."""
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    return house.desks.networks.of(peer, forwarded) or ""


async def recognised(request: Request, house: Haven, *, touch: bool = True) -> SignedIn:
    """Who is signed in. Raises NotAuthenticated."""
    return await house.desks.sessions.recognise(
        request.cookies.get(COOKIE),
        browser=browser_of(request),
        network=network_of(request, house),
        touch=touch,
    )


def keep_session(response: Response, house: Haven, value: str) -> None:
    """Give a browser its session; it ends with the browser at the latest."""
    response.set_cookie(
        COOKIE,
        value,
        path=_PATH,
        httponly=True,
        samesite="strict",
        secure=house.settings.base_url.startswith("https:"),
    )


def _looks_by_itself(request: Request) -> bool:
    """A part that a page asks for because something happened: nobody touched anything."""
    return request.headers.get("hx-trigger-name") == "live" or "live" in request.query_params


async def at_desk(request: Request, house: House) -> Desk:
    """Whoever is signed in. Raises NotAuthenticated."""
    who = await recognised(request, house, touch=not _looks_by_itself(request))
    if who.kiosk is not None:
        raise Forbidden("This counter can do its one check and nothing else", code="kiosk-only")
    return Desk(house, request, _CHOSEN.language_of(request), who)


AtDesk = Annotated[Desk, Depends(at_desk)]


def with_duty(*duties: Duty) -> Callable[[Desk], Awaitable[Desk]]:
    """Who has one of these duties now. Raises NotAuthenticated, Forbidden."""

    async def dependency(desk: AtDesk) -> Desk:
        desk.who.needs(*duties)
        return desk

    return dependency


AtIssuing = Annotated[Desk, Depends(with_duty(Duty.ISSUE))]
AtRevoking = Annotated[Desk, Depends(with_duty(Duty.REVOKE))]
AtIssued = Annotated[Desk, Depends(with_duty(Duty.ISSUE, Duty.REVOKE))]
AtChecking = Annotated[Desk, Depends(with_duty(Duty.CHECK))]
AtAdministering = Annotated[Desk, Depends(with_duty(Duty.ADMINISTER))]


async def at_kiosk(request: Request, house: House) -> Desk:
    """A counter that nobody is signed in at. Raises NotAuthenticated, Forbidden."""
    who = await recognised(request, house, touch=False)
    if who.kiosk is None:
        raise Forbidden("This is for a counter on its own", code="no-kiosk")
    return Desk(house, request, _CHOSEN.language_of(request), who)


AtKiosk = Annotated[Desk, Depends(at_kiosk)]


async def sent_form(request: Request, house: House) -> Fields:
    """The fields of a form that was sent from one of our pages by who is signed in.

    Raises NotAuthenticated, Forbidden, InvalidInput.
    """
    require_own_site(request)
    who = await recognised(request, house)
    fields = dict(await sent_pairs(request))
    if not house.desks.sessions.is_meant(who, fields.pop("csrf", None)):
        raise Forbidden("Please open the page again and repeat this", code="not-from-here")
    return fields


Sent = Annotated[Fields, Depends(sent_form)]


class DeskRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override] # the same, awaited alike
        """The handler, and what it raises in words."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                return await _told(request, InvalidInput("This address is not complete"))
            except HavenError as err:
                return await _told(request, err)
            except Exception as err:
                known = storage_problem(err)
                if known is None:
                    raise
                return await _told(request, known)

        return handled


async def _told(request: Request, err: HavenError) -> Response:
    if isinstance(err, NotAuthenticated) and "application/json" not in _accepted(request):
        return _to_the_door(request, err.code)
    if "application/json" in _accepted(request):
        return problem(err)
    return await error_page(request, err)


def _accepted(request: Request) -> str:
    return request.headers.get("accept", "")


def _to_the_door(request: Request, why: str) -> Response:
    """To the sign-in page, and back from there to a page (not to what a form would do)."""
    then = request.url.path if request.method == "GET" and not _is_part(request) else _PATH
    door = f"{_PATH}/sign-in?why={quote(why)}&then={quote(then)}"
    if _is_part(request):
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": door})
    if "text/event-stream" in _accepted(request):
        return Response(
            status_code=204, headers=dict(HEADERS)
        )  # an ear that need not come back
    return RedirectResponse(door, 303, headers=dict(HEADERS))


def _is_part(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


async def error_page(request: Request, err: HavenError) -> HTMLResponse:
    """What went wrong, in the person's language, and a way on."""
    language = _CHOSEN.language_of(request)
    key = next(
        (
            each
            for each in (f"error.{err.code}", f"error.{err.slug}")
            if is_said(language, each)
        ),
        "error.internal",
    )
    try:
        house: Haven = request.app.state.haven
        who: SignedIn | None = await recognised(request, house, touch=False)
    except HavenError:
        who = None
    content = render(
        "error.html",
        language,
        who=who,
        away_after=SECONDS_UNTIL_AWAY,
        key=key,
        **place_of(request),
    )
    return page(content, err.status)
