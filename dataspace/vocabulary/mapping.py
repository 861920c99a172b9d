"""How an organisation's own columns and values become the vocabulary's: a document, no code.

It says what OCA 2.0.0's mapping overlay (source attribute to attribute) and entry code mapping
overlay (source code to code) say, and how dates and numbers are written in the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as MappingOf
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.errors import InvalidInput
from dataspace.vocabulary.model import (
    CodeName,
    Column,
    Constraint,
    Document,
    Kind,
    ListName,
    Misfit,
    Name,
    Vocabulary,
)

type DateOrder = Literal["ymd", "dmy", "mdy"]
type Calendar = Literal["gregorian", "buddhist"]


class Band(Document):
    """Numbers below `below` that no earlier band took have this code; None: all the rest."""

    below: int | None
    code: CodeName


class Source(Document):
    """One column of the source and what it becomes.

    `codes` maps a value as written to a code, `otherwise` is the code of every other value
    (without it an unknown value is refused), `bands` turn whole numbers (ages) into codes.
    `date_order` tells how days are written with four-digit years; Buddhist years are 543 more.
    `decimals` shifts a number to its smaller unit: 2 makes dollars cents.
    """

    column: Name
    codes: MappingOf[str, CodeName] = Field(default_factory=dict)
    otherwise: CodeName | None = None
    bands: tuple[Band, ...] = ()
    date_order: DateOrder = "ymd"
    calendar: Calendar = "gregorian"
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    decimal_mark: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _bands_grow(self) -> Self:
        limits = [each.below for each in self.bands]
        cuts = [limit for limit in limits if limit is not None]
        if None in limits[:-1] or cuts != sorted(set(cuts)):
            raise Misfit(
                "bands go upwards, and only the last may be open", code="mapping-bands"
            )
        return self

    @model_validator(mode="after")
    def _no_value_twice(self) -> Self:
        if len({value.strip().casefold() for value in self.codes}) != len(self.codes):
            raise Misfit(
                "a value of the source stands twice (case does not count)",
                code="mapping-value-twice",
            )
        return self


class Mapping(Document):
    """From one kind of file to one vocabulary.

    `columns` has every column of the file, None for one that is left out: a column nobody
    thought of is refused, and so no name slips in unseen. `constants` are codes that are the
    same in every row. `missing` are the ways in which the source says "not known"; blank is
    always one. `calling_code` is that of telephone numbers written without one.
    """

    name: ListName
    vocabulary: ListName
    version: Annotated[str, Field(min_length=1, max_length=40)]
    columns: Annotated[MappingOf[str, Source | None], Field(min_length=1, max_length=500)]
    constants: MappingOf[Name, CodeName] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    calling_code: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")] | None = None

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        count = Counter(each.column for each in self.columns.values() if each)
        count.update(list(self.constants))  # a Counter would add a mapping's values
        if any(n > 1 for n in count.values()):
            raise Misfit(
                "a column of the vocabulary is filled twice", code="mapping-filled-twice"
            )
        headers = Counter(name.strip().casefold() for name in self.columns)
        if any(n > 1 for n in headers.values()):
            raise Misfit("a column of the source is named twice", code="mapping-named-twice")
        return self

    def check(self, vocabulary: Vocabulary) -> None:
        """Hold the mapping to its vocabulary.

        Raises InvalidInput: it is for another vocabulary, or names a column or code that is
        not there, or fills a column that is FORBIDDEN. Each has a `code`, and `becomes` where
        it is about one column of the vocabulary.
        """
        if (self.vocabulary, self.version) != (vocabulary.name, vocabulary.version):
            raise InvalidInput(
                "this mapping is for another vocabulary, or another version",
                code="mapping-vocabulary-other",
            )
        for source in filter(None, self.columns.values()):
            _check_source(source, vocabulary)
        for name, code in self.constants.items():
            _check_constant(name, code, vocabulary)


def _check_constant(name: str, code: str, vocabulary: Vocabulary) -> None:
    _require_there(name, vocabulary)
    if vocabulary.column(name).personal:
        raise InvalidInput(
            f"column {name} is personal, and not the same in every row",
            code="mapping-constant-personal",
            becomes=name,
        )
    _check_codes(name, {code}, vocabulary)


def _require_there(name: str, vocabulary: Vocabulary) -> None:
    if name not in vocabulary.columns:  # a name of ours, not of the file's
        raise InvalidInput(
            f"the mapping fills {name}, and {vocabulary.name} has no such column",
            code="mapping-column-unknown",
            becomes=name,
        )


def _check_source(source: Source, vocabulary: Vocabulary) -> None:
    _require_there(source.column, vocabulary)
    name, column = source.column, vocabulary.column(source.column)
    if column.constraint is Constraint.FORBIDDEN:
        raise InvalidInput(
            f"column {name} is FORBIDDEN: map its source to null",
            code="mapping-column-forbidden",
            becomes=name,
        )
    codes = {*source.codes.values(), *(each.code for each in source.bands)}
    codes |= {source.otherwise} if source.otherwise else set()
    if codes:
        _check_codes(name, codes, vocabulary)
    _check_kind(source, name, column)


def _check_kind(source: Source, name: str, column: Column) -> None:
    fields = type(source).model_fields
    given = {field for field in fields if getattr(source, field) != fields[field].default}
    for kind, own in _ONLY_FOR.items():
        if column.kind is not kind and given & own:
            raise InvalidInput(
                f"the mapping of column {name} has settings of a {kind} column",
                code="mapping-settings",
                becomes=name,
            )


_ONLY_FOR = {
    Kind.DATE: {"date_order", "calendar"},
    Kind.NUMBER: {"decimals", "decimal_mark"},
}


def _check_codes(name: str, codes: set[str], vocabulary: Vocabulary) -> None:
    if vocabulary.column(name).codes is None:
        raise InvalidInput(
            f"column {name} has no code list", code="mapping-no-codes", becomes=name
        )
    if not codes <= set(vocabulary.levels(name)):
        raise InvalidInput(
            f"the mapping of column {name} names a code that is not in its list",
            code="mapping-code-unknown",
            becomes=name,
        )


def same_names(vocabulary: Vocabulary) -> Mapping:
    """The mapping of files that use the vocabulary's own names, codes and ISO dates."""
    left_out = Constraint.FORBIDDEN
    return Mapping(
        name="same-names",
        vocabulary=vocabulary.name,
        version=vocabulary.version,
        columns={
            name: None if each.constraint is left_out else Source(column=name)
            for name, each in vocabulary.columns.items()
        },
    )
