"""CSV and Excel files as rows of strings, in constant memory, with nothing taken on trust.

A reader yields rows or raises InvalidInput with the number of the line and, where the header is
known, the place of the column; never with a value, not even a header's, for in a file without a
header that is a person's row. It changes nothing: who reads commits after the last row.
`code` says which fault it is, `line`, `column` (its number) and other figures where: pages say
it in other languages.

CSV as in RFC 4180, in UTF-8 with or without a byte order mark; `,`, `;` and tab separate.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from core.errors import InvalidInput, TooLarge

_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may have at most. Bytes are those of the file, or of its unpacked parts."""

    most_bytes: int = 4 * 2**30
    most_record: int = 65_536  # bytes of one row, line breaks in quotes included
    most_rows: int = 4_000_000
    most_columns: int = 500
    most_unpacked: int = 256 * 2**20  # of an Excel file, which openpyxl holds in part


DEFAULT_LIMITS: Final = Limits()


class Row(NamedTuple):
    """A row of a file: the line that it starts on (from 1), and as many values as columns."""

    line: int
    values: list[str]


@dataclass(frozen=True, slots=True, repr=False)
class Rows:
    """A file that is being read: its header, and its rows, once."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def read_csv(source: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Rows:
    """Read a CSV file as it comes, never more of it than one row and a buffer.

    Blank lines are passed over.

    Raises InvalidInput, here or while the rows are taken: no header, a header that is empty,
    blank or has a name twice, NUL bytes, bytes that are no UTF-8, quotes that do not end or
    stand inside a value, a row with more or fewer values than the header. TooLarge: more bytes
    or rows than `limits`, or a row that is too long.
    """
    lines = _Lines(source, limits)
    first = lines.read()
    if first is None:
        raise InvalidInput("the file is empty: a header line is needed", code="import-empty")
    reader = csv.reader(_again(first, lines), delimiter=_delimiter(first), strict=True)
    records = _records(reader, lines)
    top = next(records, Row(1, []))
    if top.line > 1:
        raise InvalidInput("line 1 is blank: a header line is needed", code="import-no-header")
    header = checked_header(top.values, limits)
    return Rows(header, _rows(records, len(header), limits))


def checked_header(names: list[str], limits: Limits) -> tuple[str, ...]:
    """The names of the columns, without space around them.

    Raises InvalidInput: none, too many, a blank one, or one twice.
    """
    if not 1 <= len(names) <= limits.most_columns:
        raise InvalidInput(
            f"line 1: a header has 1 to {limits.most_columns} columns",
            code="import-header-width",
            most=limits.most_columns,
        )
    header = tuple(name.strip() for name in names)
    count = Counter(name.casefold() for name in header)
    for at, name in enumerate(header, 1):
        if not name:
            raise InvalidInput(
                f"line 1: column {at} has no name", code="import-column-unnamed", column=at
            )
        if count[name.casefold()] > 1:
            raise InvalidInput(
                f"line 1: column {at} has a name that another one has too",
                code="import-column-twice",
                column=at,
            )
    return header


class _Lines:
    """Decoded lines of a file, each with its break; counts, and refuses what is too much."""

    def __init__(self, source: BinaryIO, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._bytes = 0
        self._record = 0
        self.number = 0

    def new_record(self) -> None:
        self._record = 0

    def __iter__(self) -> Iterator[str]:
        while (line := self.read()) is not None:
            yield line

    def read(self) -> str | None:
        data = self._source.readline(self._limits.most_record + 1)
        if not data:
            return None
        self.number += 1
        self._count(len(data))
        if self.number == 1:
            data = data.removeprefix(_BOM)
        if b"\0" in data:
            raise InvalidInput(
                f"line {self.number} has NUL bytes: save the file as UTF-8",
                code="import-nul",
                line=self.number,
            )
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidInput(
                f"line {self.number} is no UTF-8: save it as UTF-8",
                code="import-encoding",
                line=self.number,
            ) from None

    def _count(self, size: int) -> None:
        self._bytes += size
        self._record += size
        if self._bytes > self._limits.most_bytes:
            most = self._limits.most_bytes
            raise TooLarge(
                f"the file has more than {most:,} bytes", code="import-bytes", most=most
            )
        if self._record > self._limits.most_record:
            raise TooLarge(
                f"line {self.number}: the row is too long, or a quote in it does not end",
                code="import-row-too-long",
                line=self.number,
            )


def _again(first: str, lines: _Lines) -> Iterator[str]:
    yield first
    yield from lines


def _delimiter(header: str) -> str:
    """The separator that the header has most often outside quotes."""
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _records(reader: Iterator[list[str]], lines: _Lines) -> Iterator[Row]:
    """Rows that are not blank, with the lines that they start on."""
    start = 1
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise InvalidInput(
                f"line {start}: quotes or line breaks are not as CSV has them (RFC 4180)",
                code="import-quotes",
                line=start,
            ) from None
        lines.new_record()
        if values and (len(values) > 1 or values[0].strip()):
            yield Row(start, values)
        start = lines.number + 1


def _rows(records: Iterator[Row], width: int, limits: Limits) -> Iterator[Row]:
    for count, row in enumerate(records, 1):
        require_count(count, limits)
        if len(row.values) != width:
            raise other_width(row.line, len(row.values), width)
        yield row


def require_count(rows: int, limits: Limits) -> None:
    """Raises TooLarge: so many rows are more than are read."""
    if rows > limits.most_rows:
        raise TooLarge(
            f"the file has more than {limits.most_rows:,} rows",
            code="import-rows",
            most=limits.most_rows,
        )


def other_width(line: int, values: int, header: int) -> InvalidInput:
    """A row that has not as many values as the header has names."""
    return InvalidInput(
        f"line {line} has {values} values, the header has {header}",
        code="import-row-length",
        line=line,
        values=values,
        header=header,
    )
