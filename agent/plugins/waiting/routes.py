"""Admin routes of the plugin; each acts for the tenant whose token the request carries."""

from __future__ import annotations

from typing import Any

from acapy_agent.admin.decorators.auth import tenant_authentication
from acapy_agent.core.profile import Profile
from acapy_agent.ledger.error import LedgerError
from acapy_agent.messaging.models.base import BaseModelError
from acapy_agent.protocols.present_proof.v2_0 import report_problem
from acapy_agent.protocols.present_proof.v2_0.manager import V20PresManager
from acapy_agent.protocols.present_proof.v2_0.messages.pres_problem_report import (
    ProblemReportReason,
)
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageError, StorageNotFoundError
from aiohttp import web

from agent.plugins.waiting.board import Board
from agent.plugins.waiting.issuing import ROUTES as ISSUING
from agent.plugins.waiting.reading import (
    connection_of,
    held,
    offer_made,
    offers_received,
    presentation,
    presentation_of,
    remove_presentation,
)
from agent.plugins.waiting.taking_in import ROUTES as TAKING_IN

_LONGEST_WAIT = 30.0
_MESSAGES_SECONDS = 10.0
_SETTLED = ("done", "abandoned")
# the states of a record in which it is worth looking again
_CHANGES = {
    "arrival": frozenset({"offer-received"}),
    "settling": frozenset({*_SETTLED, "deleted"}),
}


def _profile(request: web.Request) -> Profile:
    return request["context"].profile


def _board(request: web.Request) -> Board:
    board: Board = _profile(request).inject(Board)
    return board


def _seconds(request: web.Request) -> float:
    try:
        return max(0.0, min(float(request.query.get("wait", 0)), _LONGEST_WAIT))
    except ValueError as err:
        raise web.HTTPUnprocessableEntity(reason="wait is not a number") from err


@tenant_authentication
async def get_offer(request: web.Request) -> web.Response:
    """GET /haven/offers/{exchange_id} -> {state, registry_id, index}; 404 if there is none."""
    found = await offer_made(_profile(request), request.match_info["exchange_id"])
    if found is None:
        raise web.HTTPNotFound(reason="No such exchange")
    return web.json_response(found)


@tenant_authentication
async def get_received(request: web.Request) -> web.Response:
    """GET /haven/received/{connection_id}?reference=r&for=arrival|settling&wait=s
    -> {offers: [...]}.

    Arrival: an offer is there. Settling: its credential is stored, or it was given up, or it is
    gone. When the time is over, the answer is what there is. With a reference only the offers
    that carry it count. What waited for a locked wallet is there before the first answer.
    """
    profile, connection_id = _profile(request), request.match_info["connection_id"]
    awaited, reference = request.query.get("for"), request.query.get("reference")

    async def look() -> list[Any] | None:
        offers = await offers_received(profile, connection_id, reference)
        if awaited == "arrival" and not offers:
            return None
        if awaited == "settling" and any(each["state"] not in _SETTLED for each in offers):
            return None
        return offers

    states = _CHANGES.get(awaited or "", frozenset())
    await _board(request).all_came(profile, _MESSAGES_SECONDS)
    found = await _board(request).until(profile, look, _seconds(request), states)
    if found is None:
        found = await offers_received(profile, connection_id, reference)
    return web.json_response({"offers": found})


@tenant_authentication
async def get_connection(request: web.Request) -> web.Response:
    """GET /haven/connections/{invitation_id}?completed=true -> {connection_id or null}."""
    found = await connection_of(
        _profile(request),
        request.match_info["invitation_id"],
        completed=request.query.get("completed") == "true",
    )
    return web.json_response({"connection_id": found})


@tenant_authentication
async def get_presentation(request: web.Request) -> web.Response:
    """GET /haven/presentations/{exchange_id} -> {state, verified, updated_at, request,
    presentation}; 404 if there is no such exchange."""
    found = await presentation_of(_profile(request), request.match_info["exchange_id"])
    if found is None:
        raise web.HTTPNotFound(reason="No such exchange")
    return web.json_response(found)


@tenant_authentication
async def verify(request: web.Request) -> web.Response:
    """POST /haven/presentations/{exchange_id}/verify: as ACA-Py's verify-presentation, but it
    answers with the few fields above, of the very record that was verified. What is done is
    answered as it is."""
    profile = _profile(request)
    try:
        async with profile.session() as session:
            record = await V20PresExRecord.retrieve_by_id(
                session, request.match_info["exchange_id"]
            )
    except StorageNotFoundError as err:
        raise web.HTTPNotFound(reason="No such exchange") from err
    if record.state == V20PresExRecord.STATE_DONE:
        return web.json_response(presentation(record.value))
    if record.state != V20PresExRecord.STATE_PRESENTATION_RECEIVED:
        raise web.HTTPBadRequest(reason="Nothing was received that is not verified yet")
    try:
        record = await V20PresManager(profile).verify_pres(record)
    except (BaseModelError, LedgerError, StorageError) as err:
        await _abandon(request, record, err)
    return web.json_response(presentation(record.value))


@tenant_authentication
async def delete_presentation(request: web.Request) -> web.Response:
    """DELETE /haven/presentations/{exchange_id}; removing what is not there is no error."""
    await remove_presentation(_profile(request), request.match_info["exchange_id"])
    return web.json_response({})


@tenant_authentication
async def get_credentials(request: web.Request) -> web.Response:
    """GET /haven/credentials -> {credentials: [{credential_id, schema_id, definition_id,
    registry_id, index, values}]}"""
    return web.json_response({"credentials": await held(_profile(request))})


async def _abandon(request: web.Request, record: V20PresExRecord, err: Exception) -> None:
    """As ACA-Py does it: noted in the record, told to the holder, answered with 400."""
    async with _profile(request).session() as session:
        await record.save_error_state(session, reason="not verifiable")
    await report_problem(
        err,
        ProblemReportReason.ABANDONED.value,
        web.HTTPBadRequest,
        record,
        request["outbound_message_router"],
    )


async def register(app: web.Application) -> None:
    """ACA-Py calls this when it loads the plugin."""
    app.add_routes(
        [
            web.get("/haven/offers/{exchange_id}", get_offer, allow_head=False),
            web.get("/haven/received/{connection_id}", get_received, allow_head=False),
            web.get("/haven/connections/{invitation_id}", get_connection, allow_head=False),
            web.get("/haven/presentations/{exchange_id}", get_presentation, allow_head=False),
            web.post("/haven/presentations/{exchange_id}/verify", verify),
            web.delete("/haven/presentations/{exchange_id}", delete_presentation),
            web.get("/haven/credentials", get_credentials, allow_head=False),
            *ISSUING,
            *TAKING_IN,
        ]
    )
