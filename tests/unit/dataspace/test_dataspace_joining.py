"""From nothing to an agreement by commands alone; and what they say to who errs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent.webvh.didlog import create_log
from controllers.dataspace.commands import app
from controllers.dataspace.joining import did_documents
from controllers.moment import now
from controllers.running import only_one
from core.errors import VerificationError
from core.proof import SeedSigner

ORGANISATIONS = ("one", "two", "three", "evaluator")


def asked(*words: object) -> Result:
    return CliRunner().invoke(app, ["node", *(str(each) for each in words)])


def done(*words: object) -> str:
    result = asked(*words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: object) -> str:
    """What is said, on one line, to who did it wrong."""
    result = asked(*words)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit), result.output
    return " ".join(result.output.split())


def made(folder: Path, *more: str) -> list[Path]:
    """The entries of three organisations and an evaluator."""
    for name in ORGANISATIONS:
        flags = ["--evaluator"] if name == "evaluator" else []
        who = (f"did:web:{name}.example", name, "evaluator" if flags else "shelter")
        done("init", *who, *flags, *more, "--folder", folder / name)
    return [folder / name / "entry.json" for name in ORGANISATIONS]


def drafted(folder: Path, entries: list[Path], *more: str) -> Path:
    file = folder / "space.json"
    about = ("--title", "Three shelters", "--purpose", "prevalence")
    done("agreement", "draft", *entries, *about, *more, "--to", file)
    return file


def test_from_nothing_to_imported_cases(tmp_path: Path) -> None:
    file = drafted(tmp_path, made(tmp_path))
    for number, name in enumerate(ORGANISATIONS, 1):
        said = done("agreement", "sign", file, "--folder", tmp_path / name)
        assert (ORGANISATIONS[-1] in said) == (number < len(ORGANISATIONS))
    rules = (tmp_path / "framework.json", tmp_path / "framework-signers.json")
    cases = tmp_path / "cases.csv"
    cases.write_text("case_reference,gender\nA-1,feminine\n")
    for name in ORGANISATIONS:
        done("agreement", "adopt", file, "--folder", tmp_path / name)
        done("framework", *rules, "--folder", tmp_path / name)
    assert "1 cases" in done("import", cases, "--folder", tmp_path / "one")
    assert "no cases" in refused("import", cases, "--folder", tmp_path / "evaluator")


@pytest.mark.parametrize(
    ("did", "role", "at", "said"),
    [
        ("an organisation", "shelter", "localhost:8443", "did:web:"),
        ("did:web:a.example", "Shelter", "localhost:8443", "small letters"),
        ("did:web:a.example", "shelter", "localhost", "host:port"),
        ("did:web:a.example", "shelter", "localhost:99999", "65535"),
    ],
)
def test_a_wrong_word_makes_no_folder(
    tmp_path: Path, did: str, role: str, at: str, said: str
) -> None:
    folder = tmp_path / "node"
    assert said in refused("init", did, "A", role, "--at", at, "--folder", folder)
    assert not folder.exists()


def test_two_organisations_are_too_few_and_it_is_said(tmp_path: Path) -> None:
    one, two, _, evaluator = made(tmp_path)
    about = ("--title", "T", "--purpose", "prevalence", "--to", tmp_path / "space.json")
    assert "at least 3" in refused("agreement", "draft", one, two, *about)
    assert "fewer than three" in refused("agreement", "draft", one, two, evaluator, *about)
    assert not (tmp_path / "space.json").exists()


def test_drafting_twice_replaces_nothing(tmp_path: Path) -> None:
    entries = made(tmp_path)
    file = drafted(tmp_path, entries)
    before = file.read_bytes()
    about = ("--title", "Other", "--purpose", "prevalence", "--to", file)
    assert "there already" in refused("agreement", "draft", *entries, *about)
    assert file.read_bytes() == before


def test_real_cases_have_no_framework_of_their_own_making(tmp_path: Path) -> None:
    entries = made(tmp_path, "--production")
    about = ("--title", "T", "--purpose", "prevalence", "--to", tmp_path / "space.json")
    said = refused("agreement", "draft", *entries, *about, "--production")
    assert "--framework" in said
    assert not (tmp_path / "framework.json").exists()


def test_participants_documents_are_kept_if_they_name_the_keys(tmp_path: Path) -> None:
    entries = made(tmp_path, "--production")
    framework = ("--production", "--framework", "did:web:authority.example")
    file = drafted(tmp_path, entries, *framework)
    done("agreement", "sign", file, "--folder", tmp_path / "one")
    documents = [document_of(json.loads(each.read_text())["participant"]) for each in entries]
    given, kept = tmp_path / "all.json", tmp_path / "one" / "participants.json"
    given.write_text(json.dumps([*documents[:-1], documents[0] | {"id": documents[-1]["id"]}]))
    assert "does not stand" in refused("participants", given, "--folder", tmp_path / "one")
    assert not kept.exists()
    given.write_text(json.dumps(documents))
    done("participants", given, "--folder", tmp_path / "one")
    assert kept.exists()


def document_of(entry: dict[str, Any]) -> dict[str, Any]:
    """As docs/dataspace/running-a-node.md has it, for a did:web."""
    method = f"{entry['did']}#node"
    key = {"type": "Multikey", "controller": entry["did"], "publicKeyMultibase": entry["key"]}
    return {
        "id": entry["did"],
        "verificationMethod": [{"id": method, **key}],
        "assertionMethod": [method],
    }


def test_a_did_with_a_log_is_believed_by_its_log(tmp_path: Path) -> None:
    keys = [SeedSigner(bytes([number]) * 32) for number in (1, 2, 3)]
    new = create_log(
        domain="haven.example",
        opaque="abcdefgh12345678",
        update_key=keys[0],
        next_update_key=keys[1].multikey,
        assertion_key=keys[2].multikey,
        now=now(),
    )
    log, copy = tmp_path / "did.jsonl", tmp_path / "did.json"
    log.write_text(new.entry + "\n")
    (document,) = did_documents([log], now())
    assert document["id"] == new.did
    log.write_text(new.entry.replace(keys[2].multikey, keys[1].multikey))
    with pytest.raises(VerificationError):
        did_documents([log], now())
    copy.write_text(json.dumps(document))
    entries = made(tmp_path)
    file = drafted(tmp_path, entries)
    done("agreement", "sign", file, "--folder", tmp_path / "one")
    rules = (tmp_path / "framework.json", copy)
    assert "did.jsonl" in refused("framework", *rules, "--folder", tmp_path / "one")


def test_an_open_file_in_a_closed_folder_is_told_how_to_close(tmp_path: Path) -> None:
    made(tmp_path)
    folder = tmp_path / "one"
    (folder / "identity.seed").chmod(0o644)
    assert "chmod -R go-rwx" in refused("officer", "list", "--folder", folder)
    (folder / "identity.seed").chmod(0o600)
    (folder / "analyst.seed").unlink()
    assert "analyst.seed is missing" in refused("officer", "list", "--folder", folder)


def test_an_officer_who_lost_her_key_can_be_found_and_ended(tmp_path: Path) -> None:
    made(tmp_path)
    folder = ("--folder", tmp_path / "one")
    key = done("officer", "add", "data", "legal", *folder).strip()
    listed = done("officer", "list", *folder)
    assert key.split("_")[1] in listed
    assert key.split("_")[2] not in listed
    done("officer", "end", key.split("_")[1], *folder)
    assert "no officer's key" in done("officer", "list", *folder)


def test_beside_a_running_node_nothing_is_started_imported_or_signed(tmp_path: Path) -> None:
    """A second one would fail the first one's open run; an import would not reach it."""
    file = drafted(tmp_path, made(tmp_path))
    folder = ("--folder", tmp_path / "one")
    done("agreement", "sign", file, *folder)
    cases = tmp_path / "cases.csv"
    cases.write_text("case_reference,gender\nA-1,feminine\n")
    with only_one(tmp_path / "one"):
        for words in (("run",), ("import", cases), ("agreement", "adopt", file)):
            assert "runs already" in refused(*words, *folder)
        done("officer", "add", "data", *folder)
