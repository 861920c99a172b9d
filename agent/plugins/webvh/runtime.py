"""What the parts of the plugin share while ACA-Py runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from agent.plugins.webvh.config import WebvhConfig
from agent.plugins.webvh.writer import RegistryWriter
from agent.webvh.fetch import Fetcher
from agent.webvh.reader import WebvhReader


class NamedLocks:
    """One lock for each name, for as long as somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lock(self, name: str) -> asyncio.Lock:
        """The lock of this name; the caller keeps it alive."""
        found = self._locks.get(name)
        if found is None:
            found = self._locks[name] = asyncio.Lock()
        return found


@dataclass(frozen=True, slots=True)
class WebvhRuntime:
    """Bound to ACA-Py's injector, so that every tenant's profile reaches it."""

    config: WebvhConfig
    fetcher: Fetcher
    reader: WebvhReader
    writer: RegistryWriter
    registry_locks: NamedLocks = field(default_factory=NamedLocks)
    identity_locks: NamedLocks = field(default_factory=NamedLocks)
    now: Callable[[], float] = time.time
