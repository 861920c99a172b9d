"""The bundles committed with each credential: as generated, verified, and as RFC 0755 asks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from credential_defs import LANGUAGES, CredentialDefinition, load_all
from credential_defs.__main__ import generated, stale
from credential_defs.loader import HERE, folders
from credential_defs.oca import FORMS, Document, Form, verify

CREDENTIALS = tuple(load_all().values())
each_credential = pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda item: item.name)
each_form = pytest.mark.parametrize("form", FORMS)


def overlays(bundle: Document, name: str) -> list[Document]:
    return [item for item in bundle["overlays"] if f"/{name}/" in item["type"]]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_committed_files_are_what_the_source_makes(folder: Path) -> None:
    for path, text in generated(folder).items():
        assert path.read_text(encoding="utf-8") == text


def test_nothing_is_stale() -> None:
    assert stale(HERE) == {}


@each_form
@each_credential
def test_committed_bundles_verify(credential: CredentialDefinition, form: Form) -> None:
    verified = verify(credential.oca_bundle(form), form)
    assert set(verified.attributes) == set(credential.attribute_names)  # RFC 0755: MUST


@each_form
@each_credential
def test_dates_are_marked_as_rfc_0755_says(
    credential: CredentialDefinition, form: Form
) -> None:
    bundle = credential.oca_bundle(form)
    types = bundle["capture_base"]["attributes"]
    dates = {name for name, type_ in types.items() if type_ == "DateTime"}
    (standard,) = overlays(bundle, "standard")
    (formats,) = overlays(bundle, "format")
    assert standard["attribute_standards"] == dict.fromkeys(dates, "urn:iso:std:iso:1989")
    assert {formats["attribute_formats"][name] for name in dates} == {"YYYYMMDD"}


@each_form
@each_credential
def test_one_overlay_of_each_text_for_each_language(
    credential: CredentialDefinition, form: Form
) -> None:
    bundle = credential.oca_bundle(form)
    for kind in ("label", "information", "meta", "entry"):
        assert sorted(o["language"] for o in overlays(bundle, kind)) == sorted(LANGUAGES)
    for label in overlays(bundle, "label"):
        assert set(label["attribute_labels"]) == set(credential.attribute_names)


@each_form
@each_credential
def test_meta_has_the_keys_of_rfc_0755_and_the_discreet_name(
    credential: CredentialDefinition, form: Form
) -> None:
    for meta in overlays(credential.oca_bundle(form), "meta"):
        keys = {"name", "description", "issuer", "credential_help_text"}
        assert all(meta[key] for key in keys)
        assert "credential_support_url" in meta
        assert meta["name"] == credential.display_name(meta["language"])


@each_form
@each_credential
def test_branding_holds_images_inline_only(
    credential: CredentialDefinition, form: Form
) -> None:
    bundle = credential.oca_bundle(form)
    (branding,) = overlays(bundle, "branding")
    assert branding["type"] == "aries/overlays/branding/1.1"
    assert branding["logo"].startswith("data:image/")
    assert not re.search(r"https?://(?!\??\[)", json.dumps(_without_formats(bundle)))


@each_credential
def test_personal_attributes_are_flagged_in_both_forms(
    credential: CredentialDefinition,
) -> None:
    personal = [item.name for item in credential.attributes if item.personal]
    (sensitive,) = overlays(credential.oca_bundle("2.0.0"), "sensitive")
    assert sensitive["attributes"] == personal
    assert credential.oca_bundle("1.0")["capture_base"]["flagged_attributes"] == personal


@each_credential
def test_required_attributes_are_the_mandatory_ones(credential: CredentialDefinition) -> None:
    required = [item.name for item in credential.attributes if item.required]
    (new,) = overlays(credential.oca_bundle("2.0.0"), "conformance")
    (old,) = overlays(credential.oca_bundle("1.0"), "conformance")
    assert new["attribute_conformances"] == required
    assert [name for name, mark in old["attribute_conformance"].items() if mark == "M"] == [
        name for name in old["attribute_conformance"] if name in required
    ]


@each_credential
def test_the_1_0_file_is_the_array_that_wallets_fetch(credential: CredentialDefinition) -> None:
    folder = HERE / credential.name.replace("-", "_")
    read: Any = json.loads((folder / "oca-1.0.json").read_bytes())
    assert read == [credential.oca_bundle("1.0")]


def _without_formats(bundle: Document) -> Document:
    """Formats are regular expressions, and one of them describes addresses."""
    return {
        **bundle,
        "overlays": [item for item in bundle["overlays"] if "/format/" not in item["type"]],
    }
