"""The tables that the migrations make are those that the models describe."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from controllers.store import models
from controllers.store.base import Base
from controllers.store.database import Database


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


async def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    assert models.Check.__tablename__ in Base.metadata.tables
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
