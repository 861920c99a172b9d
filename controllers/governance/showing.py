"""Drafts and the history as the API and the command show them: data, and words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controllers.governance.consequences import Consequences, consequences
from controllers.governance.drafts import Draft, Drafts, Signatures
from controllers.governance.operations import Operation
from controllers.governance.service import GovernanceService
from controllers.governance.telling import Naming, told
from core.errors import NotFound
from governance.engine import Framework
from governance.signing import digest_of, proofs_of, signer_of

type SpokenLanguage = Literal["en", "es", "km"]


class Spoken(BaseModel):
    """What an address may ask for beside its subject."""

    model_config = ConfigDict(extra="forbid")

    language: SpokenLanguage = Field("en", description="Of the words in the answer")


class Past(Spoken):
    """The same of the history."""

    size: int = Field(20, ge=1, le=50, description="How many versions")
    version: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Number to begin with; the newest"
    )


class NewDraft(BaseModel):
    """What is to be changed. Organisations are named by short name or DID."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "operation": {
                        "kind": "join",
                        "organisation": "shelter-c",
                        "role": "shelter",
                        "name": {"en": "Hill House"},
                        "until": "2027-01-01T00:00:00Z",
                    }
                },
                {"operation": {"kind": "suspend", "organisation": "shelter-c"}},
            ]
        },
    )

    operation: Operation


class Proof(BaseModel):
    """A Data Integrity proof (eddsa-jcs-2022) over the draft's document."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(max_length=40)
    cryptosuite: str = Field(max_length=40)
    created: str = Field(max_length=40)
    verificationMethod: str = Field(max_length=400)  # noqa: N815 (W3C's spelling)
    proofPurpose: str = Field(max_length=40)  # noqa: N815 (likewise)
    proofValue: str = Field(max_length=200)  # noqa: N815 (likewise)


class Signing(BaseModel):
    """What a signer saw, so that nothing else is signed."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="`digest` of the draft, as it was shown"
    )


class NewProof(BaseModel):
    """A signature that was made elsewhere."""

    model_config = ConfigDict(extra="forbid")

    proof: Proof


class DifferenceShown(BaseModel):
    """One thing that changes, as a code and in words."""

    kind: str
    effect: Literal["gains", "loses", "changes"]
    text: str


class SignerShown(BaseModel):
    """Somebody whose signature counts, by the list in force or by the draft's own."""

    did: str
    name: str
    has_signed: bool


class DraftShown(BaseModel):
    """A draft, and what it means."""

    id: str
    kind: str
    state: str
    digest: str = Field(description="SHA-256 of the document's canonical form: what is signed")
    sequence: int
    version: str
    level: Literal["patch", "minor", "major"]
    created_at: datetime
    differences: list[DifferenceShown]
    credentials: list[str] = Field(description="Credentials that are affected")
    signers: list[SignerShown]
    signatures_needed: int
    signatures_missing: int


class DraftWhole(DraftShown):
    """The same with the document that is signed, without proofs."""

    document: dict[str, Any]


class VersionShown(BaseModel):
    """A version of the history, and what it changed."""

    sequence: int
    version: str
    issued_at: datetime
    expires_at: datetime
    level: Literal["patch", "minor", "major"] | None = Field(description="None: the first")
    signed_by: list[str]
    differences: list[DifferenceShown]


def level_of(found: Consequences) -> Literal["patch", "minor", "major"]:
    """The kind of version as a word."""
    return ("patch", "minor", "major")[found.level]


def in_words(found: Consequences, language: str) -> list[DifferenceShown]:
    """Every difference."""
    return [
        DifferenceShown(kind=each.kind, effect=each.effect, text=each.text)
        for each in told(found, language)
    ]


def signers_of(signatures: Signatures, naming: Naming) -> list[SignerShown]:
    """Whose signatures count, by name."""
    shown = [
        SignerShown(did=did, name=naming.who(did), has_signed=did in signatures.given)
        for did in signatures.who
    ]
    return sorted(shown, key=lambda each: (each.name, each.did))


async def draft_shown(drafts: Drafts, draft: Draft, language: str) -> DraftWhole:
    """One draft."""
    found, signatures = await drafts.differences(draft), await drafts.signatures(draft)
    naming = Naming((found.after, found.before), language)
    return DraftWhole(
        id=draft.id,
        kind=draft.operation.kind,
        state=draft.state.value,
        digest=digest_of(draft.document),
        sequence=found.after.sequence,
        version=found.after.version,
        level=level_of(found),
        created_at=draft.created_at,
        differences=in_words(found, language),
        credentials=list(found.credentials),
        signers=signers_of(signatures, naming),
        signatures_needed=max(signatures.needed_before, signatures.needed_own),
        signatures_missing=signatures.missing,
        document=draft.document,
    )


async def history(
    governance: GovernanceService, newest: int, size: int, language: str
) -> list[VersionShown]:
    """So many versions from `newest` back."""
    shown: list[VersionShown] = []
    for number in range(newest, max(0, newest - size), -1):
        try:
            framework = await governance.version(number)
            before = await governance.version(number - 1) if number > 1 else None
        except NotFound:
            break
        shown.append(_version(framework, before, language))
    return shown


def signed_by(framework: Framework, naming: Naming) -> list[str]:
    """Who signed a version, by name."""
    dids = dict.fromkeys(signer_of(each) for each in proofs_of(framework.document))
    return [naming.who(did) for did in dids]


def _version(framework: Framework, before: Framework | None, language: str) -> VersionShown:
    found = None if before is None else consequences(before, framework)
    return VersionShown(
        sequence=framework.sequence,
        version=framework.version,
        issued_at=framework.issued_at,
        expires_at=framework.expires_at,
        level=None if found is None else level_of(found),
        signed_by=signed_by(framework, Naming((framework,), language)),
        differences=[] if found is None else in_words(found, language),
    )
