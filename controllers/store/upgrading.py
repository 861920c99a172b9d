"""Bringing a database to the newest version: never back, and never without a way back.

1. A database of a newer Haven is refused, in words: an older one would misread it.
2. With several controllers on PostgreSQL one migrates, the others wait for it.
3. Before a SQLite database is changed, a copy of it is laid beside it, private to its owner;
   the last two are kept. (PostgreSQL: `haven backup` before an upgrade.)
4. All steps are one transaction: a step that fails leaves the database as it was.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import ConfigurationError, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
COPIES = "before-upgrade"
_KEPT = 2
_LOCK = 448378203502  # "haven" as a number


def upgrade(connection: Connection, *, to: str = "head") -> None:
    """Bring the tables to version `to`; with nothing to do, nothing happens.

    Raises ConfigurationError if the database is newer than this Haven.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None:
        _require_known(revision, scripts)
        if revision != scripts.get_current_head():
            _keep_copy(connection, revision)
    command.upgrade(config, to)


@cache
def newest_version() -> str:
    """The version that `upgrade` leads to."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def _require_known(revision: str, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if revision not in known:
        raise ConfigurationError(
            f"The database was upgraded by a newer Haven (to version {revision}). This one "
            "would misread it: start the newer Haven, or restore a backup from before."
        )


def _keep_copy(connection: Connection, revision: str) -> None:
    """A copy of a SQLite file, named after its version and the moment."""
    file = connection.engine.url.database
    if connection.dialect.name != "sqlite" or not file or file == ":memory:":
        return
    folder = Path(file).parent / COPIES
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / f"{moment}-version-{revision}.db"
        copy_sqlite(Path(file), target)
        for old in sorted(folder.glob("*.db"))[:-_KEPT]:
            old.unlink()
    except (OSError, sqlite3.Error) as err:
        raise Unavailable(
            "The copy before the upgrade could not be written; nothing was changed. "
            "Is there room on the disk?"
        ) from err


def copy_sqlite(source: Path, target: Path, *, passing: bool = False) -> None:
    """Copy a SQLite database as it is at one moment, private to its owner, while others use
    it. `target` must not exist; one that is only `passing` need not outlive a power cut.

    Raises OSError, sqlite3.Error.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    reading = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    writing = sqlite3.connect(target)
    try:
        if passing:
            writing.execute("PRAGMA synchronous=OFF")
            writing.execute("PRAGMA journal_mode=OFF")
        reading.backup(writing)
    finally:
        writing.close()
        reading.close()
