"""How SQLite is to look things up in Askar's stores.

Askar asks `WHERE profile_id = ? AND (kind = ? OR ? IS NULL) AND (category = ? OR ? IS NULL)
AND id IN (SELECT item_id FROM items_tags WHERE name = ? AND value = ?)`. Without statistics
SQLite guesses that a profile has ten entries and goes through all of them, for each question
about a tag: with 20,000 credentials issued those are 160,000 entries, some forty times an
issuance. SQLite keeps its statistics in an ordinary table and reads them with the schema, and
they may be written by hand (sqlite.org/optoverview.html, "Manual Control Of Query Plans Using
SQLITE_STAT Tables"). Ours say once and for all that stores are large and tags rare, so that the
tag is looked up first; how large a store is then matters no more. Small ones lose nothing.

SQLite's locks belong to the process, and a second copy of its library in it (Python's beside
Askar's) would give Askar's away when it closes a file. So nothing here touches a store that
this process may have open: a new store begins as a file that has the statistics already, and
older ones get them before the agent starts.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from contextlib import closing
from pathlib import Path

# table, index, and: how many entries, how many of them fit the first column, the first two, ...
STATISTICS = (
    ("items", "ix_items_uniq", "1000000 100000 50000 5000 1"),
    ("items_tags", "ix_items_tags_item_id", "4000000 4"),
    ("items_tags", "ix_items_tags_name_enc", "4000000 40000 2"),
    ("items_tags", "ix_items_tags_name_plain", "4000000 40000 2"),
)
_WAIT_SECONDS = 30.0


def begin_store(file: Path) -> None:
    """Make the file of a store that is about to be made. One that is there stays as it is."""
    with contextlib.suppress(FileExistsError), file.open("xb") as new:
        new.write(_empty())


def mend_stores(folder: Path) -> int:
    """Give every store below a folder its statistics; answers how many had none.

    Only while no agent runs on them. Holders' wallets are left out: each is small, and there
    are many.
    """
    files = [
        each for each in folder.glob("*/sqlite.db") if not each.parent.name.startswith("w-")
    ]
    return sum(map(_mend, sorted(files)))


@functools.cache
def _empty() -> bytes:
    """A database with statistics of tables that Askar has yet to make."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        _write(database)
        return bytes(database.serialize())


def _mend(file: Path) -> bool:
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(
        sqlite3.connect(address, timeout=_WAIT_SECONDS, uri=True, isolation_level=None)
    ) as database:
        if _has_statistics(database):
            return False
        database.execute("BEGIN IMMEDIATE")
        _write(database)
        database.execute("COMMIT")
        return True


def _has_statistics(database: sqlite3.Connection) -> bool:
    listed = database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'")
    return bool(listed.fetchone()[0])


def _write(database: sqlite3.Connection) -> None:
    database.execute("ANALYZE sqlite_schema")  # makes the table; nobody else may
    database.execute("DELETE FROM sqlite_stat1")
    database.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", STATISTICS)
