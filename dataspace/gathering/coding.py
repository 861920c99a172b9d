"""Rows of a file to a coded table, match keys and link keys, by a mapping.

Nothing is kept but integers, keys and the organisation's own case references. The first value
that cannot be meant ends it with its line and column; then nothing was gathered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import batched
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput
from dataspace.gathering.coded import CodedTable, coded_table, column_type
from dataspace.gathering.matchkeys import (
    LINK_ROLES,
    Key,
    Person,
    PersonKeys,
    link_key,
    person_keys,
)
from dataspace.gathering.persons import number_persons
from dataspace.gathering.reading import Row, Rows
from dataspace.gathering.values import (
    Parse,
    Refused,
    code_reader,
    date_of,
    date_reader,
    number_reader,
)
from dataspace.vocabulary.mapping import Mapping as ColumnMapping
from dataspace.vocabulary.mapping import Source
from dataspace.vocabulary.model import TABLE_KINDS, Kind, Role, Use, Vocabulary

_CHUNK: Final = 1_024  # rows: with the longest ones, 64 MB
_LONGEST_IDENTIFIER: Final = 300

type Array = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, repr=False)
class Gathered:
    """One organisation's list, ready to be tabulated or blinded; each field row by row.

    `people` has a row's keys in the order of PERSON_KEYS, `links` the keys of each link role
    that the file has, `references` the organisation's own names of its cases ("" for none).
    """

    table: CodedTable
    people: tuple[PersonKeys, ...]
    links: Mapping[Role, tuple[Key, ...]]
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column of the vocabulary stands in the file; `header` is the mapping's word for
    it there, and no file's."""

    name: str
    at: int
    source: Source
    header: str


@dataclass(slots=True)
class _Gathering:
    """What has been read so far."""

    vocabulary: Vocabulary
    mapping: ColumnMapping
    places: Sequence[_Place]
    missing: frozenset[str]
    parses: Mapping[str, Parse]
    columns: dict[str, list[Array]] = field(default_factory=dict)
    people: list[PersonKeys] = field(default_factory=list)
    links: dict[Role, list[Key]] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)


def gather(rows: Rows, mapping: ColumnMapping, vocabulary: Vocabulary) -> Gathered:
    """Read all rows by the mapping.

    Rows of one person are known by equal identity numbers, or equal names and birthdays.

    Raises InvalidInput: the mapping does not fit the vocabulary; the file has a column that it
    does not name, or lacks one; a value that cannot be meant (with line and column, without
    the value); what the reader refuses. Each has a `code`, and `line`, `column` (as the
    mapping calls it, or its number), `becomes` (the vocabulary's column) where there are such.
    """
    mapping.check(vocabulary)
    places = _find(rows.header, mapping)
    state = _Gathering(
        vocabulary=vocabulary,
        mapping=mapping,
        places=places,
        missing=frozenset({"", *(each.strip().casefold() for each in mapping.missing)}),
        parses={place.name: _parse(place, vocabulary) for place in places},
    )
    _take(state, ())  # a file without rows has its columns, empty
    for chunk in batched(rows.rows, _CHUNK, strict=False):
        _take(state, chunk)
    return _finish(state)


def _find(header: Sequence[str], mapping: ColumnMapping) -> list[_Place]:
    """Each mapped column's place; the file's columns and the mapping's must be the same."""
    sources = {name.strip().casefold(): (name, e) for name, e in mapping.columns.items()}
    found = [name.casefold() for name in header]
    for at, name in enumerate(found, 1):
        if name not in sources:
            raise InvalidInput(
                f"line 1: column {at} is not in the mapping; map it, or leave it out with null",
                code="import-column-unmapped",
                column=at,
            )
    for key, (name, each) in sources.items():
        if each and key not in found:
            raise InvalidInput(
                f"line 1: the column that becomes {each.column} is missing",
                code="import-column-missing",
                column=name,
                becomes=each.column,
            )
    named = [(at, *sources[name]) for at, name in enumerate(found)]
    return [_Place(each.column, at, each, name) for at, name, each in named if each]


