"""Other people's code in the desks' pages: as it was published, known by its hash."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from controllers.app import STATIC

VENDOR = STATIC / "desk" / "vendor"
FILES: dict[str, Any] = json.loads((VENDOR / "vendor.json").read_text("utf-8"))["files"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_as_it_was_published(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == FILES[name]["sha256"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_it_is_and_what_for(name: str) -> None:
    file = FILES[name]
    assert file["why"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", file["version"])
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", file["integrity"])
    licences = (VENDOR / "LICENSES.txt").read_text("utf-8")
    assert f"{file['package']} {file['version']} ({file['licence']})" in licences


def test_every_file_is_listed() -> None:
    others = {"vendor.json", "LICENSES.txt"}
    assert {path.name for path in VENDOR.iterdir()} == {*FILES, *others}


@pytest.mark.parametrize("name", FILES)
def test_a_file_asks_nobody_else(name: str) -> None:
    assert not re.search(r"https?://", (VENDOR / name).read_text("utf-8"))
