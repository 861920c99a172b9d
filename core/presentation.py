"""What is asked of a holder, and what she showed, in words that fit any credential format.

AnonCreds proof requests are made from these and read back into these in `agent/`; the
governance engine and the controllers know only the types here (docs/adr, decision 1).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Operator = Literal[">=", ">", "<=", "<"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Predicate(_Frozen):
    """`attribute operator value`, proven without showing the attribute. 32-bit integers."""

    attribute: str
    operator: Operator
    value: int = Field(ge=-(2**31), le=2**31 - 1)


class CredentialAsk(_Frozen):
    """All that one request wants from one credential.

    `label` names the credential within the request ("guardianship", "eligibility");
    `schema_id` is the authority's schema that it must be made on.
    """

    label: str
    schema_id: str
    reveal: tuple[str, ...] = ()
    predicates: tuple[Predicate, ...] = ()


class PresentationAsk(_Frozen):
    """A whole request: one or more credentials, every one proven not revoked."""

    asks: tuple[CredentialAsk, ...]


class ShownCredential(_Frozen):
    """What a presentation shows of one credential, before anyone has judged it.

    `sub_proofs` lists the index of the sub-proof that each referent of this label rests on:
    more than one distinct index means that values of several credentials were mixed.
    `status_time` is the time (Unix seconds) of the revocation list it was proven against; None
    if there is no proof of non-revocation in it, whatever it says of one.
    """

    label: str
    schema_id: str
    definition_id: str
    issuer_id: str
    registry_id: str | None
    status_time: int | None
    sub_proofs: tuple[int, ...]
    revealed: dict[str, str]
    predicates: tuple[Predicate, ...]


class ShownPresentation(_Frozen):
    """All credentials of a presentation; `missing` names referents that were not answered."""

    credentials: tuple[ShownCredential, ...]
    missing: tuple[str, ...] = ()