def _parse(place: _Place, vocabulary: Vocabulary) -> Parse:
    column = vocabulary.column(place.name)
    if column.kind is Kind.CODE:
        return code_reader(place.source, vocabulary.code_list(place.name))
    if column.kind is Kind.DATE:
        return date_reader(place.source, column)
    if column.kind is Kind.NUMBER:
        return number_reader(place.source, column)
    return _identifier


def _identifier(text: str) -> int:
    if len(text) > _LONGEST_IDENTIFIER:
        raise Refused(
            f"more than {_LONGEST_IDENTIFIER} characters",
            code="import-identifier-length",
            most=_LONGEST_IDENTIFIER,
        )
    return 0


def _take(state: _Gathering, chunk: Sequence[Row]) -> None:
    """Add some rows: column by column, for one loop over a column is many times as fast."""
    texts: dict[Role, Sequence[str]] = {}
    days: Sequence[date | None] = (None,) * len(chunk)
    for place in state.places:
        column = state.vocabulary.column(place.name)
        values = [row.values[place.at].strip() for row in chunk]
        values = ["" if value.casefold() in state.missing else value for value in values]
        numbers = _numbers(state, place, values, chunk)
        if column.kind in TABLE_KINDS and not column.personal:
            state.columns.setdefault(place.name, []).append(numbers)
        if column.role is not Role.CASE_REFERENCE and not column.allows(Use.LINK_COUNT):
            continue  # the vocabulary keeps it out of match keys
        if column.role is Role.BIRTH_DATE:
            days = [date_of(place.source, value) if value else None for value in values]
        elif column.role is not None:
            texts[column.role] = values
    _take_keys(state, texts, days, len(chunk))


def _numbers(
    state: _Gathering, place: _Place, values: Sequence[str], chunk: Sequence[Row]
) -> Array:
    """The values as integers; the first that cannot be meant is told by its line."""
    column, parse = state.vocabulary.column(place.name), state.parses[place.name]
    tabled = column.kind in TABLE_KINDS and not column.personal
    dtype, missing = column_type(state.vocabulary, place.name)[:2] if tabled else (np.int64, 0)
    done: list[int] = []
    try:
        done.extend(parse(value) if value else missing for value in values)
    except Refused as error:
        line = chunk[len(done)].line
        raise InvalidInput(
            f"line {line}, column {place.name}: {error}",
            line=line,
            column=place.header,
            becomes=place.name,
            **error.extra,
        ) from None
    return np.array(done, dtype)


def _take_keys(
    state: _Gathering,
    texts: Mapping[Role, Sequence[str]],
    days: Sequence[date | None],
    count: int,
) -> None:
    blank = ("",) * count
    parts = (texts.get(role, blank) for role in (Role.GIVEN_NAME, Role.FAMILY_NAME))
    numbers = texts.get(Role.NATIONAL_ID, blank)
    state.people.extend(
        person_keys(Person(*each)) for each in zip(*parts, days, numbers, strict=True)
    )
    state.references.extend(texts.get(Role.CASE_REFERENCE, blank))
    for role in LINK_ROLES:
        if role in texts:
            keys = (link_key(role, text, state.mapping.calling_code) for text in texts[role])
            state.links.setdefault(role, []).extend(keys)


def _finish(state: _Gathering) -> Gathered:
    count = len(state.people)
    columns = {name: np.concatenate(parts) for name, parts in state.columns.items()}
    for name, code in state.mapping.constants.items():
        dtype = column_type(state.vocabulary, name)[0]
        place = state.vocabulary.levels(name).index(code) + 1
        columns[name] = np.full(count, place, dtype)
    table = coded_table(state.vocabulary, columns, number_persons(state.people))
    links = {role: tuple(keys) for role, keys in state.links.items()}
    return Gathered(table, tuple(state.people), links, tuple(state.references))
