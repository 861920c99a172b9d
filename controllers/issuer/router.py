"""The issuer's API: offer, follow, list, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from controllers.access import IssuerWrite
from controllers.events import LastEventId
from controllers.haven import House
from controllers.idempotency import IdempotencyKey
from controllers.issuer.moving import MOVE_ASKED
from controllers.issuer.schemas import (
    IssuanceCreated,
    IssuancePage,
    IssuanceState,
    NewIssuance,
    Revocation,
    Revoked,
)
from controllers.issuer.service import ENDED
from controllers.issuer.two_people import two_are_needed
from controllers.paging import Cursor, PageSize, RowId, page
from controllers.problems import RESPONSES
from controllers.qr import qr_code
from controllers.staff.deeds import as_deed
from controllers.staff.options import Option
from controllers.store.models import Issuance, Organisation
from core.errors import Forbidden
from credential_defs import load_all

router = APIRouter(prefix="/api/issuer", tags=["issuer"], responses=RESPONSES)


@router.post("/issuances", status_code=201)
async def create(
    house: House, body: NewIssuance, caller: IssuerWrite, key: IdempotencyKey = None
) -> IssuanceCreated:
    """Offer a credential: answers a link, its QR code and the code to say aloud."""

    await _require_one_is_enough(house, caller.tenant, body)
    deed = as_deed(caller.tenant.id, None, "issued")

    async def make() -> IssuanceCreated:
        issuance, link = await house.issuer.create(
            caller.tenant, body.credential, body.values, body.replaces, beside=deed
        )
        address = f"{house.settings.base_url}/l/{link.token}"
        state = IssuanceState.of(issuance).model_dump()
        return IssuanceCreated(**state, link=address, code=link.code or "", qr=qr_code(address))

    return await house.repeatable.run(caller.key_id, key, body, IssuanceCreated, make)


@router.get("/issuances")
async def listing(
    house: House,
    caller: IssuerWrite,
    size: PageSize = 50,
    cursor: Cursor = None,
    asked: Annotated[
        Literal["move"] | None,
        Query(description="Only those, not withdrawn, whose holder asked for a move"),
    ] = None,
) -> IssuancePage:
    """The organisation's issuances, newest first."""
    only = MOVE_ASKED if asked else ()
    rows, following = await page(
        house.database, Issuance, caller.tenant.id, size, cursor, only=only
    )
    return IssuancePage(items=await _shown(house, rows), next=following)


@router.get("/issuances/{issuance_id}")
async def read(house: House, issuance_id: RowId, caller: IssuerWrite) -> IssuanceState:
    """Where one issuance stands."""
    (state,) = await _shown(house, [await house.issuer.get(caller.tenant, issuance_id)])
    return state


@router.get("/issuances/{issuance_id}/events", response_class=StreamingResponse)
async def follow(
    house: House, issuance_id: RowId, caller: IssuerWrite, last: LastEventId = 0
) -> StreamingResponse:
    """What happens to it, live (server-sent events), until it ends."""
    await house.issuer.get(caller.tenant, issuance_id)
    stream = house.events.follow(issuance_id, last, ENDED)
    return StreamingResponse(stream, media_type="text/event-stream")


@router.post("/issuances/{issuance_id}/cancel")
async def cancel(house: House, issuance_id: RowId, caller: IssuerWrite) -> IssuanceState:
    """Take an offer back that was not accepted yet."""
    deed = as_deed(caller.tenant.id, None, "taken-back")
    return IssuanceState.of(await house.issuer.cancel(caller.tenant, issuance_id, deed))


@router.post("/revocations")
async def revoke(house: House, body: Revocation, caller: IssuerWrite) -> Revoked:
    """Withdraw one credential or many; repeating it changes nothing."""
    if Option.TWO_FOR_WITHDRAWING in await house.desks.options.on(caller.tenant.id):
        raise _TWO_PEOPLE
    deed = as_deed(caller.tenant.id, None, "withdrawn")
    rows = await house.issuer.revoke(caller.tenant, body.issuance_ids, beside=deed)
    return Revoked(items=await _shown(house, rows))


_TWO_PEOPLE = Forbidden(
    "This organisation has two people do this, at a desk", code="two-people-needed"
)


async def _require_one_is_enough(
    house: House, organisation: Organisation, body: NewIssuance
) -> None:
    """A key is one hand: where an organisation asks for two, it does not do instead."""
    definition = load_all().get(body.credential)
    if definition is None:
        return
    if await two_are_needed(house, organisation, definition, body.values, body.replaces):
        raise _TWO_PEOPLE


async def _shown(house: House, rows: Sequence[Issuance]) -> list[IssuanceState]:
    """With what replaces each."""
    found = await house.issuer.moves.replacements([row.id for row in rows])
    return [
        IssuanceState.of(row, found[row.id].id if row.id in found else None) for row in rows
    ]
