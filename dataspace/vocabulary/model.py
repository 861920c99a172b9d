"""The unified columns as typed, frozen values, read from a JSON document.

A vocabulary is what organisations have in common: a column's meaning, its codes, and what a
computation may do with it. Another form of exploitation, country or region is another document.
The built-in one follows IOM's Human Trafficking Case Data Standard 2.0 (docs/dataspace).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.canonical import canonicalize
from core.errors import ConfigurationError, Forbidden, InvalidInput

DEFAULT_LEAST_CELL: Final = 11
MOST_CODES: Final = 65_000  # a column's codes are kept in 16 bits, 0 is "missing"
LARGEST_NUMBER: Final = 10**12  # times 4 million rows, a sum still fits 63 bits
_LARGEST_DOCUMENT: Final = 4 * 2**20


class Constraint(StrEnum):
    """What a computation with other organisations may do with a column, at most."""

    LOCAL_ONLY = "LOCAL_ONLY"
    AGGREGATE_ONLY = "AGGREGATE_ONLY"
    LINK_COUNT_ONLY = "LINK_COUNT_ONLY"
    LINK_REVEAL = "LINK_REVEAL"
    FORBIDDEN = "FORBIDDEN"


class Use(StrEnum):
    """What a plan wants of a column."""

    TABULATE = "tabulate"  # counts, sums, regression: cells of at least `least_cell`
    LINK_COUNT = "link-count"  # blinded, and only how many match is learnt
    LINK_REVEAL = "link-reveal"  # blinded, and the owner learns which of its own match


ALLOWED: Final[Mapping[Constraint, frozenset[Use]]] = {
    Constraint.LOCAL_ONLY: frozenset(),
    Constraint.AGGREGATE_ONLY: frozenset({Use.TABULATE}),
    Constraint.LINK_COUNT_ONLY: frozenset({Use.LINK_COUNT}),
    Constraint.LINK_REVEAL: frozenset({Use.LINK_COUNT, Use.LINK_REVEAL}),
    Constraint.FORBIDDEN: frozenset(),
}


class Kind(StrEnum):
    """How a column's values are written."""

    CODE = "code"  # one of a code list
    DATE = "date"  # a day
    NUMBER = "number"  # a whole number of a stated unit
    IDENTIFIER = "identifier"  # names somebody or something
    TEXT = "text"  # free words


TABLE_KINDS: Final = frozenset({Kind.CODE, Kind.DATE, Kind.NUMBER})


class Role(StrEnum):
    """Which part of a match key a column is, whatever its name."""

    CASE_REFERENCE = "case_reference"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    BIRTH_DATE = "birth_date"
    NATIONAL_ID = "national_id"
    TRAFFICKER = "trafficker"
    PLACE = "place"
    PHONE = "phone"


class Document(BaseModel):
    """Frozen, without unknown fields, and without values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


type Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
type ListName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
type CodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$")]
type Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
type Labels = Mapping[Language, Annotated[str, Field(min_length=1, max_length=200)]]


class Entry(Document):
    """One code; `also` are other spellings that an import may bring, HTCDS's among them."""

    code: CodeName
    labels: Labels
    also: tuple[str, ...] = ()


class CodeList(Document):
    """Codes in their fixed order: the order of a table's levels."""

    about: str = ""
    entries: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=MOST_CODES)]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(each.code for each in self.entries)

    @cached_property
    def spellings(self) -> Mapping[str, int]:
        """Each accepted spelling, casefolded, with its code's place (0 is the first)."""
        return {word: at for at, each in enumerate(self.entries) for word in _spellings(each)}

    @model_validator(mode="after")
    def _no_spelling_twice(self) -> Self:
        count = Counter(word for each in self.entries for word in _spellings(each))
        if any(n > 1 for n in count.values()):
            raise ValueError("a code or spelling occurs twice in a code list")
        return self


def _spellings(entry: Entry) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in (entry.code, *entry.also))


class Column(Document):
    """One column of the capture base.

    `codes` names the code list of a CODE column; `low` to `high` (whole `unit`s) bound a
    NUMBER, `earliest` to `latest` a DATE: what lies outside is a mistake, and a computation
    can choose the smallest integers that fit. `personal` is the capture base's flag.
    """

    kind: Kind
    constraint: Constraint
    labels: Labels
    personal: bool = False
    codes: ListName | None = None
    least_cell: Annotated[int, Field(ge=3, le=1_000_000)] = DEFAULT_LEAST_CELL
    unit: str | None = None
    low: Annotated[int, Field(ge=-LARGEST_NUMBER)] = 0
    high: Annotated[int, Field(le=LARGEST_NUMBER)] = LARGEST_NUMBER
    earliest: date = date(1900, 1, 1)
    latest: date = date(2099, 12, 31)
    role: Role | None = None
    htcds: str | None = None

    def allows(self, use: Use) -> bool:
        """Flagged personal data is never tabulated, whatever the constraint says."""
        if use is Use.TABULATE and (self.personal or self.kind not in TABLE_KINDS):
            return False
        return use in ALLOWED[self.constraint]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.codes is not None) != (self.kind is Kind.CODE):
            raise ValueError("a code list belongs to a column of codes, and only to one")
        if self.low > self.high or self.earliest > self.latest:
            raise ValueError("the bounds of a column are the wrong way round")
        if self.constraint is Constraint.AGGREGATE_ONLY and self.kind not in TABLE_KINDS:
            raise ValueError("identifiers and free text cannot be AGGREGATE_ONLY")
        wanted = Kind.DATE if self.role is Role.BIRTH_DATE else Kind.IDENTIFIER
        if self.role is not None and self.kind is not wanted:
            raise ValueError("a date of birth is a date, every other role is an identifier")
        return self


