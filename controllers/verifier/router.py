"""The verifier's API: start a check, follow it, read its result."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from controllers.access import VerifierWrite
from controllers.events import LastEventId
from controllers.haven import House
from controllers.idempotency import IdempotencyKey
from controllers.paging import Cursor, PageSize, RowId, page
from controllers.problems import RESPONSES
from controllers.qr import qr_code
from controllers.staff.deeds import as_deed
from controllers.store.models import Check
from controllers.verifier.schemas import (
    CheckCreated,
    CheckPage,
    CheckState,
    Disclosed,
    NewCheck,
)
from controllers.verifier.service import Verdict
from core.errors import Gone

_VERDICTS = frozenset(verdict.value for verdict in Verdict)


router = APIRouter(prefix="/api/verifier", tags=["verifier"], responses=RESPONSES)


@router.post("/checks", status_code=201)
async def start(
    house: House, body: NewCheck, caller: VerifierWrite, key: IdempotencyKey = None
) -> CheckCreated:
    """Start a check: answers a link and its QR code for the visitor's wallet."""

    async def make() -> CheckCreated:
        check, link = await house.verifier.start(caller.tenant, body.check, body.parameters)
        address = f"{house.settings.base_url}/l/{link.token}"
        state = CheckState.of(check).model_dump()
        return CheckCreated(**state, link=address, qr=qr_code(address))

    return await house.repeatable.run(caller.key_id, key, body, CheckCreated, make)


@router.get("/checks")
async def listing(
    house: House, caller: VerifierWrite, size: PageSize = 50, cursor: Cursor = None
) -> CheckPage:
    """The organisation's checks, newest first."""
    rows, following = await page(house.database, Check, caller.tenant.id, size, cursor)
    return CheckPage(items=[CheckState.of(row) for row in rows], next=following)


@router.get("/checks/{check_id}")
async def read(house: House, check_id: RowId, caller: VerifierWrite) -> CheckState:
    """Where one check stands, with every check that was made and its reason."""
    return CheckState.of(await house.verifier.get(caller.tenant, check_id))


@router.get("/checks/{check_id}/disclosed")
async def disclosed(house: House, check_id: RowId, caller: VerifierWrite) -> Disclosed:
    """What was shown; 410 when it was not kept, or its time is over."""
    check = await house.verifier.get(caller.tenant, check_id)
    values = house.verifier.disclosed(check)
    if values is None or check.disclosed_until is None:
        raise Gone("Nothing is kept of this check, or its time is over.")
    await house.desks.deeds.note(caller.tenant.id, None, "disclosed-read", check_id)
    return Disclosed(values=values, kept_until=check.disclosed_until)


@router.get("/checks/{check_id}/events", response_class=StreamingResponse)
async def follow(
    house: House, check_id: RowId, caller: VerifierWrite, last: LastEventId = 0
) -> StreamingResponse:
    """What happens to it, live (server-sent events), until the verdict."""
    await house.verifier.get(caller.tenant, check_id)
    stream = house.events.follow(check_id, last, _VERDICTS)
    return StreamingResponse(stream, media_type="text/event-stream")


@router.post("/checks/{check_id}/release")
async def release(house: House, check_id: RowId, caller: VerifierWrite) -> CheckState:
    """Give back what an accepted check reserved, because the desk could not complete it."""
    deed = as_deed(caller.tenant.id, None, "given-back")
    return CheckState.of(await house.verifier.release(caller.tenant, check_id, deed))


@router.post("/checks/{check_id}/cancel")
async def cancel(house: House, check_id: RowId, caller: VerifierWrite) -> CheckState:
    """Close a check that still waits."""
    deed = as_deed(caller.tenant.id, None, "check-stopped")
    return CheckState.of(await house.verifier.cancel(caller.tenant, check_id, deed))
