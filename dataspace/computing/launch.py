"""Runs one party of one run as a process of its own, and sees to it that it ends.

A run is over when its outcome is here, its deadline is over, or the caller gives it up. In
each case the process is gone and its directory, with the key of this run, removed. If this
process is killed, the party's ends with it; it has removed the key once it had read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import RunFailed
from dataspace.computing.job import Job, Outcome, require_consistent, to_wire
from dataspace.computing.steps import STEPS, WORDS, Step

_PROGRAM = (sys.executable, "-I", "-m", "dataspace.computing.party")
_MOST_ANSWER = 64 * 2**20  # bytes
# libraries of linear algebra start a thread for each processor; a party is one thread
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _failed(step: Step, *, late: bool = False, kind: str = "") -> RunFailed:
    """A run that ended at a step, in words for people that hold no value."""
    ending = "; its time was over" if late else ""
    return RunFailed(WORDS[step] + ending, code=f"run-{step}", step=step, kind=kind)


async def compute(job: Job, *, program: Sequence[str] = _PROGRAM) -> Outcome:
    """Runs this party's part of a computation, in a process of its own.

    Returns when all parties are done. Raises InvalidInput for a job that contradicts itself,
    before anything is started, and RunFailed when the run fails or `job.seconds` are over.
    `program` is the party's command line; tests put others in its place.
    """
    require_consistent(job)
    directory = Path(tempfile.mkdtemp(prefix="haven-party-"))  # readable by its owner only
    try:
        _write_certificates(directory, job)
        return await _supervise(job, directory, program)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _write_certificates(directory: Path, job: Job) -> None:
    """The files that MPyC's users know: .config/party_<i>.crt and .key, and mpyc_ca.crt."""
    folder = directory / ".config"
    folder.mkdir(mode=0o700)
    own = job.parties[job.me].certificate
    bundle = b"".join(party.certificate for party in job.parties)
    files = {
        f"party_{job.me}.crt": own,
        f"party_{job.me}.key": job.key.reveal().encode(),
        "mpyc_ca.crt": bundle,
    }
    for name, content in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


async def _supervise(job: Job, directory: Path, program: Sequence[str]) -> Outcome:
    try:
        process = await asyncio.create_subprocess_exec(
            *program,
            cwd=directory,
            env=dict(_ENVIRONMENT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # tracebacks can hold values
            limit=_MOST_ANSWER,
        )
    except OSError:
        raise _failed("start") from None
    reader = _Reader()
    try:
        async with asyncio.timeout(job.seconds):
            return await reader.read(process, to_wire(job), job)
    except TimeoutError:
        raise _failed(reader.step, late=True) from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class _Reader:
    """Follows what a party's process says; `step` is the last step that it began."""

    def __init__(self) -> None:
        self.step: Step = "start"

    async def read(self, process: asyncio.subprocess.Process, wire: bytes, job: Job) -> Outcome:
        """The outcome. Raises RunFailed if the process says so, or ends without one."""
        if process.stdin is None or process.stdout is None:
            raise _failed("start")
        with contextlib.suppress(ConnectionError):  # it ended early: what it said tells why
            process.stdin.write(wire)
            await process.stdin.drain()
            process.stdin.close()
        while True:
            said = await self._line(process.stdout)
            if said.get("step") in STEPS:
                self.step = said["step"]
            elif "outcome" in said:
                return self._outcome(said["outcome"], job)
            else:
                failed = said["failed"] if said.get("failed") in STEPS else self.step
                raise _failed(failed, kind=str(said.get("kind", "")))

    async def _line(self, stream: asyncio.StreamReader) -> dict[str, Any]:
        try:
            said = json.loads(await stream.readline() or b"{}")
        except ValueError:  # no JSON, or longer than an answer can be
            return {}
        return said if isinstance(said, dict) else {}

    def _outcome(self, raw: Any, job: Job) -> Outcome:
        try:
            return Outcome(
                opened=raw["opened"],
                openings=tuple((label, count) for label, count in raw["openings"]),
                bytes_sent=raw["bytes_sent"],
                seconds=raw["seconds"],
                processor_seconds=raw["processor_seconds"],
                parties=len(job.parties),
                threshold=job.threshold(),
            )
        except (KeyError, TypeError, ValueError):
            raise _failed("answering") from None
