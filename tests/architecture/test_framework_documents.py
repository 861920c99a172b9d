"""The framework in words: its documents, its requirements, and what stands behind each.

A requirement is one item of a list, with an identifier and one capitalised keyword. For each,
`requirements.json` names the code that enforces it and a test that shows it, or what an auditor
looks at. What it names has to be there; whether it is the right place, people judge.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT

FRAMEWORK = ROOT / "governance" / "framework"
DOCUMENTS = FRAMEWORK / "documents"
ENGLISH = DOCUMENTS / "en"
LANGUAGES = ("en", "es", "km")

SECTIONS = [
    "1.1 Introduction",
    "1.2 Terminology and Notation",
    "1.3 Localization",
    "1.4 Governing Authority",
    "1.5 Administering Authority",
    "1.6 Purpose",
    "1.7 Scope",
    "1.8 Objectives",
    "1.9 Principles",
    "1.10 General Requirements",
    "1.11 Revisions",
    "1.12 Extensions",
    "1.13 Schedule of Controlled Documents",
]
CONTROLLED = {
    "glossary.md",
    "risk-assessment.md",
    "trust-assurance.md",
    "governance-requirements.md",
    "business-requirements.md",
    "technical-requirements.md",
    "information-trust-requirements.md",
    "inclusion-equitability-accessibility.md",
    "legal-agreements.md",
}
PLACEHOLDERS = {
    "authority_name",
    "authority_did",
    "jurisdictions",
    "contact",
    "version",
    "version_url",
    "issued_at",
    "expires_at",
}
LAWS = (
    "34 U.S.C. 12291(b)(2)",
    "28 CFR 94.115",
    "Council of Europe Convention",
    "Palermo Protocol",
    "GDPR",
    "ISO/IEC TS 27560",
    "Federal Rules of Evidence",
    "eIDAS",
)

# whole words: what RFC 2119 knows, also those that these documents do not use
KEYWORD = re.compile(
    r"\b(?:MUST NOT|MUST|SHALL NOT|SHALL|SHOULD NOT|SHOULD"
    r"|NOT RECOMMENDED|RECOMMENDED|REQUIRED|OPTIONAL|MAY)\b"
)
USED = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"}
REQUIREMENT = re.compile(r"- \*\*(HTF-([A-Z]{3})-\d\d)\*\* (.+\.)")
IDENTIFIER = re.compile(r"HTF-[A-Z]+-\d+")
HURTING = re.compile(
    r"\b(?:surviv|victim|traffick|slave|supervivient|sobrevivient|víctima|trata\b|tráfico"
    r"|esclav)|រងគ្រោះ|ជួញដូរ|រស់រានមានជីវិត|ទាសករ",
    re.IGNORECASE,
)
KHMER = re.compile(r"[\u1780-\u17ff]")
REGISTER: dict[str, dict[str, Any]] = json.loads(
    (FRAMEWORK / "requirements.json").read_text(encoding="utf-8")
)
RULES = {key: entry for key, entry in REGISTER.items() if entry["kind"] == "rule"}


def pages() -> list[Path]:
    """Every document, in whatever language."""
    return sorted(DOCUMENTS.rglob("*.md"))


def short(page: Path) -> str:
    return page.relative_to(DOCUMENTS).as_posix()


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def sections(page: Path) -> list[tuple[str, str]]:
    """Title and text of each section of the second level."""
    parts = re.split(r"^## (.+)\n", text(page), flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def requirements(page: Path) -> list[tuple[str, str, str]]:
    """Identifier, area and sentence of each requirement."""
    found = (REQUIREMENT.fullmatch(line) for line in text(page).splitlines())
    return [(match[1], match[2], match[3]) for match in found if match]


def all_requirements() -> Iterator[tuple[Path, str, str, str]]:
    for page in pages():
        for identifier, area, sentence in requirements(page):
            yield page, identifier, area, sentence


each_page = pytest.mark.parametrize("page", pages(), ids=short)


# --- the documents -------------------------------------------------------------------


def test_the_primary_document_has_its_thirteen_sections_in_order() -> None:
    found = sections(ENGLISH / "primary.md")
    assert [title for title, _ in found] == SECTIONS
    assert [title for title, body in found if not body.strip()] == []


def test_every_controlled_document_is_there_and_in_the_schedule() -> None:
    _, schedule = sections(ENGLISH / "primary.md")[-1]
    listed = re.findall(r"^\| [^|]+ \| \[([\w-]+\.md)\]\(\1\) \|", schedule, flags=re.M)
    assert sorted(listed) == sorted(CONTROLLED)
    assert {path.name for path in ENGLISH.glob("*.md")} == {
        *CONTROLLED,
        "primary.md",
        "compliance-matrix.md",
        "for-you.md",
    }


def test_the_schedule_names_the_areas_of_each_document() -> None:
    _, schedule = sections(ENGLISH / "primary.md")[-1]
    rows = re.findall(r"\(([\w-]+\.md)\) \|([^|\n]*)\|", schedule)
    said = {name: sorted(re.findall(r"[A-Z]{3}", areas)) for name, areas in rows}
    found: dict[str, set[str]] = {name: set() for name in CONTROLLED}
    for page, _, area, _ in all_requirements():
        found.setdefault(page.name, set()).add(area)
    assert found.pop("primary.md") == {"GEN"}
    assert said == {name: sorted(areas) for name, areas in found.items()}


@each_page
def test_a_placeholder_is_one_that_an_installation_fills_in(page: Path) -> None:
    assert set(re.findall(r"\{([^}]*)\}", text(page))) <= PLACEHOLDERS
    assert text(page).count("{") == text(page).count("}")


def test_every_placeholder_is_used() -> None:
    assert set(re.findall(r"\{(\w+)\}", text(ENGLISH / "primary.md"))) == PLACEHOLDERS


def test_what_survivors_read_is_the_same_in_every_language() -> None:
    """As many headings and points, in the same order; and words, not the English again."""
    bodies = [text(DOCUMENTS / language / "for-you.md") for language in LANGUAGES]
    shapes = [re.findall(r"^(#+ |- |\d+\. )", body, flags=re.M) for body in bodies]
    assert shapes[0] == shapes[1] == shapes[2]
    assert sum(mark.startswith("#") for mark in shapes[0]) > 5
    assert len(set(bodies)) == len(LANGUAGES)


@pytest.mark.parametrize(
    "page", [f"{each}/for-you.md" for each in LANGUAGES] + ["es/glossary.md", "km/glossary.md"]
)
def test_what_survivors_read_says_nothing_that_would_hurt(page: str) -> None:
    """The rule and its words are those of the cards: HTF-INC-04."""
    assert HURTING.findall(text(DOCUMENTS / page)) == []


@pytest.mark.parametrize("name", ["for-you.md", "glossary.md"])
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Ninguna persona que hable español como lengua materna ha revisado"),
        ("km", "មិនទាន់មានអ្នកដែលនិយាយភាសាខ្មែរតាំងពីកំណើតពិនិត្យ"),
    ],
)
def test_a_translation_says_that_nobody_has_reviewed_it(
    name: str, language: str, said: str
) -> None:
    head = text(DOCUMENTS / language / name).splitlines()[:4]
    assert any(said in line for line in head)


def test_khmer_is_khmer_and_the_others_are_not() -> None:
    for page in pages():
        lines = [line for line in text(page).splitlines() if re.search(r"\w", line)]
        khmer = [line for line in lines if KHMER.search(line)]
        if page.parent.name == "km":
            assert khmer == lines, short(page)
        else:
            assert len(khmer) <= 2, short(page)  # where the languages name themselves


def test_the_words_explained_are_the_same_in_spanish_and_khmer() -> None:
    counted = {
        language: len(re.findall(r"^\| ", text(DOCUMENTS / language / "glossary.md"), re.M))
        for language in ("es", "km")
    }
    assert counted["es"] == counted["km"] > 10


# --- the requirements ----------------------------------------------------------------


def test_every_requirement_stands_once() -> None:
    found = [identifier for _, identifier, _, _ in all_requirements()]
    assert len(found) > 90
    assert sorted(found) == sorted(set(found))
    assert {page.parent for page, *_ in all_requirements()} == {ENGLISH}


def test_the_register_has_every_requirement_and_no_other() -> None:
    found = {identifier for _, identifier, _, _ in all_requirements()}
    assert set(REGISTER) == found


def test_an_area_stands_in_one_document_and_is_counted_without_gaps() -> None:
    places: dict[str, list[tuple[str, str]]] = {}
    for page, identifier, area, _ in all_requirements():
        places.setdefault(area, []).append((page.name, identifier))
    for area, found in places.items():
        assert len({name for name, _ in found}) == 1, area
        numbered = [f"HTF-{area}-{n:02d}" for n in range(1, len(found) + 1)]
        assert [identifier for _, identifier in found] == numbered


def test_a_requirement_is_one_sentence_with_one_keyword() -> None:
    for _, identifier, _, sentence in all_requirements():
        keywords = KEYWORD.findall(sentence)
        assert len(keywords) == 1, identifier
        assert keywords[0] in USED, identifier
        assert not re.search(r"[.?!] [A-Z]", sentence), identifier


@each_page
def test_a_keyword_in_capitals_stands_in_requirements_alone(page: Path) -> None:
    prose = "\n".join(
        line for line in text(page).splitlines() if not REQUIREMENT.fullmatch(line)
    )
    if page == ENGLISH / "primary.md":
        prose = re.sub(r"^## 1\.2 .*?(?=^## 1\.3)", "", prose, flags=re.M | re.S)
    assert KEYWORD.findall(prose) == []


@each_page
def test_an_identifier_that_is_named_is_there(page: Path) -> None:
    assert set(IDENTIFIER.findall(text(page))) - set(REGISTER) == set()


# --- what stands behind them ---------------------------------------------------------


def test_an_entry_is_a_rule_or_a_policy() -> None:
    fields = {"rule": {"kind", "enforced_by", "shown_by"}, "policy": {"kind", "audit"}}
    for identifier, entry in REGISTER.items():
        assert set(entry) == fields[entry["kind"]], identifier


def test_a_policy_says_what_an_auditor_looks_at() -> None:
    short_ones = [
        identifier
        for identifier, entry in REGISTER.items()
        if entry["kind"] == "policy" and len(entry["audit"].strip()) < 20
    ]
    assert short_ones == []


@cache
def names_in_python(path: str) -> frozenset[str]:
    """Functions, classes, and methods as `Class.method`."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(defined(tree.body, ""))


