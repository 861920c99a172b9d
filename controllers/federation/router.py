"""The API's question about somebody of another ecosystem."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from controllers.access import Known
from controllers.federation.service import Foreign
from controllers.haven import House
from controllers.problems import RESPONSES
from core.decision import Permit

router = APIRouter(prefix="/api/governance", tags=["governance"], responses=RESPONSES)


class Asked(BaseModel):
    """Who is asked about: a participant of another authority's ecosystem."""

    model_config = ConfigDict(extra="forbid")

    authority: str = Field(pattern=r"^did:[!-~]{1,1000}$")
    entity: str = Field(pattern=r"^did:[!-~]{1,1000}$")
    action: str = Field(pattern=r"^[a-z][a-z-]{0,63}$")
    resource: str = Field(pattern=r"^[a-z][a-z0-9-]{0,127}$")


class Said(BaseModel):
    """A decision, with the rule it rests on."""

    permitted: bool
    rules: list[str]
    reason: str | None = None
    explanation: str | None = None


@router.post("/elsewhere")
async def elsewhere(house: House, body: Asked, _caller: Known) -> Said:
    """May somebody of another ecosystem do this? Ours has to recognise that ecosystem for it;
    then its own registry is asked."""
    question = Foreign(body.authority, body.entity, body.action, body.resource)
    decision = await house.federation.decide(question)
    if isinstance(decision, Permit):
        return Said(permitted=True, rules=list(decision.rule_ids))
    return Said(
        permitted=False,
        rules=[decision.rule_id],
        reason=decision.reason,
        explanation=decision.explanation,
    )
