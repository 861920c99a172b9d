"""A decision of the governance engine: always with its reason, never a bare bool."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permit:
    """Allowed; `rule_ids` are the rules that together allowed it, in the order applied."""

    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deny:
    """Not allowed. `reason` is a stable code, `explanation` says it in words for a person."""

    rule_id: str
    reason: str
    explanation: str


type Decision = Permit | Deny
