"""New revocation registries in the place of ones that must not be issued from any more."""

from __future__ import annotations

import asyncio
import time
import uuid
from urllib.parse import quote

from agent.admin import AdminApi
from core.errors import InvalidInput, NotFound, Unavailable
from core.secret import Secret

_KEPT_READY = 2  # ACA-Py's way: one in use, one that takes its place when it is full
_READY_SECONDS = 120.0
_PAUSE = 0.3


async def renew_registries(
    api: AdminApi, token: Secret, issuer: str, definition_id: str, size: int
) -> None:
    """Let a definition whose registries are all retired issue from new ones.

    Asking again when all is done changes nothing. (ACA-Py's own rotation is not used: it
    stores the new registry twice at the same time, and then often never makes its list.)

    Raises Unavailable if they could not be made; ask again.
    """
    ready = await _ready(api, token, definition_id)
    while len(ready) < _KEPT_READY:
        ready.append(await _create(api, token, issuer, definition_id, size))
    found = await api.get(
        f"/anoncreds/revocation/active-registry/{_path(definition_id)}", token
    )
    if found["result"]["revoc_reg_id"] not in ready:
        await api.put(f"/anoncreds/revocation/registry/{_path(ready[0])}/active", token)


async def _create(
    api: AdminApi, token: Secret, issuer: str, definition_id: str, size: int
) -> str:
    body = {
        "issuerId": issuer,
        "credDefId": definition_id,
        "maxCredNum": size,
        "tag": str(uuid.uuid4()),
    }
    made = await api.post(
        "/anoncreds/revocation-registry-definition",
        token,
        {"revocation_registry_definition": body},
    )
    state = made["revocation_registry_definition_state"]
    registry_id = str(state["revocation_registry_definition_id"])
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if await _has_list(api, token, registry_id):
            return registry_id
        await asyncio.sleep(_PAUSE)
    raise Unavailable("A new revocation registry was not ready in time")


async def _ready(api: AdminApi, token: Secret, definition_id: str) -> list[str]:
    found = await api.get(
        "/anoncreds/revocation/registries", token, cred_def_id=definition_id, state="finished"
    )
    return [each for each in found["rev_reg_ids"] if await _has_list(api, token, each)]


async def _has_list(api: AdminApi, token: Secret, registry_id: str) -> bool:
    """Whether the wallet keeps the registry with its list, the last thing that is made.

    Asking to revoke nothing revokes nothing: it is refused as meaningless if the list is
    there, and as unknown if it is not.
    """
    try:
        await api.post(
            "/haven/revocations", token, {"rev_reg_id": registry_id, "cred_rev_ids": []}
        )
    except NotFound:
        return False
    except InvalidInput:
        return True
    return True


def _path(identifier: str) -> str:
    return quote(identifier, safe="")
