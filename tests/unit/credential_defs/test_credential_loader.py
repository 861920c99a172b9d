"""A credential is a folder: found by being there, refused when it is not whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from core.errors import ConfigurationError, InvalidInput, NotFound
from credential_defs import load, load_all
from credential_defs.__main__ import build, stale
from credential_defs.loader import HERE, folders

SOURCE = HERE / "support_entitlement"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A place with one whole credential, `library-card`, made from nothing but its folder."""
    folder = tmp_path / "library_card"
    shutil.copytree(SOURCE, folder)
    edit(folder, lambda source: source.update(name="library-card"))
    build(tmp_path)
    return tmp_path


def edit(folder: Path, change: Any, name: str = "credential.json") -> None:
    document = json.loads((folder / name).read_bytes())
    change(document)
    (folder / name).write_text(json.dumps(document), encoding="utf-8")


def test_the_four_credentials_are_there() -> None:
    names = {"identity", "service-eligibility", "support-entitlement", "guardianship"}
    assert names <= set(load_all())


def test_a_new_credential_needs_its_folder_and_nothing_else(root: Path) -> None:
    assert set(load_all(root)) == {"library-card"}
    assert stale(root) == {}


def test_settings_and_identity_of_a_definition() -> None:
    credential = load("support-entitlement")
    assert (credential.name, credential.version) == ("support-entitlement", "1.0")
    assert credential.settings.revocable
    assert credential.settings.registry_size >= 1000
    assert credential.attribute_names == (
        "payment_ref", "limit_minor", "currency", "support_until", "held_for_other",
        "link_payment",
    )  # fmt: skip


def test_texts_are_found_by_language() -> None:
    credential = load("service-eligibility")
    assert credential.label("shelter_until", "en") == "Place to stay, until"
    assert credential.label("shelter_until", "es-MX") == credential.label("shelter_until", "es")
    assert credential.title("fr") == credential.title("en")
    assert credential.help("status", "km")
    assert credential.entry_label("status", "interim", "es").startswith("Carta")


def test_a_definition_says_what_its_dates_and_links_mean() -> None:
    assert load("identity").issued_date == "issued_dateint"
    assert load("identity").last_days == ("expires_dateint",)
    assert load("support-entitlement").last_days == ("support_until",)
    assert load("service-eligibility").last_days == (
        "shelter_until", "medical_until", "legal_until", "counselling_until",
    )  # fmt: skip
    assert load("guardianship").links == ("link_shelter", "link_payment", "link_court")
    assert [each.name for each in load_all().values() if each.acts_for_other] == [
        "guardianship"
    ]
    eligibility = load("service-eligibility")
    assert eligibility.is_for_other({"held_for_other": "1"})
    assert not eligibility.is_for_other({"held_for_other": "0"})
    assert not load("guardianship").is_for_other({"at_will": "1"})


def test_what_is_not_there_is_an_error() -> None:
    credential = load("identity")
    with pytest.raises(NotFound):
        load("passport")
    with pytest.raises(InvalidInput):
        credential.label("nickname", "en")
    with pytest.raises(InvalidInput):
        credential.entry_label("assurance_level", "9", "en")


def test_a_definition_cannot_be_changed_from_outside() -> None:
    credential = load("identity")
    credential.oca_bundle("2.0.0")["overlays"].clear()
    assert credential.oca_bundle("2.0.0")["overlays"]
    with pytest.raises(ValidationError):
        credential.source = load("guardianship").source  # type: ignore[misc]  # it is frozen


def test_every_readme_names_every_attribute() -> None:
    for credential in load_all().values():
        text = (HERE / credential.name.replace("-", "_") / "README.md").read_text("utf-8")
        missing = [name for name in credential.attribute_names if f"`{name}`" not in text]
        assert missing == [], credential.name


def test_folders_without_a_source_are_no_credentials(root: Path) -> None:
    (root / "notes").mkdir()
    assert [folder.name for folder in folders(root)] == ["library_card"]


@pytest.mark.parametrize("file", ["oca-1.0.json", "oca-2.0.0.json", "example.json"])
def test_a_missing_file_is_refused(root: Path, file: str) -> None:
    (root / "library_card" / file).unlink()
    with pytest.raises(ConfigurationError):
        load_all(root)


def _attribute(number: int, **changed: Any) -> Any:
    return lambda source: source["attributes"][number].update(changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda source: source["attributes"][0]["label"].pop("km"),
        lambda source: source["display_name"].update(es=" "),
        lambda source: source.update(name="other"),
        lambda source: source.update(surprise=1),
        lambda source: source["branding"].update(logo="https://images.example/logo.png"),
        lambda source: source["branding"].update(primary_attribute="nickname"),
        lambda source: source["attributes"].append(source["attributes"][0]),
        _attribute(1, valid_until=True),  # no date
        lambda source: source.update(acts_for_other=True) or source["attributes"].pop(),
        _attribute(0, required=True),  # a reference that is required as well
        _attribute(1, integer=False),
        _attribute(1, format="["),
        _attribute(1, format="YYYYMMDD"),
        _attribute(2, role="predicate"),
        _attribute(4, default=None),
        _attribute(4, default=None, known_flag_of="currency"),
    ],
)
def test_an_unsound_source_is_refused(root: Path, change: Any) -> None:
    edit(root / "library_card", change)
    with pytest.raises(ConfigurationError):
        load_all(root)


def test_a_bundle_that_was_changed_by_hand_is_refused(root: Path) -> None:
    path = root / "library_card" / "oca-2.0.0.json"
    path.write_text(path.read_text("utf-8").replace("Currency", "Money"), encoding="utf-8")
    with pytest.raises(ConfigurationError):
        load_all(root)
    assert list(stale(root)) == [path]


def test_a_sound_bundle_of_another_schema_is_refused(root: Path) -> None:
    for name in ("oca-1.0.json", "oca-2.0.0.json"):
        shutil.copy(HERE / "identity" / name, root / "library_card" / name)
    with pytest.raises(ConfigurationError):
        load_all(root)


def test_example_values_that_cannot_be_signed_are_refused(root: Path) -> None:
    edit(root / "library_card", lambda values: values.update(currency="EUR"), "example.json")
    with pytest.raises(ConfigurationError):
        load_all(root)
