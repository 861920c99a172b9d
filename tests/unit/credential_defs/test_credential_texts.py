"""What a holder or a payer may read: in every language, and never the dangerous words."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest

from credential_defs import LANGUAGES, CredentialDefinition, load, load_all
from credential_defs.oca import FORMS
from credential_defs.source import Texts

CREDENTIALS = tuple(load_all().values())
each_credential = pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda item: item.name)

# Beginnings of words, without accents. Khmer is written without spaces: found anywhere.
NEVER_SHOWN = (
    "surviv", "victim", "traffick", "slave",
    "supervivient", "sobrevivient", "trata", "trafic", "esclav",
    "រងគ្រោះ", "ជួញដូរ", "រស់រានមានជីវិត", "ទាសករ",
)  # fmt: skip
NEVER_SHOWN_TO_PAYERS = (
    *NEVER_SHOWN, "shelter", "refuge", "hostel", "safe house", "abuse", "violen",
    "refugi", "albergue", "acogid", "abus", "casa segura",
    "ជម្រក", "ទីជម្រក", "ហិង្សា", "រំលោភ",
)  # fmt: skip
KHMER = re.compile(r"[\u1780-\u17ff]")


def plain(text: str) -> str:
    """Lower case, Latin letters without accents."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f")


def found(text: str, words: tuple[str, ...]) -> list[str]:
    simple = plain(text)
    return [
        word
        for word in words
        if (word in simple if KHMER.search(word) else re.search(rf"\b{word}", simple))
    ]


def texts(value: Any) -> list[Texts]:
    """Every Texts in a definition, wherever it stands."""
    if isinstance(value, Texts):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in texts(item)]
    fields = type(value).model_fields if hasattr(type(value), "model_fields") else ()
    return [text for name in fields for text in texts(getattr(value, name))]


def shown(credential: CredentialDefinition) -> list[Texts]:
    """All texts but the note on who reviewed them, which nobody is shown."""
    review = credential.source.review
    return [text for text in texts(credential.source) if text is not review]


def overlay_texts(credential: CredentialDefinition) -> str:
    """Everything in the published bundles but the attributes' names, as one text."""
    bundles = json.dumps([credential.oca_bundle(form) for form in FORMS], ensure_ascii=False)
    for name in credential.attribute_names:
        bundles = bundles.replace(f'"{name}"', '""')
    return bundles


@each_credential
def test_no_text_is_there_in_one_language_only(credential: CredentialDefinition) -> None:
    for text in shown(credential):
        assert all(text.in_language(language).strip() for language in LANGUAGES)
        assert text.en == text.es or KHMER.search(text.km)


@each_credential
def test_khmer_is_khmer_and_the_others_are_not(credential: CredentialDefinition) -> None:
    for text in shown(credential):
        assert KHMER.search(text.km), text.en
        assert not KHMER.search(text.en + text.es), text.en


@each_credential
def test_translations_are_not_copies_of_the_english(credential: CredentialDefinition) -> None:
    same = {text.en for text in shown(credential) if text.en == text.es}
    assert same <= {"No"}


@each_credential
def test_translations_are_marked_as_not_reviewed(credential: CredentialDefinition) -> None:
    for language in ("es", "km"):
        said = credential.source.review.in_language(language)
        assert said == "not reviewed by a native speaker"


@each_credential
def test_dangerous_words_are_never_shown(credential: CredentialDefinition) -> None:
    assert found(overlay_texts(credential), NEVER_SHOWN) == []
    for text in shown(credential):
        assert found(f"{text.en}\n{text.es}\n{text.km}", NEVER_SHOWN) == []


@each_credential
def test_a_card_says_nothing_where_others_look(credential: CredentialDefinition) -> None:
    assert re.fullmatch(r"Card [A-Z]", credential.display_name("en"))
    assert re.fullmatch(r"Tarjeta [A-Z]", credential.display_name("es"))
    assert re.fullmatch(r"កាត [ក-អ]", credential.display_name("km"))


def test_cards_can_be_told_apart() -> None:
    for language in LANGUAGES:
        names = [credential.display_name(language) for credential in CREDENTIALS]
        assert len(set(names)) == len(names)


def test_a_payer_learns_nothing_about_why() -> None:
    credential = load("support-entitlement")
    schema = " ".join((credential.name, credential.version, *credential.attribute_names))
    settings = credential.settings.tag
    assert found(schema.replace("_", " ").replace("-", " "), NEVER_SHOWN_TO_PAYERS) == []
    assert found(overlay_texts(credential), NEVER_SHOWN_TO_PAYERS) == []
    assert (
        found(f"{settings} {credential.source.model_dump_json()}", NEVER_SHOWN_TO_PAYERS) == []
    )


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("A survivor's card", True),
        ("Tarjeta de la VÍCTIMA", True),
        ("víctimas de trata", True),
        ("ជនរងគ្រោះ", True),
        ("Contrato", False),
        ("Counselling, until", False),
    ],
)
def test_the_search_itself_finds_words(text: str, hit: bool) -> None:
    assert bool(found(text, NEVER_SHOWN)) is hit
