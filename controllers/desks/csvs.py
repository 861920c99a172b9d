"""Tables as CSV (RFC 4180) that a spreadsheet program opens without running anything.

A cell that begins like a formula begins with an apostrophe here: what somebody typed as a name
must not become a command on a colleague's machine. So does what stands behind a semicolon, a
tab or a comma within a cell, for programs that divide lines at those. The file begins with a
byte order mark, by which such programs know that it is UTF-8; without it they spoil Khmer and
Spanish.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from fastapi import Response

from controllers.desks.pages import HEADERS

_BOM = "\ufeff"
# also full-width forms, which some programs take for the same, and what is cut off before them
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_WITHIN = re.compile(r"([;,\t][\s\"'\u200b\ufeff]*)(?=[=+\-@＝＋－＠|%])")


def csv_of(rows: Iterable[Sequence[object]]) -> str:
    """The text of a file."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([_cell(each) for each in row] for row in rows)
    return _BOM + written.getvalue()


def csv_answer(name: str, rows: Iterable[Sequence[object]]) -> Response:
    """The file, to be saved under a name of ours."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(
        csv_of(rows), media_type="text/csv; charset=utf-8", headers={**HEADERS, **disposition}
    )


def _cell(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    text = _WITHIN.sub(r"\1'", str(value))
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(_FORMULA) else text
