"""What is counted and measured, in the form that Prometheus reads (docs/monitoring.md).

Every label has few values, all of them known when this was written: routes and operations as
templates, states, kinds, classes of answers. No id, DID or organisation is among them. Each
built installation has a registry of its own, so that several can live in one process.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.pool import QueuePool

from agent.admin import AdminApi, Observer
from controllers.store.database import Database
from controllers.tracing import Tracing

MEDIA_TYPE = CONTENT_TYPE_LATEST

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_JOURNEY = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_STORED_BY = "/api/wallet/offers/{offer_id}/accept"  # answers once the credential is stored


class Metrics:
    """The instruments of one installation."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests()
        self._agents()
        self._work()
        self._stock()

    def text(self) -> bytes:
        """Everything, as it is scraped."""
        return generate_latest(self.registry)

    def _requests(self) -> None:
        self.requests = Counter(
            "haven_http_requests", "Requests answered",
            ("listener", "method", "route", "status"), registry=self.registry,
        )  # fmt: skip
        self.request_seconds = Histogram(
            "haven_http_request_seconds", "Time to the answer's end; of a stream, to its start",
            ("listener", "route"), buckets=_QUICK, registry=self.registry,
        )  # fmt: skip
        self.accept_to_stored = Histogram(
            "haven_accept_to_stored_seconds", "From a wallet's yes to the stored credential",
            buckets=_JOURNEY, registry=self.registry,
        )  # fmt: skip
        self.answer_to_verdict = Histogram(
            "haven_answer_to_verdict_seconds", "From an answer's arrival to its verdict",
            buckets=_JOURNEY, registry=self.registry,
        )  # fmt: skip

    def _agents(self) -> None:
        self.agent_seconds = Histogram(
            "haven_agent_call_seconds", "Calls to an agent",
            ("agent", "operation"), buckets=_QUICK, registry=self.registry,
        )  # fmt: skip
        self.agent_calls = Counter(
            "haven_agent_calls", "Calls to an agent by how they went",
            ("agent", "operation", "outcome"), registry=self.registry,
        )  # fmt: skip
        self.agent_in_flight = Gauge(
            "haven_agent_calls_in_flight", "Calls to an agent that are under way",
            ("agent",), registry=self.registry,
        )  # fmt: skip

    def _work(self) -> None:
        self.items = Counter(
            "haven_work_items", "Steps of the worker by how they went",
            ("kind", "outcome"), registry=self.registry,
        )  # fmt: skip
        self.item_seconds = Histogram(
            "haven_work_item_seconds", "Time a step of the worker took",
            ("kind",), buckets=_QUICK, registry=self.registry,
        )  # fmt: skip
        self.retries = Counter(
            "haven_retries", "Steps that failed and are tried again, by the kind of error",
            ("kind", "reason"), registry=self.registry,
        )  # fmt: skip

    def _stock(self) -> None:
        self.exchanges = Gauge(
            "haven_exchanges", "Issuances and checks by state (of a check, its verdict)",
            ("kind", "state"), registry=self.registry,
        )  # fmt: skip
        self.inbox = Gauge(
            "haven_inbox_items", "Announcements that are not handled: due now, or later",
            ("state",), registry=self.registry,
        )  # fmt: skip
        self.inbox_oldest = Gauge(
            "haven_inbox_oldest_seconds", "How long the first one due has been waiting",
            registry=self.registry,
        )  # fmt: skip
        self.registry_fill = Gauge(
            "haven_registry_fill_ratio", "How much of the registry in use is given out",
            ("credential", "definition"), registry=self.registry,
        )  # fmt: skip
        self.pool = Gauge(
            "haven_database_connections", "Connections of the controllers' pool",
            ("state",), registry=self.registry,
        )  # fmt: skip
        self.ready = Gauge(
            "haven_part_ready", "Whether a part was ready when last looked at",
            ("part",), registry=self.registry,
        )  # fmt: skip
        self.silence = Gauge(
            "haven_worker_silence_seconds", "Since the worker last got somewhere",
            registry=self.registry,
        )  # fmt: skip
        self.figures_age = Gauge(
            "haven_figures_age_seconds", "Age of what was counted in the database",
            registry=self.registry,
        )  # fmt: skip

    # --- being told -----------------------------------------------------------------------

    def answered(
        self, listener: str, method: str, route: str, status: int, seconds: float
    ) -> None:
        """A request was answered; `status` 0: its caller went away first."""
        self.requests.labels(listener, method, route, str(status)).inc()
        self.request_seconds.labels(listener, route).observe(seconds)
        if route == _STORED_BY and status == 200:
            self.accept_to_stored.observe(seconds)

    def calls_to(self, agent: str, tracing: Tracing) -> Observer:
        """What an agent's AdminApi is told to tell."""

        def observe(operation: str, seconds: float, outcome: str) -> None:
            self.agent_seconds.labels(agent, operation).observe(seconds)
            self.agent_calls.labels(agent, operation, outcome).inc()
            tracing.past(operation, seconds, {"agent": agent, "outcome": outcome})

        return observe

    def watch_agent(self, agent: str, *apis: AdminApi) -> None:
        """Read at each scrape how many calls are under way."""
        gauge = self.agent_in_flight.labels(agent)
        gauge.set_function(lambda: sum(api.in_flight for api in apis))

    def watch_pool(self, database: Database) -> None:
        """Read the pool at each scrape."""
        pool = database.engine.pool
        if isinstance(pool, QueuePool):  # AsyncAdaptedQueuePool is one
            self.pool.labels("in use").set_function(pool.checkedout)
            self.pool.labels("idle").set_function(pool.checkedin)
            self.pool.labels("kept open").set_function(pool.size)
