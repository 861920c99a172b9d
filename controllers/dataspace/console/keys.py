"""The door of a real node: an officer comes in by the key that is hers.

The key is asked of the node itself, which knows for what it is good; it is kept in the session,
in memory, and sent along with whatever she does. Nothing else opens these pages.
"""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from controllers.dataspace.console.entry import (
    Console,
    Fields,
    OwnConsole,
    SpaceRoute,
    Then,
    browser_of,
    go,
    keep_session,
    own_path,
    plain_page,
)
from controllers.sent import require_own_site, sent_pairs
from core.errors import NotAuthenticated
from core.secret import Secret

router = APIRouter(route_class=SpaceRoute, include_in_schema=False)

# what cannot be a key is not put into a header
_KEY = re.compile(r"hvo_[0-9a-f]{1,64}_[A-Za-z0-9_-]{1,100}")


@router.get("/key")
async def door(request: Request, then: Then) -> HTMLResponse:
    """The page to come in on."""
    return _door(request, then)


@router.post("/key")
async def come_in(request: Request, console: OwnConsole) -> Response:
    """Try the key; if the node knows it, its officer is at the node's pages."""
    require_own_site(request)
    fields = Fields(await sent_pairs(request))
    then = own_path(fields.one("then", "/"))
    try:
        key = await _known(console, fields.one("key"))
    except NotAuthenticated:
        return _door(request, then, refused=True)
    answer = go(then)
    value = console.sessions.open(
        "", console.nodes.places, key=key, browser=browser_of(request)
    )
    keep_session(answer, console, value)
    return answer


async def _known(console: Console, text: str) -> Secret:
    if not _KEY.fullmatch(text):
        raise NotAuthenticated("This is no officer's key")
    key = Secret(text)
    for place in console.nodes.places:
        await console.nodes.at(place).by(key).get("/node")
    return key


def _door(request: Request, then: str, *, refused: bool = False) -> HTMLResponse:
    status = NotAuthenticated.status if refused else 200
    return plain_page(request, "key.html", status, then=then, refused=refused)
