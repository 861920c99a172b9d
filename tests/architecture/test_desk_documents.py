"""The pages for people who work at desks say what the desks' pages say, and show them."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.source import ROOT

FOLDER = ROOT / "docs" / "desks"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md"))


def said() -> set[str]:
    """Every sentence of the desks' pages, in English."""
    found: set[str] = set()
    for path in (ROOT / "controllers" / "desks" / "languages").glob("*.en.json"):
        found |= set(json.loads(path.read_text("utf-8"))["texts"].values())
    return found


def test_there_is_a_page_for_each_of_them() -> None:
    expected = "administrator cashier governance-officer prosecutor shelter-worker"
    assert expected.split() == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_what_is_bold_are_words_of_the_desks(name: str) -> None:
    bold = re.findall(r"\*\*(.+?)\*\*", (FOLDER / f"{name}.md").read_text("utf-8"))
    assert len(bold) > 5
    assert [each for each in bold if each not in said()] == []


def test_every_picture_is_shown_and_says_what_it_shows() -> None:
    shown = set()
    for name in PAGES:
        for words, path in re.findall(
            r"!\[(.*?)\]\((.+?)\)", (FOLDER / f"{name}.md").read_text("utf-8")
        ):
            assert words
            shown.add(path)
    there = {f"pictures/{path.name}" for path in (FOLDER / "pictures").iterdir()}
    assert shown == there
