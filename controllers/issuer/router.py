"""The issuer's API: offer, follow, list, withdraw."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from controllers.access import IssuerWrite
from controllers.events import EventStream
from controllers.idempotency import IdempotencyKey, Repeatable
from controllers.issuer.schemas import (
    IssuanceCreated,
    IssuancePage,
    IssuanceState,
    NewIssuance,
    Revocation,
    Revoked,
)
from controllers.issuer.service import ENDED, IssuerService
from controllers.paging import Cursor, PageSize, page
from controllers.problems import RESPONSES
from controllers.qr import qr_code
from controllers.store.database import Database
from controllers.store.models import Issuance

LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0)]


def router(
    service: IssuerService,
    database: Database,
    repeatable: Repeatable,
    events: EventStream,
    base_url: str,
) -> APIRouter:
    """Routes below /api/issuer."""
    routes = APIRouter(prefix="/api/issuer", tags=["issuer"], responses=RESPONSES)

    @routes.post("/issuances", status_code=201)
    async def create(
        body: NewIssuance, caller: IssuerWrite, key: IdempotencyKey = None
    ) -> IssuanceCreated:
        """Offer a credential: answers a link, its QR code and the code to say aloud."""

        async def make() -> IssuanceCreated:
            issuance, link = await service.create(caller.tenant, body.credential, body.values)
            address = f"{base_url}/l/{link.token}"
            state = IssuanceState.of(issuance).model_dump()
            return IssuanceCreated(
                **state, link=address, code=link.code or "", qr=qr_code(address)
            )

        return await repeatable.run(caller.key_id, key, body, IssuanceCreated, make)

    @routes.get("/issuances")
    async def listing(
        caller: IssuerWrite, size: PageSize = 50, cursor: Cursor = None
    ) -> IssuancePage:
        """The organisation's issuances, newest first."""
        rows, following = await page(database, Issuance, caller.tenant.id, size, cursor)
        return IssuancePage(items=[IssuanceState.of(row) for row in rows], next=following)

    @routes.get("/issuances/{issuance_id}")
    async def read(issuance_id: str, caller: IssuerWrite) -> IssuanceState:
        """Where one issuance stands."""
        return IssuanceState.of(await service.get(caller.tenant, issuance_id))

    @routes.get("/issuances/{issuance_id}/events", response_class=StreamingResponse)
    async def follow(
        issuance_id: str, caller: IssuerWrite, last: LastEventId = 0
    ) -> StreamingResponse:
        """What happens to it, live (server-sent events), until it ends."""
        await service.get(caller.tenant, issuance_id)
        stream = events.follow(issuance_id, last, ENDED)
        return StreamingResponse(stream, media_type="text/event-stream")

    @routes.post("/issuances/{issuance_id}/cancel")
    async def cancel(issuance_id: str, caller: IssuerWrite) -> IssuanceState:
        """Take an offer back that was not accepted yet."""
        return IssuanceState.of(await service.cancel(caller.tenant, issuance_id))

    @routes.post("/revocations")
    async def revoke(body: Revocation, caller: IssuerWrite) -> Revoked:
        """Withdraw one credential or many; repeating it changes nothing."""
        rows = await service.revoke(caller.tenant, body.issuance_ids)
        return Revoked(items=[IssuanceState.of(row) for row in rows])

    return routes
