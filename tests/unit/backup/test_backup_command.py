"""`haven backup` and `haven restore` as a person types them: every refusal is in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controllers.backup import archive
from controllers.cli import app
from controllers.secrets import load_or_create

PASSPHRASE = "five words that nobody would guess"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_LOG2_N", 4)
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


def haven(*arguments: object, typed: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(each) for each in arguments], input=typed)
    return done.exit_code, done.output


def installation(folder: Path, *, database: bool = True) -> Path:
    load_or_create(folder)
    if database:
        sqlite3.connect(folder / "haven.db").close()
    return folder


def test_where_nothing_is_nothing_is_made(tmp_path: Path, passphrase: Path) -> None:
    status, told = haven(
        "backup", tmp_path / "b", "--data", tmp_path / "no", "--passphrase-file", passphrase
    )
    assert status == 1
    assert "no installation" in told
    assert not (tmp_path / "no").exists()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("database", "setting"),
    [(False, "HAVEN_DATABASE_URL"), (True, "HAVEN_AGENT_DATABASE_URL")],
)
def test_a_part_that_is_elsewhere_is_asked_for(
    tmp_path: Path, passphrase: Path, database: bool, setting: str
) -> None:
    """A backup without the database would look like one, and be none."""
    data = installation(tmp_path / "data", database=database)
    status, told = haven(
        "backup", tmp_path / "b", "--data", data, "--passphrase-file", passphrase
    )
    assert status == 1
    assert setting in told
    assert not (tmp_path / "b").exists()


def test_an_older_backup_is_never_written_over(tmp_path: Path, passphrase: Path) -> None:
    (tmp_path / "b").write_text("an older one")
    data = installation(tmp_path / "data")
    status, told = haven(
        "backup", tmp_path / "b", "--data", data, "--passphrase-file", passphrase
    )
    assert status == 1
    assert "never replaces" in told
    assert (tmp_path / "b").read_text() == "an older one"


def test_a_passphrase_file_that_others_read_is_refused(
    tmp_path: Path, passphrase: Path
) -> None:
    passphrase.chmod(0o644)
    status, told = haven("backup", tmp_path / "b", "--passphrase-file", passphrase)
    assert status == 1
    assert "0600" in told


@pytest.mark.parametrize("typed", ["short\nshort\n", "\n"])
def test_a_short_passphrase_is_refused(tmp_path: Path, typed: str) -> None:
    status, told = haven("backup", tmp_path / "b", "--data", tmp_path, typed=typed)
    assert status == 1
    assert PASSPHRASE not in told


def test_a_passphrase_is_no_argument() -> None:
    for command in ("backup", "restore"):
        _, told = haven(command, "--help")
        assert "--passphrase-file" in told
        assert "--passphrase " not in told


def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path, passphrase: Path) -> None:
    (tmp_path / "b").write_text("something else")
    status, told = haven(
        "restore",
        tmp_path / "b",
        "--data",
        tmp_path / "new",
        "--passphrase-file",
        passphrase,
    )
    assert status == 1
    assert "not a backup of Haven" in told
    assert not (tmp_path / "new").exists()


def test_a_backup_that_is_not_there(tmp_path: Path, passphrase: Path) -> None:
    status, told = haven(
        "restore", tmp_path / "b", "--data", tmp_path / "new", "--passphrase-file", passphrase
    )
    assert status == 1
    assert "Traceback" not in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["passphrase"]
