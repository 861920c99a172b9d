"""The documents in words, and the digests by which a version of the framework names them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import governance
from governance.controlled import (
    OFFICIAL,
    controlled_documents,
    packaged_requirements,
    packaged_texts,
)
from governance.documents import new_framework, packaged_rules, serialise, with_documents
from governance.parsing import parse_framework

FOLDER = Path(governance.__file__).parent / "framework" / "documents"
AT = datetime(2026, 11, 29, tzinfo=UTC)
AUTHORITY = "did:webvh:QmAuthority:haven.localhost:o:authority"


def test_every_document_is_named_by_the_digest_of_its_bytes() -> None:
    found = {
        (each["name"], each["language"]): each["digest"] for each in controlled_documents()
    }
    files = {(path.stem, path.parent.name): path for path in FOLDER.glob("*/*.md")}
    assert found == {
        key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in files.items()
    }


def test_what_survivors_read_comes_first_and_english_before_its_translations() -> None:
    listed = [(each["name"], each["language"]) for each in controlled_documents()]
    assert listed[:4] == [
        ("for-you", "en"),
        ("for-you", "es"),
        ("for-you", "km"),
        ("primary", "en"),
    ]
    assert all((name, OFFICIAL) in packaged_texts() for name, _ in listed)


def test_the_kinds_are_few_and_one_document_is_the_primary_one() -> None:
    kinds = [(each["kind"], each["name"]) for each in controlled_documents()]
    assert {kind for kind, _ in kinds} == {"primary", "controlled", "explanation"}
    assert [name for kind, name in kinds if kind == "primary"] == ["primary"]


def test_a_framework_takes_them_and_is_sound() -> None:
    founded = new_framework(packaged_rules(), AUTHORITY, AT)
    framework = parse_framework(serialise(with_documents(founded, controlled_documents(), AT)))
    assert framework.faults == ()
    assert framework.version == "1.0.1"
    assert len(framework.documents) == len(packaged_texts())


def test_every_requirement_has_what_stands_behind_it() -> None:
    assert packaged_requirements()["HTF-ISS-03"]["enforced_by"]
