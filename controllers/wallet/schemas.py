"""What the wallet's API takes and answers: for its holder's eyes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

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
    """One attribute with its name and value in the holder's language.

    A date's value is ISO (2027-01-31), for the app to write as people there do. Where 0 stands
    for "not granted" or "not known", the value is empty and the kind `none`.
    """

    attribute: str
    label: str
    value: str = Field(examples=["2027-01-31"])
    kind: Literal["text", "date", "number", "code", "none"]
    help: str | None = Field(None, description="What the attribute means, in a sentence")


class Branding(BaseModel):
    """How a card looks; which attributes are on its face (none: whoever sees the screen sees
    them, so the app may leave them out as well)."""

    background: str = Field(examples=["#45533f"])
    background2: str = Field(examples=["#8a937d"])
    primary: str | None = None
    secondary: str | None = None


class OfferPreview(BaseModel):
    """An offer, before it is taken: who, what, each value."""

    kind: Literal["offer"] = "offer"
    id: str
    who: str
    issuer: str
    credential: str
    title: str
    about: str | None = Field(None, description="What it is for")
    held_for_other: bool = Field(description="It would be kept for somebody else")
    branding: Branding
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


class AttributeNamed(BaseModel):
    """An attribute and its name in the holder's language."""

    attribute: str
    label: str


class CredentialAsked(BaseModel):
    """What is asked of one credential: shown, only proven, and what stays hidden."""

    part: str
    credential: str
    title: str
    shown: list[AttributeNamed]
    proven: list[AttributeNamed]
    hidden: list[AttributeNamed]


HeldFor = Annotated[
    int | None,
    Field(
        description="For which dependent: 1, 2, ..., the same number for all that is hers "
        "within this wallet; null for the holder's own"
    ),
]


class PossibleAnswer(BaseModel):
    """Credentials that answer a request together, and for whom."""

    credentials: dict[str, str] = Field(description="Part -> credential id")
    held_for: HeldFor = None


class RequestPreview(BaseModel):
    """A request, before anything is disclosed."""

    kind: Literal["request"] = "request"
    id: str
    link: str | None = Field(
        None, description="The link that it came by, if by one: to take it up in another way"
    )
    who: str
    asker: str
    recognised: Literal[True] = Field(
        True,
        description="The framework knows who asks, and allows it to ask this: a request of "
        "anybody else is answered with a problem, never shown",
    )
    purpose: str
    purpose_title: str = Field(description="What the framework calls the purpose")
    title: str
    description: str
    retention_seconds: int
    variant: str
    other_variants: list[str] = Field(
        description="Other ways to answer this: take its link up with one of them"
    )
    asks: list[CredentialAsked]
    can_answer: bool
    choices: list[PossibleAnswer] = Field(
        description="Best first: her own before a dependent's, then what is good for longest"
    )
    obstacles: list[ObstacleShown]


class Answer(BaseModel):
    """Yes; with the credentials to use if there is a choice."""

    model_config = ConfigDict(extra="forbid")

    choice: dict[str, str] | None = Field(
        None, max_length=8, description="The `credentials` of one of the request's `choices`"
    )


class Done(BaseModel):
    """It is done."""

    done: Literal[True] = True


class CredentialShown(BaseModel):
    """A credential in the wallet."""

    id: str
    credential: str
    display_name: str = Field(description="A discreet name, safe where others look on")
    title: str
    about: str | None = Field(None, description="What it is for")
    help: str | None = Field(None, description="What its holder may do with it")
    issuer: str
    who: str
    held_for_other: bool = Field(description="It is kept for somebody else")
    held_for: HeldFor = Field(
        None,
        description="The dependent's number within this wallet; a card by which its holder "
        "acts for her has it, too. Null for the holder's own",
    )
    issued_on: date | None = Field(None, description="Null where the card does not say it")
    expires_on: date | None = Field(
        None, description="The last day on which anything that it grants is good"
    )
    state: Literal["valid", "expired", "revoked"] = Field(
        description="`revoked` only when asked with ?state=true; `expired` after `expires_on`"
    )
    branding: Branding
    values: list[Labelled]
    revoked: bool | None = Field(None, description="Only told when asked with ?state=true")


class CredentialList(BaseModel):
    """All credentials of the wallet."""

    items: list[CredentialShown]


class HistoryEntry(BaseModel):
    """A receipt: what happened, with whom, what was shown. It holds no values."""

    id: str
    at: datetime
    event: Literal["received", "shown", "declined"]
    who: str = Field(description="The organisation, by the framework's name for it")
    title: str = Field(description="The credential's, or of what was asked")
    shown: list[str] = Field(description="The names of what was shown")
    proven: list[str] = Field(description="The names of what was proven without being shown")
    retention_seconds: int | None = Field(
        None, description="How long they keep it, where something was shown"
    )
    held_for_other: bool | None = Field(None, description="It was about somebody else")


class History(BaseModel):
    """Newest first."""

    items: list[HistoryEntry]


type Preview = OfferPreview | RequestPreview | CodeNeeded

Texts = dict[str, Any]
