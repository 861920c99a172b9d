"""The desks' sentences: in every language, with the same parts, and none that nobody says."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

import controllers.desks
from controllers.desks.texts import LANGUAGES

FOLDER = Path(controllers.desks.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
PARTS = sorted({path.name.split(".")[0] for path in (FOLDER / "languages").glob("*.json")})
_SAID = re.compile(r"""\bsay\(\s*(["'])([a-z0-9.-]*[a-z0-9])\1""")


def texts(part: str, language: str) -> dict[str, str]:
    stored = json.loads((FOLDER / "languages" / f"{part}.{language}.json").read_text("utf-8"))
    assert stored["review"]
    found: dict[str, str] = stored["texts"]
    return found


def parts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("part", PARTS)
def test_every_sentence_is_there_in_every_language_with_the_same_parts(part: str) -> None:
    in_english = texts(part, "en")
    for language in LANGUAGES:
        said = texts(part, language)
        assert said.keys() == in_english.keys(), language
        for key, text in said.items():
            assert text.strip(), key
            assert parts_of(text) == parts_of(in_english[key]), f"{language}: {key}"


def test_no_sentence_stands_in_two_parts() -> None:
    keys = [key for part in PARTS for key in texts(part, "en")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_what_there_is(path: Path) -> None:
    known = {key for part in PARTS for key in texts(part, "en")}
    said = {key for _, key in _SAID.findall(path.read_text("utf-8"))}
    assert said <= known


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_style_script_or_words_of_its_own(path: Path) -> None:
    content = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b", content)
    assert not re.search(r"<script(?![^>]*\ssrc=)", content)
    bare = re.sub(r"\{[%{#].*?[%}#]\}|<[^>]*>|&[a-z]+;", " ", content, flags=re.DOTALL)
    assert not re.search(r"[A-Za-z]{2,}", bare), "words belong into the language files"
