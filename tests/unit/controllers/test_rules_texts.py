"""The sentences of the framework's pages: in every language, with the same parts, and none that
nobody says; and words for every name that the packaged framework has."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

import controllers.governance.site
from controllers.governance.site.service import names
from controllers.governance.site.texts import LANGUAGES, called
from controllers.governance.site.versions import topic_of
from governance import differences
from governance.controlled import controlled_documents
from governance.documents import packaged_rules

FOLDER = Path(controllers.governance.site.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
SOURCES = [*TEMPLATES, *FOLDER.glob("*.py")]
KHMER = re.compile(r"[\u1780-\u17ff]")
# what a person who was hurt should not have to read in a heading (as tests/architecture has it)
TELLING = re.compile(
    r"surviv|traffick|victim|slave|refug|v[ií]ctim|\btrata\b|sobrevivi|ជនរងគ្រោះ|ជួញដូរ",
    re.IGNORECASE,
)


def texts(language: str) -> dict[str, str]:
    stored = json.loads((FOLDER / "languages" / f"{language}.json").read_text("utf-8"))
    assert stored["review"]
    found: dict[str, str] = stored["texts"]
    return found


def parts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_there_in_every_language_with_the_same_parts() -> None:
    english = texts("en")
    for language in LANGUAGES:
        said = texts(language)
        assert list(said) == list(english), language
        for key, text in said.items():
            assert text.strip(), key
            assert parts_of(text) == parts_of(english[key]), f"{language}: {key}"


def test_khmer_is_khmer_and_spanish_is_not_english_again() -> None:
    english, spanish, khmer = (texts(language) for language in LANGUAGES)
    other_scripts = {"frame.language", "documents.pdf", "machine.trqp"}
    assert [k for k, v in khmer.items() if not KHMER.search(v) and "PDF" not in v] == []
    same = {k for k, v in spanish.items() if v == english[k] and k not in other_scripts}
    assert same <= {"condition.no", "condition.yes", "pdf.version"}


def test_no_sentence_says_what_happened_to_anybody() -> None:
    for language in LANGUAGES:
        assert [v for v in texts(language).values() if TELLING.search(v)] == []


def test_every_sentence_is_said_somewhere() -> None:
    source = "\n".join(path.read_text("utf-8") for path in SOURCES)
    families = {
        *("role", "action", "kind", "document", "level", "topic", "variant", "reason"),
        *("state", "kept", "once", "condition", "machine", "place", "about", "none", "error"),
        *("busy", "parameter", "mark"),
    }
    unsaid = [
        key
        for key in texts("en")
        if f'"{key}"' not in source
        and f"'{key}'" not in source
        and key.partition(".")[0] not in families
        and f"who.{key.partition('.')[2]}" not in {"who.issue", "who.ask", "who.compute"}
    ]
    assert unsaid == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_only_what_there_is_is_said(path: Path) -> None:
    said = re.findall(
        r"""\bsay\(\s*(["'])([a-z0-9.-]*[a-z0-9])\1\s*[,)]""", path.read_text("utf-8")
    )
    assert {key for _, key in said} <= texts("en").keys()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_style_script_or_words_of_its_own(path: Path) -> None:
    content = path.read_text("utf-8")
    assert not re.search(
        r"<style|<script|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b", content
    )
    bare = re.sub(r"\{[%{#].*?[%}#]\}|<[^>]*>|&[a-z]+;", " ", content, flags=re.DOTALL)
    assert set(re.findall(r"\w+", bare)) <= {"PDF"}


def test_the_packaged_frameworks_names_have_words() -> None:
    rules = packaged_rules()
    named = [("role", name) for name in rules["roles"]]
    named += [
        ("variant", name) for check in rules["checks"].values() for name in check["variants"]
    ]
    named += [("document", name) for name in names()]
    named += [("kind", each["kind"]) for each in controlled_documents()]
    source = Path(differences.__file__).read_text("utf-8")
    kinds = re.findall(r'Difference\(\s*f?"([a-z{}-]+)"', source)
    kinds += re.findall(r'_names\(\s*"([a-z]+)"', source)
    assert len(kinds) > 20
    named += [("topic", topic_of(kind)) for kind in kinds if not kind.startswith("{")]
    for language in LANGUAGES:
        said = texts(language)
        assert [each for each in named if ".".join(each) not in said] == []
    assert called("km", "role", "a-new-role") == "a-new-role"
