"""The verifier's API: start a check, follow it, read its result."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from controllers.access import VerifierWrite
from controllers.events import EventStream
from controllers.idempotency import IdempotencyKey, Repeatable
from controllers.paging import Cursor, PageSize, page
from controllers.problems import RESPONSES
from controllers.qr import qr_code
from controllers.store.database import Database
from controllers.store.models import Check
from controllers.verifier.schemas import (
    CheckCreated,
    CheckPage,
    CheckState,
    Disclosed,
    NewCheck,
)
from controllers.verifier.service import Verdict, VerifierService
from core.errors import Gone

LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0)]
_VERDICTS = frozenset(verdict.value for verdict in Verdict)


def router(
    service: VerifierService,
    database: Database,
    repeatable: Repeatable,
    events: EventStream,
    base_url: str,
) -> APIRouter:
    """Routes below /api/verifier."""
    routes = APIRouter(prefix="/api/verifier", tags=["verifier"], responses=RESPONSES)

    @routes.post("/checks", status_code=201)
    async def start(
        body: NewCheck, caller: VerifierWrite, key: IdempotencyKey = None
    ) -> CheckCreated:
        """Start a check: answers a link and its QR code for the visitor's wallet."""

        async def make() -> CheckCreated:
            check, link = await service.start(caller.tenant, body.check, body.parameters)
            address = f"{base_url}/l/{link.token}"
            state = CheckState.of(check).model_dump()
            return CheckCreated(**state, link=address, qr=qr_code(address))

        return await repeatable.run(caller.key_id, key, body, CheckCreated, make)

    @routes.get("/checks")
    async def listing(
        caller: VerifierWrite, size: PageSize = 50, cursor: Cursor = None
    ) -> CheckPage:
        """The organisation's checks, newest first."""
        rows, following = await page(database, Check, caller.tenant.id, size, cursor)
        return CheckPage(items=[CheckState.of(row) for row in rows], next=following)

    @routes.get("/checks/{check_id}")
    async def read(check_id: str, caller: VerifierWrite) -> CheckState:
        """Where one check stands, with every check that was made and its reason."""
        return CheckState.of(await service.get(caller.tenant, check_id))

    @routes.get("/checks/{check_id}/disclosed")
    async def disclosed(check_id: str, caller: VerifierWrite) -> Disclosed:
        """What was shown; 410 when it was not kept, or its time is over."""
        check = await service.get(caller.tenant, check_id)
        values = service.disclosed(check)
        if values is None or check.disclosed_until is None:
            raise Gone("Nothing is kept of this check, or its time is over.")
        return Disclosed(values=values, kept_until=check.disclosed_until)

    @routes.get("/checks/{check_id}/events", response_class=StreamingResponse)
    async def follow(
        check_id: str, caller: VerifierWrite, last: LastEventId = 0
    ) -> StreamingResponse:
        """What happens to it, live (server-sent events), until the verdict."""
        await service.get(caller.tenant, check_id)
        stream = events.follow(check_id, last, _VERDICTS)
        return StreamingResponse(stream, media_type="text/event-stream")

    @routes.post("/checks/{check_id}/cancel")
    async def cancel(check_id: str, caller: VerifierWrite) -> CheckState:
        """Close a check that still waits."""
        return CheckState.of(await service.cancel(caller.tenant, check_id))

    return routes
