"""Excel: values as the sheet shows them, and files that want something else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from core.errors import InvalidInput, TooLarge
from dataspace.gathering.excel import read_xlsx
from dataspace.gathering.reading import Limits


def book(*rows: tuple[object, ...]) -> bytes:
    made = Workbook()
    sheet = made.active
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def taken(data: bytes, limits: Limits | None = None) -> tuple[tuple[str, ...], list[list[str]]]:
    rows = read_xlsx(io.BytesIO(data), limits or Limits())
    return rows.header, [row.values for row in rows.rows]


def test_values_come_as_they_are_written_in_csv() -> None:
    header, rows = taken(
        book(
            ("day", " text ", "n", "yes"),
            (date(2025, 3, 7), "ស្រី", 12, True),
            (datetime(2025, 3, 7, 8, 30), None, 1.5, False),
            (None, None, None, None),
            ("7.3.2025", "=not a formula"[1:], 2.0, None),
        )
    )
    assert header == ("day", "text", "n", "yes")
    assert rows == [
        ["2025-03-07", "ស្រី", "12", "1"],
        ["2025-03-07T08:30:00", "", "1.5", "0"],
        ["7.3.2025", "not a formula", "2", ""],
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", "b"), (1, "=1+1")], "line 2, column 2: a formula"),
        ([("a", '=HYPERLINK("http://x","y")')], "line 1, column 2: a formula"),
        ([("a", "b"), (1, "#N/A")], "line 2, column 2: an error"),
        ([("a", "b"), (1, 2), (1, "Sokha", 3)], "line 3 has 3 values"),
        ([("a",), (3201234567890001,)], "line 2, column 1: a number of more digits"),
        ([("a",), (3.201234567890001e17,)], "line 2, column 1: a number of more digits"),
        ([("a", None, "b")], "column 2 has no name"),
        ([("a", "A")], "column 1 has a name that another"),
        ([], "line 1: a header has"),
    ],
)
def test_what_is_refused_is_told_by_its_place(
    rows: list[tuple[object, ...]], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        taken(book(*rows))
    assert words in caught.value.detail
    assert "Sokha" not in caught.value.detail


@pytest.mark.parametrize(
    ("rows", "limits"),
    [
        ([("a",), ("x" * 5_000,)], Limits(most_record=4_000)),
        ([("a",), *[(n,) for n in range(11)]], Limits(most_rows=10)),
        ([("a",), (1,)], Limits(most_unpacked=1_000)),
    ],
)
def test_too_much_is_refused(rows: list[tuple[object, ...]], limits: Limits) -> None:
    with pytest.raises(TooLarge):
        taken(book(*rows), limits)


def repacked(change: Callable[[str, bytes], bytes]) -> bytes:
    """An honest book, with some parts changed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(("a", "b"), (1, 2)))) as before,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return out.getvalue()


def in_sheet(old: bytes, new: bytes) -> bytes:
    def change(name: str, data: bytes) -> bytes:
        return data.replace(old, new) if name.endswith("sheet1.xml") else data

    return repacked(change)


def test_a_bomb_is_refused_before_anything_is_built_from_it() -> None:
    data = in_sheet(b"<sheetData>", b"<sheetData>" + b" " * 30 * 2**20)
    assert len(data) < 100_000
    with pytest.raises(TooLarge, match="unpacks"):
        taken(data, Limits(most_unpacked=20 * 2**20))


def test_a_directory_that_lies_about_sizes_is_refused() -> None:
    data = bytearray(in_sheet(b"<sheetData>", b"<sheetData>" + b" " * 2**20))
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        size = next(i.file_size for i in parts.infolist() if i.filename.endswith("sheet1.xml"))
    lie = data.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    with pytest.raises(InvalidInput):
        taken(bytes(lie))


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(encoding: str) -> None:
    def change(name: str, data: bytes) -> bytes:
        text = ENTITIES.decode() + data.decode()
        return text.encode(encoding) if name.endswith("sheet1.xml") else data

    with pytest.raises(InvalidInput, match="document type"):
        taken(repacked(change))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\n1,2\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),  # a file with a password
        b"PK\x03\x04" + bytes(50),
        book(("a",), (1,))[:-30],
        in_sheet(b"<sheetData>", b"<sheetData"),
        in_sheet(b'r="A1"', b'r="1A"'),
        repacked(lambda name, data: b"" if name == "xl/workbook.xml" else data),
        repacked(lambda name, data: b"<x/>" if name == "[Content_Types].xml" else data),
    ],
)
def test_what_is_no_excel_file_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        taken(data)


def test_a_sheet_that_lies_about_its_size_is_read_to_its_end() -> None:
    data = in_sheet(b'<dimension ref="A1:B2"', b'<dimension ref="A1:A1"')
    assert taken(data)[1] == [["1", "2"]]


def test_too_many_parts_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        for n in range(2_001):
            parts.writestr(f"{n}", b"")
    with pytest.raises(TooLarge, match="parts"):
        taken(out.getvalue())


def test_a_row_that_says_to_stand_far_below_is_not_counted_up_to() -> None:
    data = in_sheet(b'<row r="2"', b'<row r="99999999999"')
    with pytest.raises(TooLarge, match="1,048,576 lines"):
        taken(data)


def test_merged_cells_are_refused_in_the_sheet_that_is_read_alone() -> None:
    made = Workbook()
    for row in (("region", "n"), ("north", 1), (None, 2)):
        made.active.append(row)
    made.create_sheet("Notes").merge_cells("A1:B2")
    honest, merged = io.BytesIO(), io.BytesIO()
    made.save(honest)
    made.active.merge_cells("A2:A3")
    made.save(merged)
    assert taken(honest.getvalue())[1] == [["north", "1"], ["", "2"]]
    with pytest.raises(InvalidInput, match="merged cells"):
        taken(merged.getvalue())
