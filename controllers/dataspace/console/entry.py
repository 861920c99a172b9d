"""Who stands at the console, and whether a form was really sent from its page.

1. A person may stand at the places of her session. Another organisation's pages are answered
   like pages that do not exist.
2. A form counts if it carries its session's token and no browser says that another site sent
   it. Nothing is changed by opening an address.
3. Errors are pages, in words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, cast
from urllib.parse import quote

from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from controllers.choosing import Chosen, place_of
from controllers.dataspace.console.members import Members
from controllers.dataspace.console.nodes import NodeClient, Nodes
from controllers.dataspace.console.pages import render
from controllers.dataspace.console.sessions import Session, Sessions, is_meant
from controllers.dataspace.console.texts import Say, is_said, say_in
from controllers.dataspace.console.words import number
from controllers.problems import problem
from controllers.rendering import STRICT, page
from controllers.sent import require_own_site, sent_pairs
from core.errors import (
    Forbidden,
    HavenError,
    InvalidInput,
    NodeRefused,
    NotAuthenticated,
    NotFound,
)

COOKIE = "haven-space"
_LONGEST_AGENT = 400
_CHOSEN = Chosen("haven-space-language", "/")


class Door(StrEnum):
    """How people come in; the value is the path of its page."""

    LINK = "/enter"  # one person's own sandbox: a link that the command prints
    PASSKEY = "/sign-in"  # a hosted sandbox: each person at her own organisation
    KEY = "/key"  # a real node: an officer's own key


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages are made of.

    members: of a hosted sandbox. by_keys: the pages of a real node, for its officers.
    sample_day: in the midst of made-up cases, around it the tour's attacks ask; without it
    there is no tour. cookie_name: browsers know no ports, so what listens on one machine
    beside other such pages needs a name of its own.
    """

    nodes: Nodes
    sessions: Sessions
    base_url: str
    sample_day: date | None = None
    members: Members | None = None
    by_keys: bool = False
    made_up: bool = True
    cookie_name: str = COOKIE

    @property
    def door(self) -> Door:
        """How people come in here."""
        if self.by_keys:
            return Door.KEY
        return Door.LINK if self.members is None else Door.PASSKEY

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by TLS alone."""
        return self.base_url.startswith("https:")

    @property
    def cookie(self) -> str:
        """Its cookie; with this prefix no other host of the domain can set it."""
        return f"__Host-{self.cookie_name}" if self.is_secure else self.cookie_name

    @property
    def is_hosted(self) -> bool:
        """Whether people of several organisations sign in, each to her own."""
        return self.door is Door.PASSKEY


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form; a name may come several times."""

    pairs: Sequence[tuple[str, str]] = ()

    def one(self, name: str, default: str = "") -> str:
        """The last value of a name, without blanks around it."""
        return next((v.strip() for k, v in reversed(self.pairs) if k == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a name, each once, in order."""
        return tuple(dict.fromkeys(v.strip() for k, v in self.pairs if k == name and v.strip()))

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        return any(k == name for k, _ in self.pairs)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at the console: where she may stand, in which language, how to answer."""

    console: Console
    request: Request
    language: str
    session: Session
    names: dict[str, str] = field(default_factory=dict)

    @property
    def say(self) -> Say:
        """Sentences in her language."""
        return say_in(self.language)

    def node(self, place: str) -> NodeClient:
        """A node of hers. Raises NotFound, the same for another's and for none."""
        if place not in self.session.places:
            raise NotFound("There is no such organisation here")
        found, key = self.console.nodes.at(place), self.session.key
        return found if key is None else found.by(key)

    async def page(
        self, template: str, status: int = 200, *, at: str = "", **context: Any
    ) -> HTMLResponse:
        """A page of the frame; `at` is the place that she stands at."""
        content = render(
            template,
            self.language,
            who=self.session,
            **_kind_of(self.console),
            at=at,
            desks=await self.desks(),
            **place_of(self.request),
            **context,
        )
        return page(content, status, _CHOSEN.remembering(self.request, self.language))

    def part(self, template: str, **context: Any) -> HTMLResponse:
        """A part of a page, without the frame."""
        return page(render(template, self.language, who=self.session, **context))

    def back(self, path: str) -> Response:
        """On from the address of a form to the page that it stood on, in the language that was
        just chosen there: another language is a link, and a link sends no form."""
        query = self.request.url.query
        return go(f"{path}?{query}" if query else path)

    async def desks(self) -> list[tuple[str, str]]:
        """The places that she may stand at, with the organisations' names."""
        for place in self.session.places:
            if place not in self.names:
                self.names[place] = await self._name_of(place)
        return [(place, self.names[place]) for place in self.session.places]

    async def _name_of(self, place: str) -> str:
        try:
            return str((await self.node(place).get("/node"))["name"])
        except HavenError:
            return place  # a node that is down has a place in the list all the same


def _kind_of(console: Console) -> dict[str, Any]:
    """What a page's frame asks of its console."""
    return {
        "hosted": console.is_hosted,
        "door": console.door.value,
        "made_up": console.made_up,
        "has_tour": console.sample_day is not None,
    }


def go(path: str) -> Response:
    """On to another page, after something was done."""
    return RedirectResponse(path, 303, headers=dict(STRICT))


def plain_page(
    request: Request, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page for somebody who is not signed in."""
    language = _CHOSEN.language_of(request)
    kind = _kind_of(console_of(request))
    context = {"who": None, "at": "", "desks": [], **kind, **place_of(request), **context}
    return page(
        render(template, language, **context), status, _CHOSEN.remembering(request, language)
    )


def _then(then: Annotated[str, Query(max_length=200)] = "/") -> str:
    return own_path(then)


Then = Annotated[str, Depends(_then)]
"""Where to go on after coming in, from the address: a page of ours."""


def own_path(path: str) -> str:
    """Where to go on: a page of ours, and never another site's."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def console_of(request: Request) -> Console:
    """The console that a request came to."""
    return cast(Console, request.app.state.console)


def browser_of(request: Request) -> str:
    """What a browser says it is."""
    return request.headers.get("user-agent", "")[:_LONGEST_AGENT]


def keep_session(response: Response, console: Console, value: str) -> None:
    """Give a browser its session; it ends with the browser at the latest."""
    response.set_cookie(
        console.cookie,
        value,
        path="/",
        httponly=True,
        samesite="strict",
        secure=console.is_secure,
    )


def end_session(response: Response, console: Console) -> None:
    """Take it from the browser; a name with `__Host-` is taken back as it was given alone."""
    response.delete_cookie(
        console.cookie, path="/", httponly=True, samesite="strict", secure=console.is_secure
    )


async def visiting(request: Request) -> Visitor:
    """Whoever is signed in. Raises NotAuthenticated."""
    console = console_of(request)
    by_itself = "part" in request.query_params  # a page that looks by itself touches nothing
    session = console.sessions.recognise(
        request.cookies.get(console.cookie), browser=browser_of(request), touch=not by_itself
    )
    return Visitor(console, request, _CHOSEN.language_of(request), session)


AtConsole = Annotated[Visitor, Depends(visiting)]


async def sent_form(request: Request, visitor: AtConsole) -> Fields:
    """The fields of a form of one of our pages. Raises Forbidden, InvalidInput."""
    require_own_site(request)
    fields = Fields(await sent_pairs(request))
    if not is_meant(visitor.session, fields.one("csrf")):
        raise Forbidden("Please open the page again and repeat this", code="not-from-here")
    return fields


Sent = Annotated[Fields, Depends(sent_form)]
OwnConsole = Annotated[Console, Depends(console_of)]


class SpaceRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override] # the same, awaited alike
        """The handler, and what it raises in words."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                return await error_page(request, InvalidInput("This address is not complete"))
            except HavenError as err:
                return await error_page(request, err)

        return handled


async def error_page(request: Request, err: HavenError) -> Response:
    """What went wrong, in the person's language, and a way on."""
    if "application/json" in request.headers.get("accept", ""):
        return problem(err)
    if isinstance(err, NotAuthenticated) and request.method == "GET":
        return go(f"{console_of(request).door}?then={quote(request.url.path)}")
    text = words_of(_CHOSEN.language_of(request), err)
    checks = err.checks if isinstance(err, NodeRefused) else ()
    about: dict[str, Any] = {"text": text, "checks": checks}
    try:
        visitor = await visiting(request)
    except HavenError:
        return plain_page(request, "error.html", err.status, **about)
    return await visitor.page("error.html", err.status, **about)


def words_of(language: str, err: HavenError) -> str:
    """An error in a person's words, with its figures: by its code, its kind, or at least as it
    is."""
    for key in (f"refused.{err.code}", f"error.{err.code}", f"error.{err.slug}"):
        if is_said(language, key):
            return say_in(language)(key, **_figures(language, err))
    return say_in(language)("error.other", detail=err.detail)


def _figures(language: str, err: HavenError) -> dict[str, str]:
    """What an error says beside its words: lines, columns, limits, in a person's own digits."""
    return {
        name: number(value, language) if isinstance(value, int) else value
        for name, value in err.extra.items()
    }
