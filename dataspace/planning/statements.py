"""What is signed about a plan: approvals, their ends, and requests for a run."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from core.canonical import Json
from core.proof import Signer
from dataspace.agreeing.agreement import Did, Name
from dataspace.agreeing.signatures import Statement, did_of_key, sign

TAG_BYTES: Final = 16
MOST_RUNS: Final = 1_000  # of a plan; far more than agreements allow

type Digest = Annotated[str, Field(pattern=r"^z[1-9A-HJ-NP-Za-km-z]{40,60}$")]
type Tag = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Duty(StrEnum):
    """For what somebody approves: the data, or the law."""

    DATA = "data"
    LEGAL = "legal"


class Approval(Statement):
    """An organisation's yes to one plan, until a moment; signed by the organisation's key."""

    format: Literal["haven-approval-1"] = "haven-approval-1"
    plan: Digest
    organisation: Did
    duty: Duty = Duty.DATA
    made: AwareDatetime
    until: AwareDatetime
    nonce: Tag


class Withdrawal(Statement):
    """The organisation takes back everything that it approved of this plan until `made`."""

    format: Literal["haven-withdrawal-1"] = "haven-withdrawal-1"
    plan: Digest
    organisation: Did
    made: AwareDatetime


class Refusal(Statement):
    """The organisation's no to a plan, with a code for why."""

    format: Literal["haven-refusal-1"] = "haven-refusal-1"
    plan: Digest
    organisation: Did
    duty: Duty = Duty.DATA
    made: AwareDatetime
    reason: Name = "no-reason-given"


class RunRequest(Statement):
    """The analyst's countersignature for one run: which plan, a tag never used before, the
    how manyeth run it is, and when; signed by the plan's analyst."""

    format: Literal["haven-run-request-1"] = "haven-run-request-1"
    plan: Digest
    tag: Tag
    number: Annotated[int, Field(ge=1, le=MOST_RUNS, strict=True)]
    at: AwareDatetime


Countersignature = RunRequest  # what the request is to the approvals


def fresh_tag() -> str:
    """128 random bits in hex: names one run, or keeps two approvals apart."""
    return secrets.token_hex(TAG_BYTES)


def sign_request(request: RunRequest, signer: Signer, at: datetime) -> Json:
    """The request as the analyst sends it, signed by her own key (did:key)."""
    return sign(request, signer, did_of_key(signer.multikey), at)
