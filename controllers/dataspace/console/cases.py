"""The page where a node's officer brings in the organisation's own cases.

At a node of its own organisation alone: a sandbox is for made-up cases, which it makes itself.
The form is passed on to the node's API as it comes; nothing of it is held or written here.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import PurePath
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from controllers.dataspace.console.entry import AtConsole, SpaceRoute, Visitor, words_of
from controllers.dataspace.console.routes import Place, words_at
from controllers.dataspace.console.sessions import is_meant
from controllers.dataspace.console.words import minute, number
from controllers.dataspace.officers import OfficerDuty
from controllers.multipart import Part, parts_of
from controllers.sent import require_own_site
from core.errors import Forbidden, InvalidInput, NodeRefused, NotFound, StorageFull

router = APIRouter(route_class=SpaceRoute, include_in_schema=False)

_MOST_TOKEN = 200
_FILES = ("mapping", "file")
_KINDS = (".csv", ".xlsx")


@router.get("/at/{place}/cases")
async def cases(visitor: AtConsole, place: Place) -> HTMLResponse:
    """How many cases there are, and the form to replace them."""
    return await _page(visitor, place)


@router.post("/at/{place}/cases")
async def replace(visitor: AtConsole, place: Place, request: Request) -> Response:
    """Replace them by those of a file, and say what happened."""
    require_own_site(request)
    node = visitor.node(place)
    parts = parts_of(request.headers.get("content-type", ""), request.stream())
    if not is_meant(visitor.session, await _token(parts)):
        raise Forbidden("Please open the page again and repeat this", code="not-from-here")
    mark = secrets.token_hex(32)  # cannot stand in a file
    try:
        kind = f"multipart/form-data; boundary={mark}"
        done = await node.send("/cases", kind, _passed_on(parts, mark))
    except (InvalidInput, NodeRefused, StorageFull) as err:
        problem = words_of(visitor.language, err)
        return await _page(visitor, place, problem=problem, status=err.status)
    return await _page(visitor, place, done=done)


async def _token(parts: AsyncIterator[Part]) -> str:
    """What the form's first field has to be: nothing is read of files before it."""
    first = await anext(parts, None)
    if first is None or first.name != "csrf":
        return ""
    return (await first.whole(_MOST_TOKEN)).decode("ascii", "replace")


async def _passed_on(parts: AsyncIterator[Part], mark: str) -> AsyncIterator[bytes]:
    """The form's files as a form for the node; of a file's name only its kind goes along."""
    async for part in parts:
        if part.name not in _FILES:
            continue
        kind = PurePath(part.filename or "").suffix.lower()
        name = f"cases{kind if kind in _KINDS else ''}" if part.filename else ""
        head = f'Content-Disposition: form-data; name="{part.name}"; filename="{name}"'
        yield f"--{mark}\r\n{head}\r\n\r\n".encode()
        async for chunk in part.content:
            yield chunk
        yield b"\r\n"
    yield f"--{mark}--\r\n".encode()


async def _page(
    visitor: Visitor,
    place: str,
    *,
    problem: str = "",
    status: int = 200,
    done: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    node = visitor.node(place)
    about = await node.get("/node")
    if not about["holds_data"]:
        raise NotFound("This node holds no cases")
    return await visitor.page(
        "cases.html",
        status,
        at=place,
        node=about,
        cases=await node.get("/cases/summary"),
        may_import=OfficerDuty.DATA.value in about["duties"],
        words=await words_at(visitor, node),
        problem=problem,
        done=done,
        minute=minute,
        number=lambda value: number(value, visitor.language),
    )
