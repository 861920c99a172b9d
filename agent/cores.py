"""Which processor cores an agent's threads run on (Linux; elsewhere nothing is done).

The event loop hands each step to a thread of Askar, that one to a thread of SQLite, and the
answer comes back the same way: many wakings for a read of a tenth of a millisecond. Waking
another core costs more than the work. So:

1. The event loop and the threads that the store makes stay together on one core: a thread
   inherits the cores of the one that makes it.
2. Arithmetic runs in a pool of threads of its own that may use every core.
3. Agents of one machine take turns with the cores; the first ones have different cores.
"""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

TURN = "HAVEN_AGENT_TURN"
_allowed: frozenset[int] = frozenset()


def stay_together() -> None:
    """Keep this thread, and what it makes, on the core whose turn it is; call it first."""
    global _allowed  # noqa: PLW0603 (what the process may use is known before it is narrowed)
    if not sys.platform.startswith("linux"):
        return
    cores = sorted(os.sched_getaffinity(0))
    turn = os.environ.get(TURN, "")
    if len(cores) < 2 or not turn.isdecimal():
        return
    _allowed = frozenset(cores)
    os.sched_setaffinity(0, {cores[int(turn) % len(cores)]})


def let_arithmetic_roam() -> None:
    """Give the running loop a pool whose threads may use every core again."""
    if _allowed:
        pool = ThreadPoolExecutor(thread_name_prefix="arithmetic", initializer=_roam)
        asyncio.get_running_loop().set_default_executor(pool)


def _roam() -> None:
    os.sched_setaffinity(0, _allowed)
