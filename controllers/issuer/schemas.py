"""What the issuer's API takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from controllers.qr import QrCode
from controllers.store.models import Issuance

type Value = str | int | bool
IssuanceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class NewIssuance(BaseModel):
    """Values to sign. What is left out gets its default or a fresh random reference."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "credential": "service-eligibility",
                    "values": {
                        "status": "self-referred",
                        "shelter_until": 20270131,
                        "household_size": 2,
                        "region": "US-OR",
                    },
                }
            ]
        },
    )

    credential: str = Field(max_length=64, pattern=r"^[a-z][a-z0-9-]*$")
    values: dict[str, Value] = Field(max_length=64)
    replaces: IssuanceId | None = Field(
        None,
        description="An issuance of the same credential, issued and not withdrawn: it is "
        "withdrawn as soon as this one is issued",
    )


class IssuanceState(BaseModel):
    """Where an issuance stands. It holds no value of the credential."""

    id: str
    credential: str
    state: str = Field(
        examples=["waiting"],
        description="waiting, invited, connected, offering, offered, issuing, sent, "
        "issued; "
        "or declined, failed, expired",
    )
    reason: str | None = None
    revoked_at: datetime | None = None
    move_asked_at: datetime | None = Field(
        None, description="When its holder asked for it in another wallet"
    )
    replaces: str | None = Field(
        None, description="The issuance that is withdrawn when this one is issued"
    )
    replaced_by: str | None = Field(
        None, description="The issuance, open or issued, that replaces this one"
    )
    created_at: datetime
    updated_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, issuance: Issuance, replaced_by: str | None = None) -> IssuanceState:
        """From the stored row."""
        state = cls.model_validate(issuance, from_attributes=True)
        return state.model_copy(update={"replaced_by": replaced_by})


class IssuanceCreated(IssuanceState):
    """The link and the code are shown this once."""

    link: str = Field(examples=["http://localhost:8020/l/Q2x..."])
    code: str = Field(examples=["7KQ2MX"], description="Said to the holder; not in the link")
    qr: QrCode


class IssuancePage(BaseModel):
    """One page, newest first; `next` asks for the following one."""

    items: list[IssuanceState]
    next: str | None = None


class Revocation(BaseModel):
    """Which credentials to withdraw."""

    model_config = ConfigDict(extra="forbid")

    issuance_ids: list[IssuanceId] = Field(min_length=1, max_length=500)


class Revoked(BaseModel):
    """Every check that starts now refuses these."""

    items: list[IssuanceState]
