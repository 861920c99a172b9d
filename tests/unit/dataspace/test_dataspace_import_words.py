"""Whatever is wrong with a file or its mapping has a code, and words in every language."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator

import pytest

from controllers.dataspace.console.entry import words_of
from controllers.dataspace.console.texts import _TEXTS, LANGUAGES, is_said
from core.errors import InvalidInput
from tests.architecture.source import ROOT

FILES = [
    *(f"dataspace/gathering/{each}.py" for each in ("reading", "excel", "coding", "values")),
    "dataspace/vocabulary/mapping.py",
    "controllers/dataspace/importing.py",
]
ERRORS = {"InvalidInput", "TooLarge", "Refused", "Misfit"}
# what is added to an error where it is told of a value, or of a place in the document
ALSO = {"Refused": {"line", "column", "becomes"}, "Misfit": {"place"}}
PREFIXES = ("refused.import-", "refused.mapping-", "refused.document-")


def made(path: str) -> Iterator[tuple[str, str, dict[str | None, ast.expr]]]:
    """Every error that a file makes: where, of which kind, with what beside its words."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        name = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(name, ast.Name) and name.id in ERRORS:
            given = {each.arg: each.value for each in node.keywords}
            yield f"{path}:{node.lineno}", name.id, given


def coded() -> dict[str, set[str]]:
    """Every code, and what is beside it wherever it is given."""
    others = ("dataspace/vocabulary/model.py", "controllers/dataspace/sources.py")
    found: dict[str, set[str]] = {}
    for path in (*FILES, *others):
        for _, kind, given in made(path):
            code = given.get("code")
            if isinstance(code, ast.Constant):
                beside = {str(name) for name in given} | ALSO.get(kind, set())
                name = str(code.value)
                found[name] = found.get(name, beside) & beside
    return found


@pytest.mark.parametrize("path", FILES)
def test_no_fault_of_a_file_or_mapping_is_without_a_code(path: str) -> None:
    listed = list(made(path))
    assert listed
    # `**error.extra` hands on what a value was refused with, its code with it
    assert [at for at, _, given in listed if not {"code", None} & set(given)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_code_has_words_of_what_is_beside_it(language: str) -> None:
    found = coded()
    assert len(found) > 45
    for code, beside in found.items():
        key = f"refused.{code}"
        assert is_said(language, key), key
        text = _TEXTS.said_or(language, key, "")
        parts = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert parts <= beside, key


def test_no_words_are_left_without_a_code() -> None:
    keys = {key for key in _TEXTS.keys("en") if key.startswith(PREFIXES)}
    assert keys == {f"refused.{code}" for code in coded()}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Line 12,345, column Sexo: no code of its list"),
        ("es", "Línea 12.345, columna Sexo: no es ningún código de su lista"),
        ("km", "បន្ទាត់ទី 12.345 ជួរឈរ Sexo៖"),
    ],
)
def test_the_line_and_column_are_told_in_the_persons_language(language: str, said: str) -> None:
    fault = InvalidInput("no code", code="import-code", line=12_345, column="Sexo")
    assert words_of(language, fault).startswith(said)
