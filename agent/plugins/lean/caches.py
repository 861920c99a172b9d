"""ACA-Py's cache in memory, which looked through all that is in it with each question.

What has expired is not answered, and is removed from time to time.
"""

from __future__ import annotations

import time
from typing import Any

from acapy_agent.cache.in_memory import InMemoryCache

_SWEEP_SECONDS = 30.0


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    InMemoryCache.get = _get
    InMemoryCache._remove_expired_cache_items = _remove_expired


async def _get(self: InMemoryCache, key: str) -> Any:
    """The value under a key, or None."""
    _remove_expired(self)
    found = self._cache.get(key)
    if found is None or _is_over(found, time.perf_counter()):
        return None
    return found["value"]


def _remove_expired(self: InMemoryCache) -> None:
    at = time.perf_counter()
    if at < self.__dict__.get("haven_next_sweep", 0.0):
        return
    self.haven_next_sweep = at + _SWEEP_SECONDS
    self._cache = {key: one for key, one in self._cache.items() if not _is_over(one, at)}


def _is_over(one: dict[str, Any], at: float) -> bool:
    return one["expires"] is not None and bool(at >= one["expires"])