def defined(body: list[ast.stmt], within: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield within + node.name
        if isinstance(node, ast.ClassDef):
            yield from defined(node.body, f"{within}{node.name}.")


@cache
def names_in_script(path: str) -> frozenset[str]:
    """Functions that a script of the wallet app declares."""
    source = (ROOT / path).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^(?:export )?(?:async )?function (\w+)", source, flags=re.M))


def is_there(pointer: str) -> bool:
    """Whether `file.py:name`, `file.js:name` or a file of data leads somewhere."""
    path, _, name = pointer.partition(":")
    if not (ROOT / path).is_file() or path.startswith("tests/"):
        return False
    if path.endswith(".py"):
        return name in names_in_python(path)
    if path.endswith(".js"):
        return name in names_in_script(path)
    return path.endswith(".json") and not name


def is_shown(pointer: str) -> bool:
    """Whether `tests/….py::test_name` is a test that pytest collects."""
    path, _, name = pointer.partition("::")
    is_file = (ROOT / path).is_file() and Path(path).name.startswith("test_")
    return is_file and name.startswith("test_") and name in names_in_python(path)


@pytest.mark.parametrize("identifier", RULES)
def test_a_rule_is_enforced_and_shown(identifier: str) -> None:
    entry = RULES[identifier]
    assert entry["enforced_by"]
    assert entry["shown_by"]
    assert [each for each in entry["enforced_by"] if not is_there(each)] == []
    assert [each for each in entry["shown_by"] if not is_shown(each)] == []


@pytest.mark.parametrize(
    "pointer",
    [
        "governance/engine.py:nothing",
        "governance/engine.py",
        "governance/nothing.py:decide",
        "wallet_app/src/leave.js:nothing",
        "governance/framework/rules.json:court",
        "tests/architecture/source.py:files",
    ],
)
def test_a_pointer_that_leads_nowhere_is_found_out(pointer: str) -> None:
    assert not is_there(pointer)
    assert not is_shown(pointer)


# --- the laws ------------------------------------------------------------------------


def test_the_matrix_sets_requirements_against_every_law() -> None:
    matrix = text(ENGLISH / "compliance-matrix.md")
    assert "not legal advice" in "\n".join(matrix.splitlines()[:6])
    assert [law for law in LAWS if law not in matrix] == []


def test_a_file_that_the_matrix_names_is_there() -> None:
    named = re.findall(r"`([\w./-]+/[\w.-]*)`", text(ENGLISH / "compliance-matrix.md"))
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
