"""SQLite from the event loop: writers stand in line, and nothing long holds up the loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from controllers.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A file with one table of numbers."""
    opened = Database(f"sqlite+aiosqlite:///{tmp_path}/near.db")
    async with opened.transaction() as session:
        await session.execute(text("CREATE TABLE number (n INTEGER PRIMARY KEY)"))
    yield opened
    await opened.close()


async def add(database: Database, number: int, pause: float = 0.0) -> None:
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO number VALUES (:n)"), {"n": number})
        await asyncio.sleep(pause)


async def numbers(database: Database) -> list[int]:
    async with database.reading() as session:
        return list(await session.scalars(text("SELECT n FROM number ORDER BY n")))


async def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    await asyncio.gather(*(add(database, n, pause=0.002) for n in range(40)))
    assert await numbers(database) == list(range(40))


async def test_readers_wait_for_no_writer(database: Database) -> None:
    await add(database, 1)
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO number VALUES (2)"))
        assert await numbers(database) == [1]
    assert await numbers(database) == [1, 2]


async def test_a_writer_that_fails_lets_the_next_one_write(database: Database) -> None:
    await add(database, 1)
    with pytest.raises(IntegrityError):
        await add(database, 1)
    await asyncio.wait_for(add(database, 2), 5)
    assert await numbers(database) == [1, 2]


async def test_a_writer_that_is_broken_off_lets_the_next_one_write(database: Database) -> None:
    slow = asyncio.create_task(add(database, 1, pause=30))
    waiting = asyncio.create_task(add(database, 2))
    await asyncio.sleep(0.05)
    slow.cancel()
    waiting.cancel()
    await asyncio.gather(slow, waiting, return_exceptions=True)
    await asyncio.wait_for(add(database, 3), 5)
    assert await numbers(database) == [3]


async def test_another_process_that_writes_does_not_hold_up_the_loop(
    database: Database, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "near.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(add(database, 1))
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert await numbers(database) == []
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await asyncio.wait_for(waiting, 5)
    assert await numbers(database) == [1]


async def test_who_is_broken_off_at_any_moment_spoils_nothing(database: Database) -> None:
    """A commit that nobody waits for any more is never joined by a step beside it."""
    for round_ in range(60):
        tasks = [asyncio.create_task(add(database, round_ * 10 + n)) for n in range(4)]
        for _ in range(round_ % 12):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    kept = await numbers(database)
    assert {n for n in range(600) if n % 10 in (1, 3)} <= set(kept)
    await asyncio.wait_for(add(database, 1000), 5)
