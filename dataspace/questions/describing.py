"""What a form may offer for a question: data, so that no page knows a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from dataspace.vocabulary.model import Kind, Use, Vocabulary


class Takes(StrEnum):
    """What an option's value is."""

    NUMBER = "number"  # a whole number from `least` to `most`
    CHOICE = "choice"  # one of `choices`
    CODES = "codes"  # some of `choices`
    TEXT = "text"


class Guard(StrEnum):
    """What of a plan's limits a question holds: what it does not, no page may promise."""

    THRESHOLD = "threshold"  # no number below it is shown
    COMBINATION = "combination"  # nobody brings cases that fewer of its own are alike with
    CONTRIBUTORS = "contributors"  # no number is of fewer organisations


@dataclass(frozen=True, slots=True)
class Choice:
    """How many of which: columns of the vocabulary, or names of match keys and links."""

    least: int
    most: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a plan's `options`. `default` stands where the plan says nothing."""

    name: str
    takes: Takes
    default: int | str | tuple[str, ...] | None
    about: str
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Description:
    """Everything that a plan of this question may hold beside its people and limits.

    `example` are members of a plan (groups, filters, measures, link, options).
    """

    groups: Choice
    filters: Choice
    measures: Choice
    link: Choice
    options: tuple[Option, ...] = ()
    noise: bool = False  # whether epsilon_milli may be asked for
    guards: tuple[Guard, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


NONE = Choice(0, 0)
OF_TABLES: Final = (Guard.THRESHOLD, Guard.CONTRIBUTORS)


def columns_of(vocabulary: Vocabulary, *kinds: Kind) -> tuple[str, ...]:
    """The columns of these kinds that may be tabulated, in the vocabulary's order."""
    return tuple(
        name
        for name, each in vocabulary.columns.items()
        if each.kind in kinds and each.allows(Use.TABULATE)
    )


def filters_of(vocabulary: Vocabulary) -> Choice:
    """What any plan may be narrowed down by."""
    return Choice(0, 10, columns_of(vocabulary, Kind.CODE, Kind.DATE))
