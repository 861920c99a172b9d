"""The pages on vocabulary and importing say what the code does; their example runs."""

from __future__ import annotations

import io
import re

from core.canonical import read_object
from dataspace.gathering.coding import gather
from dataspace.gathering.matchkeys import LINK_ROLES, PERSON_KEYS
from dataspace.gathering.reading import read_csv
from dataspace.vocabulary.mapping import Mapping
from dataspace.vocabulary.model import Column, Constraint, cases, parse
from tests.architecture.source import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / "dataspace" / name).read_text(encoding="utf-8")


def block(name: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page(name), re.DOTALL)
    assert found
    return found[1]


def first_cells(name: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)`", page(name), re.MULTILINE))


def test_the_example_of_an_import_runs() -> None:
    mapping = parse(Mapping, block("importing.md", "json"))
    rows = read_csv(io.BytesIO(block("importing.md", "csv").encode()))
    made = gather(rows, mapping, cases())
    assert len(made.table) == 2
    assert made.table.columns["cost_amount"].tolist() == [123_450, 8_000]
    assert all(values.all() for values in made.table.columns.values())


def test_the_example_of_a_column_is_one() -> None:
    text = "{" + block("vocabulary.md", "json") + "}"
    assert Column.model_validate(read_object(text, step="page")["region"]).least_cell == 20


def test_every_constraint_and_every_key_has_its_row() -> None:
    assert first_cells("vocabulary.md") >= set(Constraint)
    assert first_cells("importing.md") >= {*PERSON_KEYS, *LINK_ROLES}


def test_whose_standard_it_follows_is_said() -> None:
    text = page("vocabulary.md")
    for words in ("HTCDS) 2.0", "IOM", "CC BY 4.0", "does not endorse"):
        assert words in text
