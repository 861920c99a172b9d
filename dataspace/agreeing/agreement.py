"""The agreement of a data space: who takes part, for which purposes, within which limits.

Its terms are the machine-readable part of a contract that people signed (ODRL 2.2: assigner,
assignees, target, actions, purposes, constraints). Every participant signs the same terms; the
states that lead there are those of the Dataspace Protocol 2025-1, section 7
(`dataspace.agreeing.negotiating`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from core.canonical import canonicalize, content_digest
from core.errors import InvalidInput
from core.visible import looks, visible

FORMAT = "haven-agreement-1"
FEWEST_PARTIES = 3  # with two there is no privacy: each subtracts its own from the sum
MOST_COMPUTE_NODES = 7

type Did = Annotated[str, Field(pattern=r"^did:[a-z0-9]+:[^\s#?]+$", max_length=500)]
type Multikey = Annotated[str, Field(pattern=r"^z[1-9A-HJ-NP-Za-km-z]{40,60}$")]
type Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
type Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


def is_kept(info: ValidationInfo) -> bool:
    """Whether a document is read that was taken in before: by the rules of its time."""
    return bool(info.context and info.context["kept"])


def _visible(text: str, info: ValidationInfo) -> str:
    return text if is_kept(info) else visible(text)


type Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_visible)]


class Environment(StrEnum):
    """Made-up cases or real ones: a participant of the one is refused by the other."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Participant(_Frozen):
    """An organisation's node, or the evaluator, which holds no data."""

    did: Did
    name: Title
    role: Name  # of the governance framework
    key: Multikey  # signs for the organisation in this space
    certificate: Fingerprint  # SHA-256 of the DER of the certificate its node shows its peers
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]
    holds_data: bool = True
    computes: bool = True
    no_linkage: bool = False  # its law forbids even blinded tokens (34 U.S.C. 12291(b)(2))


class Limits(_Frozen):
    """What no plan under this agreement may go beyond."""

    least_cell: Annotated[int, Field(ge=2, le=10_000)] = 11
    least_contributors: Annotated[int, Field(ge=2, le=50)] = 2
    least_list: Annotated[int, Field(ge=2, le=100_000)] = 25
    most_runs: Annotated[int, Field(ge=1, le=1000)] = 12  # of one plan
    most_plans: Annotated[int, Field(ge=1, le=100_000)] = 500
    epsilon_milli: Annotated[int, Field(ge=0, le=100_000)] = 3000  # in all, for each holder
    longest_days: Annotated[int, Field(ge=1, le=366)] = 30  # that an approval may last


class Terms(_Frozen):
    """What all sign; `id` is a UUID URN, `vocabulary` the digest of the vocabulary document."""

    format: Literal["haven-agreement-1"] = "haven-agreement-1"
    id: Annotated[str, Field(pattern=r"^urn:uuid:[0-9a-f-]{36}$")]
    version: Annotated[int, Field(ge=1)] = 1
    environment: Environment
    title: Title
    assigner: Did
    framework: Annotated[str, Field(max_length=500)]  # DID of the governance framework
    vocabulary: Annotated[str, Field(max_length=100)]
    operations: frozenset[Name]  # names of questions (dataspace.questions)
    purposes: frozenset[Name]
    columns: frozenset[Name] | None = None  # None: all that the vocabulary allows
    limits: Limits = Limits()
    participants: Annotated[tuple[Participant, ...], Field(min_length=FEWEST_PARTIES)]
    starts: AwareDatetime
    ends: AwareDatetime

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Terms:
        dids = [each.did for each in self.participants]
        if len(set(dids)) != len(dids) or len({p.key for p in self.participants}) != len(dids):
            raise ValueError("a participant or a key stands there twice")
        names = {looks(each.name) for each in self.participants}
        if len(names) != len(dids) and not is_kept(info):
            raise ValueError("two participants are called the same")
        if len(self.holders) < FEWEST_PARTIES:
            raise ValueError("fewer than three hold data: a sum would show a single one's")
        if not FEWEST_PARTIES <= len(self.compute_nodes) <= MOST_COMPUTE_NODES:
            raise ValueError("three to seven participants compute")
        if len([p for p in self.participants if not p.holds_data]) > 1:
            raise ValueError("there is one evaluator at most")
        if self.ends <= self.starts:
            raise ValueError("it ends before it starts")
        return self

    @property
    def holders(self) -> tuple[Participant, ...]:
        """Those that hold data, in the order of the terms."""
        return tuple(each for each in self.participants if each.holds_data)

    @property
    def compute_nodes(self) -> tuple[Participant, ...]:
        """The holders that take part in multi-party computations themselves."""
        return tuple(each for each in self.holders if each.computes)

    @property
    def evaluator(self) -> Participant | None:
        """The node without data that counts overlaps, and sees them exactly."""
        return next((each for each in self.participants if not each.holds_data), None)

    def participant(self, did: str) -> Participant | None:
        """The participant of this DID."""
        return next((each for each in self.participants if each.did == did), None)

    def is_in_force(self, moment: datetime) -> bool:
        """Whether it covers this moment."""
        return self.starts <= moment < self.ends

    def document(self) -> dict[str, Any]:
        """As JSON, the form that is hashed, signed and sent; sets stand in their order."""
        made = self.model_dump(mode="json")
        sets = {name: sorted(made[name]) for name in _SETS if made[name] is not None}
        return {**made, **sets}

    @property
    def digest(self) -> str:
        """What all sign, and what a plan names."""
        return content_digest(self.document())


_SETS = ("operations", "purposes", "columns")


def read_terms(document: object, *, kept: bool = False) -> Terms:
    """Terms from JSON; `kept` ones were taken in before. Raises InvalidInput, naming the place
    and no value."""
    try:
        terms = Terms.model_validate(document, context={"kept": kept})
    except ValidationError as err:
        first = err.errors()[0]  # its words tell the rule, and hold no value
        said = str(first["msg"]).removeprefix("Value error, ")
        where = ": ".join([".".join(map(str, first["loc"])), said] if first["loc"] else [said])
        raise InvalidInput(f"these are no terms: {where}", code="terms-form") from err
    canonicalize(terms.document(), step="terms")
    return terms
