"""The pages that are handed to people say what the app says, and nothing of what happened to
anybody; each language has the same parts and pictures."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.source import ROOT

PAGES = ROOT / "docs" / "people"
LANGUAGES = ("en", "es", "km")
NAMES = [f"{page}.{each}" for page in ("survivors", "guardians") for each in LANGUAGES]
TELLING = re.compile(
    r"surviv|traffick|victim|shelter|haven|refug|v[ií]ctim|\btrata\b|sobrevivi|ជនរងគ្រោះ|ជួញដូរ",
    re.IGNORECASE,
)
TARGET = re.compile(r"\]\([^)]+\)")


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def app_says(language: str) -> list[re.Pattern[str]]:
    """The app's sentences; where a part is filled in, anything may stand."""
    file = ROOT / "wallet_app" / "languages" / f"{language}.json"
    texts = json.loads(file.read_text(encoding="utf-8"))["texts"].values()
    return [re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(each))) for each in texts]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_bold_are_words_of_the_app(name: str) -> None:
    said = app_says(name.split(".")[1])
    bold = re.findall(r"\*\*(.+?)\*\*", page(name))
    assert len(bold) > 10
    assert [each for each in bold if not any(text.fullmatch(each) for text in said)] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_read_says_what_happened_to_anybody(name: str) -> None:
    assert TELLING.findall(TARGET.sub("]", page(name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_is_of_its_language_and_says_what_it_shows(name: str) -> None:
    pictures = re.findall(r"!\[(.*?)\]\((.+?)\)", page(name))
    assert pictures
    for words, path in pictures:
        assert words
        assert re.fullmatch(rf"pictures/[a-z-]+\.{name.split('.')[1]}\.png", path)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(".en")])
def test_each_language_has_the_same_parts(name: str) -> None:
    english = page(f"{name.split('.', maxsplit=1)[0]}.en")
    assert shape(page(name)) == shape(english)


def shape(text: str) -> list[str]:
    """Each line by what begins it, with the pictures on it and how often the app is quoted."""
    return [
        f"{begin(line)} {re.findall(r'/([a-z-]+)[.]', line)} {line.count('**') // 2}"
        for line in text.splitlines()
        if line
    ]


def begin(line: str) -> str:
    found = re.match(r"#+ |- |\d\. |\||---|!", line)
    return found.group() if found else "text"
