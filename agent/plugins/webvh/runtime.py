"""What the parts of the plugin share while ACA-Py runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.plugins.webvh.config import WebvhConfig
from agent.webvh.fetch import Fetcher
from agent.webvh.locks import NamedLocks
from agent.webvh.reader import WebvhReader
from agent.webvh.writer import Publisher


@dataclass(frozen=True, slots=True)
class WebvhRuntime:
    """Bound to ACA-Py's injector, so that every tenant's profile reaches it."""

    config: WebvhConfig
    fetcher: Fetcher
    reader: WebvhReader
    writer: Publisher
    registry_locks: NamedLocks = field(default_factory=NamedLocks)
    identity_locks: NamedLocks = field(default_factory=NamedLocks)
    now: Callable[[], float] = time.time
