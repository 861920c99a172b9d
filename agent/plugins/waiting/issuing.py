"""The steps of an issuance, each in one call: as ACA-Py's own routes, with short answers.

What is offered, requested, signed and sent is made by ACA-Py's managers. Its routes answer with
the whole record, written out twice; these with the fields that somebody reads. And a step that
was taken before, or is being taken, is refused and changes nothing: ACA-Py would give the
exchange up for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from acapy_agent.admin.decorators.auth import tenant_authentication
from acapy_agent.anoncreds.holder import AnonCredsHolderError
from acapy_agent.anoncreds.issuer import AnonCredsIssuerError
from acapy_agent.anoncreds.revocation import AnonCredsRevocationError
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.ledger.error import LedgerError
from acapy_agent.messaging.models.base import BaseModelError
from acapy_agent.protocols.issue_credential.v2_0 import report_problem
from acapy_agent.protocols.issue_credential.v2_0.formats.handler import V20CredFormatError
from acapy_agent.protocols.issue_credential.v2_0.manager import (
    V20CredManager,
    V20CredManagerError,
)
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_problem_report import (
    ProblemReportReason,
)
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.issue_credential.v2_0.routes import _create_free_offer
from acapy_agent.storage.error import StorageError, StorageNotFoundError
from aiohttp import web

from agent.plugins.waiting.reading import remove_exchange, tell_removed
from agent.webvh.locks import NamedLocks

_FAILURES = (
    AnonCredsHolderError,
    AnonCredsIssuerError,
    AnonCredsRevocationError,
    BaseModelError,
    LedgerError,
    StorageError,
    V20CredFormatError,
    V20CredManagerError,
)

_TURNS = NamedLocks()

type _Step = Callable[[V20CredManager, V20CredExRecord, ConnRecord], Awaitable[Any]]


@tenant_authentication
async def make_offer(request: web.Request) -> web.Response:
    """POST /haven/offers {connection_id, definition_id, values, reference} -> {exchange_id}.

    Sends an offer; nothing is signed before it is asked for with `sign`.
    """
    profile, body = request["context"].profile, await request.json()
    preview = {
        "@type": "https://didcomm.org/issue-credential/2.0/credential-preview",
        "attributes": [{"name": k, "value": v} for k, v in body["values"].items()],
    }
    try:
        async with profile.session() as session:
            await _connection(session, body["connection_id"])
        record, offer = await _create_free_offer(
            profile=profile,
            filt_spec={"anoncreds": {"cred_def_id": body["definition_id"]}},
            connection_id=body["connection_id"],
            auto_issue=False,  # else every request, of several, gets a credential
            auto_remove=False,
            preview_spec=preview,
            comment=body["reference"],
        )
    except _FAILURES as err:
        # the other side cannot take in a problem report about what it has not heard of
        raise web.HTTPBadRequest(reason="The offer could not be made") from err
    await request["outbound_message_router"](offer, connection_id=record.connection_id)
    return web.json_response({"exchange_id": record.cred_ex_id})


@tenant_authentication
async def sign(request: web.Request) -> web.Response:
    """POST /haven/offers/{exchange_id}/issue -> {state, registry_id, index}.

    Signs and sends what was requested. 404 for an unknown exchange; 400, and nothing else,
    where nothing was requested or a credential was signed already.
    """

    async def step(manager: V20CredManager, record: V20CredExRecord, _: ConnRecord) -> Any:
        return (await manager.issue_credential(record))[1]

    record = await _take_step(request, V20CredExRecord.STATE_REQUEST_RECEIVED, step)
    return web.json_response(_signed(record))


@tenant_authentication
async def ask(request: web.Request) -> web.Response:
    """POST /haven/received/{exchange_id}/accept -> {}: asks for what was offered; 400, and
    nothing else, where it was asked for before."""

    async def step(manager: V20CredManager, record: V20CredExRecord, to: ConnRecord) -> Any:
        record.auto_remove = False
        return (await manager.create_request(record, to.my_did))[1]

    await _take_step(request, V20CredExRecord.STATE_OFFER_RECEIVED, step)
    return web.json_response({})


@tenant_authentication
async def remove(request: web.Request) -> web.Response:
    """DELETE /haven/offers/{exchange_id} -> {}; removing what is not there is no error."""
    profile, exchange_id = request["context"].profile, request.match_info["exchange_id"]
    async with profile.session() as session:
        await remove_exchange(session.handle, exchange_id)
    await tell_removed(profile, exchange_id)
    return web.json_response({})


async def _take_step(request: web.Request, state: str, step: _Step) -> V20CredExRecord:
    """Make the next message of an exchange and send it; a failure gives the exchange up."""
    profile, exchange_id = request["context"].profile, request.match_info["exchange_id"]
    async with _TURNS.lock(exchange_id):
        try:
            async with profile.session() as session:
                record = await V20CredExRecord.retrieve_by_id(session, exchange_id)
                connection = await _connection(session, record.connection_id)
        except StorageNotFoundError as err:
            raise web.HTTPNotFound(reason="No such exchange") from err
        if record.state != state:
            raise web.HTTPBadRequest(reason="This step is not the next one")
        try:
            message = await step(V20CredManager(profile), record, connection)
        except _FAILURES as err:
            await _abandon(request, profile, record, err)
    await request["outbound_message_router"](message, connection_id=record.connection_id)
    return record


def _signed(record: V20CredExRecord) -> dict[str, Any]:
    """Where the exchange stands, and the entry of the credential that was just signed."""
    credential = record.cred_issue.attachment(V20CredFormat.Format.ANONCREDS)
    revocable = credential["signature"].get("r_credential")
    return {
        "state": record.state,
        "registry_id": credential.get("rev_reg_id"),
        "index": revocable["i"] if revocable else None,
    }


async def _connection(session: Any, connection_id: str) -> ConnRecord:
    """The connection, if it can be used. Raises StorageNotFoundError."""
    connection: ConnRecord = await ConnRecord.retrieve_by_id(session, connection_id)
    if not connection.is_ready:
        raise web.HTTPForbidden(reason="The connection is not ready")
    return connection


async def _abandon(
    request: web.Request, profile: Profile, record: V20CredExRecord, err: BaseError
) -> NoReturn:
    """As ACA-Py does it: noted in the record, told to the other side, answered with 400."""
    async with profile.session() as session:
        await record.save_error_state(session, reason="not possible")
    await report_problem(
        err,
        ProblemReportReason.ISSUANCE_ABANDONED.value,
        web.HTTPBadRequest,
        record,
        request["outbound_message_router"],
    )
    raise AssertionError("report_problem raises")


ROUTES = (
    web.post("/haven/offers", make_offer),
    web.post("/haven/offers/{exchange_id}/issue", sign),
    web.delete("/haven/offers/{exchange_id}", remove),
    web.post("/haven/received/{exchange_id}/accept", ask),
)
