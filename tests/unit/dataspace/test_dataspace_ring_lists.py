"""What a list is before it enters the ring: distinct, padded, in an order of chance."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ring_world import HOLDERS, terms

from core.errors import Forbidden, InvalidInput, VerificationError
from dataspace.ring.group import TOKEN
from dataspace.ring.lists import (
    Record,
    distinct,
    hashed,
    padded,
    random_order,
    require_distinct,
    shuffled,
)
from dataspace.ring.terms import Padding

_VALUE = st.one_of(st.none(), st.sampled_from([b"a", b"b", b"c", b"d"]))
records = st.lists(st.tuples(_VALUE, _VALUE, _VALUE), max_size=12)

TABLE: list[tuple[list[Record], list[Record]]] = [
    ([], []),
    ([(b"a", b"x")], [(b"a", b"x")]),
    ([(b"a", b"x"), (b"a", b"x")], [(b"a", b"x")]),  # twice the same
    ([(b"a", None), (b"a", b"x")], [(b"a", b"x")]),  # one person, told in two rows
    ([(b"a", b"y"), (b"a", b"x")], [(b"a", b"x")]),  # the least, whatever the order
    ([(b"a", b"x"), (b"b", b"x")], [(b"a", None), (b"b", None)]),  # a weak key of two people
    ([(b"a", b"x"), (None, b"x")], [(b"a", None), (None, None)]),
    ([(None, b"x"), (None, b"x")], [(None, b"x")]),
    ([(None, None), (None, None)], [(None, None), (None, None)]),  # two whom nobody can match
]


@pytest.mark.parametrize(("given_", "expected"), TABLE)
def test_one_record_a_person(given_: list[Record], expected: list[Record]) -> None:
    assert Counter(distinct(given_, 2)) == Counter(expected)


@given(records, st.randoms())
def test_order_and_repetition_change_nothing(rows: list[Record], random: Random) -> None:
    named = [row for row in rows if any(row)]
    again = [*rows, *named[:3]]
    random.shuffle(again)
    assert Counter(distinct(again, 3)) == Counter(distinct(rows, 3))


@given(records)
def test_no_identifier_is_left_twice(rows: list[Record]) -> None:
    for column in zip(*distinct(rows, 3), strict=True):
        values = [value for value in column if value is not None]
        assert len(values) == len(set(values))


@pytest.mark.parametrize("row", [(), (b"a",), (b"a", b"b", b"c"), (b"a", b"")])
def test_a_record_that_fits_no_key_is_refused(row: Record) -> None:
    with pytest.raises(InvalidInput):
        distinct([row], 2)


@pytest.mark.parametrize(
    ("size", "multiple", "padme"),
    [
        (0, 4, 4),
        (1, 4, 4),
        (4, 4, 4),
        (5, 8, 8),
        (33, 36, 40),
        (67, 68, 72),
        (1001, 1004, 1024),
    ],
)
def test_sizes_are_rounded_up(size: int, multiple: int, padme: int) -> None:
    assert terms(padding=Padding.MULTIPLE).padded(size) == multiple
    assert terms(padding=Padding.PADME).padded(size) == padme


@given(st.integers(1, 10**6), st.sampled_from(Padding))
def test_padding_never_cuts_grows_little_and_is_stable(size: int, padding: Padding) -> None:
    of = terms(padding=padding, bucket=1)
    assert size <= of.padded(size) <= size * 1.12 + 1
    assert of.padded(of.padded(size)) == of.padded(size)
    assert of.padded(size) <= of.padded(size + 1)


def test_dummies_equal_nothing() -> None:
    of = terms(keys=("one", "two"))
    table = padded([(b"a", b"a"), (None, b"b")], of)
    assert len(table) == 4
    tokens = hashed(table, of.separation_tags())
    assert len(tokens) == 4 * of.width
    again = hashed(table, of.separation_tags())
    pieces = [tokens[at : at + TOKEN] for at in range(0, len(tokens), TOKEN)]
    assert len(set(pieces)) == 8  # also the same name under two keys
    assert [pieces[at] for at in (0, 1, 3)] == [
        again[at * TOKEN : (at + 1) * TOKEN] for at in (0, 1, 3)
    ]
    assert pieces[2] != again[2 * TOKEN : 3 * TOKEN]
    assert hashed([], of.separation_tags()) == b""


def test_shuffling_keeps_records_whole_and_takes_any_order() -> None:
    table = b"".join(bytes((row,)) * 64 for row in range(4))
    seen = Counter(shuffled(table, 64) for _ in range(400))
    assert len(seen) == 24  # 400 draws miss one of 24 orders once in a million times
    rows = {tuple(sorted(each[at : at + 64] for at in range(0, 256, 64))) for each in seen}
    assert len(rows) == 1
    assert sorted(random_order(100)) == list(range(100))
    assert shuffled(b"", 64) == b""


@pytest.mark.parametrize(("one", "other", "fine"), [(b"a", b"b", True), (b"a", b"a", False)])
@pytest.mark.parametrize("key", [0, 1])
def test_a_token_twice_for_a_key_is_refused(
    one: bytes, other: bytes, fine: bool, key: int
) -> None:
    def row(token: bytes, unlike: bytes) -> bytes:
        pair = [unlike * TOKEN, unlike * TOKEN]
        pair[key] = token * TOKEN
        return b"".join(pair)

    table = row(one, b"c") + row(other, b"d")
    if fine:
        require_distinct(table, 2)
        return
    with pytest.raises(VerificationError) as refused:
        require_distinct(table, 2)
    assert refused.value.step == "repeated-token"


# --- sizes -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, 10))
def test_a_short_list_of_ones_own_is_refused_without_its_size(size: int) -> None:
    with pytest.raises(Forbidden) as refused:
        terms(minimum=10).require_own_size(size)
    assert str(size) not in refused.value.detail
    terms(minimum=size).require_own_size(size)


@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("minimum", [0, 1, 4, 25, 1000])
def test_an_empty_list_comes_in_and_looks_like_the_shortest(
    minimum: int, padding: Padding
) -> None:
    of = terms(minimum=minimum, padding=padding)
    of.require_own_size(0)
    assert len(padded([], of)) == of.padded(max(minimum, 1)) > 0
    of.require_padded_size(of.padded(0))
    of.require_attested_size(0, of.padded(0))


def test_a_list_that_is_too_long_is_refused() -> None:
    terms(most=8).require_own_size(8)
    with pytest.raises(InvalidInput):
        terms(most=8).require_own_size(9)


@pytest.mark.parametrize(
    ("records_", "fine"), [(8, False), (12, True), (13, False), (68, False)]
)
def test_declared_sizes(records_: int, fine: bool) -> None:
    of = terms(minimum=10, most=64)
    if fine:
        of.require_padded_size(records_)
        return
    with pytest.raises(VerificationError) as refused:
        of.require_padded_size(records_)
    assert refused.value.step == "list-size"


@pytest.mark.parametrize(
    ("size", "records_", "fine"),
    [
        (10, 12, True),
        (9, 12, False),
        (13, 12, False),
        (5, 8, False),
        (0, 12, True),
        (1, 12, False),
        (0, 4, False),
        (0, 16, False),
        (-1, 12, False),
    ],
)
def test_attested_sizes(size: int, records_: int, fine: bool) -> None:
    of = terms(minimum=10)
    if fine:
        of.require_attested_size(size, records_)
        return
    with pytest.raises(VerificationError) as refused:
        of.require_attested_size(size, records_)
    assert refused.value.step == "attested-size"


@pytest.mark.parametrize(
    "other",
    [
        {"holders": ("a",)},
        {"holders": ("a", "a")},
        {"holders": tuple("abcdefghijklm")},
        {"evaluator": HOLDERS[0]},
        {"keys": ()},
        {"keys": ("a", "a")},
        {"keys": tuple("abcdefghi")},
        {"bucket": 0},
        {"most": 2},
        {"most": 2**21},
        {"batch": 0},
        {"batch": 2**15},
        {"seconds": 0},
        {"seconds": 86_401},
        {"minimum": -1},
        {"minimum": 2**18},
        {"period": ""},
    ],
)
def test_terms_out_of_bounds(other: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        terms(**other)


def test_the_tag_binds_every_term() -> None:
    changes: list[dict[str, object]] = [
        {}, {"run": "run-2"}, {"minimum": 1}, {"keys": ("phone",)}, {"evaluator": "court"},
        {"holders": HOLDERS[::-1]}, {"padding": Padding.PADME}, {"seconds": 31},
    ]  # fmt: skip
    tags = [terms(**change).tag() for change in changes]
    assert len(set(tags)) == len(tags)
    assert terms().tag() == terms().tag()
