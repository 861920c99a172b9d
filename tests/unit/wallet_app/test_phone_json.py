"""JSON on the phone: read in one way only, written as Python writes it (RFC 8785)."""

from __future__ import annotations

import json
from typing import Any

import base58
import jsoncanon
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.phone import Phone

SAFE = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# keys that JavaScript sorts by itself, or has a meaning of its own for
NAMES = TEXTS | st.sampled_from(["__proto__", "constructor", "toString", "10", "9", "é", "😀"])
SCALARS = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(NAMES, each, max_size=5)
)


@settings(max_examples=400, deadline=None)
@given(value=VALUES, indent=st.none() | st.integers(0, 2), plain=st.booleans())
def test_a_value_has_the_same_canonical_form(
    on_phone: Phone, value: Any, indent: int | None, plain: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    canonical = jsoncanon.canonicalize(value).decode()
    assert on_phone("canonicalize", text=text) == {"gave": canonical}
    assert on_phone("reread", text=text) == {"gave": canonical}


# RFC 8785, appendix B, where jsoncanon 0.2.4 writes numbers as Python does
@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("-0", "0"),
        ("5e-324", "5e-324"),
        ("0.000001", "0.000001"),
        ("1e-7", "1e-7"),
        ("1e21", "1e+21"),
        ("1e+20", "100000000000000000000"),
        ("333333333.3333332", "333333333.3333332"),
    ],
)
def test_numbers_are_written_as_the_specification_says(
    on_phone: Phone, text: str, canonical: str
) -> None:
    assert on_phone("canonicalize", text=text) == {"gave": canonical}


JSON_STEP = [
    "",
    " ",
    "{",
    "[1,]",
    "[,1]",
    '{"a":1,}',
    '{"a" 1}',
    "{a:1}",
    "'a'",
    '"a',
    '"\\x"',
    '"a\nb"',
    '"\t"',
    "01",
    "+1",
    "1.5",
    "1.0",
    "1e3",
    "-",
    ".5",
    "NaN",
    "Infinity",
    "-Infinity",
    "9007199254740992",
    "-9007199254740992",
    "tru",
    "nulll",
    "1 2",
    "[1] x",
    "]",
    "[1}",
    "\ufeff1",
    "\u00a01",
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":1}',
    '{"__proto__":1,"__proto__":1}',
    '[{"b":{"a":1,"c":0,"a":1}}]',
]


@pytest.mark.parametrize("text", JSON_STEP)
def test_what_could_be_read_two_ways_is_not_read(on_phone: Phone, text: str) -> None:
    assert on_phone.step("reread", text=text) == "json"


def test_sixty_four_levels_and_no_more(on_phone: Phone) -> None:
    assert on_phone.step("reread", text="[" * 64 + "]" * 64) is None
    assert on_phone.step("reread", text="[" * 65 + "]" * 65) == "depth"
    assert on_phone.step("reread", text="[" * 1_000_000) == "depth"
    assert on_phone.step("reread", text='{"a":' * 65 + "1" + "}" * 65) == "depth"
    assert on_phone.step("canonicalize", text="[" * 65 + "]" * 65) == "form"
    brackets = json.dumps("[" * 100 + '\\"' + "{" * 100)  # in a text they are no levels
    assert on_phone("reread", text=brackets) == {"gave": brackets}


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\udc00":1}', '["\\udc00\\ud800"]'])
def test_half_a_character_has_no_canonical_form(on_phone: Phone, text: str) -> None:
    assert on_phone.step("reread", text=text) == "form"
    assert on_phone.step("canonicalize", text=text) == "form"


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=70))
def test_base58_is_pythons(on_phone: Phone, data: bytes) -> None:
    text = base58.b58encode(data).decode()
    assert on_phone("encode", bytes=list(data)) == {"gave": text}
    assert on_phone("decode", text=text) == {"gave": list(data)}


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "z ", "é", "1" * 201])
def test_what_is_no_base58_is_refused(on_phone: Phone, text: str) -> None:
    assert on_phone.step("decode", text=text) == "base58"
