"""Where a process spends its processor time, for `haven bench core --profile`.

Off unless BENCH_PROFILE_DIR names a folder. Then the kernel interrupts the process after each
few milliseconds of processor time it has used. What the main thread used since is booked on
the function it is in; what others used, on the Python threads that are in the middle of a call
or, where none is, on `native threads` (Askar's). A call into a library counts for the function
that made it. The sums are written to `<name>-<pid>.json`; they hold names of code, no value.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

VARIABLE = "BENCH_PROFILE_DIR"
_INTERVAL, _WRITE_EVERY = 0.004, 100
# where a thread of a pool waits for work
_WAITING = frozenset({"_worker", "wait", "_connection_worker_thread", "run"})


def profile_if_asked(name: str) -> None:
    """Start sampling if the environment asks for it."""
    folder = os.environ.get(VARIABLE)
    if folder:
        sampler = _Sampler(Path(folder) / f"{name}-{os.getpid()}.json")
        signal.signal(signal.SIGPROF, sampler.sample)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)


class _Sampler:
    def __init__(self, target: Path) -> None:
        self._target = target
        self._spent: dict[str, float] = defaultdict(float)
        self._main, self._all = time.thread_time(), time.process_time()
        self._samples = 0

    def sample(self, _: int, frame: FrameType | None) -> None:
        """Book what was used since the last sample; runs in the main thread."""
        main, everything = time.thread_time(), time.process_time()
        own = main - self._main
        others = everything - self._all - own
        self._main, self._all = main, everything
        if frame is not None:
            self._spent[_place(frame)] += own
        if others > 0:
            busy = _busy_threads()
            for place in busy:
                self._spent[place] += others / len(busy)
        self._samples += 1
        if self._samples % _WRITE_EVERY == 0:
            self._write()

    def _write(self) -> None:
        temporary = self._target.with_suffix(".part")
        temporary.write_text(json.dumps(self._spent))
        temporary.replace(self._target)


def _busy_threads() -> list[str]:
    """What the other threads that are not waiting are in."""
    me = threading.get_ident()
    frames = [frame for ident, frame in sys._current_frames().items() if ident != me]
    busy = [_place(frame) for frame in frames if frame.f_code.co_name not in _WAITING]
    return busy or ["native threads|askar and others"]


def _place(frame: FrameType) -> str:
    """`package|module:function`."""
    module = str(frame.f_globals.get("__name__", "?"))
    return f"{module.partition('.')[0]}|{module}:{frame.f_code.co_qualname}"
