"""Sealed values: what was sealed is opened by the same key, purpose and context alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.sealing import Seal
from core.errors import NotAuthenticated
from core.secret import Secret

SEAL = Seal(Secret("a key of the tests"), "test")

_text = st.text(st.characters(codec="utf-8"), max_size=20)
_documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=10,
)


@given(_documents, _text)
def test_opening_what_was_sealed_gives_the_same(document: Any, context: str) -> None:
    assert SEAL.open(SEAL.seal(document, context), context) == document
    assert SEAL.open_text(SEAL.seal_text(document, context), context) == document


@given(_documents, _text, _text)
def test_another_context_opens_nothing(document: Any, context: str, other: str) -> None:
    if context == other:
        return
    with pytest.raises(NotAuthenticated):
        SEAL.open(SEAL.seal(document, context), other)


@given(_documents, st.data())
def test_a_changed_bit_opens_nothing(document: Any, data: st.DataObject) -> None:
    sealed = bytearray(SEAL.seal(document, "row"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NotAuthenticated):
        SEAL.open(bytes(sealed), "row")


@given(_documents, st.integers(1, 40))
def test_a_shortened_value_opens_nothing(document: Any, cut: int) -> None:
    sealed = SEAL.seal(document, "row")
    with pytest.raises(NotAuthenticated):
        SEAL.open(sealed[: max(0, len(sealed) - cut)], "row")


@pytest.mark.parametrize(
    "other",
    [Seal(Secret("a key of the tests"), "other"), Seal(Secret("another key"), "test")],
    ids=["purpose", "key"],
)
def test_another_purpose_or_key_opens_nothing(other: Seal) -> None:
    with pytest.raises(NotAuthenticated):
        other.open(SEAL.seal({"a": 1}, "row"), "row")
    assert other.pseudonym("a") != SEAL.pseudonym("a")


@given(st.text(max_size=80))
def test_what_was_never_sealed_opens_nothing(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        SEAL.open_text(text, "row")


@given(st.binary(max_size=80))
def test_arbitrary_bytes_open_nothing(raw: bytes) -> None:
    with pytest.raises(NotAuthenticated):
        SEAL.open(raw, "row")


def test_sealing_twice_gives_two_ciphertexts_and_no_plaintext() -> None:
    sealed = [SEAL.seal({"name": "planted"}, "row") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert all(b"planted" not in each for each in sealed)


@given(_text, _text)
def test_a_pseudonym_is_the_same_for_the_same_value_alone(one: str, two: str) -> None:
    assert (SEAL.pseudonym(one) == SEAL.pseudonym(two)) is (one == two)
    assert len(one) < 4 or one not in SEAL.pseudonym(one)
