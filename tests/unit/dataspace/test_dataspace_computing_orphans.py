"""A node is killed while its party runs: no process, no open port and no key are left."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.waiting import until

# a node that computes alone, as party 1: it listens, and waits for the others
NODE = """
import asyncio
from dataspace.computing.launch import compute
from dataspace.computing.measuring import make_jobs

tables = [{"gate": [7, 1], "present": [1, 1]}] * 3
job = make_jobs("gated-sums", {"cells": 2, "most": 9}, tables)[1]
print(job.parties[1].port, flush=True)
asyncio.run(compute(job))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """The node's process, and the port of its party, which listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        NODE,
        env={**os.environ, "TMPDIR": str(tmp_path), "PLANTED": "PLANTED"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        await until(lambda: listens(port), seconds=60)
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def party_of(node: int) -> int:
    (child,) = Path(f"/proc/{node}/task/{node}/children").read_text().split()
    return int(child)


def has_ended(process: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return True


def files_in(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


async def test_no_party_outlives_its_node(
    node: tuple[asyncio.subprocess.Process, int], tmp_path: Path
) -> None:
    process, port = node
    party = party_of(process.pid)
    process.send_signal(signal.SIGKILL)
    await process.wait()

    async def gone() -> bool:
        # looked for together: a process that is marked as ended has its files open for as long
        # as one of its threads ends
        return has_ended(party) and not await listens(port)

    await until(gone, seconds=5)
    assert files_in(tmp_path) == []


async def test_what_the_system_shows_of_a_party(
    node: tuple[asyncio.subprocess.Process, int], tmp_path: Path
) -> None:
    party = party_of(node[0].pid)
    assert files_in(tmp_path) == []  # it has its key in memory alone
    assert resource.prlimit(party, resource.RLIMIT_CORE) == (0, 0)
    shown = Path(f"/proc/{party}")
    command = (shown / "cmdline").read_bytes().split(b"\0")
    assert command[1:-1] == [b"-I", b"-m", b"dataspace.computing.party"]
    if os.geteuid() == 0:  # nobody else may look into it: it is not dumpable
        names = {each.split(b"=")[0] for each in (shown / "environ").read_bytes().split(b"\0")}
        assert names <= {
            b"",
            b"OMP_NUM_THREADS",
            b"OPENBLAS_NUM_THREADS",
            b"MKL_NUM_THREADS",
        }
    else:
        with pytest.raises(PermissionError):
            (shown / "environ").read_bytes()
