"""ristretto255: published vectors, domains that cannot be joined, what is refused."""

from __future__ import annotations

import ctypes
import pickle
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, InvalidInput, VerificationError
from dataspace.ring.group import TOKEN, Domain, Scalar, hash_to_group, require_points

DOMAIN = Domain("counting", "2025", "agreement-7", "run-1", "name")
# RFC 9497, A.1.1: vectors 1 and 2 of OPRF(ristretto255, SHA-512): input, blind, element
_OPRF = b"HashToGroup-OPRFV1-\x00-ristretto255-SHA512"
_BLIND = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"
VECTORS = [
    ("00", "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c"),
    ("5a" * 17, "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418"),
]
# RFC 9496, A.2 and A.3: the generator, and encodings that are none
GENERATOR = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
IDENTITY = bytes(TOKEN)
NO_POINTS = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "ed" + "ff" * 30 + "7f",
]


def known(value: str) -> Scalar:
    """A scalar that a vector names; only a test can have such a thing."""
    scalar = Scalar()
    ctypes.memmove(scalar._value, bytes.fromhex(value), TOKEN)
    return scalar


@pytest.mark.parametrize(("message", "element"), VECTORS)
def test_published_vectors(message: str, element: str) -> None:
    token = hash_to_group(_OPRF, [bytes.fromhex(message)])
    assert known(_BLIND).blind(token).hex() == element


def test_blinding_commutes() -> None:
    token = hash_to_group(b"a tag for this test", [b"somebody"])
    scalars = [Scalar(), Scalar(), Scalar()]
    ends = set()
    for order in permutations(scalars):
        end = token
        for scalar in order:
            end = scalar.blind(end)
        ends.add(end)
    assert len(ends) == 1
    assert ends != {token}


@given(st.lists(st.binary(max_size=80), max_size=5, unique=True))
def test_a_token_for_each_identifier_in_order(identifiers: list[bytes]) -> None:
    tag = DOMAIN.separation_tag()
    tokens = hash_to_group(tag, identifiers)
    assert tokens == b"".join(hash_to_group(tag, [each]) for each in identifiers)
    assert len({tokens[at : at + TOKEN] for at in range(0, len(tokens), TOKEN)}) == len(
        identifiers
    )
    require_points(tokens)


def test_another_part_of_the_domain_gives_other_tokens() -> None:
    changes = [{name: "other"} for name in ("purpose", "period", "agreement", "run", "key")]
    domains = [DOMAIN, *[replace(DOMAIN, **change) for change in changes]]
    # nor can parts be moved over their border, nor long ones be cut
    domains += [Domain("a", "bc", "d", "e", "f"), Domain("ab", "c", "d", "e", "f")]
    domains += [replace(DOMAIN, purpose="x" * 999 + end) for end in "yz"]
    tokens = {hash_to_group(each.separation_tag(), [b"somebody"]) for each in domains}
    assert len(tokens) == len(domains)


@pytest.mark.parametrize("part", ["", "x" * 1_001])
def test_a_domain_names_every_part_shortly(part: str) -> None:
    with pytest.raises(InvalidInput):
        replace(DOMAIN, run=part).separation_tag()


@pytest.mark.parametrize("bad", [IDENTITY, *map(bytes.fromhex, NO_POINTS)])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_is_no_point_is_refused_wherever_it_stands(bad: bytes, at: int) -> None:
    tokens = [bytes.fromhex(GENERATOR)] * 2
    tokens.insert(at, bad)
    for refuse in (Scalar().blind, require_points):
        with pytest.raises(VerificationError) as refused:
            refuse(b"".join(tokens))
        assert refused.value.step == "point"


@pytest.mark.parametrize("size", [1, 31, 33, 63])
def test_half_a_token_is_refused(size: int) -> None:
    for refuse in (Scalar().blind, require_points):
        with pytest.raises(VerificationError) as refused:
            refuse(b"\x01" * size)
        assert refused.value.step == "length"


def test_a_destroyed_secret_is_overwritten_and_blinds_nothing() -> None:
    scalar = Scalar()
    assert any(scalar._value.raw)
    scalar.destroy()
    scalar.destroy()
    assert not any(scalar._value.raw)
    with pytest.raises(Conflict):
        scalar.blind(bytes.fromhex(GENERATOR))


def test_a_secret_is_fresh_not_shown_and_not_sent() -> None:
    one, other = Scalar(), Scalar()
    generator = bytes.fromhex(GENERATOR)
    assert one.blind(generator) != other.blind(generator)
    assert repr(one) == "Scalar(***)"
    with pytest.raises(TypeError):
        pickle.dumps(one)


def test_nothing_is_blinded_to_nothing() -> None:
    assert Scalar().blind(b"") == b""
    assert hash_to_group(b"a tag for this test", []) == b""
