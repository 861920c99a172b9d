"""Rows by a mapping: what becomes of them, and what is refused where."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import numpy as np
import pytest
from dataspace_vocabulary_sample import bricks
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from dataspace.gathering.coding import Gathered, gather
from dataspace.gathering.dimensions import NO_DAY, NO_NUMBER, Codes, day_number
from dataspace.gathering.matchkeys import Person, link_key, person_keys
from dataspace.gathering.reading import read_csv
from dataspace.vocabulary.mapping import Mapping, same_names
from dataspace.vocabulary.model import Role, Vocabulary, cases, parse

SHELTER: dict[str, Any] = {
    "name": "shelter",
    "vocabulary": "cases",
    "version": cases().version,
    "columns": {
        "Caso": {"column": "case_reference"},
        "Nombre": {"column": "given_name"},
        "Apellido": {"column": "family_name"},
        "Nacida": {"column": "birth_date", "date_order": "dmy"},
        "Cédula": {"column": "national_id"},
        "Ingreso": {"column": "registered_on", "date_order": "dmy"},
        "Sexo": {
            "column": "gender",
            "codes": {"F": "feminine", "M": "masculine"},
            "otherwise": "unknown",
        },
        "Edad": {
            "column": "age_group",
            "bands": [
                {"below": 9, "code": "0-8"},
                {"below": 18, "code": "9-17"},
                {"below": None, "code": "48+"},
            ],
        },
        "Forma": {"column": "form_of_exploitation", "codes": {"trabajo": "forced-labour"}},
        "Costo": {"column": "cost_amount", "decimals": 2, "decimal_mark": ","},
        "Teléfono": {"column": "phone"},
        "Notas": None,
    },
    "constants": {"region": "us-or-crook"},
    "missing": ["n/a", "-"],
    "calling_code": "1",
}
HEADER = ";".join(SHELTER["columns"])
GOOD = "7;María;Brandell;7/3/1999;A-1;31.12.2024;f;17;Trabajo;1 234,5;541 555 0123;secreto"


def shelter(*lines: str, header: str = HEADER, **changes: Any) -> Gathered:
    text = "\n".join((header, *lines))
    mapping = parse(Mapping, json.dumps(SHELTER | changes))
    return gather(read_csv(io.BytesIO(text.encode())), mapping, cases())


def code(column: str, value: str) -> int:
    return cases().levels(column).index(value) + 1


def test_a_row_becomes_codes_and_keys() -> None:
    made = shelter(GOOD, "-;;;;;n/a;;;N/A;;;")
    columns = made.table.columns
    assert {name: values.tolist() for name, values in columns.items()} == {
        "registered_on": [day_number(date(2024, 12, 31)), NO_DAY],
        "gender": [code("gender", "feminine"), 0],
        "age_group": [code("age_group", "9-17"), 0],
        "form_of_exploitation": [code("form_of_exploitation", "forced-labour"), 0],
        "cost_amount": [123_450, NO_NUMBER],
        "region": [code("region", "us-or-crook")] * 2,
    }
    assert columns["gender"].dtype == np.uint8
    who = Person("Maria", "Brandell", date(1999, 3, 7), "A1")
    assert made.people == (person_keys(who), (None, None, None))
    assert made.links == {Role.PHONE: (link_key(Role.PHONE, "+15415550123"), None)}
    assert made.references == ("7", "")
    assert made.table.persons.tolist() == [0, -1]
    assert "María" not in repr(made)


def test_the_order_of_columns_does_not_matter_nor_their_case() -> None:
    header = ";".join(reversed(HEADER.upper().split(";")))
    made = shelter(";".join(reversed(GOOD.split(";"))), header=header)
    assert made.people == shelter(GOOD).people


def test_htcds_values_need_no_mapping() -> None:
    data = b"gender,form_of_exploitation,citizenship\nFeminine,SexualExploitation,kh\n"
    columns = {name: {"column": name} for name in data.decode().split("\n")[0].split(",")}
    made = gather(
        read_csv(io.BytesIO(data)),
        parse(Mapping, json.dumps(SHELTER | {"columns": columns})),
        cases(),
    )
    assert made.table.columns["gender"].tolist() == [code("gender", "feminine")]
    assert made.table.columns["citizenship"].tolist() == [code("citizenship", "KH")]


def with_field(name: str, value: str) -> str:
    fields = dict(zip(HEADER.split(";"), GOOD.split(";"), strict=True))
    return ";".join((fields | {name: value}).values())


@pytest.mark.parametrize(
    ("name", "value", "column"),
    [
        ("Forma", "Sokha", "form_of_exploitation"),
        ("Edad", "-3", "age_group"),
        ("Edad", "Sokha", "age_group"),
        ("Ingreso", "2024-12-31", "registered_on"),
        ("Ingreso", "31.12.24", "registered_on"),
        ("Ingreso", "31.2.2024", "registered_on"),
        ("Ingreso", "1.1.1999", "registered_on"),
        ("Ingreso", "1.1.2999", "registered_on"),
        ("Ingreso", "12/2024", "registered_on"),
        ("Ingreso", "1.1.2024 08:30", "registered_on"),
        ("Nacida", "7/3/1899", "birth_date"),
        ("Nacida", "Sokha", "birth_date"),
        ("Costo", "1.234,5", "cost_amount"),
        ("Costo", "1,234", "cost_amount"),
        ("Costo", "-1", "cost_amount"),
        ("Costo", "1e5", "cost_amount"),
        ("Costo", "9" * 16, "cost_amount"),
        ("Costo", "9" * 30, "cost_amount"),
        ("Costo", ",5", "cost_amount"),
        ("Nombre", "x" * 301, "given_name"),
        ("Teléfono", "x" * 301, "phone"),
    ],
)
def test_a_value_that_cannot_be_meant_is_told_by_its_place(
    name: str, value: str, column: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        shelter(GOOD, GOOD, with_field(name, value), GOOD)
    assert f"line 4, column {column}:" in caught.value.detail
    assert value not in caught.value.detail
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER + ";Alias", "column 13 is not in the mapping"),
        (HEADER.replace("Caso", "Sokha"), "column 1 is not in the mapping"),
        (HEADER.replace(";Edad", ""), "the column that becomes age_group is missing"),
    ],
)
def test_columns_that_nobody_thought_of_are_refused(header: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        shelter(header=header)
    assert words in caught.value.detail
    assert "Sokha" not in caught.value.detail


def test_a_column_that_is_left_out_may_be_missing() -> None:
    assert len(shelter(header=HEADER.replace(";Notas", "")).table) == 0


def test_nothing_is_gathered_of_a_file_that_breaks_at_its_end() -> None:
    with pytest.raises(InvalidInput, match="line 20002 has 1 values"):
        shelter(*[GOOD] * 20_000, "7")


@pytest.mark.parametrize(
    ("written", "order", "calendar", "day"),
    [
        ("2024-02-29", "ymd", "gregorian", date(2024, 2, 29)),
        ("2024/2/9", "ymd", "gregorian", date(2024, 2, 9)),
        ("02/09/2024", "mdy", "gregorian", date(2024, 2, 9)),
        ("9 2 2024", "dmy", "gregorian", date(2024, 2, 9)),
        ("2024-02-09T00:00:00", "ymd", "gregorian", date(2024, 2, 9)),
        ("09/02/2567", "dmy", "buddhist", date(2024, 2, 9)),
        ("០៩/០២/២៥៦៧", "dmy", "buddhist", date(2024, 2, 9)),
    ],
)
def test_dates_as_they_are_written(written: str, order: str, calendar: str, day: date) -> None:
    source = {"column": "registered_on", "date_order": order, "calendar": calendar}
    mapping = parse(Mapping, json.dumps(SHELTER | {"columns": {"d": source}}))
    made = gather(read_csv(io.BytesIO(f"d\n{written}\n".encode())), mapping, cases())
    assert made.table.columns["registered_on"].tolist() == [day_number(day)]


@given(st.lists(st.tuples(st.sampled_from(["F", "m", "", "?"]), st.integers(0, 10**8))))
def test_what_is_read_is_what_stands_there(rows: list[tuple[str, int]]) -> None:
    lines = [f"{sex};{cents // 100},{cents % 100:02}" for sex, cents in rows]
    columns = {name: SHELTER["columns"][name] for name in ("Sexo", "Costo")}
    made = shelter(*lines, header="Sexo;Costo", columns=columns).table
    means = {"F": "feminine", "m": "masculine", "?": "unknown"}
    expected = [code("gender", means[sex]) if sex else 0 for sex, _ in rows]
    assert made.columns["gender"].tolist() == expected
    assert made.columns["cost_amount"].tolist() == [cents for _, cents in rows]


def test_personal_columns_leave_no_trace_but_keys() -> None:
    data = (
        b"processo,documento,desde,olaria,crenca,divida,horas\n1,2,2024-01-01,fixa,movel,5,6\n"
    )
    made = gather(read_csv(io.BytesIO(data)), same_names(bricks()), bricks())
    assert set(made.table.columns) == {"desde", "olaria", "divida", "horas"}
    assert made.people == (person_keys(Person(national_id="2")),)


def local_only() -> Vocabulary:
    """The vocabulary, with identity numbers that must not leave in any form."""
    document = cases().model_dump(mode="json")
    document["columns"]["national_id"]["constraint"] = "LOCAL_ONLY"
    return parse(Vocabulary, json.dumps(document))


def test_an_identifier_that_is_not_for_linking_makes_no_key() -> None:
    text = "\n".join((HEADER, GOOD)).encode()
    mapping = parse(Mapping, json.dumps(SHELTER))
    made = gather(read_csv(io.BytesIO(text)), mapping, local_only())
    assert made.people[0][0] is None
    assert made.people[0][1] is not None


def test_the_same_cases_by_two_mappings_make_one_table() -> None:
    dimension = [Codes("gender", with_missing=True)]
    mine = shelter(GOOD, with_field("Sexo", ""), with_field("Sexo", "x")).table
    other = shelter(
        GOOD.replace(";f;", ";1;"), with_field("Sexo", ""), with_field("Sexo", "9"),
        columns=SHELTER["columns"]
        | {"Sexo": {"column": "gender", "codes": {"1": "feminine", "9": "unknown"}}},
    ).table  # fmt: skip
    assert mine.tabulate(dimension).tolist() == other.tabulate(dimension).tolist()
