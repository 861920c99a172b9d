"""What the worker tells while it works: its pulse, correlation ids, measures and spans."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from controllers.metrics import Metrics
from controllers.sealing import Seal
from controllers.tracing import Tracing
from core.correlation import LENGTH, become, correlated, current

LONGEST_SILENCE = 90.0  # a call to an agent may take 60 s; whoever waits longer is stuck


class Item:
    """How a step went."""

    def __init__(self) -> None:
        self.reason: str | None = None

    @property
    def outcome(self) -> str:
        return "done" if self.reason is None else "failed"

    def failed(self, reason: str) -> None:
        """It is to be tried again; `reason` is the kind of error."""
        self.reason = reason


class Watch:
    """Stands beside the worker and changes nothing of what it does."""

    def __init__(self, metrics: Metrics, tracing: Tracing, seal: Seal) -> None:
        self._metrics = metrics
        self._tracing = tracing
        self._seal = seal
        self._last: dict[str, float] = {}
        metrics.silence.set_function(self.silence)

    def beat(self, loop: str) -> None:
        """One of the worker's loops got somewhere."""
        self._last[loop] = time.monotonic()

    def silence(self) -> float:
        """How long the quieter loop has got nowhere; endless before the first beat."""
        if not self._last:
            return float("inf")
        return time.monotonic() - min(self._last.values())

    @contextmanager
    def item(self, kind: str, loop: str) -> Iterator[Item]:
        """One step of one of the worker's loops; what it is about, `about` says."""
        began, item = time.perf_counter(), Item()
        with correlated(None), self._tracing.span(f"work {kind}", {}) as span:
            try:
                yield item
            finally:
                told: dict[str, str | int] = {"outcome": item.outcome}
                span.describe(f"work {kind}", told | {"haven.correlation_id": current() or ""})
                self._metrics.items.labels(kind, item.outcome).inc()
                self._metrics.item_seconds.labels(kind).observe(time.perf_counter() - began)
                if item.reason is not None:
                    self._metrics.retries.labels(kind, item.reason).inc()
                self.beat(loop)

    def about(self, subject: str) -> None:
        """What this step is about. The id of a row is not named: a keyed digest is."""
        become(self._seal.pseudonym(subject)[:LENGTH])
