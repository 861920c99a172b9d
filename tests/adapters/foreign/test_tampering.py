"""A changed presentation keeps its form and says what was claimed; the original stays."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.foreign.tampering import (
    encoded,
    relabelled,
    tampered,
    with_broken_proof,
    with_status_time,
)
from core.errors import InvalidInput

Json = dict[str, Any]


def presentation() -> Json:
    """The members that matter, in the form that the AnonCreds library writes."""
    value = {"raw": "2", "encoded": "2"}
    eq_proof = {"revealed_attrs": {"householdsize": "2", "region": "7"}, "e": "11"}
    return {
        "proof": {
            "proofs": [
                {"primary_proof": {"eq_proof": {"revealed_attrs": {}}}},
                {"primary_proof": {"eq_proof": eq_proof, "ge_proofs": []}},
            ],
            "aggregated_proof": {"c_hash": "5", "c_list": [[1, 2, 3], [4, 5, 6]]},
        },
        "requested_proof": {
            "revealed_attrs": {},
            "revealed_attr_groups": {
                "a": {
                    "sub_proof_index": 1,
                    "values": {
                        "Household size": value,
                        "region": {"raw": "centre", "encoded": "7"},
                    },
                }
            },
            "predicates": {"a/0": {"sub_proof_index": 1}},
        },
        "identifiers": [{"timestamp": None}, {"timestamp": 50}],
    }


def form(value: Any) -> Any:
    """What stays of a JSON value when only its names and types are looked at."""
    if isinstance(value, dict):
        return {key: form(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [form(entry) for entry in value]
    return type(value)


# From the specification's rule: a 32-bit integer stands for itself, all else is hashed.
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0", "0"),
        ("-5", "-5"),
        ("2147483647", "2147483647"),
        ("-2147483648", "-2147483648"),
        ("007", "7"),
        (
            "2147483648",
            "26221484005389514539852548961319751347124425277437769688639924217837557266135",
        ),
        ("", "102987336249554097029535212322581322789799900648198034993379397001115665086549"),
        (
            "SLC",
            "101327353979588246869873249766058188995681113722618593621043638294296500696424",
        ),
    ],
)
def test_encoding(raw: str, expected: str) -> None:
    assert encoded(raw) == expected


def test_a_claimed_value_stands_everywhere() -> None:
    changed = tampered(presentation(), "Household size", "9")
    group = changed["requested_proof"]["revealed_attr_groups"]["a"]["values"]
    proof = changed["proof"]["proofs"][1]["primary_proof"]["eq_proof"]
    assert group["Household size"] == {"raw": "9", "encoded": "9"}
    assert proof["revealed_attrs"] == {"householdsize": "9", "region": "7"}


def test_a_relabelled_value_keeps_its_proof() -> None:
    changed = relabelled(presentation(), "region", "north")
    group = changed["requested_proof"]["revealed_attr_groups"]["a"]["values"]
    assert group["region"] == {"raw": "north", "encoded": "7"}
    assert changed["proof"] == presentation()["proof"]


def test_one_bit_of_the_proof_is_flipped() -> None:
    changed = with_broken_proof(presentation())
    assert changed["proof"]["aggregated_proof"]["c_list"] == [[1, 2, 2], [4, 5, 6]]
    assert changed["requested_proof"] == presentation()["requested_proof"]


def test_only_times_that_were_there_are_changed() -> None:
    changed = with_status_time(presentation(), 99)
    assert changed["identifiers"] == [{"timestamp": None}, {"timestamp": 99}]


@pytest.mark.parametrize("change", [tampered, relabelled])
def test_only_what_is_revealed_can_be_changed(change: Any) -> None:
    with pytest.raises(InvalidInput):
        change(presentation(), "born", "2000")


@given(raw=st.text(max_size=20), time=st.integers(0, 2**33))
def test_form_and_original_stay(raw: str, time: int) -> None:
    original = presentation()
    for changed in (
        tampered(original, "region", raw),
        relabelled(original, "region", raw),
        with_broken_proof(original),
        with_status_time(original, time),
    ):
        assert form(changed) == form(original)
        assert original == presentation()
        assert deepcopy(changed) == changed
