"""The documents name what the code has: settings, problems, routes, reasons; links resolve.

The framework's fields and the engine's reasons are held to governance/README.md in
tests/unit/governance/test_governance_rules.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers.app import build
from controllers.secrets import load_or_create
from controllers.settings import Settings
from core.errors import HavenError
from governance.assessment import CHECK_NAMES
from tests.architecture.source import ROOT

METHODS = {"get", "post", "put", "patch", "delete"}
# where a check's results get their names and reasons
JUDGING = ("controllers/verifier/judging.py", "controllers/verifier/reserving.py")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def markdown() -> list[Path]:
    """Every Markdown file that is committed, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def rows(document: str) -> Iterator[list[str]]:
    """The cells of every row of every table."""
    for line in document.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def errors(kind: type[HavenError] = HavenError) -> Iterator[type[HavenError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from errors(child)


# --- settings ------------------------------------------------------------------------


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    found = [row for row in rows(text("docs/settings.md")) if f"HAVEN_{name.upper()}" in row[0]]
    assert len(found) == 1
    assert found[0][1].startswith(as_written(Settings.model_fields[name].default))
    assert found[0][2]


def as_written(default: object) -> str:
    if default is None:
        return "none"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_no_setting_is_documented_that_is_not_there() -> None:
    named = set(re.findall(r"HAVEN_([A-Z_]+)", text("docs/settings.md")))
    assert {name.lower() for name in named} == set(Settings.model_fields)


# --- problems ------------------------------------------------------------------------


def test_every_problem_is_documented_with_its_status() -> None:
    section = text("docs/api.md").split("## Problems")[1].split("## ")[0]
    documented = {(row[0].strip("`"), row[1]) for row in rows(section)} - {("type", "status")}
    ours = [each for each in errors() if each.__module__ == HavenError.__module__]
    assert documented == {(each.slug, str(each.status)) for each in ours}


# --- routes --------------------------------------------------------------------------


def test_every_route_is_documented(tmp_path: Path) -> None:
    described = build(
        Settings(data_dir=tmp_path), load_or_create(tmp_path)
    ).public_app.openapi()
    routes = {
        f"{method.upper()} {path}"
        for path, methods in described["paths"].items()
        for method in METHODS & set(methods)
    }
    section = text("docs/api.md").split("## All routes")[1]
    assert {row[0].strip("`") for row in rows(section)} - {"route"} == routes


# --- what a check answers ------------------------------------------------------------


def results_made() -> Iterator[str]:
    """Names and reasons of results that the verifier makes: short texts in calls."""
    for path in JUDGING:
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                if node.func.id in {"_result", "_ok", "CheckResult"}:
                    yield from codes(given)


def codes(given: list[ast.expr]) -> Iterator[str]:
    """The constants among these that are codes, and not sentences."""
    for each in given:
        value = each.value if isinstance(each, ast.Constant) else None
        if isinstance(value, str) and re.fullmatch(r"[a-z][a-z-]*", value):
            yield value


def test_every_result_of_a_check_is_documented() -> None:
    found = {*CHECK_NAMES, *results_made()}
    assert {"old-list", "used-already", "malformed", "once", "freshness"} <= found
    common = {"ok", "passed"}  # said in the text around the table
    page = text("docs/api.md")
    assert [code for code in sorted(found - common) if f"`{code}`" not in page] == []


# --- links ---------------------------------------------------------------------------


def relative_links(page: Path) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """The names that headings get."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {
        re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings
    }


@pytest.mark.parametrize("page", markdown(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in relative_links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_page_is_in_the_index() -> None:
    index = text("docs/README.md")
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert [page for page in pages if f"]({page})" not in index] == []


def test_tests_that_the_pages_name_are_there() -> None:
    named = {
        path
        for page in markdown()
        for path in re.findall(r"`(tests/[\w/.]+)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
