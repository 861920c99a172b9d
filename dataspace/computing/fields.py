"""Prime fields that secret shares live in, and how wide an integer has to be.

MPyC masks a value of `bits` bits with randomness that is `STATISTICAL` bits longer before it is
opened inside a comparison, so its field has `bits + STATISTICAL + 2` bits (MPyC 0.11,
sectypes._pfield; Catrina and de Hoogh, "Improved primitives for secure multiparty integer
computation", SCN 2010). The fields are fixed here, without MPyC, because organisations that do
not compute themselves split their tables in the same field.
"""

from __future__ import annotations

from functools import cache

import gmpy2

# what a masked opening betrays is at most 2**-STATISTICAL; MPyC's own default is 30
STATISTICAL = 40


def width(most: int) -> int:
    """The smallest number of bits of a signed integer that holds -most .. most."""
    return most.bit_length() + 1


def bits_for(compared: int, carried: int) -> int:
    """Bits of the secure integers, where |compared values| and |all values| are so large.

    Only what is compared needs room for its mask. What is only added and opened may fill the
    mask's room, as long as it keeps its sign.
    """
    return max(width(compared), width(carried) - STATISTICAL)


@cache
def modulus_of(bits: int) -> int:
    """The largest prime with 3 mod 4 (square roots are cheap) that such integers fit under."""
    candidate = gmpy2.prev_prime(1 << (bits + STATISTICAL + 2))
    while candidate % 4 != 3:
        candidate = gmpy2.prev_prime(candidate)
    return int(candidate)
