"""The trust registry over HTTP: TRQP v2.0, and the Ayra profile's further questions.

1. `POST /trqp/authorization` and `POST /trqp/recognition`, as the specification has them. It is
   a public register: no key is needed, but one that is shown and not known is refused.
2. Errors are problem details (RFC 7807 as the protocol has it, which RFC 9457 continues): 400,
   401, 404, and 500 for whatever is our failing, also where the API has 503.
3. What is only asked as a list is read from the newest version. What the profile has and we do
   not is answered with 501.

Plain Starlette: what is asked a thousand times a second takes no detour.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from controllers.access import authenticate
from controllers.moment import now
from controllers.problems import MEDIA_TYPE, problem
from controllers.store.database import Database
from controllers.trqp import listing
from core.errors import HavenError, MalformedQuery, NotKnown
from governance.engine import Framework
from governance.faces.trqp import Kind, Query, answer, read_query

LOGGER = logging.getLogger(__name__)
PLACE = "/trqp"

_HEADERS = {"Cache-Control": "no-store"}

type Handler = Callable[[Request], Awaitable[Response]]


class Governing(Protocol):
    """What is asked here of the governance service."""

    async def recent(self) -> Framework:
        """The newest framework. Raises NotFound, Unavailable."""
        ...

    async def in_force(self, moment: datetime) -> Framework:
        """The version that was in force then; before the first, the first."""
        ...


type Shown = Callable[[Framework, Request], Any]


def routes(governance: Governing, database: Database, base_url: str) -> Router:
    """Everything below /trqp."""
    door = _Door(governance, database)
    shown: dict[str, Shown] = {
        "/metadata": lambda framework, _: listing.metadata(framework, base_url),
        "/entities": listing.entities,
        "/entities/{entity_id}": listing.entity,
        "/entities/{entity_id}/authorizations": listing.authorizations,
        "/ecosystems/{ecosystem_id}": lambda framework, asked: listing.ecosystem(
            framework, asked, base_url
        ),
        "/ecosystems/{ecosystem_id}/recognitions": listing.recognitions,
        "/lookups/authorizations": lambda framework, _: listing.rights(framework),
        "/lookups/didMethods": lambda _framework, _: listing.DID_METHODS,
    }
    return Router(
        [
            Route("/authorization", door.asked("authorization"), methods=["POST"]),
            Route("/recognition", door.asked("recognition"), methods=["POST"]),
            *(Route(path, door.read(show), methods=["GET"]) for path, show in shown.items()),
            Route("/lookups/{kind:path}", _not_implemented, methods=["GET"]),
            Route("/{rest:path}", _no_such_place, methods=["GET", "POST"]),
        ],
        redirect_slashes=False,
    )


class _Door:
    """What every question passes: the key, if one is shown; then errors in the right form."""

    def __init__(self, governance: Governing, database: Database) -> None:
        self._governance = governance
        self._database = database

    def asked(self, kind: Kind) -> Handler:
        """A query of the protocol."""

        async def handle(request: Request) -> Response:
            query = read_query(await _body(request))
            newest = await self._governance.recent()
            then = await self._then(query, newest)
            return _json(answer(kind, query, newest, then=then, now=now()))

        return self._guarded(handle)

    def read(self, show: Shown) -> Handler:
        """A list of the profile."""

        async def handle(request: Request) -> Response:
            return _json(show(await self._governance.recent(), request))

        return self._guarded(handle)

    async def _then(self, query: Query, newest: Framework) -> Framework | None:
        if query.requested is None or query.requested >= newest.issued_at:
            return None
        return await self._governance.in_force(query.requested)

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                await self._check_key(request)
                return await handler(request)
            except HavenError as error:
                return _refused(error)

        return guarded

    async def _check_key(self, request: Request) -> None:
        shown = request.headers.get("authorization")
        if shown is not None:
            await authenticate(self._database, shown.partition(" ")[2])


async def _body(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise MalformedQuery("the body is not JSON") from None


def _json(content: Any) -> Response:
    return JSONResponse(content, headers=_HEADERS)


def _refused(error: HavenError) -> Response:
    answered = problem(error)
    if error.status >= 500 or error.status not in (400, 401, 404, 429, 501):
        LOGGER.warning("a question to the registry failed: %s", type(error).__name__)
        answered = problem(HavenError("The registry cannot answer at the moment"))
    answered.headers["Cache-Control"] = "no-store"
    return answered


async def _not_implemented(_: Request) -> Response:
    body = {
        "type": "urn:haven:problem:not-implemented",
        "title": "This registry has no such look-up",
        "status": 501,
        "detail": "The profile's optional look-up is not offered here",
    }
    return JSONResponse(body, 501, headers=_HEADERS, media_type=MEDIA_TYPE)


async def _no_such_place(_: Request) -> Response:
    return _refused(NotKnown("The registry has nothing at this address"))
