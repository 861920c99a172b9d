"""What the verifier's API takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from controllers.qr import QrCode
from controllers.store.models import Check


class NewCheck(BaseModel):
    """A check by its name in the governance framework, with its parameters."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"check": "shelter"},
                {"check": "payment", "parameters": {"amount_minor": 4500, "currency": "USD"}},
            ]
        },
    )

    check: str = Field(max_length=64, pattern=r"^[a-z][a-z0-9-]*$")
    parameters: dict[str, int | str] = Field(default_factory=dict, max_length=16)


class CheckMade(BaseModel):
    """One of the checks that were made, with its result and the reason."""

    name: str = Field(examples=["revocation"])
    outcome: Literal["passed", "failed", "not-applicable"]
    reason: str = Field(examples=["ok"])
    explanation: str


class CheckState(BaseModel):
    """Where a check stands. What was disclosed is read from /disclosed, while it is kept."""

    id: str
    check: str
    state: str = Field(examples=["waiting"], description="waiting, judging or done")
    verdict: Literal["accepted", "refused", "not-shown"] | None = None
    representative_permission: str | None = Field(
        None, description="A representative answered, and this is the permission shown"
    )
    results: list[CheckMade] = Field(default_factory=list)
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, check: Check) -> CheckState:
        """From the stored row."""
        return cls(
            id=check.id,
            check=check.name,
            state=check.state,
            verdict=check.verdict,
            representative_permission=check.permission,
            results=[CheckMade.model_validate(result) for result in check.result or []],
            created_at=check.created_at,
            expires_at=check.expires_at,
        )


class CheckCreated(CheckState):
    """The link is shown this once."""

    link: str = Field(examples=["http://localhost:8020/l/Q2x..."])
    qr: QrCode


class CheckPage(BaseModel):
    """One page, newest first; `next` asks for the following one."""

    items: list[CheckState]
    next: str | None = None


class Disclosed(BaseModel):
    """What was shown, by credential, and when it will be gone."""

    values: dict[str, dict[str, str]]
    kept_until: datetime
