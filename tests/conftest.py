"""What all tests share. Everything dear is started once for the whole run, and only if used."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from controllers.store.database import Database
from tests.support.installation import (
    Installation,
    Swift,
    running_installation,
    running_on_fakes,
)
from tests.support.postgres import PostgresServer, missing, running_postgres

# a busy machine is no failure; what is slow is seen in the run's durations
settings.register_profile("haven", deadline=None)
# for a night or a coffee break: HYPOTHESIS_PROFILE=long
settings.register_profile("long", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "haven"))


@pytest.fixture(scope="session")
async def installation(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Installation]:
    """The one real installation of a run; mark tests that use it with `agents`."""
    async with running_installation(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture
async def swift(tmp_path: Path) -> AsyncIterator[Swift]:
    """An installation of the test's own, on agents in memory."""
    async with running_on_fakes(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this run's own; mark tests that use it with `postgres`."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A server for the agents of one module: what an agent calls its stores is fixed, so two
    installations cannot share a server."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file; copying it is quicker than migrating again."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    await database.close()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each of the two engines."""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.url().render_as_string(hide_password=False)
    path = tmp_path / "haven.db"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database without a row."""
    opened = Database(database_url)
    await opened.migrate()
    yield opened
    await opened.close()
