"""SQLite spoken to from the event loop itself.

aiosqlite hands every single step of a statement to a thread and waits for its answer: a read
of one row takes a dozen such turns, and they cost far more than SQLite does. A read of a few
rows takes SQLite some ten microseconds, which the event loop can spare. What may take long goes
to the thread as before: to begin writing, which waits for other processes, and to commit, which
waits for the disk. Writers of this process stand in a line of their own before they begin, so
that none waits for another inside SQLite.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

import aiosqlite

BEGIN_TO_WRITE = "BEGIN IMMEDIATE"
_CACHED_STATEMENTS = 256

type Line = asyncio.Lock


class NearConnection(aiosqlite.Connection):
    """A connection whose quick steps are taken at once."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], line: Line) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._line = line
        self._in_front = False
        self._handed_over: deque[object] = deque()  # steps that the thread is not done with

    def begin_to_read(self) -> bool:
        """Everything read until the commit is as of one moment. False if it cannot be now."""
        if self._handed_over:
            return False
        self._conn.execute("BEGIN")
        return True

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if args and args[0] == BEGIN_TO_WRITE:
            return await self._begin_to_write(fn, *args)
        if getattr(fn, "__name__", "") in ("commit", "rollback", "close"):
            return await self._end(fn, *args, **kwargs)
        if self._handed_over:  # by somebody who was broken off: after them, never beside them
            return await self._in_the_thread(fn, *args, **kwargs)
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        return fn(*args, **kwargs)

    async def _begin_to_write(self, fn: Any, *args: Any) -> Any:
        await self._line.acquire()
        self._in_front = True
        try:
            return await self._in_the_thread(fn, *args)
        except BaseException:
            self._step_aside()
            raise

    async def _end(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._in_front and not self._handed_over:
            return fn(*args, **kwargs)
        try:
            return await self._in_the_thread(fn, *args, **kwargs)
        finally:
            self._step_aside()

    async def _in_the_thread(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        step = object()

        def taken() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._handed_over.remove(step)

        self._handed_over.append(step)
        return await super()._execute(taken)  # type: ignore[no-untyped-call]

    def stop(self) -> asyncio.Future[Any] | None:
        """Also what is called for a connection that was given up."""
        self._step_aside()
        return super().stop()

    def _step_aside(self) -> None:
        if self._in_front:
            self._in_front = False
            self._line.release()


def connecting(path: str, line: Line, *, patience: float) -> Callable[..., NearConnection]:
    """Makes connections to one file; `patience` seconds for other processes that write."""

    def connect(*_: Any, **__: Any) -> NearConnection:
        connection = NearConnection(lambda: open_file(path, patience), line)
        connection._thread.daemon = True
        return connection

    return connect


def open_file(path: str, patience: float) -> sqlite3.Connection:
    """A connection of the driver's own."""
    return sqlite3.connect(
        path,
        timeout=patience,
        isolation_level=None,  # transactions begin where the code says so
        check_same_thread=False,  # the thread and the loop take turns, never both
        cached_statements=_CACHED_STATEMENTS,
    )


def prepare(connection: Any, _record: Any) -> None:
    """What every connection of ours is set to."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
