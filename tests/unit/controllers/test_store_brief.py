"""Brief units of work: whole or not at all, in line with others, waiting off the loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from controllers.events import tell
from controllers.moment import now
from controllers.store.brief import Steps, filled, table_of
from controllers.store.database import Database
from controllers.store.models import Organisation
from core.errors import NotFound

_ADD, _ALL = text("INSERT INTO number VALUES (:n)"), text("SELECT n FROM number ORDER BY n")


@pytest.fixture
async def numbers(tmp_path: Path) -> AsyncIterator[Database]:
    """A file with one table of numbers."""
    opened = Database(f"sqlite+aiosqlite:///{tmp_path}/brief.db")
    await opened.change(text("CREATE TABLE number (n INTEGER PRIMARY KEY)"))
    yield opened
    await opened.close()


async def kept(database: Database) -> list[int]:
    return [row.n for row in await database.rows(_ALL)]


async def add_slowly(database: Database, number: int, pause: float) -> None:
    async with database.transaction() as session:
        await session.execute(_ADD, {"n": number})
        await asyncio.sleep(pause)


async def test_it_is_written_as_a_whole_or_not_at_all(numbers: Database) -> None:
    def broken_off(steps: Steps) -> None:
        steps.change(_ADD, n=1)
        raise NotFound("in the middle")

    with pytest.raises(NotFound):
        await numbers.write(broken_off)
    with pytest.raises(IntegrityError):
        await numbers.write(lambda steps: [steps.change(_ADD, n=2) for _ in range(2)])
    assert await kept(numbers) == []
    assert await numbers.change(_ADD, n=3) == 1
    assert await kept(numbers) == [3]


async def test_it_stands_in_line_with_sessions(numbers: Database) -> None:
    both = [add_slowly(numbers, n, 0.002) for n in range(0, 40, 2)]
    brief = [numbers.change(_ADD, n=n) for n in range(1, 40, 2)]
    await asyncio.gather(*both, *brief)
    assert await kept(numbers) == list(range(40))


async def test_readers_wait_for_no_writer(numbers: Database) -> None:
    async with numbers.transaction() as session:
        await session.execute(_ADD, {"n": 1})
        assert await kept(numbers) == []
    assert await kept(numbers) == [1]


async def test_another_process_that_writes_does_not_hold_up_the_loop(
    numbers: Database, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "brief.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(numbers.change(_ADD, n=1))
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert await kept(numbers) == []
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await asyncio.wait_for(waiting, 5)
    assert await kept(numbers) == [1]


async def test_who_is_broken_off_at_any_moment_spoils_nothing(numbers: Database) -> None:
    for round_ in range(60):
        tasks = [asyncio.create_task(numbers.change(_ADD, n=round_ * 10 + n)) for n in range(4)]
        for _ in range(round_ % 12):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert {n for n in range(600) if n % 10 in (1, 3)} <= set(await kept(numbers))
    await asyncio.wait_for(numbers.change(_ADD, n=1000), 5)


async def test_the_commit_waits_for_the_disk_in_another_thread(
    numbers: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await numbers.change(_ADD, n=1)
    writer = numbers._units._writer  # type: ignore[attr-defined] # SQLite's
    committed, commit = [], writer.commit
    monkeypatch.setattr(
        writer, "commit", lambda: (committed.append(threading.current_thread()), commit())
    )
    await numbers.change(_ADD, n=2)
    assert [thread is threading.main_thread() for thread in committed] == [False]
    assert await numbers.value(text("PRAGMA synchronous")) == 2, "FULL"


async def test_a_commit_that_fails_is_no_commit(
    numbers: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await numbers.change(_ADD, n=1)

    def full() -> None:
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(numbers._units._writer, "commit", full)  # type: ignore[attr-defined] # SQLite's
        with pytest.raises(OSError, match="no space"):
            await numbers.change(_ADD, n=2)
    await numbers.change(_ADD, n=3)
    assert await kept(numbers) == [1, 3]


async def test_what_is_there_is_not_added_and_nothing_else_is_undone(
    database: Database,
) -> None:
    def organisation(slug: str) -> Organisation:
        return Organisation(
            id=slug, slug=slug, label=slug, wallet_id="w", token_issued_at=1, created_at=now()
        )

    def work(steps: Steps) -> list[bool]:
        return [steps.add_unless_there(organisation(slug)) for slug in ("a", "b", "a")]

    assert await database.write(work) == [True, True, False]
    rows = await database.rows(table_of(Organisation).select())
    found = [filled(Organisation, row) for row in rows]
    assert [(each.slug, each.did) for each in found] == [("a", None), ("b", None)]


async def test_who_follows_a_subject_hears_of_it_after_the_commit(database: Database) -> None:
    with database.bell.listening("subject") as rung:

        def unmade(steps: Steps) -> None:
            tell(steps, "subject", "made")
            raise NotFound("in the middle")

        with pytest.raises(NotFound):
            await database.write(unmade)
        assert not rung.is_set()
        await database.write(lambda steps: tell(steps, "subject", "made"))
        assert rung.is_set()
