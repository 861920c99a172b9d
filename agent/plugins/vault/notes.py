"""Small documents in a holder's own encrypted store: her history, links she has taken up.

They are readable only while her session is open, like everything else in the wallet.
"""

from __future__ import annotations

import json
import re
from typing import Any

from acapy_agent.admin.decorators.auth import tenant_authentication
from acapy_agent.core.profile import Profile
from aiohttp import web

_CATEGORY = "haven-note"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SIZE_LIMIT = 256 * 1024


def _part(request: web.Request, name: str) -> str:
    value = request.match_info[name]
    if not _NAME.fullmatch(value):
        raise web.HTTPUnprocessableEntity(reason=f"{name} is not a plain name")
    return str(value)


def _profile(request: web.Request) -> Profile:
    return request["context"].profile


@tenant_authentication
async def put(request: web.Request) -> web.Response:
    """PUT /vault/notes/{kind}/{key} {note}: writes or replaces one note."""
    kind, key = _part(request, "kind"), _part(request, "key")
    body = json.dumps((await request.json())["note"]).encode()
    if len(body) > _SIZE_LIMIT:
        raise web.HTTPRequestEntityTooLarge(_SIZE_LIMIT, len(body))
    async with _profile(request).transaction() as txn:
        name = f"{kind}/{key}"
        if await txn.handle.fetch(_CATEGORY, name, for_update=True):
            await txn.handle.replace(_CATEGORY, name, body, {"kind": kind})
        else:
            await txn.handle.insert(_CATEGORY, name, body, {"kind": kind})
        await txn.commit()
    return web.json_response({})


@tenant_authentication
async def get_all(request: web.Request) -> web.Response:
    """GET /vault/notes/{kind} -> {notes: {key: note}}."""
    kind = _part(request, "kind")
    async with _profile(request).session() as session:
        entries = await session.handle.fetch_all(_CATEGORY, {"kind": kind})
    notes: dict[str, Any] = {
        entry.name.partition("/")[2]: json.loads(entry.value) for entry in entries
    }
    return web.json_response({"notes": notes})


@tenant_authentication
async def delete(request: web.Request) -> web.Response:
    """DELETE /vault/notes/{kind}/{key}; deleting what is not there is no error."""
    name = f"{_part(request, 'kind')}/{_part(request, 'key')}"
    async with _profile(request).transaction() as txn:
        if await txn.handle.fetch(_CATEGORY, name, for_update=True):
            await txn.handle.remove(_CATEGORY, name)
        await txn.commit()
    return web.json_response({})


ROUTES = (
    web.put("/vault/notes/{kind}/{key}", put),
    web.get("/vault/notes/{kind}", get_all, allow_head=False),
    web.delete("/vault/notes/{kind}/{key}", delete),
)
