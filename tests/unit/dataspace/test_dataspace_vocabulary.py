"""The vocabulary: what a document may say, and what may be done with a column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dataspace_vocabulary_sample import BRICKS, bricks
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.errors import ConfigurationError, Forbidden, InvalidInput
from dataspace.vocabulary.model import (
    ALLOWED,
    Column,
    Constraint,
    Kind,
    Role,
    Use,
    Vocabulary,
    cases,
    load,
    parse,
)

TABULATED = {
    "registered_on", "form_of_exploitation", "means_of_control", "age_group", "gender",
    "citizenship", "country_of_exploitation", "region", "sector", "referred_on", "served_on",
    "service", "service_uptake", "outcome", "cost_amount", "benefit_amount",
}  # fmt: skip
COUNTED = {"given_name", "family_name", "birth_date", "national_id"}
LINKED = {"trafficker", "place", "phone"}


def test_the_built_in_columns_are_there_with_what_may_be_done() -> None:
    columns = cases().columns
    assert {name for name in columns if columns[name].allows(Use.TABULATE)} >= TABULATED
    assert {name for name in columns if columns[name].allows(Use.LINK_REVEAL)} == LINKED
    counted = {name for name in columns if columns[name].allows(Use.LINK_COUNT)}
    assert counted == COUNTED | LINKED
    assert all(columns[name].least_cell == 11 for name in TABULATED)
    assert columns["cost_amount"].unit == "USD cent"
    assert {cases().with_role(role) for role in Role} <= set(columns)


def test_every_label_of_the_built_in_is_in_three_languages() -> None:
    assert cases().languages == ("en", "es", "km")
    assert "CC BY 4.0" in cases().attribution
    assert "endorsed" in cases().attribution


def test_no_two_codes_of_a_list_have_one_label() -> None:
    for name, codes in cases().codes.items():
        for language in cases().languages:
            labels = [entry.labels[language] for entry in codes.entries]
            assert len(set(labels)) == len(labels), (name, language)


@pytest.mark.parametrize("use", Use)
@pytest.mark.parametrize("constraint", Constraint)
def test_nothing_is_allowed_that_the_table_does_not_name(
    constraint: Constraint, use: Use
) -> None:
    column = Column(kind=Kind.NUMBER, constraint=constraint, labels={"en": "x"})
    expected = {
        (Constraint.AGGREGATE_ONLY, Use.TABULATE),
        (Constraint.LINK_COUNT_ONLY, Use.LINK_COUNT),
        (Constraint.LINK_REVEAL, Use.LINK_COUNT),
        (Constraint.LINK_REVEAL, Use.LINK_REVEAL),
    }
    assert column.allows(use) == ((constraint, use) in expected)
    assert (use in ALLOWED[constraint]) == ((constraint, use) in expected)


def test_personal_data_is_never_tabulated_whatever_the_constraint_says() -> None:
    with pytest.raises(Forbidden, match="personal"):
        bricks().require("crenca", Use.TABULATE)
    with pytest.raises(Forbidden, match="LOCAL_ONLY"):
        bricks().require("horas", Use.TABULATE)
    with pytest.raises(Forbidden):
        cases().require("birth_date", Use.TABULATE)
    with pytest.raises(InvalidInput):
        cases().require("nowhere", Use.TABULATE)
    assert bricks().require("olaria", Use.TABULATE).least_cell == 20


def test_another_form_in_another_country_is_a_document() -> None:
    assert bricks().levels("olaria") == ("fixa", "movel")
    assert bricks().with_role(Role.NATIONAL_ID) == "documento"
    assert bricks().with_role(Role.PHONE) is None


def column(**changes: Any) -> dict[str, Any]:
    return {"columns": BRICKS["columns"] | {"olaria": BRICKS["columns"]["olaria"] | changes}}


def codes(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"codes": {"kiln": {"entries": list(entries)}}}


def entry(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "labels": {"pt": code, "en": code}, **more}


@pytest.mark.parametrize(
    "changes",
    [
        column(constraint="ANYTHING"),
        column(codes="nowhere"),
        column(codes=None),
        column(kind="number"),
        column(kind="text", codes=None),
        column(kind="identifier", codes=None),
        column(least_cell=2),
        column(labels={"pt": "olaria"}),
        column(labels={"pt": "olaria", "en": ""}),
        column(kind="number", codes=None, low=5, high=4),
        column(kind="number", codes=None, high=10**13),
        column(kind="date", codes=None, earliest="2029-01-01", latest="2020-01-01"),
        column(role="place"),
        column(kind="identifier", codes=None, constraint="LOCAL_ONLY", role="birth_date"),
        column(kind="identifier", codes=None, constraint="LOCAL_ONLY", role="national_id"),
        column(script="run me"),
        {"columns": {"Upper Case": BRICKS["columns"]["olaria"]}},
        {"columns": {}},
        {"languages": []},
        {"name": "two words"},
        codes(entry("a"), entry("a")),
        codes(entry("a"), entry("A")),
        codes(entry("a", also=["b"]), entry("b")),
        codes({"code": "a", "labels": {"en": "a"}}),
        codes(),
        codes(entry("with space")),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        bricks(**changes)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", b"\xff", '{"name": "x"}'])
def test_what_is_no_document_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(Vocabulary, text)


def test_errors_tell_the_place_and_never_the_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        bricks(**column(constraint="Sokha Chan, 012 345 678"))
    assert "columns/olaria/constraint" in caught.value.detail
    assert "Sokha" not in caught.value.detail


def test_nothing_of_it_can_be_changed() -> None:
    with pytest.raises(ValidationError):
        cases().columns["gender"].personal = False  # type: ignore[misc] # that is the test


def test_files_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "kilns.json"
    with pytest.raises(ConfigurationError):
        load(path)
    path.write_text("{}")
    with pytest.raises(ConfigurationError):
        load(path)
    path.write_text(json.dumps(BRICKS))
    assert load(path) == bricks()
    path.write_bytes(b" " * (4 * 2**20 + 1))
    with pytest.raises(ConfigurationError):
        load(path)


def test_the_digest_stands_for_the_whole_document() -> None:
    again = dict(reversed(BRICKS.items()))
    assert parse(Vocabulary, json.dumps(again)).digest() == bricks().digest()
    assert bricks(version="4").digest() != bricks().digest()
    assert bricks(**column(least_cell=21)).digest() != bricks().digest()
    other_order = codes(entry("movel"), entry("fixa"))
    assert (
        bricks(**other_order).digest()
        != bricks(**codes(entry("fixa"), entry("movel"))).digest()
    )


@given(st.sampled_from(sorted(cases().codes)))
def test_every_spelling_leads_to_its_code(name: str) -> None:
    codes = cases().codes[name]
    for at, each in enumerate(codes.entries):
        for word in (each.code, *each.also):
            assert codes.spellings[word.casefold()] == at
