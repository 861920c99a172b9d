"""A process that dies with its parent, and one whose parent is a container's engine."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

import pytest

from agent.launch import die_with_parent
from controllers.running import is_alive
from tests.support.waiting import until

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere a clean stop has to do"
)

_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", '''
import time
from agent.launch import die_with_parent
die_with_parent()
print("ready", flush=True)
time.sleep(60)
'''], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def _orphan() -> int:
    """The process id of a child whose parent was killed."""
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    return child


@linux
async def test_it_ends_when_its_parent_is_killed() -> None:
    child = _orphan()

    async def gone() -> bool:
        return not is_alive(child)

    await until(gone)


@linux
def test_an_engine_outside_the_container_is_no_parent_to_die_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing is asked of the kernel")

    monkeypatch.setattr(os, "getppid", lambda: 0)
    monkeypatch.setattr(ctypes, "CDLL", never)
    die_with_parent()
