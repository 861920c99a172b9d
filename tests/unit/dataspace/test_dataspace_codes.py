"""The codes that pages have words for are all the codes there are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dataspace.codes import CHECKS, CODES

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("agreeing", "gating", "recording")  # of planning, codes are made from its steps
DOCUMENT = ROOT / "docs/dataspace/governance-of-a-computation.md"
OF_FORMS = {"terms-form", "plan-form"}  # a document that nobody can have meant


def given() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / "dataspace" / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "code":
                    yield from literals(node.value)


def literals(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def test_every_code_is_listed_once() -> None:
    assert len(set(CODES)) == len(CODES)
    assert set(given()) - OF_FORMS <= set(CODES)


def test_codes_are_stable_words() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in CODES)


def test_every_check_and_code_is_documented() -> None:
    words = set(re.findall(r"`([^`]+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert {*CHECKS, *CODES} <= words
