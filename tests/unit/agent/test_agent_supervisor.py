"""Supervising a small real process: started again when it falls, gone when it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from agent import supervisor
from agent.supervisor import Child, ChildSpec
from core.errors import Unavailable
from tests.support.waiting import until

SLEEPS = "print('started', flush=True)\nimport time\ntime.sleep(600)"
ENDS = "print('started', flush=True)\nraise SystemExit(3)"
DEAF = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('started', flush=True)\n"
    "time.sleep(600)"
)


def spec(folder: Path, code: str, stop_seconds: float = 5.0) -> ChildSpec:
    """A child that is ready once it has written its first line."""
    log_file = folder / "logs" / "child.log"

    async def ready() -> bool:
        return log_file.exists() and "started" in log_file.read_text()

    return ChildSpec(
        name="child",
        command=(sys.executable, "-c", code),
        environment={"PATH": os.environ.get("PATH", ""), "MARK": "here"},
        log_file=log_file,
        ready=ready,
        stop_seconds=stop_seconds,
    )


@asynccontextmanager
async def started(made: ChildSpec) -> AsyncIterator[Child]:
    child = Child(made)
    await child.start()
    try:
        yield child
    finally:
        await child.stop()


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def pid_of(child: Child, good: Callable[[int], bool] = bool) -> int:
    async def look() -> int:
        return child.pid or 0

    return await until(look, lambda pid: pid != 0 and good(pid))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same back-off, ten times as fast."""
    monkeypatch.setattr(supervisor, "_FIRST_BACKOFF", 0.05)


@pytest.mark.usefixtures("quick")
async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    async with started(spec(tmp_path, SLEEPS)) as child:
        await child.wait_ready()
        first = await pid_of(child)
        os.kill(first, signal.SIGKILL)
        second = await pid_of(child, lambda pid: pid != first)
        assert exists(second)
        assert child.restarts == 1
    assert not exists(first)
    assert not exists(second)


@pytest.mark.usefixtures("quick")
async def test_a_child_that_keeps_falling_is_started_more_and_more_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LONGEST_BACKOFF", 0.2)
    made = spec(tmp_path, "import time\nprint(time.monotonic(), flush=True)")

    async def starts() -> list[float]:
        if not made.log_file.exists():
            return []
        return [float(line) for line in made.log_file.read_text().splitlines()]

    async with started(made) as child:
        times = await until(starts, lambda seen: len(seen) == 6)
        assert child.restarts == 5
    waited = [later - earlier for earlier, later in pairwise(times)]
    least = [0.05, 0.1, 0.2, 0.2, 0.2]
    assert all(gap >= wait for gap, wait in zip(waited, least, strict=True))


@pytest.mark.usefixtures("quick")
async def test_waiting_for_a_child_that_never_comes_up_says_where_to_look(
    tmp_path: Path,
) -> None:
    async with started(spec(tmp_path, "raise SystemExit(3)")) as child:
        with pytest.raises(Unavailable, match=r"child\.log") as caught:
            await child.wait_ready(0.3)
        assert str(tmp_path) not in str(caught.value)


async def test_stopping_leaves_no_process_and_no_task(tmp_path: Path) -> None:
    child = Child(spec(tmp_path, SLEEPS))
    await child.start()
    await child.wait_ready()
    pid = await pid_of(child)
    for _ in range(2):
        await child.stop()
    assert child.pid is None
    assert not exists(pid)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "watch-child"] == []


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = Child(spec(tmp_path, DEAF, stop_seconds=0.2))
    await child.start()
    await child.wait_ready()
    pid = await pid_of(child)
    await child.stop()
    assert not exists(pid)


@pytest.mark.usefixtures("quick")
async def test_stopping_between_two_runs_starts_nothing(tmp_path: Path) -> None:
    made = spec(tmp_path, ENDS)
    child = Child(made)
    await child.start()
    await child.wait_ready()
    await child.stop()
    runs = made.log_file.read_text().count("started")
    await asyncio.sleep(0.3)
    assert made.log_file.read_text().count("started") == runs
    assert child.pid is None


async def test_the_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = spec(tmp_path, SLEEPS)
    async with started(made) as child:
        await child.wait_ready()
    assert stat.S_IMODE(made.log_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.log_file.parent.stat().st_mode) == 0o700


async def test_a_long_log_is_turned_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LOG_LIMIT", 10)
    made = spec(tmp_path, SLEEPS)
    made.log_file.parent.mkdir()
    made.log_file.write_text("x" * 100)
    async with started(made) as child:
        await child.wait_ready()
    assert made.log_file.read_text() == "started\n"
    assert (made.log_file.parent / "child.log.1").read_text() == "x" * 100


async def test_a_child_gets_the_environment_it_was_given_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEFTOVER", "leftover")
    code = "import os\nprint('started', os.environ.get('MARK'), os.environ.get('LEFTOVER'))"
    made = spec(tmp_path, f"{code}\nimport time, sys\nsys.stdout.flush()\ntime.sleep(600)")
    async with started(made) as child:
        await child.wait_ready()
    assert made.log_file.read_text() == "started here None\n"
