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
from aries_askar import AskarError, AskarErrorCode, Session

from agent.plugins.waiting.reading import remove_exchange, tell_removed

_CATEGORY = "haven-note"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SIZE_LIMIT = 256 * 1024


def _part(request: web.Request, name: str) -> str:
    return _plain(name, request.match_info[name])


def _plain(name: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise web.HTTPUnprocessableEntity(reason=f"{name} is not a plain name")
    return value


def _profile(request: web.Request) -> Profile:
    return request["context"].profile


@tenant_authentication
async def put(request: web.Request) -> web.Response:
    """PUT /vault/notes/{kind}/{key} {note}: writes or replaces one note."""
    kind, key = _part(request, "kind"), _part(request, "key")
    body = _encoded((await request.json())["note"])
    async with _profile(request).session() as session:  # one statement writes it, or not
        await _put(session.handle, kind, key, body)
    return web.json_response({})


@tenant_authentication
async def change(request: web.Request) -> web.Response:
    """POST /vault/notes {put: [{kind, key, note}], delete: [{kind, key}], close: [id]}: all,
    or nothing. What is closed are issuances that have ended."""
    asked = await request.json()
    written = [(*_named(each), _encoded(each["note"])) for each in asked["put"]]
    deleted = [_named(each) for each in asked["delete"]]
    closed = [_plain("close", each) for each in asked.get("close", ())]
    async with _profile(request).transaction() as txn:
        for kind, key, body in written:
            await _write(txn.handle, kind, key, body)
        for kind, key in deleted:
            await _remove(txn.handle, kind, key)
        for exchange_id in closed:
            await remove_exchange(txn.handle, exchange_id)
        await txn.commit()
    for exchange_id in closed:
        await tell_removed(_profile(request), exchange_id)
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
    kind, key = _part(request, "kind"), _part(request, "key")
    async with _profile(request).transaction() as txn:
        await _remove(txn.handle, kind, key)
        await txn.commit()
    return web.json_response({})


async def _put(store: Session, kind: str, key: str, body: bytes) -> None:
    name, tags = f"{kind}/{key}", {"kind": kind}
    if await store.fetch(_CATEGORY, name) is None:
        try:
            await store.insert(_CATEGORY, name, body, tags)
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise
        else:
            return
    await store.replace(_CATEGORY, name, body, tags)  # also what came in between


async def _write(store: Session, kind: str, key: str, body: bytes) -> None:
    name = f"{kind}/{key}"
    if await store.fetch(_CATEGORY, name, for_update=True):
        await store.replace(_CATEGORY, name, body, {"kind": kind})
    else:
        await store.insert(_CATEGORY, name, body, {"kind": kind})


async def _remove(store: Session, kind: str, key: str) -> None:
    name = f"{kind}/{key}"
    if await store.fetch(_CATEGORY, name, for_update=True):
        await store.remove(_CATEGORY, name)


def _encoded(note: Any) -> bytes:
    body = json.dumps(note).encode()
    if len(body) > _SIZE_LIMIT:
        raise web.HTTPRequestEntityTooLarge(_SIZE_LIMIT, len(body))
    return body


def _named(change: dict[str, Any]) -> tuple[str, str]:
    return _plain("kind", change["kind"]), _plain("key", change["key"])


ROUTES = (
    web.put("/vault/notes/{kind}/{key}", put),
    web.post("/vault/notes", change),
    web.get("/vault/notes/{kind}", get_all, allow_head=False),
    web.delete("/vault/notes/{kind}/{key}", delete),
)
