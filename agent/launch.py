"""Starts ACA-Py as a child that cannot outlive its supervisor.

    python -m agent.launch start --plugin ...

On Linux the kernel is asked to end this process when its parent is gone, however the parent
went (`kill -9` included), so that `haven up` leaves nothing behind. What it logs is written as
core/log_lines.py says, since ACA-Py repeats messages that it could not read.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
from pathlib import Path

from agent.cores import stay_together
from agent.planner import mend_stores
from agent.profiling import profile_if_asked
from core.log_lines import write_what_nobody_caught

_PR_SET_PDEATHSIG = 1
LOG_CONFIG = Path(__file__).with_name("log_config.yml")


def die_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies; elsewhere a clean stop has to do.

    A parent that cannot be seen is the engine that runs a container. It ends us itself, and
    one of its threads may go without its meaning anything.
    """
    parent = os.getppid()
    if not sys.platform.startswith("linux") or parent == 0:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died between the two calls
        os.kill(os.getpid(), signal.SIGTERM)


def use_all_files_allowed() -> None:
    """Every open wallet is an open file; the usual soft limit (1024) is for small programs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS names a limit it does not keep
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect_garbage_seldom() -> None:
    """What a process has made when it is ready stays until its end: it need not be looked
    through again and again for what is no longer used. New objects are, less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def use_the_quick_loop() -> None:
    """uvloop from the first moment: ACA-Py installs it when its own loop runs already.

    The module of ACA-Py that reads JSON-LD, which Haven does not use, would make asyncio's
    loops enter themselves: uvloop's cannot, and the others get slower by it.
    """
    import nest_asyncio  # noqa: PLC0415
    import uvloop  # noqa: PLC0415

    nest_asyncio.apply = lambda loop=None: None
    uvloop.install()


def main() -> None:
    """Run ACA-Py's command line in this process."""
    die_with_parent()
    use_all_files_allowed()
    use_the_quick_loop()
    stay_together()
    profile_if_asked("agent")
    if home := os.environ.get("ACAPY_HOME"):  # before Askar opens any of them
        mend_stores(Path(home) / "wallet")
    from acapy_agent.__main__ import main as acapy  # noqa: PLC0415 (after the line above)

    write_what_nobody_caught()
    acapy(["aca-py", *sys.argv[1:], "--log-config", str(LOG_CONFIG)])


if __name__ == "__main__":
    main()
