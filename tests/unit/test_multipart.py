"""Forms with files: the same parts however the bytes come, and never a file as a whole."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.multipart import parts_of
from core.errors import InvalidInput, TooLarge

KIND = "multipart/form-data; boundary=mark"
FORM = (
    b'--mark\r\nContent-Disposition: form-data; name="csrf"\r\n\r\ntoken\r\n'
    b'--mark\r\nContent-Disposition: form-data; name="mapping"; filename=""\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\r\n"
    b'--mark\r\nContent-Disposition: form-data; name="file"; filename="a b.csv"\r\n\r\n'
    b"a,b\r\n--mar\r\n\r\n-1,2\r\n\r\n--mark--\r\n"
)
PARTS = [
    ("csrf", None, b"token"),
    ("mapping", "", b""),
    ("file", "a b.csv", b"a,b\r\n--mar\r\n\r\n-1,2\r\n"),
]


async def coming(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(
    chunks: Iterable[bytes], kind: str = KIND
) -> list[tuple[str, str | None, bytes]]:
    found = []
    async for part in parts_of(kind, coming(chunks)):
        found.append((part.name, part.filename, await part.whole(1_000)))
    return found


@given(cuts=st.lists(st.integers(0, len(FORM)), max_size=40))
async def test_the_parts_are_the_same_however_the_bytes_come(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(FORM)]
    chunks = [FORM[a:b] for a, b in pairwise(edges)]
    assert await read(chunks) == PARTS


@pytest.mark.parametrize(
    "kind", [KIND.replace("mark", '"mark"'), KIND.upper().replace("MARK", "mark")]
)
async def test_a_mark_may_stand_in_quotes_and_capitals_do_not_count(kind: str) -> None:
    assert await read([FORM + b"after"], kind) == PARTS


async def test_what_nobody_takes_of_a_part_is_passed_over() -> None:
    assert [part.name async for part in parts_of(KIND, coming([FORM]))] == [
        "csrf", "mapping", "file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", FORM),
        ("multipart/form-data", FORM),
        (KIND, b""),
        (KIND, FORM[:-10]),
        (KIND, FORM.replace(b"--mark--", b"--mark")),
        (KIND, b"--marks\r\n" + FORM[8:]),
        (KIND, FORM.replace(b'name="csrf"', b"")),
        (KIND, b"--mark\r\n" + b"x" * 20_000 + FORM),
        (KIND, FORM[:-10] + FORM),
        (KIND, (FORM[: FORM.index(b"token")] + b"\r\n") * 60 + FORM),
    ],
)
async def test_what_is_no_such_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(InvalidInput, match="form of this page"):
        await read([body], kind)


async def test_a_small_field_stays_small() -> None:
    with pytest.raises(TooLarge):
        await read([FORM.replace(b"token", b"t" * 2_000)])


async def test_a_large_file_is_never_held_as_a_whole() -> None:
    head, _, end = FORM.partition(b"a,b")
    line = b"x" * 65_536
    taken = 0
    tracemalloc.start()
    chunks = (each for each in (head, *(line for _ in range(800)), b"\r\n" + end))
    async for part in parts_of(KIND, coming(chunks)):
        async for chunk in part.content:
            taken += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken > 50 * 2**20
    assert peak < 2 * 2**20