class Vocabulary(Document):
    """Columns by their capture-base names, code lists, and whose work they follow."""

    name: ListName
    version: Annotated[str, Field(min_length=1, max_length=40)]
    attribution: str
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    columns: Annotated[Mapping[Name, Column], Field(min_length=1, max_length=500)]
    codes: Mapping[ListName, CodeList]

    def column(self, name: str) -> Column:
        """Raises InvalidInput: there is no such column."""
        found = self.columns.get(name)
        if found is None:
            raise InvalidInput(f"the vocabulary {self.name} has no column of this name")
        return found

    def require(self, name: str, use: Use) -> Column:
        """The column, if it may be used so.

        Raises InvalidInput: there is none. Forbidden: its constraint or flag says no.
        """
        column = self.column(name)
        if column.allows(use):
            return column
        if column.personal and use is Use.TABULATE:
            raise Forbidden(f"column {name} is flagged as personal data and is never tabulated")
        raise Forbidden(f"column {name} is {column.constraint}, which does not allow {use}")

    def code_list(self, name: str) -> CodeList:
        """The code list of a column. Raises InvalidInput: no such column, or not of codes."""
        codes = self.column(name).codes
        if codes is None:
            raise InvalidInput(f"column {name} has no code list")
        return self.codes[codes]

    def levels(self, name: str) -> tuple[str, ...]:
        """The codes of a column in the order of a table's cells."""
        return self.code_list(name).codes

    def with_role(self, role: Role) -> str | None:
        """The name of the column that plays this part in match keys, if there is one."""
        return next((name for name, each in self.columns.items() if each.role is role), None)

    def digest(self) -> str:
        """SHA-256 of the document's canonical form (RFC 8785): what agreements and plans pin.

        Labels and attribution count too: a label that changes its meaning is a change.
        """
        form = canonicalize(self.model_dump(mode="json"), step="vocabulary")
        return sha256(form).hexdigest()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        named = {each.codes for each in self.columns.values() if each.codes is not None}
        if not named <= set(self.codes):
            raise ValueError("a column names a code list that is not there")
        roles = Counter(each.role for each in self.columns.values() if each.role)
        if any(n > 1 for n in roles.values()):
            raise ValueError("two columns have the same role")
        if any(set(self.languages) - set(labels) for labels in self._labels()):
            raise ValueError("a label is missing in one of the languages")
        return self

    def _labels(self) -> Iterator[Labels]:
        yield from (each.labels for each in self.columns.values())
        yield from (entry.labels for each in self.codes.values() for entry in each.entries)


class Misfit(ValueError):
    """What a document's own rules say about its parts together, with a stable code."""

    def __init__(self, words: str, *, code: str) -> None:
        super().__init__(words)
        self.code = code


def parse[T: Document](kind: type[T], text: str | bytes) -> T:
    """Read one of this room's JSON documents.

    Raises InvalidInput: too large, or not as it has to be; the words name the place in the
    document and what is wrong, not the value. `code` says it more closely, and `place` where.
    """
    if len(text) > _LARGEST_DOCUMENT:
        raise InvalidInput("this document is too large", code="document-size")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "/".join(map(str, first["loc"])) or "the document"
        words = f"{kind.__name__}: {place}: {first['msg']}"
        cause = first.get("ctx", {}).get("error")
        at = _named(kind, first["loc"])
        if isinstance(cause, Misfit):
            raise InvalidInput(words, code=cause.code, place=at) from None
        if not at:
            raise InvalidInput(words, code="document-form") from None
        raise InvalidInput(words, code="document-part", place=at) from None


def _named(kind: type[Document], place: tuple[int | str, ...]) -> str:
    """A field of ours and what stands in it by name: deeper in, names may be values."""
    known = bool(place) and place[0] in kind.model_fields
    return "/".join(map(str, place[:2])) if known else ""


def load(path: Path) -> Vocabulary:
    """The vocabulary in a file of the installation.

    Raises ConfigurationError: it cannot be read, or is not as it has to be.
    """
    try:
        return parse(Vocabulary, path.read_bytes())
    except OSError:
        raise ConfigurationError("the file of the vocabulary cannot be read") from None
    except InvalidInput as error:
        raise ConfigurationError(error.detail) from None


@cache
def cases() -> Vocabulary:
    """The built-in vocabulary of cases, after HTCDS 2.0."""
    return load(Path(__file__).with_name("cases.json"))
