"""The app's own rules, read off its sources: every text in every language, nothing from
elsewhere, no markup in strings, nothing on the outside that says what the app is about."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[3] / "wallet_app"
LANGUAGES = ("en", "es", "km")
SOURCES = sorted((APP / "src").rglob("*.js"))
PART = re.compile(r"\{(\w+)\}")

# what stands in the address bar, on the home screen, in the switcher between apps
MANIFESTS = tuple(f"manifest.{each}.webmanifest" for each in LANGUAGES)
OUTSIDE = ("index.html", *MANIFESTS, "sw.js", "app.css", "icons/card.svg")
TELLING = re.compile(
    r"surviv|traffick|victim|shelter|haven|refug|v[ií]ctim|trata\b|sobrevivi", re.IGNORECASE
)


def _texts(language: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((APP / f"languages/{language}.json").read_text())[
        "texts"
    ]
    return texts


def _used() -> set[str]:
    return {
        key for path in SOURCES for key in re.findall(r'\bt\(\s*"([\w.-]+)"', path.read_text())
    }


def _families() -> set[str]:
    """Keys that are put together: `state.${...}`."""
    return {
        key for path in SOURCES for key in re.findall(r"\bt\(\s*`([a-z]+\.)", path.read_text())
    }


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_says_everything(language: str) -> None:
    english, other = _texts("en"), _texts(language)
    assert list(other) == list(english)
    assert [key for key, text in other.items() if not text.strip()] == []
    wrong = [k for k in english if set(PART.findall(english[k])) != set(PART.findall(other[k]))]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_file_says_who_has_reviewed_it(language: str) -> None:
    assert json.loads((APP / f"languages/{language}.json").read_text())["review"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_twelve_months(language: str) -> None:
    assert len(set(_texts(language)["date.months"].split())) == 12


def test_every_text_that_is_used_is_there() -> None:
    assert sorted(_used() - set(_texts("en"))) == []
    assert [
        each for each in _families() if not any(k.startswith(each) for k in _texts("en"))
    ] == []


def test_no_text_is_left_over() -> None:
    whole = "\n".join(path.read_text() for path in SOURCES)
    families = (*_families(), "problem.", "outcome.", "time.")
    own = [k for k in _texts("en") if not _says_otherwise(k) and not k.startswith(families)]
    assert [k for k in own if f'"{k}"' not in whole] == []


def _says_otherwise(key: str) -> bool:
    """Said at a desk's device in the place of the sentence that is called so without it."""
    return key.startswith("kiosk.") and key.removeprefix("kiosk.") in _texts("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_app_has_a_neutral_name(language: str) -> None:
    for key in ("app.name", "home.title", "locked.title", "copy.file"):
        assert not TELLING.search(_texts(language)[key])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_icon_on_the_home_screen_has_that_name(language: str) -> None:
    manifest = json.loads((APP / f"manifest.{language}.webmanifest").read_text())
    name = _texts(language)["app.name"]
    assert (manifest["name"], manifest["short_name"], manifest["lang"]) == (
        name,
        name,
        language,
    )
    assert all((APP / icon["src"]).is_file() for icon in manifest["icons"])


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_outside_says_what_it_is(name: str) -> None:
    assert TELLING.search((APP / name).read_text()) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_uses_a_word_that_would_hurt(language: str) -> None:
    assert [k for k, text in _texts(language).items() if re.search(TELLING, text)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_source_makes_no_markup_and_asks_nobody_else(path: Path) -> None:
    source = path.read_text()
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ):
        assert forbidden not in source
    elsewhere = re.findall(r"""["'`](?:https?:)?//[^"'`]+""", source)
    assert set(elsewhere) <= {'"http://www.w3.org/2000/svg'}  # a name, and never asked
    assert "console." not in source


def test_only_the_language_and_the_phones_own_part_are_kept_on_the_phone() -> None:
    keeping = {
        path.name: re.findall(
            r"localStorage\.setItem\((\w+|\"\w+\")|\.put\((\w+)", path.read_text()
        )
        for path in SOURCES
    }
    assert {name: found for name, found in keeping.items() if found} == {
        "texts.js": [("KEPT_AS", "")],
        "device.js": [("", "device"), ("", "seen")],
    }
    assert not any("sessionStorage" in path.read_text() for path in SOURCES)
