"""Every test that docs/threat-model.md names is there, and every attack says how it stands."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::[\w\[\].]+)`", PAGE)))


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@cache
def steps() -> str:
    story = (ROOT / "controllers" / "story").glob("*.py")
    return "\n".join(path.read_text(encoding="utf-8") for path in story)


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    function, _, step = function.partition("[")
    assert (ROOT / path).exists()
    assert function in functions(path)
    assert not step or f'"{step.rstrip("]")}"' in steps()


def test_many_are_named() -> None:
    assert len(NAMED) > 50


def test_every_attack_has_an_answer_or_says_that_there_is_none() -> None:
    section = PAGE.split("## Attacks")[1].split("## What is not covered")[0]
    for line in section.splitlines():
        if not line.startswith("|") or line.startswith(("|---", "| attack")):
            continue
        _, attack, stops, test, remains, _ = (cell.strip() for cell in line.split("|"))
        assert attack
        assert ("::" in test and stops) or (test == "none" and remains), line
