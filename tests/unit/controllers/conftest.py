"""The house that the controllers' tests play in, fresh for each test, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from controllers_house import House, MovedClock, build_house, close_house, copy_of

from controllers import moment
from tests.support.postgres import PostgresServer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    """The controllers' clock, which a test can move."""
    moved = MovedClock()
    monkeypatch.setattr(moment, "_CLOCK", moved)
    return moved


@pytest.fixture(scope="session")
async def first_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Built once and closed; copying it is quicker than building it again."""
    data_dir = tmp_path_factory.mktemp("house") / "data"
    built = await build_house(data_dir, f"sqlite+aiosqlite:///{data_dir}/haven.db")
    await close_house(built)
    return built


@pytest.fixture
async def small_house(
    tmp_path: Path, first_house: House, clock: MovedClock
) -> AsyncIterator[House]:
    """Everything built on agents in memory, on SQLite: where any database will do."""
    copied = copy_of(first_house, tmp_path / "house", clock)
    yield copied
    await close_house(copied)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, first_house: House, clock: MovedClock
) -> AsyncIterator[House]:
    """The same on each of the two databases: where work happens at once."""
    if request.param == "sqlite":
        made = copy_of(first_house, tmp_path / "house", clock)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url().render_as_string(hide_password=False)
        made = await build_house(tmp_path / "house", url)
        made.clock = clock
    yield made
    await close_house(made)
