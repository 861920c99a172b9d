"""The first sheet of an Excel file (.xlsx) as rows of strings; see `reading`."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import IO, Any, BinaryIO, Final, NoReturn

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import InvalidInput, TooLarge
from dataspace.gathering.reading import (
    DEFAULT_LIMITS,
    Limits,
    Row,
    Rows,
    checked_header,
    other_width,
    require_count,
)

_MOST_PARTS: Final = 2_000
_CHUNK: Final = 65_536
_DOCTYPE: Final = b"<!DOCTYPE"
_MERGED: Final = re.compile(rb"<(?:[\w.-]{1,20}:)?mergeCell[\s/>]")
_LONGEST_NAME: Final = 40
_EXACT: Final = 10**15  # Excel keeps 15 digits of a number
_LAST_LINE: Final = 1_048_576  # of a sheet; openpyxl counts up to whatever a file says
# what zipfile, the XML parser and openpyxl raise on files that are not what they say
_BROKEN: Final = (
    zipfile.BadZipFile,
    InvalidFileException,
    SyntaxError,  # what both of its XML parsers raise
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OSError,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    zlib.error,
)


def read_xlsx(source: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Rows:
    """Read the first sheet; dates come as ISO 8601, numbers as they are, nothing as "".

    Formulas are refused: what they gave when somebody last saved is not what they mean. So
    are errors (#N/A). Blank rows are passed over. The file is unpacked part by part first, to
    count bytes without believing its directory.

    Raises InvalidInput: no Excel file, a document type in its XML, a formula, an error, a
    header or row that is not as it has to be. TooLarge: more than `limits`.
    """
    try:
        _measure(source, limits)
        book = load_workbook(source, read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        _require_unmerged(source, sheet)
        sheet.reset_dimensions()  # what a sheet says of its own size may be wrong
        rows = sheet.iter_rows(max_col=limits.most_columns + 1)
        cells = next(rows, ())
    except _BROKEN:
        _refuse()
    names = [_text(cell, 1, at) for at, cell in enumerate(_used(cells), 1)]
    header = checked_header(names, limits)
    return Rows(header, _rows(rows, len(header), limits))


def _refuse() -> NoReturn:
    raise InvalidInput(
        "this is no Excel file (.xlsx) that can be read", code="import-not-excel"
    ) from None


def _measure(source: BinaryIO, limits: Limits) -> None:
    """Unpack every part and keep nothing: a bomb is noticed before anything is built of it."""
    left = limits.most_unpacked
    with zipfile.ZipFile(source) as parts:
        if len(parts.infolist()) > _MOST_PARTS:
            raise TooLarge("the Excel file has too many parts", code="import-excel-parts")
        for info in parts.infolist():
            with parts.open(info) as part:
                left -= _unpacked(part, left)
            if left < 0:
                size = f"{limits.most_unpacked:,} bytes"
                raise TooLarge(
                    f"the Excel file unpacks to more than {size}",
                    code="import-excel-unpacked",
                    most=limits.most_unpacked,
                )
    source.seek(0)


def _unpacked(part: IO[bytes], most: int) -> int:
    """The size of a part, or something above `most`. Entities need a document type: refused."""
    size, tail = 0, b""
    while size <= most and (chunk := part.read(_CHUNK)):
        size += len(chunk)
        seen = tail + chunk.replace(b"\0", b"")  # without NULs, UTF-16 looks like ASCII
        if _DOCTYPE in seen:
            raise InvalidInput(
                "the Excel file has a document type in its XML", code="import-excel-doctype"
            )
        tail = seen[-len(_DOCTYPE) :]
    return size


def _require_unmerged(source: BinaryIO, sheet: Any) -> None:
    """Only the first of merged cells has their value: the other rows would lack it unseen."""
    # openpyxl has no other name for the part that it is about to read
    with zipfile.ZipFile(source) as parts, parts.open(sheet._worksheet_path) as part:
        tail = b""
        while chunk := part.read(_CHUNK):
            seen = tail + chunk.replace(b"\0", b"")
            if _MERGED.search(seen):
                raise InvalidInput(
                    "the sheet has merged cells: unmerge them, and fill each",
                    code="import-merged-cells",
                )
            tail = seen[-_LONGEST_NAME:]


def _rows(rows: Iterator[Any], width: int, limits: Limits) -> Iterator[Row]:
    """Rows that are not blank, filled up to the header's width."""
    count, blank = 0, None
    try:
        for line, cells in enumerate(rows, 2):
            if line > _LAST_LINE:
                raise TooLarge(
                    f"the sheet has more than {_LAST_LINE:,} lines",
                    code="import-lines",
                    most=_LAST_LINE,
                )
            if cells is blank:  # openpyxl gives one and the same for all lines not in the file
                continue
            used = _used(cells)
            if not used:
                blank = cells
                continue
            count += 1
            require_count(count, limits)
            if len(used) > width:
                raise other_width(line, len(used), width)
            values = [_text(cell, line, at) for at, cell in enumerate(used, 1)]
            if sum(map(len, values)) > limits.most_record:
                raise TooLarge(
                    f"line {line}: the row is too long", code="import-row-too-long", line=line
                )
            yield Row(line, values + [""] * (width - len(values)))
    except _BROKEN:
        _refuse()


def _used(cells: Sequence[Any]) -> Sequence[Any]:
    """The cells up to the last that is not empty."""
    last = len(cells)
    while last and cells[last - 1].value is None:
        last -= 1
    return cells[:last]


def _text(cell: Any, line: int, at: int) -> str:
    if cell.data_type == "f":
        raise InvalidInput(
            f"line {line}, column {at}: a formula; paste its values instead",
            code="import-formula",
            line=line,
            column=at,
        )
    if cell.data_type == "e":
        raise InvalidInput(
            f"line {line}, column {at}: an error of Excel stands in this cell",
            code="import-excel-error",
            line=line,
            column=at,
        )
    if isinstance(cell.value, int | float) and abs(cell.value) >= _EXACT:
        # two people's identity numbers that differ in the last digits would be one
        raise InvalidInput(
            f"line {line}, column {at}: a number of more digits than Excel keeps; "
            "write it as text",
            code="import-digits",
            line=line,
            column=at,
        )
    return _written(cell.value)


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
