"""Secret sharing by hand, for the tour: additive shares modulo a prime (Cramer, Damgård and
Nielsen, Secure Multiparty Computation and Secret Sharing, 2015, section 1.3).

The computation itself uses Shamir's shares, which hold up when parties go missing; that one
share says nothing, and only enough of them together something, is the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

PRIME = 1_000_003
MOST = 100_000  # of a number, so that three and their sum stay below the prime


@dataclass(frozen=True, slots=True)
class Shared:
    """Numbers, the shares of each (a row a number, a column a party), and what is added."""

    numbers: tuple[int, ...]
    shares: tuple[tuple[int, ...], ...]
    sums: tuple[int, ...]
    total: int


def share(number: int, parties: int) -> tuple[int, ...]:
    """Random numbers that add up to this one modulo PRIME; any fewer are uniform."""
    drawn = [secrets.randbelow(PRIME) for _ in range(parties - 1)]
    return (*drawn, (number - sum(drawn)) % PRIME)


def by_hand(numbers: Sequence[int]) -> Shared:
    """Share each number among as many parties, add in columns, and put the sums together."""
    rows = tuple(share(each, len(numbers)) for each in numbers)
    sums = tuple(sum(column) % PRIME for column in zip(*rows, strict=True))
    return Shared(tuple(numbers), rows, sums, sum(sums) % PRIME)
