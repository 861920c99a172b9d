"""Rows to CSV that `reading` reads back to the same values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO


def write_csv(
    rows: Iterable[Mapping[str, str]], columns: Sequence[str], target: BinaryIO
) -> None:
    """A header, then a line a row: UTF-8 without a byte order mark, RFC 4180.

    Raises ValueError: a row has a value for a column that is not written.
    """
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    text.detach()  # the target stays open, and the caller's
