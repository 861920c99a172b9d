"""What made-up cases are made of: a document; another country is another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from dataspace.vocabulary.model import CodeName, Document, ListName, Name, parse

type Share = Annotated[float, Field(ge=0, le=1)]
type Weights = Mapping[CodeName, Annotated[float, Field(ge=0)]]
type Words = Annotated[tuple[str, ...], Field(min_length=2)]


class MadeUpOrganisation(Document):
    """One list: `size` rows; `leans` and `receives` make a person likelier to be on it.

    `leans` multiplies the chance by codes of a person, `receives` by earlier lists that she is
    on: lists that refer to each other overlap more, as real ones do. `knows_number` of the
    rows have an identity number, `varies` are spelt in another way.
    """

    name: ListName
    size: Annotated[int, Field(ge=0, le=100_000)]
    knows_number: Share
    varies: Share
    leans: Mapping[Name, Weights]
    receives: Mapping[ListName, float]


class Risk(Document):
    """A logistic model: the log-odds of one code of a column, and what each code adds."""

    column: Name
    code: CodeName
    intercept: float
    effects: Mapping[Name, Mapping[CodeName, float]]


class Only(Document):
    """Which codes of a column go with a code of another one: the regions of a country."""

    by: Name
    codes: Mapping[CodeName, frozenset[CodeName]]


class Script(Document):
    """Names and weights. Codes without a weight of their own have `other_weight`.

    Cases begin in the `days` from `first_day`, `growth` more likely at their end than at their
    start; costs and benefits are averages in the vocabulary's unit. What the vocabulary does
    not have is passed over.
    """

    about: str
    given_names: Words
    family_starts: Words
    family_ends: Words
    traffickers: Words
    places: Words
    organisations: Annotated[tuple[MadeUpOrganisation, ...], Field(min_length=1)]
    weights: Mapping[Name, Weights]
    other_weight: Annotated[float, Field(gt=0)]
    only: Mapping[Name, Only]
    ages: Mapping[CodeName, tuple[int, int]]
    risk: Risk
    first_day: date
    days: Annotated[int, Field(gt=0, le=36_500)]
    growth: Annotated[float, Field(ge=0, le=10)]
    unknown: Share
    cost: Mapping[CodeName, int]
    other_cost: int
    benefit: Mapping[CodeName, int]


@cache
def built_in() -> Script:
    """The script of the sandbox."""
    return parse(Script, Path(__file__).with_name("made_up.json").read_bytes())
