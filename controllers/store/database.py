"""Opening the database: SQLite in WAL mode, or PostgreSQL; migrated to the newest version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from sqlalchemy import Connection, event, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from controllers.store.bell import Bell
from controllers.store.near import BEGIN_TO_WRITE, NearConnection, connecting
from controllers.store.upgrading import upgrade

Sessions = async_sessionmaker[AsyncSession]

_READING = "haven_reading"
SUBJECTS = "haven_subjects"  # in a session's info: whom to tell after the commit
_PATIENCE = 10.0  # seconds, with another process that writes to the same SQLite file


class Database:
    """One engine and its sessions."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.bell = Bell()
        self.sessions: Sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_immediate)

    async def migrate(self) -> None:
        """Bring the tables to the newest version; safe to call from every replica.

        Raises ConfigurationError if they are newer than this Haven (see upgrading.py).
        """
        async with self.engine.begin() as connection:
            await connection.run_sync(upgrade)

    async def close(self) -> None:
        """Close every connection."""
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


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    near = connecting(parsed.database or ":memory:", patience=_PATIENCE)
    return create_async_engine(url, connect_args={"async_creator_fn": near})


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer in
    # SQLite, it fails; taking the write lock at the start lets it wait instead.
    reading = connection.get_execution_options().get(_READING, False)
    if not reading:
        connection.exec_driver_sql(BEGIN_TO_WRITE)
    elif not cast(NearConnection, connection.connection.driver_connection).begin_to_read():
        connection.exec_driver_sql("BEGIN")
