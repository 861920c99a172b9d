"""Every difference between two versions has its sentence, in every language."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import governance.differences
from controllers.desks.texts import LANGUAGES, is_said, keys, say_in
from controllers.governance.consequences import consequences
from controllers.governance.telling import told
from governance import documents
from governance.engine import parse_framework
from tests.unit.governance.governance_sample import ENDED, NOW, did, document

SOURCE = Path(governance.differences.__file__).read_text("utf-8")
_NAMED, _ACTIONS = ("role", "credential", "computation", "check"), ("issue", "ask", "compute")


def kinds() -> set[str]:
    """Every kind that governance/differences.py makes, read from its source."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Difference":
            found |= set(_spelt(node.args[0]))
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            first = node.value.elts[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def _spelt(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if not isinstance(node, ast.JoinedStr):
        return []  # a name: what it stands for is returned elsewhere
    spelt = [""]
    for part in node.values:
        if isinstance(part, ast.Constant):
            spelt = [each + str(part.value) for each in spelt]
        else:
            assert isinstance(part, ast.FormattedValue)
            assert isinstance(part.value, ast.Name)
            ends = _ACTIONS if part.value.id == "action" else _NAMED
            spelt = [each + end for each in spelt for end in ends]
    return spelt


def test_the_kinds_are_found_in_the_source() -> None:
    assert {
        "role-added", "check-removed", "role-loses-compute", "grant-withdrawn", "good-until",
        "endorsement-less", "signer-removed", "participant-suspended", "kept-longer",
    } <= kinds()  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_its_sentence_and_no_sentence_is_idle(language: str) -> None:
    prefix = "governing.difference."
    assert [each for each in sorted(kinds()) if not is_said(language, prefix + each)] == []
    said = {key.removeprefix(prefix) for key in keys(language) if key.startswith(prefix)}
    assert said == kinds()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_whole_change_of_everything_is_told(language: str) -> None:
    before = document()
    rules = documents.packaged_rules()
    rules["roles"]["court"]["ask"] = []
    rules["roles"]["police"]["issue"] = ["identity"]
    rules["roles"]["new"] = {"issue": [], "ask": [], "compute": ["tabulation"]}
    del rules["checks"]["court"]
    rules["checks"]["shelter"]["retention_seconds"] += 1
    after = documents.with_rules(before, rules, ENDED)
    after = documents.suspend_participant(after, did("harbour"), NOW, withdraw_grants=True)
    after = documents.end_endorsement(after, "neighbour", NOW)
    after = documents.with_signers(after, [did("court")], 2, NOW)
    old, new = (parse_framework(documents.serialise(each)) for each in (before, after))
    found = consequences(old, new)
    sentences = told(found, language)
    assert len(sentences) == len(found.differences) > 10
    for each in sentences:
        assert "{" not in each.text
        assert "did:" not in each.text, each
    assert len({each.effect for each in sentences}) == 3
    assert say_in(language)("governing.level.major", version=new.version)
