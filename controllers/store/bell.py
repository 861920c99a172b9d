"""Tells those who wait in this process that something about a subject was committed.

Only a hint, and only here: what another replica commits is found by looking again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator


class Bell:
    """Rung with the id of a subject, after the commit."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def ring(self, subject_id: str) -> None:
        """Wake whoever waits for this subject."""
        for rung in self._waiting.get(subject_id, ()):
            rung.set()

    async def wait(self, rung: asyncio.Event, seconds: float) -> None:
        """Return when it rang since the last wait, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(rung.wait(), seconds)
        rung.clear()

    @contextlib.contextmanager
    def listening(self, subject_id: str) -> Iterator[asyncio.Event]:
        """An event that is set each time it rings for the subject."""
        rung = asyncio.Event()
        self._waiting[subject_id].add(rung)
        try:
            yield rung
        finally:
            self._waiting[subject_id].discard(rung)
            if not self._waiting[subject_id]:
                del self._waiting[subject_id]
