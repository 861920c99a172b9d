"""Admin routes of the plugin; each acts for the tenant whose token the request carries.

Errors are answered as `{"slug", "title", "detail", ...}` with the status of `core.errors`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps

from acapy_agent.admin.decorators.auth import tenant_authentication
from acapy_agent.core.profile import Profile
from aiohttp import web

from agent.plugins.webvh.identity import (
    Identity,
    announce,
    create_identity,
    load_identity,
    rotate_update_key,
    sign_framework,
    sign_statement,
    sign_trust_list,
)
from agent.plugins.webvh.revocations import revoke
from agent.plugins.webvh.runtime import WALLET_ERRORS, WebvhRuntime
from core.canonical import Json, read_object
from core.errors import HavenError, InvalidInput, Unavailable

LOGGER = logging.getLogger(__name__)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Action = Callable[[web.Request, WebvhRuntime, Profile], Awaitable[Json]]


def _route(action: Action) -> Handler:
    """Authenticate the tenant, run the action, answer its result or its error as JSON."""

    @tenant_authentication
    @wraps(action)
    async def handler(request: web.Request) -> web.StreamResponse:
        profile: Profile = request["context"].profile
        try:
            result = await action(request, profile.inject(WebvhRuntime), profile)
        except HavenError as error:
            return web.json_response(_problem(error), status=error.status)
        except WALLET_ERRORS as error:  # named, not quoted: its words may hold a value
            LOGGER.warning("the wallet failed: %s", type(error).__name__)
            failed = Unavailable("the wallet does not answer; ask again")
            return web.json_response(_problem(failed), status=failed.status)
        return web.json_response(result)

    return handler  # type: ignore[no-any-return]  # ACA-Py's decorator has no types


def _problem(error: HavenError) -> Json:
    return {"slug": error.slug, "title": error.title, "detail": error.detail, **error.extra}


async def _body(request: web.Request) -> Json:
    return read_object(await request.read(), step="body")


def _shown(identity: Identity) -> Json:
    return {"did": identity.did, "verification_method": identity.verification_method}


async def _create_identity(
    request: web.Request, runtime: WebvhRuntime, profile: Profile
) -> Json:
    """POST {path}: the tenant's DID, created and published if it has none yet."""
    path = (await _body(request)).get("path")
    if not isinstance(path, str):
        raise InvalidInput("`path` is missing")
    return _shown(await create_identity(runtime, profile, path))


async def _get_identity(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """GET: the tenant's DID."""
    return _shown(await load_identity(profile))


async def _rotate(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """POST: put the committed update key in force."""
    return _shown(await rotate_update_key(runtime, profile))


async def _announce(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """POST {services}: the DID document names them."""
    services = (await _body(request)).get("services")
    if not isinstance(services, list) or not all(_is_service(each) for each in services):
        raise InvalidInput("`services` must be a list of services with relative ids")
    return _shown(await announce(runtime, profile, services))


def _is_service(entry: object) -> bool:
    return isinstance(entry, dict) and str(entry.get("id", "")).startswith("#")


async def _sign_framework(
    request: web.Request, runtime: WebvhRuntime, profile: Profile
) -> Json:
    """POST {framework}: the tenant's proof over it."""
    document = _object(await _body(request), "framework")
    return {"proof": await sign_framework(profile, document)}


async def _sign_trust_list(
    request: web.Request, runtime: WebvhRuntime, profile: Profile
) -> Json:
    """POST {payload}: the trust list as a JWT."""
    payload = _object(await _body(request), "payload")
    return {"jwt": await sign_trust_list(profile, payload)}


async def _sign(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """POST {statement}: the statement with `issuer` and a proof of the tenant's DID."""
    return await sign_statement(profile, _object(await _body(request), "statement"))


async def _verify(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """POST {statement}: who signed it; 422 with the step if the proof does not hold."""
    statement = _object(await _body(request), "statement")
    issuer = await runtime.reader.verify_statement(statement)
    return {"issuer": issuer, "statement": statement}


def _object(body: Json, name: str) -> Json:
    found = body.get(name)
    if not isinstance(found, dict):
        raise InvalidInput(f"`{name}` must be an object")
    return found


async def _revoke(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """POST {rev_reg_id, cred_rev_ids}: revoked and published, or 503 and nothing claimed."""
    body = await _body(request)
    registry_id, indexes = body.get("rev_reg_id"), body.get("cred_rev_ids")
    if not isinstance(registry_id, str) or not isinstance(indexes, list):
        raise InvalidInput("`rev_reg_id` and `cred_rev_ids` are needed")
    if not all(type(index) is int for index in indexes):
        raise InvalidInput("`cred_rev_ids` are whole numbers")
    done = await revoke(runtime, profile, registry_id, indexes)
    return {
        "rev_reg_id": done.registry_id,
        "timestamp": done.timestamp,
        "revoked": list(done.revoked),
    }


async def _latest_list(request: web.Request, runtime: WebvhRuntime, profile: Profile) -> Json:
    """GET ?rev_reg_id&at: the time of the list in force at `at`, and how many are revoked."""
    registry_id, at = request.query.get("rev_reg_id", ""), request.query.get("at", "")
    if not at.isascii() or not at.isdecimal() or len(at) > 12:
        raise InvalidInput("`at` is a time in seconds")
    found = await runtime.reader.status_list(registry_id, at=int(at))
    return {
        "definition_id": found.definition_id,
        "timestamp": found.timestamp,
        "revoked_count": found.revoked_count,
    }


async def register(app: web.Application) -> None:
    """Called by ACA-Py."""
    app.add_routes(
        [
            web.post("/haven/identity", _route(_create_identity)),
            web.get("/haven/identity", _route(_get_identity), allow_head=False),
            web.post("/haven/rotate", _route(_rotate)),
            web.post("/haven/identity/services", _route(_announce)),
            web.post("/haven/frameworks/sign", _route(_sign_framework)),
            web.post("/haven/trust-lists/sign", _route(_sign_trust_list)),
            web.post("/haven/statements/sign", _route(_sign)),
            web.post("/haven/statements/verify", _route(_verify)),
            web.post("/haven/revocations", _route(_revoke)),
            web.get("/haven/revocation-lists/latest", _route(_latest_list), allow_head=False),
        ]
    )
