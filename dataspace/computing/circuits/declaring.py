"""What a circuit declares of itself: its parameters, its inputs, its field, what it opens.

A circuit is data and one function. The function gets an `Engine` (see ../engine.py), the
parameters and this party's inputs; it is the same at every party, and branches on nothing but
public values, because all parties must take the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InvalidInput

if TYPE_CHECKING:
    from dataspace.computing.engine import Engine

type Parameters = Mapping[str, Any]
type Inputs = Mapping[str, Any]
type Opened = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Number:
    """A public parameter: an integer (or a real number) from `least` to `most`."""

    least: float
    most: float
    default: float | None = None
    real: bool = False

    def accepts(self, value: object) -> bool:
        """Whether the value is a number of this kind within the bounds; never a bool."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.real or isinstance(value, int)) and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Column:
    """One input of one party: an array of integers of this shape, from `least` to `most`.

    A length of None is the party's own secret (its number of rows).
    """

    shape: tuple[int | None, ...]
    least: int
    most: int

    def accepts(self, values: object) -> bool:
        """Whether the values fit; says nothing of them."""
        try:
            listed = np.asarray(values)
        except (ValueError, OverflowError):
            return False
        if listed.size == 0 and not listed.dtype.hasobject:
            listed = listed.astype(np.int64)  # numpy takes an empty list for real numbers
        if listed.ndim != len(self.shape) or any(
            wanted is not None and wanted != found
            for wanted, found in zip(self.shape, listed.shape, strict=True)
        ):
            return False
        if not np.issubdtype(listed.dtype, np.integer):
            return False
        return listed.size == 0 or (self.least <= listed.min() and listed.max() <= self.most)


@dataclass(frozen=True, slots=True)
class Circuit:
    """One computation that parties can do together.

    `inputs(parameters, me)` gives the columns that party `me` brings. `bits(parameters)` gives
    the width of the secure integers. `require(parameters, parties)` raises InvalidInput where
    parameters contradict each other, and `together(parameters, inputs)` where inputs do.
    `everyone_learns` is True where the computation goes on with what was opened, so that every
    party sees it, and all of them must be receivers. `shareable` is True where organisations
    can join by shares instead of computing.
    """

    name: str
    opens: str
    parameters: Mapping[str, Number]
    inputs: Callable[[Parameters, int], Mapping[str, Column]]
    bits: Callable[[Parameters], int]
    run: Callable[[Engine, Parameters, Inputs], Coroutine[Any, Any, Opened | None]]
    require: Callable[[Parameters, int], None] = field(default=lambda _p, _m: None)
    together: Callable[[Parameters, Inputs], None] = field(default=lambda _p, _i: None)
    everyone_learns: bool = False
    shareable: bool = False


def complete(circuit: Circuit, given: Parameters, parties: int) -> dict[str, Any]:
    """All parameters of a circuit, defaults filled in. Raises InvalidInput, naming no value."""
    if not set(given) <= set(circuit.parameters):
        names = ", ".join(circuit.parameters)
        raise InvalidInput(f"an unknown parameter was given; this computation takes: {names}")
    whole = {
        name: given.get(name, number.default) for name, number in circuit.parameters.items()
    }
    if "organisations" in whole and whole["organisations"] is None:
        whole["organisations"] = parties
    for name, number in circuit.parameters.items():
        if not number.accepts(whole[name]):
            raise InvalidInput(f"the parameter {name} is missing or out of bounds")
    circuit.require(whole, parties)
    return whole


def require_inputs(circuit: Circuit, whole: Parameters, me: int, given: Inputs) -> None:
    """Refuses inputs that are missing, unknown, of another shape or out of range.

    What is out of range would not only be wrong: it would wrap around in the field, and make
    a comparison open what it should hide. Raises InvalidInput, naming the input and no value.
    """
    columns = circuit.inputs(whole, me)
    if set(given) != set(columns):
        raise InvalidInput(f"this party brings these inputs: {', '.join(columns) or 'none'}")
    for name, column in columns.items():
        if not column.accepts(given[name]):
            raise InvalidInput(f"the input {name} has another shape or a value out of bounds")
    circuit.together(whole, given)
