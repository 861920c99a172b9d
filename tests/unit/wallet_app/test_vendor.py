"""Other people's code in the app: files known by their hash, of packages by theirs."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

VENDOR = Path(__file__).resolve().parents[3] / "wallet_app" / "vendor"
LISTED: dict[str, Any] = json.loads((VENDOR / "vendor.json").read_text("utf-8"))
FILES: dict[str, Any] = LISTED["files"]
PACKAGES: dict[str, Any] = LISTED["packages"]

NAMESPACE = "http://www.w3.org/2000/svg"  # a name that looks like an address
# whatever brings in code or data, or runs words as code
REACHING = re.compile(
    r"https?:|\bimport\b|\brequire\(|\bfetch\(|XMLHttpRequest|WebSocket|EventSource|"
    r"sendBeacon|importScripts|new Worker|\beval\(|new Function|sourceMappingURL"
)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_it_was_when_it_was_made(name: str) -> None:
    digest = hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()
    assert digest == FILES[name]["sha256"], (
        "scripts/vendor makes these files; nobody edits them"
    )


def test_every_file_is_listed() -> None:
    assert {path.name for path in VENDOR.glob("*.js")} == set(FILES)
    types = {f"{Path(name).stem}.d.ts" for name in FILES}
    others = {"vendor.json", "LICENSES.txt"}
    assert {path.name for path in VENDOR.iterdir()} == {*FILES, *types, *others}


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_it_is_for_and_made_of(name: str) -> None:
    file = FILES[name]
    assert file["why"]
    assert file["source"]
    assert set(file["packages"]) <= set(PACKAGES)


def test_every_package_is_used_and_pinned_by_hash() -> None:
    used = {package for file in FILES.values() for package in file["packages"]}
    assert used == set(PACKAGES)
    for name, package in {**PACKAGES, **LISTED["bundler"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"]), name
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]), name
        assert re.search(r"\b(MIT|Apache-2\.0)\b", package["licence"]), name
    assert all(package["why"] for package in PACKAGES.values())


def test_every_licence_is_there() -> None:
    licences = (VENDOR / "LICENSES.txt").read_text("utf-8")
    for name, package in PACKAGES.items():
        assert f"{name} {package['version']} ({package['licence']})\n" in licences


@pytest.mark.parametrize("name", FILES)
def test_a_file_loads_nothing_from_elsewhere(name: str) -> None:
    content = (VENDOR / name).read_text("utf-8").replace(NAMESPACE, "")
    assert REACHING.findall(content) == []
