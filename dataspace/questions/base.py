"""What a question is. One file of this folder declares one; adding one is one file.

A question never reads a row of anybody else: it makes this organisation's own input from its
own coded table, says which circuit the inputs go into, and makes released cells of what was
opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dataspace.planning.plan import Plan

type Integers = npt.NDArray[np.int64]


class Engine(StrEnum):
    """How it is computed."""

    SHARES = "shares"  # secret sharing among the compute nodes
    RING = "ring"  # blinded tokens, counted by the evaluator
    OWNERS = "owners"  # blinded tokens, each owner answered about its own cases


class Use(StrEnum):
    """What a plan does with a column; the gate holds it against the column's constraint."""

    FILTER = "filter"
    GROUP = "group"
    SUM = "sum"
    MODEL = "model"
    LINK_COUNT = "link-count"
    LINK_REVEAL = "link-reveal"


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column and what is done with it."""

    column: str
    use: Use


@dataclass(frozen=True, slots=True)
class Circuit:
    """What the compute nodes evaluate: its name in dataspace.computing and its parameters."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Released:
    """What comes out: a table, and what stands beside it.

    `columns` names the columns of `rows`; a suppressed value is None, with the reason in
    `notes`. `extra` holds documents of a question's own (the models of an estimate).
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    suppressed: int = 0
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class OwnCases(Protocol):
    """This organisation's coded cases (dataspace.gathering); a row is a case."""

    def __len__(self) -> int: ...


class Question(Protocol):
    """One kind of question. `leak` says in plain words what comes out beside the result."""

    name: str
    computation: str  # of the governance framework: tabulation, overlap, estimate ...
    engine: Engine
    leak: str

    def check(self, plan: Plan) -> None:
        """Raises InvalidInput if the plan is none of this question's."""
        ...

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        """Every column that it touches."""
        ...
