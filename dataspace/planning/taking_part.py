"""Who takes part in a plan, and who is left out of it, and why: worked out, never chosen.

It follows from the agreement and the way of computing alone, so nobody can pick the holders of
a plan to find out what one of them adds (all of five minus four of five is one).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dataspace.agreeing.agreement import FEWEST_PARTIES, Participant, Terms
from dataspace.questions.base import Engine

LINKING: Final = frozenset({Engine.RING, Engine.OWNERS})  # what blinds identifiers
NO_LINKAGE: Final = "no-linkage"  # why somebody is left out: a code, said in words elsewhere


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A holder that does not take part, and the code of the reason."""

    participant: Participant
    reason: str


@dataclass(frozen=True, slots=True)
class TakingPart:
    """The holders whose data go in, in the order of the terms, and those left out."""

    holders: tuple[Participant, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def are_enough(self) -> bool:
        """With two, each knows the other's by subtracting its own."""
        return len(self.holders) >= FEWEST_PARTIES

    def includes(self, did: str) -> bool:
        return any(each.did == did for each in self.holders)


def taking_part(terms: Terms, engine: Engine) -> TakingPart:
    """Who takes part in a plan of a question that is computed so."""
    if engine not in LINKING:
        return TakingPart(terms.holders)
    return TakingPart(
        holders=tuple(each for each in terms.holders if not each.no_linkage),
        left_out=tuple(LeftOut(each, NO_LINKAGE) for each in terms.holders if each.no_linkage),
    )
