"""The estimate of how many there are in all, if lists were independent; only it is opened.

With the totals n_1 .. n_k of k lists of people, and the number M of distinct people on all of
them, the estimate N solves

    1 - M / N = (1 - n_1 / N) * ... * (1 - n_k / N)

(J. N. Darroch, "The multiple-recapture census I", Biometrika 45, 1958). As N grows past M,
f(N) = (N - M) * N**(k-1) - (N - n_1) * ... * (N - n_k) passes from negative to positive once,
so that the whole part of N is found by narrowing a public interval. f(N) is linear in M and in
k secret products that are computed once, whatever N is asked about.

Each party brings `totals` (its own list's total at its own list's place, 0 at the others) and
`distinct` (M, from the ring's evaluator, which is a party; 0 from the others); the circuit
works with the sums, so that further lists can join by shares.

Opened, to all parties:

- one bit: M is at least as large as each list, and at most as large as all together. It is 1
  unless the parties were given figures of different runs; if it is 0, nothing more is opened
  and there is no result;
- bits "N is above the estimate" (f(N) > 0 and N >= M) for public N. All of them follow from the
  result: whoever knows the result could have written them down. Below M such a bit is 0
  whatever the lists are, and so are all if there is no estimate.

The result is the whole part of N, or none if that is the parameter `largest` or more, or does
not exist: lists without overlap, an empty list, or one that holds everybody (the equation then
gives M, which is that list's length). Which of these it is is not opened. M, the totals and the
overlaps stay hidden. A list holder
learns the result beside its own total; everybody does, because the narrowing goes by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from core.errors import InvalidInput
from dataspace.computing.circuits.declaring import (
    Circuit,
    Column,
    Inputs,
    Number,
    Opened,
    Parameters,
)
from dataspace.computing.engine import Engine
from dataspace.computing.fields import bits_for, width

PARAMETERS = {
    "lists": Number(2, 12),
    "largest": Number(2, 2**24),  # results are below it, and no list is longer
}
# the first question divides the magnitudes of N, for smaller numbers are compared faster
_MAGNITUDES = 4
# afterwards so many N are asked about at once: the more, the fewer rounds
_AT_ONCE = 5


def _inputs(parameters: Parameters, _me: int) -> Mapping[str, Column]:
    return {
        "totals": Column((parameters["lists"],), 0, parameters["largest"]),
        "distinct": Column((1,), 0, parameters["largest"]),
    }


def _size(largest: int, lists: int) -> int:
    """The largest size of f(N) - 1 if N, M and all totals are 0 .. largest."""
    size: int = 2 * largest**lists
    return size


def _bits(parameters: Parameters) -> int:
    most = _size(parameters["largest"], parameters["lists"])
    return bits_for(most, most)


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    lists, largest = parameters["lists"], parameters["largest"]
    total = engine.total([*inputs["totals"], *inputs["distinct"]])
    totals, distinct = total[:lists], total[lists:]
    if await _opened(engine, "bit: totals fit", _fit(engine, totals, distinct, parameters)) != [
        1
    ]:
        return {"consistent": [0], "estimate": []}
    exists = _exists(engine, totals, distinct, parameters)
    above = _Above(engine, lists, totals, distinct, exists)
    low, high = 0, largest + 1  # the smallest N above the estimate is in low + 1 .. high
    asked = _magnitudes(largest)
    while asked:
        bits = await above.ask(asked, most=min(high, largest))
        low = max([low, *(n for n, bit in zip(asked, bits, strict=True) if not bit)])
        high = min([high, *(n for n, bit in zip(asked, bits, strict=True) if bit)])
        asked = _between(low, high) if high <= largest else []
    return {"consistent": [1], "estimate": [low] if high <= largest else []}


def _magnitudes(largest: int) -> list[int]:
    """Public N of growing magnitude, the last of them the largest."""
    ends = (round(largest ** (part / _MAGNITUDES)) for part in range(1, _MAGNITUDES))
    return sorted({*(end for end in ends if 0 < end < largest), largest})


def _between(low: int, high: int) -> list[int]:
    """Up to _AT_ONCE whole numbers between low and high (both exclusive), evenly."""
    step = max(1.0, (high - low) / (_AT_ONCE + 1))
    places = {low + round(step * place) for place in range(1, _AT_ONCE + 1)}
    return sorted(each for each in places if low < each < high)


def _exists(engine: Engine, totals: Any, distinct: Any, parameters: Parameters) -> Any:
    """Whether no list is empty and none holds everybody. That lists without overlap have no
    estimate needs no test: nothing is above it."""
    apart = engine.join([totals, distinct - totals])
    within = engine.at_least(apart, 1, width(parameters["largest"] * parameters["lists"]))
    return engine.product(within.reshape(-1, 1))


def _fit(engine: Engine, totals: Any, distinct: Any, parameters: Parameters) -> Any:
    """Whether max(totals) <= M <= sum(totals): later comparisons rely on it for their range."""
    apart = [distinct - totals, engine.add_up(totals) - distinct]
    bits = width(parameters["largest"] * parameters["lists"])
    fits = engine.at_least(engine.join(apart), 0, bits)
    return engine.product(fits.reshape(-1, 1))


async def _opened(engine: Engine, label: str, values: Any) -> list[int]:
    opened = await engine.open(label, values)
    if opened is None:
        raise InvalidInput("every party is a receiver of this computation")
    return opened


class _Above:
    """Answers "is N above the estimate" for public N."""

    def __init__(
        self, engine: Engine, lists: int, totals: Any, distinct: Any, exists: Any
    ) -> None:
        self._engine, self._lists = engine, lists
        self._distinct, self._exists = distinct, exists
        # prod(x - n_i) at x = 0 .. k-1 gives it everywhere, by interpolation
        points = engine.constants([[point] * lists for point in range(lists)])
        products = engine.product((points - totals).T)
        self._known = engine.join([distinct, products]).reshape(lists + 1, 1)

    async def ask(self, asked: list[int], *, most: int) -> list[int]:
        """One bit for each N. `most` is a number that no N, no total and not M is above.

        Opened to all parties.
        """
        engine = self._engine
        sides = [self._sides(n) for n in asked]
        weights = np.array([weights for weights, _ in sides], dtype=object).T
        offsets = [offset - 1 for _, offset in sides]
        difference = engine.weighted(weights, self._known) + engine.constants(offsets)
        positive = engine.at_least(difference, 0, width(_size(most, self._lists)))
        reached = engine.at_least(engine.constants(asked) - self._distinct, 0, width(most))
        bits = positive * reached * self._exists
        return await _opened(engine, "bits: is N above the estimate", bits)

    def _sides(self, n: int) -> tuple[list[int], int]:
        """f(n) as weights of M and of the known products, and a public offset.

        prod(x - n_i) - x**k has degree k - 1, so that k points determine it, and n**k falls
        out of f(n).
        """
        points, modulus = range(self._lists), self._engine.modulus
        basis = [
            prod(n - other for other in points if other != point)
            * pow(prod(point - other for other in points if other != point), -1, modulus)
            for point in points
        ]
        offset = sum(
            each * point**self._lists for each, point in zip(basis, points, strict=True)
        )
        return [-(n ** (self._lists - 1)), *(-each for each in basis)], offset % modulus


CIRCUIT = Circuit(
    name="independence",
    opens="the estimate under independence, as a whole number",
    parameters=PARAMETERS,
    inputs=_inputs,
    bits=_bits,
    run=_run,
    everyone_learns=True,
    shareable=True,
)
