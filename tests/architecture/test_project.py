"""Promises that stand outside the code: reasons for dependencies, decision records."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT

ADR = ROOT / "docs" / "adr"
RECORDS = sorted(ADR.glob("[0-9]*.md"))
PAGE_LINES = 70
REASON_CHARACTERS = 10


def dependencies(project: dict[str, Any]) -> list[str]:
    """Every requirement that pyproject.toml names, wherever it stands."""
    tables = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"].get("optional-dependencies", {}).values(),
        *project.get("dependency-groups", {}).values(),
    ]
    return [item for table in tables for item in table if isinstance(item, str)]


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    bare = [
        requirement
        for requirement in dependencies(tomllib.loads(text))
        if not re.search(
            rf'"{re.escape(requirement)}"\]?,?[ \t]*#[ \t]*\S.{{{REASON_CHARACTERS},}}', text
        )
    ]
    assert bare == []


@pytest.mark.parametrize(
    "lock",
    ["requirements.txt", "requirements-dev.txt", "requirements-otel.txt", "scripts/uv.txt"],
)
def test_every_pin_has_a_hash_and_no_source(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][^\n]*\n", text, flags=re.M)
    assert pins
    assert [pin for pin in pins if "==" not in pin or not pin.rstrip().endswith("\\")] == []
    assert not re.search(r"://|^--", text, flags=re.M)


@pytest.mark.parametrize(
    "listed", sorted((ROOT / "scripts").glob("npm-*.txt")), ids=lambda path: path.name
)
def test_every_package_of_npm_has_a_hash_and_no_source(listed: Path) -> None:
    lines = [line for line in listed.read_text("utf-8").splitlines() if line[0] != "#"]
    assert lines
    form = re.compile(r"[@\w./-]+ \d+\.\d+\.\d+(-[\w.]+)? sha512-[A-Za-z0-9+/]{86}==")
    assert [line for line in lines if not form.fullmatch(line)] == []


def test_what_is_declared_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = "".join(
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", text, flags=re.M))
    declared = {re.split(r"[\[<>=~! ;]", item)[0].lower() for item in dependencies(project)}
    assert declared - pinned == set()


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_record_is_one_page_of_three_parts(record: Path) -> None:
    lines = record.read_text(encoding="utf-8").splitlines()
    number = record.name.split("-")[0]
    assert lines[0].startswith(f"# {int(number)}. ")
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Decision",
        "## Consequences",
    ]
    assert len(lines) < PAGE_LINES


def test_decision_records_are_numbered_without_gaps_and_indexed_in_order() -> None:
    numbers = [path.name.split("-")[0] for path in RECORDS]
    assert numbers == [f"{n:04d}" for n in range(1, len(RECORDS) + 1)]
    index = (ADR / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-[^)]+\.md)\)", index) == [path.name for path in RECORDS]
