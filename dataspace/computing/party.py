"""The process of one party of one run: `python -m dataspace.computing.party`.

It reads a job from its standard input, works in its own directory, and writes lines of JSON to
its standard output: `{"step": ...}` when a step begins, and at the end either
`{"outcome": ...}` or `{"failed": step}`. It never writes a value elsewhere.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import HavenError
from core.secret import Secret
from dataspace.computing.ending import leave_nothing_behind
from dataspace.computing.job import Job, from_wire, require_consistent
from dataspace.computing.runtime import make_runtime
from dataspace.computing.steps import Step, Stopped

# how long after its deadline a party ends itself, if the node that should end it is gone
_GRACE = 5.0


def main() -> int:
    """Runs the party. Returns the exit status: 0 only with an outcome."""
    leave_nothing_behind()
    write = _private_output()
    step: Step = "start"

    def begin(next_step: Step) -> None:
        nonlocal step
        step = next_step
        write({"step": step})

    try:
        write({"outcome": _work(_read_job(), begin)})
    except Stopped as stopped:
        write({"failed": stopped.step})
    except HavenError:
        write({"failed": "inputs" if step == "start" else step})
    except Exception as error:  # whatever it is, its words may hold values: only its kind goes
        write({"failed": step, "kind": type(error).__name__})
    else:
        return 0
    return 1


def _private_output() -> Callable[[dict[str, Any]], None]:
    """Writes lines to what was standard output; from now on prints of libraries go nowhere."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)

    def write(document: dict[str, Any]) -> None:
        lines.write(json.dumps(document) + "\n")
        lines.flush()

    return write


def _read_job() -> Job:
    data = sys.stdin.buffer.read()
    (key_file,) = Path(".config").glob("party_*.key")
    job = from_wire(data, Secret(key_file.read_text()))
    signal.setitimer(signal.ITIMER_REAL, job.seconds + _GRACE)
    require_consistent(job)
    return job


def _work(job: Job, begin: Callable[[Step], None]) -> dict[str, Any]:
    runtime = make_runtime(job.me, len(job.parties))
    from dataspace.computing.running import run  # noqa: PLC0415  # imports MPyC, made ready above

    outcome: dict[str, Any] = runtime.run(run(runtime, job, begin))
    return outcome


if __name__ == "__main__":
    sys.exit(main())
