"""Where a wallet asks for a credential in another wallet (docs/adr/0028).

POST /moves    {claim} -> how it stands; the first time, the issuer's desk is told

Nothing but the claim is sent, and it stands in no address and in no log line.
"""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from controllers.haven import House
from controllers.issuer.moving import Standing
from controllers.problems import RESPONSES


class MoveAsked(BaseModel):
    """By this claim the wallet took the credential: only it can make it again."""

    model_config = ConfigDict(extra="forbid")

    claim: str = Field(min_length=20, max_length=100)


class MoveStanding(BaseModel):
    """How far a move has come."""

    state: Standing = Field(
        description="asked: the desk has to speak with the holder; offered: it has offered a "
        "new one; moved: the new one was issued and the one before is withdrawn; withdrawn: "
        "there is nothing to move any more"
    )


router = APIRouter(prefix="/moves", tags=["links"], responses=RESPONSES)


@router.post("")
async def ask_move(house: House, body: MoveAsked, response: Response) -> MoveStanding:
    """Ask the issuer for a credential in another wallet; asking again changes nothing."""
    response.headers["Cache-Control"] = "no-store"
    return MoveStanding(state=await house.issuer.moves.ask(body.claim))
