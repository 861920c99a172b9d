"""What the wallet's API takes and answers: for its holder's eyes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_KEY = Field(
    min_length=43,
    max_length=44,
    pattern=r"^[A-Za-z0-9_-]+=?$",
    description="32 random bytes, base64url: made and kept on the holder's device",
)


class WalletKey(BaseModel):
    """The key that opens a wallet. The server uses it and forgets it."""

    model_config = ConfigDict(extra="forbid")

    key: str = _KEY


class WalletMade(BaseModel):
    """A new wallet. Without its key nobody opens it, we included."""

    wallet_id: str


class SessionOpened(BaseModel):
    """An open session; send `session` as a bearer token."""

    session: str
    expires_at: datetime


class TakeUp(BaseModel):
    """What was scanned or pasted: a link, with the desk's code for an offer; or an invitation
    itself with its signed statement, as an app of another maker may hand it over."""

    model_config = ConfigDict(extra="forbid")

    link: str | None = Field(None, min_length=10, max_length=2000)
    invitation: dict[str, Any] | None = None
    statement: dict[str, Any] | None = None
    code: str | None = Field(None, max_length=12)
    variant: str | None = Field(
        None, max_length=32, pattern=r"^[a-z-]+$", description="Answer as, e.g. representative"
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> TakeUp:
        if (self.link is None) == (self.invitation is None):
            raise ValueError("either a link or an invitation")
        return self


class Labelled(BaseModel):
    """One attribute with its name and value in the holder's language."""

    attribute: str
    label: str
    value: str


class OfferPreview(BaseModel):
    """An offer, before it is taken: who, what, each value."""

    kind: Literal["offer"] = "offer"
    id: str
    who: str
    issuer: str
    credential: str
    title: str
    values: list[Labelled]


class CodeNeeded(BaseModel):
    """The link is to an offer; the code that the desk shows is needed to go on."""

    kind: Literal["code-needed"] = "code-needed"


class ObstacleShown(BaseModel):
    """Why a credential does not fit; only the holder sees this."""

    credential: str
    label: str | None = None
    kind: Literal["none", "missing", "too-low", "too-high", "not-linked"]
    explanation: str


class CredentialAsked(BaseModel):
    """What is asked of one credential: shown, only proven, and what stays hidden."""

    part: str
    credential: str
    title: str
    shown: list[str]
    proven: list[str]
    hidden: list[str]


class RequestPreview(BaseModel):
    """A request, before anything is disclosed."""

    kind: Literal["request"] = "request"
    id: str
    who: str
    asker: str
    purpose: str
    title: str
    description: str
    retention_seconds: int
    variant: str
    asks: list[CredentialAsked]
    can_answer: bool
    choices: list[dict[str, str]] = Field(
        description="Part -> credential id; the first is best"
    )
    obstacles: list[ObstacleShown]


class Answer(BaseModel):
    """Yes; with the credentials to use if there is a choice."""

    model_config = ConfigDict(extra="forbid")

    choice: dict[str, str] | None = Field(None, max_length=8)


class Done(BaseModel):
    """It is done."""

    done: Literal[True] = True


class CredentialShown(BaseModel):
    """A credential in the wallet."""

    id: str
    credential: str
    display_name: str
    title: str
    issuer: str
    who: str
    held_for_other: bool
    values: list[Labelled]
    revoked: bool | None = Field(None, description="Only told when asked with ?state=true")


class CredentialList(BaseModel):
    """All credentials of the wallet."""

    items: list[CredentialShown]


class HistoryEntry(BaseModel):
    """A receipt: what happened, with whom, what was shown. It holds no values."""

    model_config = ConfigDict(extra="allow")

    id: str
    at: datetime
    event: str


class History(BaseModel):
    """Newest first."""

    items: list[HistoryEntry]


type Preview = OfferPreview | RequestPreview | CodeNeeded

Texts = dict[str, Any]
