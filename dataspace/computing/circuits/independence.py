"""The estimate of how many there are in all, if lists were independent; only it is opened.

Each organisation brings the total n_i of its list of people; the evaluator of the ring, a
party of this run that holds no list, brings the number M of distinct people on all of them.
With k lists the estimate N solves

    1 - M / N = (1 - n_1 / N) * ... * (1 - n_k / N)

(J. N. Darroch, "The multiple-recapture census I", Biometrika 45, 1958). As N grows past M,
f(N) = (N - M) * N**(k-1) - (N - n_1) * ... * (N - n_k) passes from negative to positive once,
so that the whole part of N is found by narrowing a public interval. Both sides are linear in
M and in a few secret numbers that are computed once, whatever N is asked about.

Opened, to all parties: bits "N is above the estimate" (f(N) > 0 and N >= M) for public N.
Below M such a bit is 0 whatever the lists are. All of the bits follow from the result: whoever
knows the result could have written them down. The result is the whole part of N, or none if it
is above the parameter `largest` (or does not exist: lists without overlap). M, the totals and
the overlaps stay hidden. A party that is no list holder brings a total of 0, which changes
nothing.

A list holder learns the result beside its own total. Everybody learns the result, because the
narrowing goes by it.
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
    "evaluator": Number(0, 6),
    "lists": Number(2, 6),  # all parties but the evaluator
    "largest": Number(2, 2**24),  # the largest N asked about; no list is longer
}
# so many N are asked about at once: fewer rounds for more comparisons
_AT_ONCE = 7


def _inputs(parameters: Parameters, me: int) -> Mapping[str, Column]:
    name = "distinct" if me == parameters["evaluator"] else "total"
    return {name: Column((1,), 0, parameters["largest"])}


def _polynomial_most(parameters: Parameters) -> int:
    """The largest size of f(N) - 1: each of its two terms is at most largest**k."""
    return 2 * int(parameters["largest"]) ** int(parameters["lists"])


def _bits(parameters: Parameters) -> int:
    most = _polynomial_most(parameters)
    return bits_for(most, most)


def _require(parameters: Parameters, parties: int) -> None:
    if parameters["evaluator"] >= parties or parameters["lists"] != parties - 1:
        raise InvalidInput("the parties are the evaluator and one organisation for each list")


async def _run(engine: Engine, parameters: Parameters, inputs: Inputs) -> Opened | None:
    (own,) = inputs.values()
    everybody = engine.each(own)
    distinct = everybody.pop(parameters["evaluator"])
    above = _Above(engine, parameters, distinct, engine.stack(everybody))
    low, high = 0, parameters["largest"] + 1  # the smallest N above the estimate is in between
    while high - low > 1:
        asked = _spread(low, high)
        answers = await above.ask(asked)
        if answers != sorted(answers):
            raise InvalidInput("the lists and the number of distinct people contradict")
        low = max([low, *(n for n, bit in zip(asked, answers, strict=True) if not bit)])
        high = min([high, *(n for n, bit in zip(asked, answers, strict=True) if bit)])
    # `low` is not above the estimate, and low + 1 is: the whole part
    return {"estimate": [low] if high <= parameters["largest"] else []}


def _spread(low: int, high: int) -> list[int]:
    """Up to _AT_ONCE whole numbers between low and high (both exclusive), evenly."""
    step = max(1.0, (high - low) / (_AT_ONCE + 1))
    places = {low + round(step * place) for place in range(1, _AT_ONCE + 1)}
    return sorted(each for each in places if low < each < high)


class _Above:
    """Answers "is N above the estimate" for public N."""

    def __init__(
        self, engine: Engine, parameters: Parameters, distinct: Any, totals: Any
    ) -> None:
        self._engine = engine
        self._lists = int(parameters["lists"])
        self._bits = width(_polynomial_most(parameters))
        self._guard_bits = width(parameters["largest"])
        self._distinct = distinct
        # prod(x - n_i) at x = 0 .. k-1 gives it everywhere, by interpolation
        points = np.arange(self._lists, dtype=object).reshape(1, -1)
        self._at_points = engine.product(engine.constants(points) - totals)

    async def ask(self, asked: list[int]) -> list[int]:
        """One bit for each N. Opened to all parties."""
        engine, count = self._engine, len(asked)
        sides = [self._sides(n) for n in asked]
        weights = np.array([weights for weights, _ in sides], dtype=object).T
        offsets = np.array([offset - 1 for _, offset in sides], dtype=object)
        known = engine.join([self._distinct, self._at_points]).reshape(-1, 1)
        positive = engine.weighted(weights, known) + engine.constants(offsets)
        reached = engine.constants(asked) - self._distinct
        bits = (1 - engine.negative(positive, self._bits)) * (
            1 - engine.negative(reached, self._guard_bits)
        )
        opened = await engine.open("bits: is N above the estimate", bits.reshape(count))
        if opened is None:
            raise InvalidInput("every party is a receiver of this computation")
        return opened

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
    require=_require,
    everyone_learns=True,
)
