"""The rules are data: nothing in the code names them, and the README names all of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from governance_sample import DOCUMENT

import governance
from credential_defs import load_all
from governance.documents import packaged_rules
from governance.reasons import CheckReason, DenyReason

FOLDER = Path(governance.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
RULES = packaged_rules()


def variants() -> Iterator[dict[str, Any]]:
    for check in RULES["checks"].values():
        yield from check["variants"].values()


def credential_rules() -> Iterator[tuple[str, set[str]]]:
    """Each credential of each variant, with the attributes that the variant names."""
    for variant in variants():
        for rule in variant["credentials"].values():
            yield rule["credential"], {*rule["reveal"], *(p[0] for p in rule["predicates"])}


def names_of_rules() -> set[str]:
    purposes = {check["purpose"] for check in RULES["checks"].values()}
    parameters = {name for check in RULES["checks"].values() for name in check["parameters"]}
    attributes = {name for _, named in credential_rules() for name in named}
    permissions = {v["representative"]["permission"] for v in variants() if v["representative"]}
    everything = {*RULES["roles"], *RULES["credentials"], *RULES["checks"]}
    return everything | purposes | parameters | attributes | permissions


def literals(path: Path) -> Iterator[str]:
    """String literals without docstrings, and the constant parts of f-strings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    docstrings = {id(node.value) for node in statements}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def test_no_code_names_a_rule() -> None:
    names = names_of_rules()
    assert {"court", "identity", "held_for_other", "benefit-payment"} <= names
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 5
    found = {
        (path.name, word)
        for path in files
        for literal in literals(path)
        for word in re.findall(r"[\w-]+", literal)
        if word in names
    }
    assert found == set()


def test_the_rules_ask_only_for_attributes_that_the_credentials_have() -> None:
    known = {
        name: {attribute.name for attribute in each.source.attributes}
        for name, each in load_all().items()
    }
    assert set(RULES["credentials"]) == set(known)
    for credential, attributes in credential_rules():
        assert attributes <= known[credential]


def test_a_plain_shelter_check_shows_no_identifier() -> None:
    variant = RULES["checks"]["shelter"]["variants"]["plain"]
    assert list(variant["credentials"]) == ["eligibility"]
    assert variant["credentials"]["eligibility"]["reveal"] == ["region", "household_size"]


def test_no_value_that_identifies_is_shown_to_two_kinds_of_verifier() -> None:
    shown: dict[str, set[str]] = {}
    for name, check in RULES["checks"].items():
        for variant in check["variants"].values():
            for rule in variant["credentials"].values():
                for attribute in rule["reveal"]:
                    shown.setdefault(attribute, set()).add(name)
    assert [attribute for attribute, checks in shown.items() if len(checks) > 1] == []


def test_translations_say_that_nobody_has_reviewed_them() -> None:
    reviews = {each["tag"]: each["review"] for each in RULES["languages"]}
    assert reviews["es"] == reviews["km"] == "not reviewed by a native speaker"


# Objects whose keys are names of data, and not fields of the format.
NAMED_BY_DATA = {
    "roles",
    "checks",
    "variants",
    "parameters",
    "schemas",
    "title",
    "description",
    "name",
    "expect",
    "computations",
    "scope",
}


def fields(value: Any, *, named: bool = False) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from fields(each)
    if isinstance(value, dict):
        for key, each in value.items():
            if not named:
                yield key
            by_data = key in NAMED_BY_DATA or (key == "credentials" and isinstance(each, dict))
            yield from fields(each, named=by_data and not named)


def documented(code: str) -> bool:
    return f"`{code}`" in README


def test_every_field_is_documented() -> None:
    found = set(fields(DOCUMENT))
    assert {"withdrawn_from", "max_age_seconds", "pattern", "per", "reveal"} <= found
    assert [name for name in sorted(found) if not documented(name)] == []


def test_every_reason_is_documented() -> None:
    codes = [reason.value for kind in (DenyReason, CheckReason) for reason in kind]
    assert [code for code in codes if not documented(code)] == []
