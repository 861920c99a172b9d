"""Opening the database: SQLite in WAL mode, or PostgreSQL; migrated to the newest version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from sqlalchemy import Connection, Executable, Row, event, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from controllers.store.bell import Bell
from controllers.store.brief import OnPostgres, OnSqlite, Units, Work
from controllers.store.near import BEGIN_TO_WRITE, NearConnection, connecting, prepare
from controllers.store.upgrading import upgrade

Sessions = async_sessionmaker[AsyncSession]

_READING = "haven_reading"
SUBJECTS = "haven_subjects"  # in a session's info: whom to tell after the commit
_PATIENCE = 10.0  # seconds, with another process that writes to the same SQLite file


class Database:
    """One engine and its sessions."""

    def __init__(self, url: str) -> None:
        self.bell = Bell()
        self.engine, self._units = _opened(url)
        self.sessions: Sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    async def migrate(self) -> None:
        """Bring the tables to the newest version; safe to call from every replica.

        Raises ConfigurationError if they are newer than this Haven (see upgrading.py).
        """
        async with self.engine.begin() as connection:
            await connection.run_sync(upgrade)

    async def close(self) -> None:
        """Close every connection."""
        self._units.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: all of it is committed, or nothing."""
        async with self.sessions() as session:
            async with session.begin():
                yield session
            for subject_id in session.info.pop(SUBJECTS, ()):
                self.bell.ring(subject_id)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads: on SQLite it waits for no writer."""
        async with self.sessions() as session, session.begin():
            await session.connection(execution_options={_READING: True})
            yield session

    async def write[Result](self, work: Work[Result]) -> Result:
        """A brief unit of work (brief.py): all of it is committed, or nothing."""
        result, subjects = await self._units.write(work)
        for subject_id in subjects:
            self.bell.ring(subject_id)
        return result

    async def read[Result](self, work: Work[Result]) -> Result:
        """A brief unit of work that only reads."""
        return await self._units.read(work)

    async def change(self, statement: Executable, **values: Any) -> int:
        """One statement that writes; how many rows there were to write."""
        return await self.write(lambda steps: steps.change(statement, **values))

    async def row(self, statement: Executable, **values: Any) -> Row[Any] | None:
        """The first row of one statement."""
        return await self.read(lambda steps: steps.row(statement, **values))

    async def rows(self, statement: Executable, **values: Any) -> Sequence[Row[Any]]:
        """Every row of one statement."""
        return await self.read(lambda steps: steps.rows(statement, **values))

    async def value(self, statement: Executable, **values: Any) -> Any:
        """The first column of the first row of one statement."""
        return await self.read(lambda steps: steps.value(statement, **values))


def _opened(url: str) -> tuple[AsyncEngine, Units]:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_async_engine(url, pool_pre_ping=True)
        return engine, OnPostgres(engine)
    path, line = parsed.database or ":memory:", asyncio.Lock()
    near = connecting(path, line, patience=_PATIENCE)
    engine = create_async_engine(url, connect_args={"async_creator_fn": near})
    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine, OnSqlite(path, line, patience=_PATIENCE)


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer in
    # SQLite, it fails; taking the write lock at the start lets it wait instead.
    reading = connection.get_execution_options().get(_READING, False)
    if not reading:
        connection.exec_driver_sql(BEGIN_TO_WRITE)
    elif not cast(NearConnection, connection.connection.driver_connection).begin_to_read():
        connection.exec_driver_sql("BEGIN")
