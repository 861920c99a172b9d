"""What a question is. One file of this folder declares one; adding one is one file.

A question never reads a row of anybody else: it makes this organisation's own input from its
own coded table, says which circuit the inputs go into, and makes released cells of what was
opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from dataspace.gathering.coded import CodedTable
from dataspace.gathering.coding import Gathered
from dataspace.planning.plan import Plan
from dataspace.questions.describing import Description
from dataspace.vocabulary.model import Vocabulary

type Integers = npt.NDArray[np.int64]
type Inputs = Mapping[str, Integers]
type Record = tuple[bytes | None, ...]  # a person's match keys, the strongest first
type Links = Mapping[str, frozenset[bytes]]  # a case's identifiers by kind of link
type Patterns = Mapping[frozenset[str], int]  # distinct people on exactly these lists


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

    `columns` names the columns of `rows`; a suppressed value is None, and `suppressed` counts
    them. Numbers are whole: `decimals` says how many digits of a column's numbers stand behind
    the point. `notes` are codes of what a reader has to know (`dataspace.questions.notes`).
    `extra` holds documents of a question's own (the models of an estimate), without floats.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | None, ...], ...]
    suppressed: int = 0
    notes: tuple[str, ...] = ()
    decimals: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a circuit opened, by its names, and of how many organisations with data."""

    values: Mapping[str, Sequence[int]] = field(repr=False)
    holders: int


class Noise(Protocol):
    """Adds noise to one organisation's own table (`dataspace.releasing.noise`)."""

    def __call__(self, counts: Integers, *, epsilon_milli: int, sensitivity: int) -> Integers:
        """A new array; `sensitivity` is how much one person's rows change the table in L1."""
        ...


class Reason(Protocol):
    """Why a case is ranked (`dataspace.ring.priorities`)."""

    @property
    def kind(self) -> str: ...
    @property
    def others(self) -> int: ...
    @property
    def who(self) -> frozenset[str]: ...


class Ranked(Protocol):
    """A case's place in `records`, and why it is ranked."""

    @property
    def case(self) -> int: ...
    @property
    def reasons(self) -> Sequence[Reason]: ...
    @property
    def urgency(self) -> tuple[int, int, str]:
        """Cases that have the same are as urgent as each other."""
        ...


class Question(Protocol):
    """One kind of question, a constant `QUESTION` of one file of this folder.

    `leak` says in plain words what comes out beside the result; `titles` names the question in
    the vocabulary's languages.
    """

    @property
    def name(self) -> str: ...
    @property
    def computation(self) -> str:
        """Of the governance framework: tabulation, overlap, estimate, regression, linkage."""
        ...

    @property
    def engine(self) -> Engine: ...
    @property
    def leak(self) -> str: ...
    @property
    def titles(self) -> Mapping[str, str]: ...

    def check(self, plan: Plan) -> None:
        """Raises InvalidInput if the plan is none of this question's."""
        ...

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        """Raises InvalidInput if the vocabulary has not what the plan names, or the table has
        too many cells."""
        ...

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        """Every column that it touches."""
        ...

    def describe(self, vocabulary: Vocabulary) -> Description:
        """What a form may offer."""
        ...

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        """What each cell stands for, in the order of the cells; one empty tuple for a single
        figure. Only for tables: a ring's figures are named in what it releases."""
        ...

    def opens_to_all(self, plan: Plan) -> bool:
        """Whether every node that computes sees what is opened, because it goes on with it."""
        ...


class SharesQuestion(Question, Protocol):
    """A question of Engine.SHARES."""

    def circuit(self, plan: Plan, vocabulary: Vocabulary, holders: int) -> Circuit:
        """Which circuit, and its parameters, for so many organisations with data."""
        ...

    def inputs(self, plan: Plan, table: CodedTable, noise: Noise) -> Inputs:
        """This organisation's own input, int64 arrays by the circuit's names.

        Raises InvalidInput: a figure of its own is larger than the plan allows.
        """
        ...

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        """What the receivers get of what the circuit opened. Raises Forbidden: nothing may."""
        ...


class RingQuestion(Question, Protocol):
    """A question of Engine.RING. With `follow` the evaluator answers nothing itself: a circuit
    takes over, whose parties are the holders in their order and the evaluator as the last."""

    def keys(self, plan: Plan) -> tuple[str, ...]:
        """The match keys, the strongest first."""
        ...

    def records(self, plan: Plan, own: Gathered) -> list[Record]:
        """One record a person of this organisation, for the ring's list."""
        ...

    def answer(self, plan: Plan, patterns: Patterns, totals: Mapping[str, int]) -> Released:
        """At the evaluator: what comes out of the exact overlaps of the holders' lists.
        `totals` has every holder's list length; its order is that of the holders.

        Raises Forbidden: too few were seen for any answer.
        """
        ...

    def follow(self, plan: Plan, holders: int) -> Circuit | None:
        """The circuit that takes over, if there is one."""
        ...

    def holder_inputs(self, plan: Plan, length: int, *, place: int, holders: int) -> Inputs:
        """A holder's input to it: the length of its list in the ring, at its own place among
        the holders."""
        ...

    def evaluator_inputs(self, plan: Plan, patterns: Patterns, *, holders: int) -> Inputs:
        """The evaluator's input to it. Raises Forbidden as `answer`."""
        ...

    def release(self, plan: Plan, vocabulary: Vocabulary, opened: Opened) -> Released:
        """What the receivers get of what that circuit opened."""
        ...


class OwnersQuestion(Question, Protocol):
    """A question of Engine.OWNERS: each owner is answered about its own cases alone."""

    def kinds(self, plan: Plan) -> tuple[str, ...]:
        """The kinds of links, the most important first."""
        ...

    def detail(self, plan: Plan) -> str:
        """What owners are told: `any`, `level` or `reveal` (`dataspace.ring.terms.Answer`)."""
        ...

    def answered(self, plan: Plan) -> tuple[str, ...]:
        """DIDs of the owners that may be told; the others bring their lists only."""
        ...

    def records(self, plan: Plan, own: Gathered) -> list[Links]:
        """The links of each case that goes in; a case without links is left out."""
        ...

    def rank(self, plan: Plan, own: Gathered, ranked: Sequence[Ranked]) -> Released:
        """For the owner: its cases by their own references, with reasons. `ranked` counts the
        cases as `records` gave them."""
        ...


@runtime_checkable
class StatingQuestion(Protocol):
    """An owners' question about stated cases alone, which its plan commits to without naming
    them; only the asker's node keeps which they are."""

    def stated(self, references: Sequence[str]) -> tuple[str, Mapping[str, int | str]]:
        """What the asker's node keeps (text), and the options of the plan.

        Raises InvalidInput: none, too many, or one twice.
        """
        ...

    def about(self, kept: str) -> OwnersQuestion:
        """The question as the asker's node puts it, with what it kept."""
        ...
