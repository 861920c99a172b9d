"""What the governance API takes and answers."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from controllers.access import Role
from governance.engine import Framework

SLUG = r"^[a-z][a-z0-9-]{1,62}$"
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]+$"  # PostgreSQL keeps no NUL; nobody is called a newline


class NewOrganisation(BaseModel):
    """An organisation of this installation. `label` is what invitations show to anyone."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "slug": "fund",
                    "label": "Community Fund",
                    "role": "support-fund",
                    "name": "Community Fund",
                }
            ]
        },
    )

    slug: str = Field(pattern=SLUG)
    label: str = Field(min_length=1, max_length=120, pattern=_PRINTABLE)
    role: str | None = Field(
        None, pattern=SLUG, description="Role in the framework, if any yet"
    )
    name: str | dict[str, str] = Field(max_length=120, description="Name in the framework")


class NewAuthority(NewOrganisation):
    """The organisation that founds the framework."""


class OrganisationShown(BaseModel):
    """An organisation and its identity."""

    slug: str
    label: str
    did: str | None
    created_at: datetime


class NewKey(BaseModel):
    """A key of one organisation: for `issue`, `check`, or (the authority's) for `govern`."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class NewKeyOf(NewKey):
    """The same together with the organisation that the address names."""

    slug: str


class KeyMade(BaseModel):
    """The key, shown this once."""

    key: str


class KeyShown(BaseModel):
    """A key without its secret: the middle part of `hvn_<id>_<secret>` is its id."""

    id: str
    role: Role
    created_at: datetime
    ended_at: datetime | None


class NewAdministrator(BaseModel):
    """Somebody who is to administer an organisation's desks; her name is kept sealed."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80, pattern=_PRINTABLE)


class NewAdministratorOf(NewAdministrator):
    """The same together with the organisation that the address names."""

    slug: str


class InvitationMade(BaseModel):
    """A one-time link, shown this once: whoever opens it first comes in."""

    link: str = Field(examples=["http://localhost:8020/desk/enrol#Q2x..."])
    expires_at: datetime


class NewGrant(BaseModel):
    """Authority to issue one credential."""

    model_config = ConfigDict(extra="forbid")

    organisation: str = Field(pattern=SLUG)
    credential: str = Field(pattern=SLUG)


class GrantShown(BaseModel):
    """A grant and the credential definition it is tied to."""

    grant_id: str
    definition_id: str
    draft_id: str | None = Field(
        None, description="Where more than one has to sign: the draft that gives the grant"
    )


class FrameworkChanged(BaseModel):
    """The version that says so: its place in the history, and what kind of change it was."""

    sequence: int
    version: str

    @classmethod
    def of(cls, framework: Framework) -> FrameworkChanged:
        """Of a framework in force."""
        return cls(sequence=framework.sequence, version=framework.version)
