"""The console's sentences: in every language with the same parts, and none that nobody says."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

from controllers.dataspace import console
from controllers.dataspace.console.attacks import ATTACKS
from controllers.dataspace.console.texts import LANGUAGES, is_said
from controllers.dataspace.console.tour import STEPS
from controllers.dataspace.console.words import Words, day, minute
from dataspace.codes import CHECKS, CODES
from dataspace.estimating.side_by_side import Finding
from dataspace.questions.catalogue import catalogue
from dataspace.questions.notes import Note
from dataspace.recording.log import Kind
from dataspace.vocabulary.model import cases

FOLDER = Path(console.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
PARTS = sorted({path.name.split(".")[0] for path in (FOLDER / "languages").glob("*.json")})
SAID = re.compile(r"""\bsay\(\s*(["'])([a-z0-9.-]*[a-z0-9])\1\s*[,)]""")


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
        assert list(said) == list(in_english), language
        for key, text in said.items():
            assert text.strip(), key
            assert parts_of(text) == parts_of(in_english[key]), f"{language}: {key}"


def test_no_sentence_stands_in_two_parts() -> None:
    keys = [key for part in PARTS for key in texts(part, "en")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("path", [*TEMPLATES, *FOLDER.glob("*.py")], ids=lambda path: path.name)
def test_what_is_said_is_there(path: Path) -> None:
    known = {key for part in PARTS for key in texts(part, "en")}
    said = {key for _, key in SAID.findall(path.read_text("utf-8"))}
    assert said <= known


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_style_script_or_words_of_its_own(path: Path) -> None:
    content = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b", content)
    assert not re.search(r"<script(?![^>]*\ssrc=)", content)
    bare = re.sub(r"\{[%{#].*?[%}#]\}|<[^>]*>|&[a-z]+;", " ", content, flags=re.DOTALL)
    assert not re.search(r"[A-Za-z]{2,}", bare), "words belong into the language files"


@pytest.mark.parametrize("step", STEPS)
def test_each_step_of_the_tour_is_told(step: str) -> None:
    wanted = ["title", "short", "one", *(["try", "after", "plan"] if step in ATTACKS else [])]
    assert [each for each in wanted if not is_said("en", f"tour.{step}.{each}")] == []


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_of_the_gate_has_words(check: str) -> None:
    assert is_said("en", f"check.{check}")


@pytest.mark.parametrize("code", CODES)
def test_each_refusal_has_words(code: str) -> None:
    assert is_said("en", f"refused.{code}")


@pytest.mark.parametrize("note", [*Note, *(f"{each}" for each in Finding)])
def test_each_note_and_finding_has_words(note: str) -> None:
    assert is_said("en", f"note.{note}") or is_said("en", f"finding.{note}")


@pytest.mark.parametrize("name", catalogue())
def test_each_question_is_told_plainly(name: str) -> None:
    assert is_said("en", f"help.{name}")
    assert is_said("en", f"leak.{name}")


def test_each_option_link_and_entry_has_words() -> None:
    described = [each.describe(cases()) for each in catalogue().values()]
    options = {option.name for each in described for option in each.options}
    links = {name for each in described for name in each.link.names} - set(cases().columns)
    wanted = [f"option.{name}" for name in options]
    wanted += [f"link.{name}" for name in links]
    wanted += [f"entry.{kind}" for kind in Kind]
    assert [each for each in wanted if not is_said("en", each)] == []


def test_a_case_reference_is_shown_as_it_can_be_asked_about() -> None:
    """Somebody copies it from the ranked list into the form of `reveal`."""
    column = {"kind": "identifier", "labels": {"en": "place of exploitation"}}
    words = Words({"columns": {"place": column}}, "en")
    assert words.cell("case", "shelter-a-00004") == "shelter-a-00004"
    assert words.cell("kind", "place") == "place of exploitation"


def test_a_sentence_names_columns_in_the_persons_language() -> None:
    column = {"kind": "identifier", "labels": {"en": "place", "es": "lugar de explotación"}}
    words = Words({"columns": {"place": column}}, "es")
    parts = {"keys": "place, national_id", "evaluator": "E"}
    said = words.sentence("reveal.tokens", parts)
    assert "lugar de explotación" in said


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-03-01T23:30:00-05:00", "2026-03-02 04:30"),
        ("2026-03-02T01:00:00+07:00", "2026-03-01 18:00"),
        ("2026-03-01T23:30:00Z", "2026-03-01 23:30"),
        ("9999-12-31T23:30:00-05:00", "9999-12-31T23:30:00-05:00"),
    ],
)
def test_a_time_is_shown_in_utc_whatever_the_asker_wrote_it_in(moment: str, shown: str) -> None:
    assert minute(moment) == shown
    assert day(moment) == shown[:10]
