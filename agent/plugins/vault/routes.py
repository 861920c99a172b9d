"""Admin routes of the vault. Only the controllers call them, with the agent's admin key.

The key travels in the body of a loopback request; no error repeats it.
"""

from __future__ import annotations

from typing import Any

from acapy_agent.admin.decorators.auth import admin_authentication
from acapy_agent.core.error import ProfileError
from acapy_agent.multitenant.base import BaseMultitenantManager
from acapy_agent.storage.error import StorageNotFoundError
from aiohttp import web

from agent.plugins.vault.manager import WrongKeyError, vaultmanager
from agent.plugins.vault.notes import ROUTES as NOTE_ROUTES


def _manager(request: web.Request) -> vaultmanager:
    manager: vaultmanager = request["context"].inject(BaseMultitenantManager)
    return manager


async def _field(request: web.Request, name: str) -> str:
    body: Any = await request.json()
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        raise web.HTTPUnprocessableEntity(reason=f"{name} is missing")
    return value


@admin_authentication
async def create(request: web.Request) -> web.Response:
    """POST /vault/wallets {label, wallet_key} -> {wallet_id}."""
    raw_key, label = await _field(request, "wallet_key"), await _field(request, "label")
    try:
        wallet_id = await _manager(request).create_vault(label, raw_key)
    except ProfileError as err:
        raise web.HTTPUnprocessableEntity(reason="The wallet could not be made") from err
    return web.json_response({"wallet_id": wallet_id})


@admin_authentication
async def open_session(request: web.Request) -> web.Response:
    """POST /vault/wallets/{wallet_id}/sessions {wallet_key, session_id}."""
    raw_key, session_id = (
        await _field(request, "wallet_key"),
        await _field(request, "session_id"),
    )
    wallet_id = request.match_info["wallet_id"]
    try:
        await _manager(request).open_session(wallet_id, raw_key, session_id)
    except StorageNotFoundError as err:
        raise web.HTTPNotFound(reason="No such wallet") from err
    except WrongKeyError as err:
        raise web.HTTPForbidden(reason="The key does not open this wallet") from err
    return web.json_response({})


@admin_authentication
async def close_session(request: web.Request) -> web.Response:
    """POST /vault/wallets/{wallet_id}/close {session_id}."""
    session_id = await _field(request, "session_id")
    await _manager(request).close_session(request.match_info["wallet_id"], session_id)
    return web.json_response({})


@admin_authentication
async def close_idle(request: web.Request) -> web.Response:
    """POST /vault/close-idle {seconds} -> {closed, open}."""
    seconds = float((await request.json()).get("seconds", 0))
    manager = _manager(request)
    closed = await manager.close_idle(seconds)
    return web.json_response({"closed": closed, "open": manager.open_count})


@admin_authentication
async def destroy(request: web.Request) -> web.Response:
    """POST /vault/wallets/{wallet_id}/destroy {wallet_key}."""
    raw_key = await _field(request, "wallet_key")
    try:
        await _manager(request).destroy_vault(request.match_info["wallet_id"], raw_key)
    except StorageNotFoundError as err:
        raise web.HTTPNotFound(reason="No such wallet") from err
    except WrongKeyError as err:
        raise web.HTTPForbidden(reason="The key does not open this wallet") from err
    return web.json_response({})


async def register(app: web.Application) -> None:
    """ACA-Py calls this when it loads the plugin."""
    app.add_routes(
        [
            web.post("/vault/wallets", create),
            web.post("/vault/close-idle", close_idle),
            web.post("/vault/wallets/{wallet_id}/sessions", open_session),
            web.post("/vault/wallets/{wallet_id}/close", close_session),
            web.post("/vault/wallets/{wallet_id}/destroy", destroy),
            *NOTE_ROUTES,
        ]
    )
