"""What a phone needs to judge for itself: the signed rules, and what was signed by whom.

Nothing here says yes or no: the phone verifies each signature, and asks the rules itself
(wallet_app/src/governance). Texts are sent as texts, so that a repeated name in one of them is
seen and not resolved on the way.
"""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from controllers.haven import Haven, House
from controllers.problems import RESPONSES
from controllers.wallet.router import Open, PlainId
from core.errors import HavenError
from core.ports import Document

router = APIRouter(prefix="/api/wallet", tags=["wallet"], responses=RESPONSES)


class Rules(BaseModel):
    """The newest signed framework; `framework` is null if the phone has it already."""

    sequence: int
    framework: str | None = Field(description="The document, as it was signed")
    logs: dict[str, str] = Field(description="The DID log of each of its signers")


class Evidence(BaseModel):
    """What was signed about an offer or a request, and the log of whose DID signed it."""

    issuer: str
    statement: str | None = Field(description="JSON; null where none came with it")
    invitation: str | None = Field(description="JSON that the statement is about")
    log: str | None = Field(description="The DID log of the issuer")
    credential: str | None = Field(None, description="Of an offer: its name")
    definition_id: str | None = Field(None, description="Of an offer: what it is made under")


@router.get("/rules")
async def rules(
    house: House, _wallet: Open, have: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0
) -> Rules:
    """The rules, signed by their authority; `have`: the sequence of the copy at hand."""
    framework = await house.governance.current()
    if framework.sequence == have:
        return Rules(sequence=have, framework=None, logs={})
    signers = {framework.authority, *(each.did for each in framework.signers.members)}
    logs = {did: await _log(house, did) for did in sorted(signers)}
    return Rules(
        sequence=framework.sequence,
        framework=await house.governance.document(framework.sequence),
        logs={did: log for did, log in logs.items() if log is not None},
    )


@router.get("/requests/{request_id}/evidence")
async def of_request(house: House, wallet: Open, request_id: PlainId) -> Evidence:
    """Of a request that waits."""
    statement, invitation = await house.sessions.within(
        wallet, lambda: house.wallet.requests.evidence(wallet, request_id)
    )
    return Evidence(
        issuer=str(statement.get("issuer")),
        statement=_text(statement),
        invitation=_text(invitation),
        log=await _log(house, str(statement.get("issuer"))),
    )


@router.get("/offers/{offer_id}/evidence")
async def of_offer(house: House, wallet: Open, offer_id: PlainId) -> Evidence:
    """Of an offer that was taken up."""
    found = await house.sessions.within(
        wallet, lambda: house.wallet.offers.evidence(wallet, offer_id)
    )
    return Evidence(
        issuer=found.issuer,
        statement=_text(found.statement),
        invitation=_text(found.invitation),
        log=await _log(house, found.issuer),
        credential=found.credential,
        definition_id=found.definition_id,
    )


async def _log(house: Haven, did: str) -> str | None:
    """A log, if it can be read; without it the phone believes nothing of that DID."""
    try:
        return await house.did_logs.did_log(did)
    except HavenError:
        return None


def _text(document: Document | None) -> str | None:
    return None if document is None else json.dumps(document, ensure_ascii=False)
