"""The documents name what the code has: settings, problems, routes, reasons; links resolve.

The framework's fields and the engine's reasons are held to governance/README.md in
tests/unit/governance/test_governance_rules.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from controllers.app import build
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.wallet.fetching import _SAID
from controllers.wallet.offers import _MAY_NOT
from controllers.wallet.schemas import ObstacleShown
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


# what a wallet's app is told: each problem has a code, and each code a row
_WITH_CODES = ("controllers/wallet", "controllers/links")


_CODE_AT = {"told_as": 0, "require": 1}  # where they take a code
# what gives codes by itself; those of decisions about a computation are in dataspace/codes.py
_GIVES_CODES = ("controllers", "dataspace/gathering", "dataspace/vocabulary")


def raised(folder: str) -> Iterator[tuple[str, ast.Call]]:
    """Every error that a folder makes and raises, with its place."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
                if name != "ValueError":  # of a form: pydantic answers it
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.exc


def given_codes() -> Iterator[str]:
    """Every code that is given as `code=`, or as what `told_as` is called with."""
    for path in (path for each in _GIVES_CODES for path in (ROOT / each).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = [each.value for each in node.keywords if each.arg == "code"]
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            given += node.args[_CODE_AT[name] :] if name in _CODE_AT else []
            yield from codes(part for one in given for part in ast.walk(one))


def test_every_problem_of_a_wallet_has_a_code() -> None:
    found = [each for folder in _WITH_CODES for each in raised(folder)]
    assert len(found) > 30
    without = [place for place, call in found if "code" not in {k.arg for k in call.keywords}]
    assert without == []


def test_every_code_is_documented() -> None:
    section = text("docs/wallet-and-links.md").split("## When something does not work")[1]
    desks = text("docs/desks.md").split("## What can go wrong")[1]
    rules = text("docs/governance.md").split("## Codes")[1]
    spaces = text("docs/dataspace/running-a-node.md").split("## Codes")[1]
    files = text("docs/dataspace/importing.md").split("## Codes")[1]
    parts = (section, desks, rules, spaces, files)
    listed = [row for part in parts for row in rows(part.split("\n##")[0])]
    documented = {row[0].strip("`") for row in listed}
    slugs = {each.slug for each in errors()}
    ours = {code for code in {*given_codes(), *_SAID, _MAY_NOT} if code not in slugs}
    assert {"link-used", "nothing-fits", "may-not-offer", "wrong-code"} <= ours
    assert documented - {"code"} - slugs == ours
    assert "session-closed" in documented


def test_every_obstacle_is_documented() -> None:
    section = text("docs/wallet-and-links.md").split("### Why nothing fits")[1]
    documented = {row[0].strip("`") for row in rows(section.split("\n##")[0])} - {"kind"}
    assert documented == set(get_args(ObstacleShown.model_fields["kind"].annotation))


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


def codes(given: Iterable[ast.AST]) -> Iterator[str]:
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
