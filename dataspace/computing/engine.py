"""What circuits compute with: secure arrays of one field, and one way to open them.

A thin cover of MPyC's runtime. It is what `circuits/` knows of MPyC, and keeps the list of
everything that a circuit opens, which tests compare with what its docstring says. Values are
MPyC's secure arrays; nothing in it has a type, so they are `Any` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Engine:
    """One party's view of a computation.

    `me` and `parties` are this party's number and how many there are; `bits` and `modulus`
    say which integers are computed with (see fields.py). `openings` collects the label and
    the number of values of each opening, at receivers and non-receivers alike.
    """

    def __init__(
        self, runtime: Any, *, receivers: Sequence[int], bits: int, modulus: int
    ) -> None:
        self.me: int = runtime.pid
        self.parties = len(runtime.parties)
        self.modulus = modulus
        self.openings: list[tuple[str, int]] = []
        self._runtime = runtime
        self._receivers = list(receivers)
        self._array = runtime.SecInt(bits, p=modulus).array

    def each(self, own: Any) -> list[Any]:
        """Shares every party's array with all; one secure array a party. One round.

        `own` has the same shape at every party and holds integers or residues.
        """
        return list(self._runtime.input(self.public(own)))

    def total(self, own: Any) -> Any:
        """The secure sum over the parties of `own`. One round."""
        first, *others = self.each(own)
        for other in others:
            first = first + other
        return first

    def public(self, values: Any) -> Any:
        """Public integers as a secure array."""
        return self._array(_integers(values))

    def negative(self, values: Any, bits: int) -> Any:
        """1 where a value is below 0, else 0; values are within -2**(bits-1) .. 2**(bits-1)-1.

        About log2(bits) + 4 rounds, for all values together.
        """
        return self._runtime.np_sgn(values, l=bits, LT=True)

    def at_least(self, values: Any, least: int, bits: int) -> Any:
        """1 where a value is `least` or more, else 0."""
        return 1 - self.negative(values - least, bits)

    def zero(self, values: Any, bits: int) -> Any:
        """1 where a value of so many bits is 0, else 0. About log2(bits) + 2 rounds."""
        return self._runtime.np_sgn(values, l=bits, EQ=True)

    def stack(self, rows: Iterable[Any]) -> Any:
        """Secure arrays of one shape as rows of one."""
        return self._runtime.np_stack(tuple(rows))

    def join(self, rows: Iterable[Any]) -> Any:
        """Secure arrays one below the other, along the first axis."""
        return self._runtime.np_concatenate(tuple(rows))

    def add_up(self, values: Any) -> Any:
        """The sum over the first axis, as one row; costs no round."""
        return self._runtime.np_sum(values, axis=0, keepdims=True)

    def product(self, values: Any) -> Any:
        """Products along the first axis, in log2 rounds."""
        return self._runtime.np_prod(values, axis=0)

    def polynomial(self, coefficients: Sequence[int], values: Any) -> Any:
        """A public polynomial, lowest coefficient first, at each of `values` (one axis).

        Powers are made by doubling: log2(degree) rounds.
        """
        if len(coefficients) == 1:
            return values * 0 + coefficients[0]
        powers = self.stack([values])
        while powers.shape[0] < len(coefficients) - 1:
            missing = len(coefficients) - 1 - powers.shape[0]
            powers = self.join([powers, powers[:missing] * powers[powers.shape[0] - 1]])
        weights = np.array(coefficients[1:], dtype=object).reshape(-1, 1)
        return self.weighted(weights, powers) + coefficients[0]

    def weighted(self, weights: Any, rows: Any) -> Any:
        """Sums over the rows of public weight times row; costs no round."""
        return self._runtime.np_sum(rows * self.constants(weights), axis=0)

    def constants(self, values: Any) -> Any:
        """Public integers as elements of the field, to multiply secure arrays with."""
        return self._array.sectype.field.array(_integers(values))

    def rounded(self, values: Any, digits: int, bits: int) -> Any:
        """Values without their `digits` lowest bits, rounded up or down at random.

        Values have `bits` bits. The chance of rounding up is the part that is dropped.
        """
        return self._runtime.np_trunc(values, f=digits, l=bits)

    async def open(self, label: str, values: Any) -> list[int] | None:
        """Opens a secure array to the receivers; a flat list there, None at the others."""
        self.openings.append((label, int(values.size)))
        opened = await self._runtime.output(values, receivers=self._receivers)
        return None if opened is None else [int(each) for each in np.ravel(opened)]


def _integers(values: Any) -> Any:
    """An object array of Python's integers: numpy's own would overflow without a word."""
    return np.frompyfunc(int, 1, 1)(np.asarray(values, dtype=object))
