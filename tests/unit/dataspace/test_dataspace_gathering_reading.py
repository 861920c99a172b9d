"""CSV: what comes through as it was, what is refused and where, and in how much memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput, TooLarge
from dataspace.gathering.reading import Limits, read_csv
from dataspace.gathering.writing import write_csv

SECRET = "Sokha"


def taken(data: bytes, limits: Limits | None = None) -> tuple[tuple[str, ...], list[list[str]]]:
    rows = read_csv(io.BytesIO(data), limits or Limits())
    return rows.header, [row.values for row in rows.rows]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"a,b\n1,2\n", [["1", "2"]]),
        (b"a;b\n1;2,5\n", [["1", "2,5"]]),
        (b"a\tb\r\n1\t2\r\n", [["1", "2"]]),
        (b"\xef\xbb\xbfa,b\n1,2", [["1", "2"]]),
        (b'"a","b"\n"1,1","2""2"\n', [["1,1", '2"2']]),
        (b'"a;c",b\n1,2\n', [["1", "2"]]),
        (b'a,b\n"1\n1",2\n', [["1\n1", "2"]]),
        (b"a,b\n\n1,2\n\n\n", [["1", "2"]]),
        (b"a,b\n,\n", [["", ""]]),
        ("a,b\nស្រី,ñ\n".encode(), [["ស្រី", "ñ"]]),
        (b"a\n1\n", [["1"]]),
        (b"a,b\n", []),
    ],
)
def test_files_as_programs_write_them(data: bytes, values: list[list[str]]) -> None:
    assert taken(data)[1] == values


def test_rows_tell_the_line_that_they_start_on() -> None:
    rows = read_csv(io.BytesIO(b'a,b\n1,2\n"3\n3",4\n\n5,6\n'))
    assert [row.line for row in rows.rows] == [2, 3, 6]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n1,2\n", "line 1"),
        (b"a,\n1,2\n", "column 2 has no name"),
        (b"a,b,A \n1,2,3\n", "column 1 has a name that another"),
        (b"a,b\n1,2\nSokha\n", "line 3 has 1 values, the header has 2"),
        (b"a,b\nSokha,2,3\n", "line 2 has 3 values"),
        (b"a,b\nSokha\0,2\n", "line 2 has NUL"),
        ("a,b\nSokha,2\n".encode("utf-16-le"), "line 1 has NUL"),
        (b"a,b\n1,2\nSokha\xff,2\n", "line 3 is no UTF-8"),
        ("a,b\nSokha é,2\n".encode("latin-1"), "line 2 is no UTF-8"),
        (b'a,b\n"Sokha"x,2\n', "line 2: quotes"),
        (b'a,b\n1,2\n"Sokha,2\n3,4\n', "line 3: quotes"),
        (b"a,b\rSokha,2\r", "line 1: quotes"),
    ],
)
def test_what_is_malformed_is_refused_by_line_and_without_its_values(
    data: bytes, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        taken(data)
    assert words in caught.value.detail
    assert SECRET not in caught.value.detail


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (b"a,b\n" + b"x" * 70_000 + b",1\n", Limits()),
        (b"a,b\n" + b"x" * 2_000, Limits(most_record=1_000)),
        (b'a,b\n"' + b"x\n" * 2_000, Limits(most_record=1_000)),
        (b"a,b\n" + b"1,2\n" * 300, Limits(most_bytes=1_000)),
        (b"a,b\n" + b"1,2\n" * 11, Limits(most_rows=10)),
    ],
)
def test_too_much_is_refused(data: bytes, limits: Limits) -> None:
    with pytest.raises(TooLarge):
        taken(data, limits)


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(InvalidInput, match="500 columns"):
        taken(",".join(f"c{n}" for n in range(501)).encode())


class Endless(io.RawIOBase):
    """A file of a stated size that is made while it is read, and never more than one buffer."""

    def __init__(self, size: int, line: bytes) -> None:
        self._left = size
        self._header = b"a,b\n"
        self._line = line
        self.largest = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # narrower is enough
        self.largest = max(self.largest, len(buffer))
        data = (self._header or self._line * (len(buffer) // len(self._line)))[: self._left]
        self._header = b""
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def test_fifty_megabytes_take_the_memory_of_some_rows() -> None:
    line = b"x" * 2_000 + b"," + b"y" * 2_000 + b"\n"
    source = Endless(50 * 2**20 // len(line) * len(line), line)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_csv(io.BufferedReader(source, 65_536)).rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count > 13_000
    assert peak < 2**20
    assert source.largest <= 65_536


def test_two_gigabytes_without_a_line_break_are_refused_after_one_row() -> None:
    source = Endless(2 * 2**30, b"x")
    with pytest.raises(TooLarge, match="line 2"):
        list(read_csv(io.BufferedReader(source, 65_536)).rows)


def test_more_bytes_than_the_limit_are_refused_while_they_come() -> None:
    source = Endless(2 * 2**30, b"1,2\n")
    with pytest.raises(TooLarge, match="1,000,000 bytes"):
        for _ in read_csv(io.BufferedReader(source, 65_536), Limits(most_bytes=10**6)).rows:
            pass


texts = st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=12)


@given(st.lists(st.tuples(texts, texts), max_size=20))
def test_what_is_written_is_read(rows: Sequence[tuple[str, str]]) -> None:
    out = io.BytesIO()
    write_csv([{"one": a, "two": b} for a, b in rows], ("one", "two"), out)
    header, values = taken(out.getvalue())
    assert header == ("one", "two")
    assert values == [list(row) for row in rows]


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_an_error_that_is_ours(data: bytes) -> None:
    try:
        header, values = taken(data)
    except InvalidInput:
        return
    assert all(len(row) == len(header) for row in values)
