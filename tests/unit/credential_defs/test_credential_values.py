"""What an issuer types becomes the exact strings to sign, or a list of what does not fit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from credential_defs import CredentialDefinition, fresh_reference, load, load_all

CREDENTIALS = tuple(load_all().values())
each_credential = pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda item: item.name)
GOOD: dict[str, dict[str, str | int | bool]] = {
    "identity": {
        "given_names": "Sokha",
        "assurance_level": 2,
        "issued_dateint": 20260105,
        "expires_dateint": "20310105",
    },
    "service-eligibility": {"status": "assessed"},
    "support-entitlement": {"limit_minor": 5000, "currency": "KHR", "support_until": 20270101},
    "guardianship": {
        "rationale": "kinship",
        "jurisdiction": "US-OR",
        "framework_uri": "https://haven.localhost/framework",
        "audit_uri": "did:webvh:abc:haven.localhost",
        "appeal_uri": "http://localhost:8000/appeal",
    },
}


def problems(name: str, **changed: Any) -> dict[str, str]:
    """The problems found with otherwise good values, as attribute -> code."""
    given_values = {**GOOD[name], **changed}
    with pytest.raises(InvalidInput) as caught:
        load(name).validate_values(
            {key: value for key, value in given_values.items() if value is not None}
        )
    listed = str(caught.value.extra["problems"])
    assert listed in caught.value.detail
    return dict(part.rsplit(": ", 1) for part in listed.split(", "))


@each_credential
def test_the_least_an_issuer_gives_fills_every_attribute(
    credential: CredentialDefinition,
) -> None:
    ready = credential.validate_values(GOOD[credential.name])
    assert tuple(ready) == credential.attribute_names
    assert all(isinstance(value, str) and value for value in ready.values())
    assert credential.validate_values(ready) == ready


@each_credential
def test_example_values_are_kept_as_they_are(credential: CredentialDefinition) -> None:
    assert set(credential.example) == set(credential.attribute_names)
    assert credential.validate_values(credential.example) == credential.example


@each_credential
def test_all_missing_ones_are_listed_at_once(credential: CredentialDefinition) -> None:
    with pytest.raises(InvalidInput) as caught:
        credential.validate_values({})
    required = {item.name for item in credential.attributes if item.required}
    listed = str(caught.value.extra["problems"]).split(", ")
    assert set(listed) == {f"{name}: missing" for name in required}


@pytest.mark.parametrize(
    ("name", "attribute", "value", "code"),
    [
        ("identity", "given_names", "", "empty"),
        ("identity", "given_names", " \t ", "empty"),
        ("identity", "given_names", 7, "not-text"),
        ("identity", "given_names", True, "not-text"),
        ("identity", "given_names", "a\nb", "wrong-format"),
        ("identity", "given_names", "a" * 101, "wrong-format"),
        ("identity", "given_names", "\ud800", "wrong-format"),
        ("identity", "birthdate_dateint", 19970230, "not-a-date"),
        ("identity", "birthdate_dateint", "1997-03-14", "not-an-integer"),
        ("identity", "birthdate_dateint", 25400314, "not-a-date"),  # Buddhist era
        ("identity", "birthdate_dateint", 18991231, "not-a-date"),
        ("identity", "birthdate_dateint", -19970314, "not-a-date"),
        ("identity", "issued_dateint", 0, "not-a-date"),
        ("identity", "birthdate_known", 1, "disagrees"),  # the birth date is 0
        ("identity", "birthdate_known", 2, "wrong-format"),
        ("identity", "assurance_level", 4, "wrong-format"),
        ("identity", "subject_ref", "sokha", "wrong-format"),
        ("service-eligibility", "status", "other", "not-in-code-list"),
        ("service-eligibility", "status", "Assessed", "wrong-format"),
        ("service-eligibility", "shelter_until", "tomorrow", "not-an-integer"),
        ("service-eligibility", "household_size", 0, "wrong-format"),
        ("service-eligibility", "household_size", 1.5, "not-text"),
        ("service-eligibility", "region", "Bend", "wrong-format"),
        ("support-entitlement", "limit_minor", 2**31, "out-of-range"),
        ("support-entitlement", "limit_minor", "99999999999", "out-of-range"),
        ("support-entitlement", "limit_minor", -1, "wrong-format"),
        ("support-entitlement", "limit_minor", "៥០០", "not-an-integer"),
        ("support-entitlement", "currency", "EUR", "not-in-code-list"),
        ("guardianship", "framework_uri", "https://x.example/f?for=1", "wrong-format"),
        ("guardianship", "link_court", "case-17", "wrong-format"),
    ],
)
def test_what_does_not_fit_is_named(name: str, attribute: str, value: Any, code: str) -> None:
    found = problems(name, **{attribute: value})
    assert found[attribute] == code


def test_every_problem_is_reported_and_no_value() -> None:
    secret = "Sokha Planted"
    with pytest.raises(InvalidInput) as caught:
        load("identity").validate_values(
            {"subject_ref": secret, secret: "x", "issued_dateint": secret, "nickname": secret}
        )
    said = f"{caught.value.detail} {caught.value.extra} {caught.value!r}"
    assert secret not in said
    assert "nickname" not in said
    for attribute in ("no attribute", "subject_ref", "issued_dateint", "given_names"):
        assert attribute in said


@pytest.mark.parametrize(
    ("attribute", "value", "signed"),
    [
        ("shelter_until", 20270331, "20270331"),
        ("shelter_until", "0", "0"),
        ("shelter_until", 0, "0"),
        ("held_for_other", True, "1"),
        ("held_for_other", False, "0"),
        ("household_size", " 03 ", "3"),
        ("region", "  KH-12 ", "KH-12"),
    ],
)
def test_values_are_written_in_one_form(attribute: str, value: Any, signed: str) -> None:
    values = {**GOOD["service-eligibility"], attribute: value}
    assert load("service-eligibility").validate_values(values)[attribute] == signed


def test_names_are_signed_in_one_unicode_form() -> None:
    values = {**GOOD["identity"], "given_names": "Jose\u0301"}
    assert load("identity").validate_values(values)["given_names"] == "Jos\u00e9"


@pytest.mark.parametrize(("born", "known"), [(0, "0"), (19970314, "1")])
def test_whether_a_birth_date_is_known_is_derived(born: int, known: str) -> None:
    values = {**GOOD["identity"], "birthdate_dateint": born}
    assert load("identity").validate_values(values)["birthdate_known"] == known


def test_a_bad_birth_date_is_not_blamed_on_the_flag_alone() -> None:
    assert problems("identity", birthdate_dateint=1)["birthdate_dateint"] == "not-a-date"


@each_credential
def test_left_out_references_are_fresh_and_match_nothing(
    credential: CredentialDefinition,
) -> None:
    names = [item.name for item in credential.attributes if item.reference]
    one, other = (credential.validate_values(GOOD[credential.name]) for _ in range(2))
    made = [ready[name] for ready in (one, other) for name in names]
    assert names
    assert len(set(made)) == len(made)


@each_credential
def test_links_and_refs_are_references_and_nothing_else_is(
    credential: CredentialDefinition,
) -> None:
    for item in credential.attributes:
        named = item.name.startswith("link_") or item.name.endswith("_ref")
        assert item.reference == named


def test_a_reference_is_128_bits_from_the_given_source() -> None:
    assert fresh_reference(bytes) == "a" * 26
    assert re.fullmatch("[a-z2-7]{26}", fresh_reference())


@given(raw=st.binary(min_size=16, max_size=16))
def test_every_reference_is_accepted_as_one(raw: bytes) -> None:
    reference = fresh_reference(lambda _: raw)
    values = {**GOOD["service-eligibility"], "link_shelter": reference}
    assert load("service-eligibility").validate_values(values)["link_shelter"] == reference


@given(number=st.integers())
def test_integers_are_32_bit_or_refused(number: int) -> None:
    values = {**GOOD["support-entitlement"], "limit_minor": number}
    if 0 <= number < 2**31:
        ready = load("support-entitlement").validate_values(values)
        assert ready["limit_minor"] == str(number)
    else:
        with pytest.raises(InvalidInput):
            load("support-entitlement").validate_values(values)


@given(
    values=st.dictionaries(
        st.sampled_from(load("service-eligibility").attribute_names) | st.text(max_size=5),
        st.text(max_size=30) | st.integers() | st.booleans(),
    )
)
def test_any_input_gives_whole_values_or_invalid_input(
    values: dict[str, str | int | bool],
) -> None:
    credential = load("service-eligibility")
    try:
        ready = credential.validate_values(values)
    except InvalidInput:
        return
    assert tuple(ready) == credential.attribute_names
    assert credential.validate_values(ready) == ready
