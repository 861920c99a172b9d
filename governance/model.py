"""The framework as typed, frozen values. `parsing` makes them; the engine only reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.presentation import Operator

# A value that starts with "$" is filled in when a check is made: `$today` or `$<parameter>`.
VARIABLE = "$"
TODAY = "$today"

type Per = Literal["day", "week", "month"]
type Names = str | Mapping[str, str]


type EndedBecause = Literal["left", "suspended"]


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation in one role for one period; `until` is exclusive, None is open.

    A suspension is an end with its reason, and coming back is a new entry: so no entry is an
    exception to another one. `jurisdictions` are ISO 3166 codes; none means not stated.
    """

    rule_id: str
    did: str
    role: str
    name: Names
    jurisdictions: tuple[str, ...]
    starts: datetime
    until: datetime | None
    ended_because: EndedBecause | None

    def is_current(self, moment: datetime) -> bool:
        return self.starts <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class SignerMember:
    """Somebody whose signature counts on the next version, for a period."""

    did: str
    starts: datetime
    until: datetime | None

    def is_current(self, moment: datetime) -> bool:
        return self.starts <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Signers:
    """So many of these have to sign a version."""

    threshold: int
    members: tuple[SignerMember, ...]

    def current(self, moment: datetime) -> frozenset[str]:
        """The DIDs whose signatures count at `moment`."""
        return frozenset(each.did for each in self.members if each.is_current(moment))


@dataclass(frozen=True, slots=True)
class Endorsement:
    """Another ecosystem, recognised for stated roles' worth of actions until a date.

    `authority` is the DID of who governs it. `scope` maps an action to the resources that are
    recognised; `endpoint` is where its registry is asked (TRQP).
    """

    id: str
    authority: str
    name: Names
    endpoint: str
    scope: Mapping[str, frozenset[str]]
    starts: datetime
    until: datetime

    @property
    def rule_id(self) -> str:
        return f"endorsements/{self.id}"

    def is_current(self, moment: datetime) -> bool:
        return self.starts <= moment < self.until


@dataclass(frozen=True, slots=True)
class Computation:
    """A kind of question that organisations may put to their data together."""

    name: str
    title: Mapping[str, str]
    description: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ControlledDocument:
    """A document that the framework is made of besides this one, by its digest."""

    name: str
    kind: str
    language: str
    digest: str


@dataclass(frozen=True, slots=True)
class Grant:
    """Authority to issue one credential, tied to one credential definition.

    After `until` nothing new may be issued and what was issued stays good; from
    `withdrawn_from` on, everything under the definition is refused.
    """

    id: str
    participant: str
    credential: str
    definition_id: str
    starts: datetime
    until: datetime | None
    withdrawn_from: datetime | None

    @property
    def rule_id(self) -> str:
        return f"grants/{self.id}"

    def is_withdrawn(self, moment: datetime) -> bool:
        return self.withdrawn_from is not None and self.withdrawn_from <= moment

    def has_ended(self, moment: datetime) -> bool:
        return self.until is not None and self.until <= moment


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may issue (credential names), ask (purposes) and compute (computations)."""

    issue: frozenset[str]
    ask: frozenset[str]
    compute: frozenset[str]

    def may(self, action: str) -> frozenset[str]:
        """The resources of an action; none for one that is not known."""
        rights = {"issue": self.issue, "ask": self.ask, "compute": self.compute}
        return rights.get(action, frozenset())


@dataclass(frozen=True, slots=True)
class IntegerParameter:
    minimum: int
    maximum: int

    def accepts(self, value: object) -> bool:
        return type(value) is int and self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class TextParameter:
    pattern: re.Pattern[str]

    def accepts(self, value: object) -> bool:
        # a short text keeps a careless pattern cheap
        return (
            isinstance(value, str)
            and len(value) <= 200
            and self.pattern.fullmatch(value) is not None
        )


type Parameter = IntegerParameter | TextParameter


@dataclass(frozen=True, slots=True)
class PredicateRule:
    """`value` is an integer, `$today`, or `$` and the name of an integer parameter."""

    attribute: str
    operator: Operator
    value: int | str


@dataclass(frozen=True, slots=True)
class CredentialRule:
    """The most that a variant asks of one credential."""

    credential: str
    reveal: tuple[str, ...]
    predicates: tuple[PredicateRule, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One revealed attribute, written `label.attribute` in the document."""

    label: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Representation:
    """The label of the representative's credential, and the permission it proves."""

    credential: str
    permission: str


@dataclass(frozen=True, slots=True)
class OnceRule:
    """Accept once per period for each value of `by`; `amount` is what is used up by it."""

    by: Reference
    per: Per
    amount: int | str | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to make a check. With `faults` it still bounds requests but cannot be used."""

    credentials: Mapping[str, CredentialRule]
    equal: tuple[tuple[Reference, ...], ...]
    expect: tuple[tuple[Reference, int | str], ...]
    representative: Representation | None
    once: OnceRule | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A question that verifiers may put, with its purpose and its words for the holder."""

    name: str
    purpose: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    retention_seconds: int
    variants: Mapping[str, Variant]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Framework:
    """A whole framework at one version.

    `sequence` goes up by one with each version, `version` says what kind of change it was.
    `participants` is keyed by DID, `grants` by definition id, `schemas` by credential name,
    `endorsements` by the other authority's DID. `faults` names what is malformed and therefore
    allows nothing. `document` is the JSON object as it came, with every field that this
    release does not know.
    """

    id: str
    version_id: str
    version: str
    sequence: int
    issued_at: datetime
    expires_at: datetime
    previous_digest: str | None
    authority: str
    signers: Signers
    jurisdictions: tuple[str, ...]
    languages: tuple[str, ...]
    documents: tuple[ControlledDocument, ...]
    credentials: frozenset[str]
    computations: Mapping[str, Computation]
    roles: Mapping[str, Role]
    revocation_max_age_seconds: int
    checks: Mapping[str, Check]
    schemas: Mapping[str, str]
    participants: Mapping[str, tuple[Participant, ...]]
    grants: Mapping[str, Grant]
    endorsements: Mapping[str, tuple[Endorsement, ...]]
    faults: tuple[str, ...]
    document: Mapping[str, Any]

    @property
    def purposes(self) -> frozenset[str]:
        """Everything that may be asked for by somebody."""
        return frozenset(check.purpose for check in self.checks.values())

    def resources(self, action: str) -> frozenset[str] | None:
        """All that an action can be about; None for an action that is not known here."""
        known: dict[str, frozenset[str]] = {
            "issue": self.credentials,
            "ask": self.purposes,
            "compute": frozenset(self.computations),
        }
        return known.get(action)
