"""Taking in an invitation, once, and what comes of it: in one call, with a short answer."""

from __future__ import annotations

from typing import Any

from acapy_agent.admin.decorators.auth import tenant_authentication
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.models.base import BaseModelError
from acapy_agent.protocols.didexchange.v1_0.manager import DIDXManagerError
from acapy_agent.protocols.out_of_band.v1_0.manager import (
    OutOfBandManager,
    OutOfBandManagerError,
)
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import InvitationMessage
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.storage.error import StorageError
from aiohttp import web

from agent.plugins.waiting.board import Board
from agent.plugins.waiting.reading import connection_of, request_on

_FAILURES = (DIDXManagerError, OutOfBandManagerError, StorageError)
_ASKED = frozenset({"request-received"})
_HANDLED_SECONDS = 10.0


@tenant_authentication
async def connect(request: web.Request) -> web.Response:
    """POST /haven/connections {invitation} -> {connection_id}.

    An invitation that was taken up before leads to the connection of then.
    """
    profile, invitation = request["context"].profile, (await request.json())["invitation"]
    found = await connection_of(profile, str(invitation.get("@id")), completed=False)
    if found is None:
        found = (await _take_in(profile, invitation)).connection_id
    return web.json_response({"connection_id": found})


@tenant_authentication
async def receive(request: web.Request) -> web.Response:
    """POST /haven/requests {invitation, thread_id} -> {exchange_id or null}.

    Takes in the request that is attached, unless it was taken in before; null if it did not
    get through the agent in time.
    """
    profile, body = request["context"].profile, await request.json()
    found = await request_on(profile, body["thread_id"])
    if found is None:
        await _take_in(profile, body["invitation"])
        # ACA-Py goes on before it has handled the attached request
        found = await profile.inject(Board).until(
            profile, lambda: request_on(profile, body["thread_id"]), _HANDLED_SECONDS, _ASKED
        )
    return web.json_response({"exchange_id": found})


async def _take_in(profile: Profile, invitation: dict[str, Any]) -> OobRecord:
    try:
        message = InvitationMessage.deserialize(invitation)
    except BaseModelError as err:
        raise web.HTTPUnprocessableEntity(reason="This is no invitation") from err
    try:
        taken_in: OobRecord = await OutOfBandManager(profile).receive_invitation(
            message, auto_accept=True, use_existing_connection=False
        )
    except _FAILURES as err:
        raise web.HTTPBadRequest(reason="The invitation cannot be taken up") from err
    return taken_in


ROUTES = (
    web.post("/haven/connections", connect),
    web.post("/haven/requests", receive),
)
