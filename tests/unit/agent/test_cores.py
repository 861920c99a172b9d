"""An agent's hand-overs stay on one core, its arithmetic does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from agent.cores import TURN

_ASK = """
import asyncio, json, os
from agent.cores import let_arithmetic_roam, stay_together
stay_together()
async def main():
    let_arithmetic_roam()
    roams = await asyncio.get_running_loop().run_in_executor(None, os.sched_getaffinity, 0)
    print(json.dumps([sorted(os.sched_getaffinity(0)), sorted(roams)]))
asyncio.run(main())
"""

several = pytest.mark.skipif(
    not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2,
    reason="needs Linux and two cores",
)


def cores(turn: str) -> tuple[list[int], list[int]]:
    """Where the loop of an agent runs, and where its arithmetic may."""
    environment = {**os.environ, TURN: turn}
    asked = subprocess.run(
        [sys.executable, "-c", _ASK], env=environment, capture_output=True, check=True
    )
    loop, arithmetic = json.loads(asked.stdout)
    return loop, arithmetic


@several
def test_the_first_agents_have_cores_of_their_own() -> None:
    every = sorted(os.sched_getaffinity(0))
    (first, roams), (second, _) = cores("0"), cores("1")
    assert (first, second) == ([every[0]], [every[1]])
    assert roams == every
    assert cores(str(len(every)))[0] == first


@several
def test_without_a_turn_nothing_is_narrowed() -> None:
    every = sorted(os.sched_getaffinity(0))
    assert cores("") == (every, every)
