"""The support itself: databases come migrated and empty, one for each test."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, select

from controllers.moment import now
from controllers.store.base import Base
from controllers.store.database import Database
from controllers.store.models import Organisation
from tests.support.installation import free_port_base
from tests.support.waiting import until


async def _tables(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_a_database_has_every_table(database: Database) -> None:
    assert await _tables(database) >= set(Base.metadata.tables)


@pytest.mark.parametrize("run", [1, 2])
async def test_a_database_is_empty_for_each_test(database: Database, run: int) -> None:
    async with database.reading() as session:
        assert list(await session.scalars(select(Organisation))) == []
    async with database.transaction() as session:
        session.add(
            Organisation(
                id=f"organisation-{run}",
                slug="shelter",
                label="House",
                wallet_id="w",
                token_issued_at=1,
                created_at=now(),
            )
        )


def test_a_block_of_ports_is_given() -> None:
    assert 20_000 <= free_port_base() < 32_000


async def test_waiting_ends() -> None:
    async def look() -> int:
        return 1

    assert await until(look) == 1
    with pytest.raises(TimeoutError):
        await until(look, lambda seen: seen > 1, seconds=0)
