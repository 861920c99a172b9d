"""Brief units of work: a few prebuilt statements, run by one plain function.

Almost every step of an exchange is one read by a key, or one compare-and-set with its event.
A session of the ORM, awaited step by step, costs some ten times what such statements do. So
they are a plain function of `Steps`, in which nothing is awaited:

- on SQLite it runs on the event loop itself. What may take long goes to a thread: to begin
  while another process writes, and to commit, which waits for the disk. Writers stand in the
  same line as those of near.py;
- on PostgreSQL it runs in one turn over a connection of the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol, cast

from sqlalchemy import Connection, Executable, Insert, Row, Table, create_engine, event, insert
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from controllers.store.base import Base
from controllers.store.near import BEGIN_TO_WRITE, Line, open_file, prepare

type Work[Result] = Callable[[Steps], Result]


type Beside = Callable[[Steps, str], None]
"""What a caller has written in the same unit of work, told the id of what is new there."""


def nothing_beside(_steps: Steps, _new_id: str) -> None:
    """Nothing more."""


class Steps:
    """The statements of one transaction; their parameters are given by name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.subjects: set[str] = set()  # whom to tell after the commit

    def rows(self, statement: Executable, **values: Any) -> Sequence[Row[Any]]:
        """Every row."""
        return self._connection.execute(statement, values).all()

    def row(self, statement: Executable, **values: Any) -> Row[Any] | None:
        """The first row."""
        return self._connection.execute(statement, values).first()

    def value(self, statement: Executable, **values: Any) -> Any:
        """The first column of the first row."""
        return self._connection.execute(statement, values).scalar()

    def change(self, statement: Executable, **values: Any) -> int:
        """Write; how many rows there were to write."""
        return self._connection.execute(statement, values).rowcount

    def add(self, thing: Base) -> None:
        """Write a new row; what was not set is left to the table."""
        given = {key: value for key, value in vars(thing).items() if key[0] != "_"}
        self._connection.execute(_insertion(type(thing)), given)

    def add_unless_there(self, thing: Base) -> bool:
        """The same; False, and nothing else undone, if its key is taken."""
        try:
            with self._connection.begin_nested():
                self.add(thing)
        except IntegrityError:
            return False
        return True


class Units(Protocol):
    """Runs units of work."""

    async def read[Result](self, work: Work[Result]) -> Result:
        """Only reading: on SQLite it waits for no writer."""

    async def write[Result](self, work: Work[Result]) -> tuple[Result, set[str]]:
        """All of it is committed, or nothing; with the subjects to tell of it."""

    def close(self) -> None:
        """Close what was opened."""


def table_of(model: type[Base]) -> Table:
    """The table of a mapped class, for statements without the ORM."""
    return cast(Table, model.__table__)


@cache
def _insertion(model: type[Base]) -> Insert:
    return insert(table_of(model)).inline()  # no key is asked back


def filled[Model: Base](model: type[Model], row: Row[Any]) -> Model:
    """A row of a table as its mapped class: plain data, which nothing follows."""
    made = model()
    vars(made).update(row._mapping)
    return made


class OnPostgres:
    """Units on connections of the pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read[Result](self, work: Work[Result]) -> Result:
        async with self._engine.connect() as connection:
            return await connection.run_sync(lambda plain: work(Steps(plain)))

    async def write[Result](self, work: Work[Result]) -> tuple[Result, set[str]]:
        def run(plain: Connection) -> tuple[Result, set[str]]:
            steps = Steps(plain)
            return work(steps), steps.subjects

        async with self._engine.begin() as connection:
            return await connection.run_sync(run)

    def close(self) -> None:
        """The pool is closed by whoever made it."""


class OnSqlite:
    """Units on two connections of this process: one for readers, one for the writer."""

    def __init__(self, path: str, line: Line, *, patience: float) -> None:
        self._line = line
        self._patience = patience
        self._engine = create_engine(
            "sqlite://", creator=lambda: open_file(path, patience), poolclass=NullPool
        )
        event.listen(self._engine, "connect", prepare)
        self._reader: Connection | None = None
        self._writer: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="haven-commits")

    async def read[Result](self, work: Work[Result]) -> Result:
        if self._reader is None:
            self._reader = self._engine.connect()
        with _one_moment(self._reader):
            return work(Steps(self._reader))

    async def write[Result](self, work: Work[Result]) -> tuple[Result, set[str]]:
        async with self._line:
            writer = self._writer = self._writer or self._opened_writer()
            try:
                await self._begin(writer)
                steps = Steps(writer)
                result = work(steps)
                await self._in_the_thread(writer.commit)
            except BaseException:
                self._undo(writer)
                raise
        return result, steps.subjects

    def close(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = self._writer = None
        self._thread.shutdown()

    def _opened_writer(self) -> Connection:
        writer = self._engine.connect()
        _wait_for_others(writer, 0)  # not on the event loop
        return writer

    async def _begin(self, writer: Connection) -> None:
        try:
            writer.exec_driver_sql(BEGIN_TO_WRITE)
        except OperationalError as err:
            if not _is_busy(err):
                raise
            await self._in_the_thread(lambda: _begin_after_others(writer, self._patience))

    async def _in_the_thread(self, step: Callable[[], None]) -> None:
        """Returns when the step is done, also to who was broken off meanwhile: the
        connection is not given to the next one before."""
        taken = asyncio.get_running_loop().run_in_executor(self._thread, step)
        broken_off: asyncio.CancelledError | None = None
        while not taken.done():
            try:
                await asyncio.wait((taken,))
            except asyncio.CancelledError as err:
                broken_off = err
        taken.result()
        if broken_off is not None:
            raise broken_off

    def _undo(self, writer: Connection) -> None:
        try:
            writer.rollback()
        except Exception:  # whatever is wrong with it, the next one gets another
            writer.invalidate()
            writer.close()
            self._writer = None
            raise


@contextlib.contextmanager
def _one_moment(reader: Connection) -> Iterator[None]:
    """Everything read is as of one moment. Told to the driver alone: to SQLAlchemy the reader
    is in one transaction for life, of which there is never anything to commit."""
    driver = _driver(reader)
    driver.execute("BEGIN")
    try:
        yield
    finally:
        driver.execute("ROLLBACK")


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def _begin_after_others(writer: Connection, patience: float) -> None:
    _wait_for_others(writer, patience)
    try:
        writer.exec_driver_sql(BEGIN_TO_WRITE)
    finally:
        _wait_for_others(writer, 0)


def _wait_for_others(connection: Connection, seconds: float) -> None:
    _driver(connection).execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def _is_busy(err: OperationalError) -> bool:
    code = getattr(err.orig, "sqlite_errorcode", 0)
    return int(code) & 0xFF == sqlite3.SQLITE_BUSY  # the rest says busy with what
