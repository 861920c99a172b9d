"""Runs of real parties for the tests of dataspace/computing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import RunFailed
from dataspace.computing.job import Job, Outcome
from dataspace.computing.launch import compute

HERE = Path(__file__).parent


def program(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a party that misbehaves (computing_parties/)."""
    return sys.executable, str(HERE / "computing_parties" / f"{name}.py"), *arguments


async def run_all(
    jobs: Sequence[Job], programs: Mapping[int, Sequence[str]] | None = None
) -> list[Any]:
    """Every party's Outcome or RunFailed, in the order of the jobs.

    Some parties may be other programs; they are ended when all of Haven's own have.
    """
    chosen = programs or {}
    running = {
        job.me: asyncio.ensure_future(
            compute(job, program=chosen[job.me]) if job.me in chosen else compute(job)
        )
        for job in jobs
    }
    await asyncio.wait([each for number, each in running.items() if number not in chosen])
    for number in chosen:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.wait([running[number]])
        running[number].cancel()
    ended = await asyncio.gather(*running.values(), return_exceptions=True)
    for number, each in zip(running, ended, strict=True):
        expected = isinstance(each, Outcome | RunFailed) or number in chosen
        if isinstance(each, BaseException) and not expected:
            raise each
    return ended


class Alone:
    """A circuit's arithmetic without parties and lines, for many examples."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "computing_alone.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, circuit: str, parameters: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What was opened, given the sums of all organisations' inputs."""
        asked = {"circuit": circuit, "parameters": dict(parameters), "inputs": dict(inputs)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answered: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answered

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
