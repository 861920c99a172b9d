"""Mappings: documents that say what an organisation's columns and values become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dataspace_vocabulary_sample import bricks

from core.errors import InvalidInput
from dataspace.vocabulary.mapping import Mapping, same_names
from dataspace.vocabulary.model import cases, parse

KILNS: dict[str, Any] = {
    "name": "igreja",
    "vocabulary": "brick-kilns",
    "version": "3",
    "columns": {
        "Data": {"column": "desde", "date_order": "dmy"},
        "Tipo": {"column": "olaria", "codes": {"F": "fixa"}, "otherwise": "movel"},
        "Nome": None,
    },
}


def kilns(**changes: Any) -> Mapping:
    return parse(Mapping, json.dumps(KILNS | changes))


def columns(**each: Any) -> dict[str, Any]:
    return {"columns": each}


def test_a_mapping_that_fits_is_taken() -> None:
    kilns().check(bricks())
    same_names(bricks()).check(bricks())
    same_names(cases()).check(cases())
    assert same_names(cases()).columns["notes"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"vocabulary": "cases"},
        {"version": "2"},
        columns(a={"column": "nowhere"}),
        columns(a={"column": "olaria", "codes": {"F": "flying"}}),
        columns(a={"column": "olaria", "otherwise": "flying"}),
        columns(a={"column": "olaria", "bands": [{"below": None, "code": "flying"}]}),
        columns(a={"column": "desde", "codes": {"x": "fixa"}}),
        columns(a={"column": "olaria", "date_order": "dmy"}),
        columns(a={"column": "olaria", "decimals": 2}),
        {"constants": {"olaria": "fixa"}} | columns(a={"column": "nowhere"}),
        {"constants": {"olaria": "flying"}} | columns(a=None),
        {"constants": {"documento": "fixa"}} | columns(a=None),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        kilns(**changes).check(bricks())


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {}},
        columns(a={"column": "olaria"}, b={"column": "olaria"}),
        columns(a={"column": "olaria"}, A=None),
        {"constants": {"olaria": "fixa"}} | columns(a={"column": "olaria"}),
        columns(a={"column": "olaria", "codes": {"f": "fixa", "F ": "movel"}}),
        columns(a={"column": "olaria", "python": "eval"}),
        columns(a={"column": "desde", "date_order": "ydm"}),
        columns(a={"column": "olaria", "bands": [{"below": 5, "code": "a"}] * 2}),
        columns(
            a={
                "column": "olaria",
                "bands": [{"below": None, "code": "a"}, {"below": 3, "code": "b"}],
            }
        ),
        {"calling_code": "+855"},
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        kilns(**changes)


def test_a_forbidden_column_is_never_filled() -> None:
    document = same_names(cases()).model_dump(mode="json")
    document["columns"]["notes"] = {"column": "notes"}
    with pytest.raises(InvalidInput, match="FORBIDDEN"):
        parse(Mapping, json.dumps(document)).check(cases())
