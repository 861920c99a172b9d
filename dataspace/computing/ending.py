"""A party's process ends with its node, and leaves nothing behind, however the node ended."""

from __future__ import annotations

import ctypes
import resource
import signal
import sys

_SET_PDEATHSIG, _SET_DUMPABLE = 1, 4  # of prctl(2)


def leave_nothing_behind() -> None:
    """Ask the system for this process's end when the node's comes, and for no core dump.

    A node that was killed cannot end its parties: they would listen and hold its inputs until
    their deadline. A core dump would put inputs and keys on disk. A node that is gone before
    this is asked for is noticed when the first line is written to it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        prctl = ctypes.CDLL(None).prctl
        prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # also where dumps go to a program of the system's
        prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
