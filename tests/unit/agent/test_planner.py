"""Stores of Askar in which SQLite begins with the tag, however large they become."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from aries_askar import Store

from agent.planner import begin_store, mend_stores

# as Askar 0.5 asks for the entries of a category that have a tag
_TAGGED = "SELECT item_id FROM items_tags WHERE name = ? AND value = ? AND plaintext = 0"
_ASKED = f"""
SELECT i.id, i.kind, i.category, i.name, i.value FROM items i
WHERE i.profile_id = ?1 AND (i.kind = ?2 OR ?2 IS NULL) AND (i.category = ?3 OR ?3 IS NULL)
AND (i.expiry IS NULL OR DATETIME(i.expiry) > DATETIME('now'))
AND (i.id IN ({_TAGGED} AND SUBSTR(value, 1, 12) = ?))
"""
_THROUGH_ALL, _BY_TAG = "SEARCH i USING INDEX ix_items_uniq (profile_id=?)", "(rowid=?)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "t-0"
    folder.mkdir()
    return folder / "sqlite.db"


async def make_store(file: Path) -> None:
    """As ACA-Py makes one."""
    key = Store.generate_raw_key()
    store = await Store.provision(f"sqlite://{file}", "raw", key)
    async with store.session() as session:
        await session.insert("connection", "1", value="{}", tags={"request_id": "r"})
        assert len(await session.fetch_all("connection", {"request_id": "r"})) == 1
    await store.close()


def plan(file: Path) -> str:
    """How SQLite would look for it."""
    values = (1, 2, b"c", b"n", b"v", b"v")
    with closing(sqlite3.connect(file)) as database:
        steps = database.execute(f"EXPLAIN QUERY PLAN {_ASKED}", values)
        return str(next(iter(steps))[3])


async def test_without_statistics_it_would_go_through_the_whole_store(file: Path) -> None:
    await make_store(file)
    assert plan(file) == _THROUGH_ALL


async def test_a_store_that_begins_so_is_asked_by_tag(file: Path) -> None:
    begin_store(file)
    await make_store(file)
    assert _BY_TAG in plan(file)


async def test_an_older_store_is_mended_once(file: Path) -> None:
    await make_store(file)
    assert mend_stores(file.parent.parent) == 1
    assert _BY_TAG in plan(file)
    assert mend_stores(file.parent.parent) == 0


def test_a_file_that_is_there_stays_as_it_is(file: Path) -> None:
    file.write_bytes(b"a store")
    begin_store(file)
    assert file.read_bytes() == b"a store"


async def test_holders_wallets_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "w-0"
    folder.mkdir()
    await make_store(folder / "sqlite.db")
    assert mend_stores(tmp_path) == 0


def test_an_agent_without_stores_yet_has_nothing_to_mend(tmp_path: Path) -> None:
    assert mend_stores(tmp_path / "wallet") == 0
