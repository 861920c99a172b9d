"""Traces, as an option (HAVEN_OTLP_ENDPOINT): spans of requests, agent calls and worker items.

A span is named by a route or a kind of work and carries what a log line may: method, status,
the correlation id. No trace is continued from outside, because an id that a caller chose could
say who she is, and none is handed on. Without the setting OpenTelemetry's SDK is not imported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from fastapi.telemetry import TelemetryConfig

from core.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_LAST_SECONDS = 3.0
_NANO = 1_000_000_000

# FastAPI can trace by itself, switched on by the environment alone; it would export paths of
# requests, which hold links' tokens, and the texts of errors
FRAMEWORKS_OWN: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

type Attributes = dict[str, str | int]


class Span(Protocol):
    """A piece of work that is being traced."""

    def describe(self, name: str, attributes: Attributes) -> None:
        """Say what it turned out to be."""


class Tracing(Protocol):
    """Where spans go."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """Everything inside belongs to this span; an error marks it with its class alone."""

    def past(self, name: str, seconds: float, attributes: Attributes) -> None:
        """A span that has just ended, after so many seconds."""

    async def close(self) -> None:
        """Send what is left, for a few seconds at most."""


class Untraced:
    """Nobody traces."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def past(self, name: str, seconds: float, attributes: Attributes) -> None:
        """Nothing to do."""

    def describe(self, name: str, attributes: Attributes) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def require_packages() -> None:
    """Raises ConfigurationError if traces are asked for and their packages are missing."""
    for name in _NEEDED:
        if not _is_there(name):
            raise ConfigurationError(
                "HAVEN_OTLP_ENDPOINT asks for traces, and OpenTelemetry is not installed. "
                "Install what requirements-otel.txt names, or leave the setting out."
            )


def open_tracing(endpoint: str | None) -> Tracing:
    """Traces to a collector (OTLP over HTTP), or none. Raises ConfigurationError."""
    if endpoint is None:
        return Untraced()
    require_packages()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 (optional)
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 (optional)

    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    return Traced(BatchSpanProcessor(exporter))


class Traced:
    """Spans by OpenTelemetry's SDK, through a processor of ours or of a test."""

    def __init__(self, processor: SpanProcessor) -> None:
        from opentelemetry.context import Context  # noqa: PLC0415 (optional)
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 (optional)
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 (optional)

        # made without looking at the machine: its name is nobody's business
        resource = Resource({"service.name": "haven-controllers"})
        self._provider: TracerProvider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._nowhere = Context()  # spans begin here: no caller's header is continued
        self._tracer = self._provider.get_tracer("haven")

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            context=self._nowhere,
            attributes=attributes,
            record_exception=False,  # its text may hold values
            set_status_on_exception=False,
        ) as opened:
            try:
                yield _Opened(opened)
            except BaseException as error:
                opened.set_attribute("error.type", type(error).__name__)
                raise

    def past(self, name: str, seconds: float, attributes: Attributes) -> None:
        ended = time.time_ns()
        began = ended - int(seconds * _NANO)
        self._tracer.start_span(name, attributes=attributes, start_time=began).end(ended)

    async def close(self) -> None:
        closing = asyncio.to_thread(self._provider.shutdown)
        try:
            await asyncio.wait_for(asyncio.shield(closing), _LAST_SECONDS)
        except TimeoutError:
            return  # the collector does not answer; what is left of the traces is lost


class _Opened:
    def __init__(self, opened: object) -> None:
        self._opened = opened

    def describe(self, name: str, attributes: Attributes) -> None:
        self._opened.update_name(name)  # type: ignore[attr-defined] # a span of the SDK
        self._opened.set_attributes(attributes)  # type: ignore[attr-defined] # likewise


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False
