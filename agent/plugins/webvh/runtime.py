"""What the parts of the plugin share while ACA-Py runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from acapy_agent.core.error import BaseError
from aries_askar.error import AskarError

from agent.plugins.webvh.config import WebvhConfig
from agent.webvh.fetch import Fetcher
from agent.webvh.locks import NamedLocks
from agent.webvh.reader import WebvhReader
from agent.webvh.writer import Publisher

# how a wallet fails: ACA-Py's errors, the store's, and a pool of sessions that ran dry
WALLET_ERRORS: tuple[type[Exception], ...] = (BaseError, AskarError, TimeoutError)


class AskedTogether:
    """What several callers ask of one name at the same time, so that one can do it for all."""

    def __init__(self) -> None:
        self._asked: dict[str, list[set[int]]] = {}

    @contextmanager
    def together(self, name: str, asked: set[int]) -> Iterator[Callable[[], set[int]]]:
        """While inside, `asked` counts; what is given answers all that counts by then."""
        everyone = self._asked.setdefault(name, [])
        everyone.append(asked)
        try:
            yield lambda: set[int]().union(*everyone)
        finally:
            everyone.remove(asked)
            if not everyone:
                self._asked.pop(name, None)


@dataclass(frozen=True, slots=True)
class WebvhRuntime:
    """Bound to ACA-Py's injector, so that every tenant's profile reaches it."""

    config: WebvhConfig
    fetcher: Fetcher
    reader: WebvhReader
    writer: Publisher
    asked: AskedTogether = field(default_factory=AskedTogether)
    registry_locks: NamedLocks = field(default_factory=NamedLocks)
    identity_locks: NamedLocks = field(default_factory=NamedLocks)
    now: Callable[[], float] = time.time
