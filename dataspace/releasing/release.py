"""A result as a JSON document and as CSV: exactly the released cells, and nothing beside them.

The document is hashed by every node and signed with the report, so it has no floats: each
machine has to come to the same bytes (RFC 8785 over whole numbers and text).
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any, Final

from core.canonical import Json, content_digest
from core.errors import InvalidInput
from dataspace.questions.base import Released
from dataspace.questions.notes import WORDS, Note
from dataspace.releasing.absent import absence

FORMAT: Final = "haven-result-1"
# what spreadsheets take for the start of a formula, full-width forms too (OWASP, CSV injection)
_FORMULA: Final = tuple("=+-@\t\r\n|%＝＋－＠")
_LARGEST: Final = 2**53 - 1  # JSON numbers are exact up to here (RFC 8785, section 3.2.2.3)


def result_document(released: Released, *, plan: str, tag: str) -> Json:
    """The result of one run of the plan with this digest.

    Raises InvalidInput: a float, or a row that has not the columns.
    """
    made: Json = {
        "format": FORMAT,
        "plan": plan,
        "tag": tag,
        "columns": list(released.columns),
        "decimals": dict(released.decimals),
        "rows": [list(row) for row in released.rows],
        "suppressed": released.suppressed,
        "notes": [str(each) for each in released.notes],
        "extra": dict(released.extra),
    }
    if any(len(row) != len(released.columns) for row in released.rows):
        raise InvalidInput("a row of the result has another length than the table is wide")
    _require_exact(made)
    return made


def result_digest(document: Json) -> str:
    """What the nodes sign: the multibase SHA-256 multihash of the canonical form."""
    return content_digest(document)


def words(released: Released) -> tuple[str, ...]:
    """The notes in words, in English; a note that has none stays its code."""
    known = {each.value: said for each, said in WORDS.items()}
    return tuple(known.get(Note(n).value if n in known else n, str(n)) for n in released.notes)


def to_csv(released: Released) -> str:
    """The table after RFC 4180. Text that a spreadsheet would run as a formula gets an
    apostrophe before it. Where there is no number stands a word, so that no program reads it as
    nothing: `suppressed`, or why there never was one (`dataspace.releasing.absent`)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([guarded(each) for each in released.columns])
    for row in released.rows:
        writer.writerow([_cell(released, row, at) for at in range(len(released.columns))])
    return out.getvalue()


def guarded(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    start = text.lstrip(" \u00a0\ufeff\u200b")
    return f"'{text}" if start.startswith(_FORMULA) else text


def _cell(released: Released, row: tuple[str | int | None, ...], at: int) -> str:
    value, decimals = row[at], released.decimals.get(released.columns[at], 0)
    if value is None:
        return absence(released.columns, row, at, suppressed=released.suppressed)
    if isinstance(value, str):
        return guarded(value)
    return str(Decimal(value).scaleb(-decimals)) if decimals else str(value)


def _require_exact(value: Any) -> None:
    if isinstance(value, dict):
        for each in value.values():
            _require_exact(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _require_exact(each)
    elif not (value is None or isinstance(value, bool | str | int)):
        raise InvalidInput("a result holds whole numbers and text only")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise InvalidInput("a number of the result is too large to be written exactly")
