"""Starts child processes, restarts them when they fall, stops them cleanly.

A child that ends by itself is started again after 0.5 s, 1 s, 2 s ... at most 30 s; a child
that ran for a minute counts as healthy again. Output goes to a file per child (mode 0600);
one that grows over 10 MB is turned over, while the child goes on writing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import Unavailable

LOGGER = logging.getLogger(__name__)

_FIRST_BACKOFF, _LONGEST_BACKOFF, _HEALTHY_AFTER = 0.5, 30.0, 60.0
_LOG_LIMIT = 10 * 1024 * 1024
_LOG_LOOK_SECONDS = 10.0

ReadyProbe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. `ready` is asked until it answers True."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path
    ready: ReadyProbe
    stop_seconds: float = 10.0


class Child:
    """One supervised process."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self.started_at: float | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._tidy: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process id, or None while it is down."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Start the process and keep it running until `stop`."""
        self._stopping = False
        await self._spawn()
        self._watch = asyncio.create_task(self._keep_running(), name=f"watch-{self.spec.name}")
        self._tidy = asyncio.create_task(self._keep_log_short(), name=f"log-{self.spec.name}")

    async def wait_ready(self, seconds: float = 60.0) -> None:
        """Return once the probe says yes. Raises Unavailable with where to look."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if await self.spec.ready():
                return
            if self.pid is None and self.restarts >= 3:
                break
            await asyncio.sleep(0.1)
        raise Unavailable(
            f"{self.spec.name} did not start; see {self.spec.log_file.name} in the log folder"
        )

    async def stop(self) -> None:
        """End the process: politely first, then for good."""
        self._stopping = True
        for task in (self._watch, self._tidy):
            if task is None:
                continue
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_seconds)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        with _open_log(self.spec.log_file) as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                env=dict(self.spec.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us first; we stop the children
            )
        self.started_at = time.time()

    async def _keep_running(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            process, began = self._process, time.monotonic()
            if process is None:
                return
            returncode = await process.wait()
            if self._stopping:
                return
            if time.monotonic() - began > _HEALTHY_AFTER:
                backoff = _FIRST_BACKOFF
            LOGGER.warning("%s ended with %s; starting it again", self.spec.name, returncode)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)
            self.restarts += 1
            await self._spawn()

    async def _keep_log_short(self) -> None:
        while True:
            await asyncio.sleep(_LOG_LOOK_SECONDS)
            try:
                await asyncio.to_thread(turn_over, self.spec.log_file)
            except OSError:
                LOGGER.warning("the log of %s could not be turned over", self.spec.name)


def turn_over(path: Path, limit: int | None = None) -> None:
    """Keep a log that grew too large beside a new one, as `.1` instead of the one before.

    The child goes on writing into the file it has: it is copied and emptied, not moved. What is
    written between the two is lost. Raises OSError, and the log stays as it is.
    """
    if not path.exists() or path.stat().st_size <= (limit or _LOG_LIMIT):
        return
    older = path.with_suffix(path.suffix + ".1")
    copy = path.with_suffix(path.suffix + ".copying")
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as target, path.open("rb") as source:
        shutil.copyfileobj(source, target)
    copy.replace(older)
    os.truncate(path, 0)


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    turn_over(path)
    # appending, so that a child goes on at the new end after its log was emptied
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab")
