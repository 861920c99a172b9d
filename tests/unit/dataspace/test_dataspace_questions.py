"""The catalogue: every file is a question, and each says what it leaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from questions_world import VOCABULARY, plan

from core.errors import ConfigurationError, InvalidInput
from dataspace import questions
from dataspace.planning.plan import Plan
from dataspace.questions.base import Question
from dataspace.questions.catalogue import catalogue, question_of
from dataspace.questions.notes import WORDS, Note
from dataspace.questions.reveal import state
from governance.engine import parse_framework
from tests.architecture.source import ROOT

NAMES = [
    "counts", "outcomes", "overlaps", "priorities", "reveal", "risk", "total", "trends",
]  # fmt: skip


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are questions too, for this test."""
    monkeypatch.setattr(questions, "__path__", [*questions.__path__, str(tmp_path)])
    catalogue.cache_clear()
    yield tmp_path
    catalogue.cache_clear()


def test_all_questions_are_there() -> None:
    assert list(catalogue()) == NAMES
    with pytest.raises(InvalidInput):
        question_of("divination")


def test_a_file_that_is_dropped_in_is_found(dropped: Path) -> None:
    (dropped / "dropped_in.py").write_text(
        "from dataspace.questions.counts import Counts\n"
        "class Dropped(Counts):\n    name = 'dropped-in'\n"
        "QUESTION = Dropped()\n"
    )
    assert list(catalogue()) == sorted([*NAMES, "dropped-in"])


def test_a_question_without_a_leak_or_a_name_of_its_own_is_refused(dropped: Path) -> None:
    (dropped / "second_counts.py").write_text(
        "from dataspace.questions.counts import Counts\nQUESTION = Counts()\n"
    )
    with pytest.raises(ConfigurationError):
        catalogue()


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_leaks_here_and_in_the_docs(name: str) -> None:
    question = question_of(name)
    assert len(question.leak) > 80
    page = (ROOT / "docs" / "dataspace" / "leaks.md").read_text(encoding="utf-8")
    section = re.search(rf"^## `{name}`.*?\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/dataspace/leaks.md has no section on {name}"
    for who in ("analyst", "node", "evaluator", "evaluator and one organisation"):
        assert re.search(rf"^\| {who}[^|]*\| \S", section[1], re.MULTILINE), who
    assert question.__class__.__doc__
    assert set(question.titles) == set(VOCABULARY.languages)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_computation_of_the_framework(name: str) -> None:
    rules = json.loads((ROOT / "governance" / "framework" / "rules.json").read_text())
    computation = question_of(name).computation
    assert computation in rules["computations"]
    may = {role for role, rights in rules["roles"].items() if computation in rights["compute"]}
    medical = set() if computation == "linkage" else {"health-service"}
    assert may == {"shelter", "police", "labour-inspectorate"} | medical
    assert callable(parse_framework)


def example(question: Question) -> Plan:
    members: dict[str, Any] = dict(question.describe(VOCABULARY).example)
    options = dict(members.pop("options", {}))
    if question.name == "reveal":
        options |= state(["case-1"]).options
    return plan(question.name, **members, options=options)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_each_form_is_a_plan(name: str) -> None:
    question = question_of(name)
    asked = example(question)
    question.check(asked)
    question.fits(asked, VOCABULARY)
    described = question.describe(VOCABULARY)
    json.dumps(described.document())
    for choice in (described.groups, described.filters, described.measures, described.link):
        assert choice.least <= choice.most
    for each in question.uses(asked):
        assert each.column in VOCABULARY.columns


@pytest.mark.parametrize("name", NAMES)
def test_a_form_offers_nothing_personal_for_tables(name: str) -> None:
    described = question_of(name).describe(VOCABULARY)
    for choice in (described.groups, described.filters, described.measures):
        assert not any(VOCABULARY.columns[each].personal for each in choice.names)


def test_every_note_has_words() -> None:
    assert set(WORDS) == set(Note)
