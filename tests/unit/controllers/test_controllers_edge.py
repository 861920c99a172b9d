"""What stands around each request: its id, its measures, its span; and none of its values."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import httpx
import pytest
from controllers_house import House
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from controllers import problems, tracing
from controllers.access import Role
from controllers.edge import HEADER, Edge
from controllers.metrics import Metrics
from controllers.observing import Observing
from controllers.settings import Settings, read_settings
from controllers.tracing import Traced, Tracing, Untraced, open_tracing
from core.correlation import LENGTH
from core.errors import ConfigurationError, Unavailable
from core.log_lines import LogLine
from tests.architecture.source import ROOT

PLANTED = "qwertimaria"


@contextmanager
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged inside, as it is written."""
    stream, found = StringIO(), list[dict[str, Any]]()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(LogLine())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield found
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        found += [json.loads(line) for line in stream.getvalue().splitlines()]


def small_app(metrics: Metrics, traces: Tracing) -> FastAPI:
    app = FastAPI()
    problems.install(app, 1000)

    @app.get("/things/{thing_id}")
    async def thing(thing_id: str) -> dict[str, str]:
        if thing_id == "unavailable":
            raise Unavailable("The agent does not answer")
        if thing_id == "broken":
            raise ValueError(PLANTED)
        return {"id": thing_id}

    app.add_middleware(Edge, listener="public", metrics=metrics, tracing=traces)
    return app


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def app(metrics: Metrics, exporter: InMemorySpanExporter) -> FastAPI:
    return small_app(metrics, Traced(SimpleSpanProcessor(exporter)))


def client(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://haven", headers=headers)


# --- correlation ----------------------------------------------------------------------------


async def test_each_answer_carries_an_id_of_its_own(app: FastAPI) -> None:
    async with client(app) as caller:
        ids = [(await caller.get(f"/things/{n}")).headers[HEADER] for n in range(20)]
    assert len(set(ids)) == 20
    assert {len(each) for each in ids} == {LENGTH}


async def test_an_id_that_a_caller_chose_is_not_taken(app: FastAPI) -> None:
    async with client(app, **{HEADER: PLANTED, "traceparent": "00-" + "ab" * 16}) as caller:
        answer = await caller.get("/things/unavailable")
    assert PLANTED not in answer.headers[HEADER]
    assert len(answer.headers.get_list(HEADER)) == 1


@pytest.mark.parametrize("path", ["/things/unavailable", "/things/broken", "/nowhere"])
async def test_a_problem_says_the_id_that_its_lines_have(app: FastAPI, path: str) -> None:
    with lines() as written:
        async with client(app) as caller:
            answer = await caller.get(path)
    identifier = answer.headers[HEADER]
    assert answer.json()["request_id"] == identifier
    ours = [line for line in written if line["logger"].startswith("controllers")]
    assert {line.get("correlation_id") for line in ours} <= {identifier}
    assert bool(ours) == (answer.status_code >= 500)
    assert PLANTED not in json.dumps(ours)


async def test_a_failure_is_logged_with_its_route_and_not_its_path(app: FastAPI) -> None:
    with lines() as written:
        async with client(app) as caller:
            await caller.get("/things/unavailable")
    assert [line["message"] for line in written if line["logger"] == "controllers.edge"] == [
        "GET /things/{thing_id} was answered with 503"
    ]


async def test_lines_about_one_exchange_are_joined_without_naming_it(
    small_house: House,
) -> None:
    wallet = await small_house.new_wallet()
    small_house.announced = False
    issuance, *_ = await small_house.offered()
    await small_house.connect(issuance, wallet)
    small_house.pass_time(minutes=1)
    with lines() as written:
        for _ in range(2):
            small_house.network.fail_once("connection_for")
            await small_house.haven.worker.sweep()
            small_house.pass_time(minutes=1)
    found = [line for line in written if line["logger"] == "controllers.webhooks.worker"]
    assert len(found) == 2
    assert len({line["correlation_id"] for line in found}) == 1
    assert issuance.id not in json.dumps(written)


# --- measures -------------------------------------------------------------------------------


async def test_requests_are_counted_by_the_template_of_their_route(
    app: FastAPI, metrics: Metrics
) -> None:
    async with client(app) as caller:
        for n in range(30):
            await caller.get(f"/things/{PLANTED}{n}")
            await caller.get(f"/{PLANTED}/{n}")
            await caller.request(f"{PLANTED}{n}".upper(), "/things/1")
    text = metrics.text().decode()
    assert (
        'haven_http_requests_total{listener="public",method="GET",'
        'route="/things/{thing_id}",status="200"} 30.0' in text
    )
    assert 'method="GET",route="none",status="404"} 30.0' in text
    assert PLANTED not in text.lower()
    counted = [line for line in text.splitlines() if line.startswith("haven_http_requests_t")]
    assert len(counted) == 3


async def test_metrics_are_inside_only(small_house: House) -> None:
    async with small_house.client() as outside:
        assert (await outside.get("/metrics")).status_code == 404
    async with client(small_house.haven.internal_app) as inside:
        answer = await inside.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


async def test_two_installations_in_a_process_count_for_themselves(
    app: FastAPI, metrics: Metrics
) -> None:
    async with client(app) as caller:
        await caller.get("/things/1")
    assert "things" in metrics.text().decode()
    assert "things" not in Metrics().text().decode()


# --- traces ---------------------------------------------------------------------------------


async def test_a_request_is_a_span_without_values(
    app: FastAPI, exporter: InMemorySpanExporter
) -> None:
    async with client(app, traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01") as caller:
        answer = await caller.get(f"/things/{PLANTED}", params={"q": PLANTED})
        await caller.get("/things/broken")
    first, second = exporter.get_finished_spans()
    assert first.name == "GET /things/{thing_id}"
    assert dict(first.attributes or {}) == {
        "haven.correlation_id": answer.headers[HEADER],
        "http.request.method": "GET",
        "http.route": "/things/{thing_id}",
        "http.response.status_code": 200,
    }
    assert (second.attributes or {})["http.response.status_code"] == 500
    assert first.parent is None
    assert first.context is not None
    assert f"{first.context.trace_id:032x}" != "ab" * 16
    assert PLANTED not in first.to_json() + second.to_json()


async def test_a_call_to_an_agent_is_a_span_inside_its_request(
    metrics: Metrics, exporter: InMemorySpanExporter
) -> None:
    traces = Traced(SimpleSpanProcessor(exporter))
    observe = metrics.calls_to("wallets", traces)
    with traces.span("request", {}):
        observe("GET /credentials", 0.25, "2xx")
    inner, outer = exporter.get_finished_spans()
    assert inner.name == "GET /credentials"
    assert inner.parent is not None
    assert inner.parent == outer.context
    assert (inner.end_time or 0) - (inner.start_time or 0) == pytest.approx(
        250_000_000, abs=1e6
    )
    assert 'haven_agent_calls_total{agent="wallets",operation="GET /credentials"' in (
        metrics.text().decode()
    )


async def test_a_span_that_breaks_off_says_the_class_of_error_alone(
    exporter: InMemorySpanExporter,
) -> None:
    with (
        pytest.raises(ValueError, match=PLANTED),
        Traced(SimpleSpanProcessor(exporter)).span("work", {}),
    ):
        raise ValueError(PLANTED)
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes or {}) == {"error.type": "ValueError"}
    assert PLANTED not in span.to_json()


async def test_the_workers_steps_are_spans(
    small_house: House, exporter: InMemorySpanExporter
) -> None:
    house = small_house.haven
    traces = Traced(SimpleSpanProcessor(exporter))
    watch = Observing(house.settings, house.secrets, traces).watch
    with watch.item("issuance", "inbox") as item:
        watch.about("some-row")
        item.failed("unavailable")
    (span,) = exporter.get_finished_spans()
    assert span.name == "work issuance"
    attributes = dict(span.attributes or {})
    assert attributes["outcome"] == "failed"
    assert len(str(attributes["haven.correlation_id"])) == LENGTH
    assert "some-row" not in span.to_json()


def test_without_the_setting_nothing_is_traced() -> None:
    assert isinstance(open_tracing(None), Untraced)
    assert Settings().otlp_endpoint is None


async def test_with_the_setting_spans_go_to_the_collector() -> None:
    traces = open_tracing("http://127.0.0.1:1/")
    assert isinstance(traces, Traced)
    await traces.close()


def test_missing_packages_are_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_NEEDED", ("opentelemetry.not_there", "not_there.at.all"))
    with pytest.raises(ConfigurationError, match=r"requirements-otel\.txt"):
        open_tracing("http://127.0.0.1:4318")


async def test_desks_see_the_id_too(small_house: House) -> None:
    key = await small_house.key("harbour", Role.ISSUE)
    async with small_house.client(key) as desk:
        answer = await desk.get("/api/issuer/issuances/unknown")
    assert answer.json()["request_id"] == answer.headers[HEADER]


def test_what_is_wrong_with_a_setting_is_said_without_what_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HAVEN_AGENT_LOG_LEVEL", PLANTED)
    monkeypatch.setenv("HAVEN_PORT_BASE", "80")
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert "HAVEN_AGENT_LOG_LEVEL: an agent logs at info" in caught.value.detail
    assert "HAVEN_PORT_BASE" in caught.value.detail
    assert PLANTED not in caught.value.detail
    assert caught.value.__cause__ is None


def test_traces_without_their_packages_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_NEEDED", ("not_there.at.all",))
    Settings().check_topology()
    with pytest.raises(ConfigurationError, match="OTLP"):
        Settings(otlp_endpoint="http://127.0.0.1:4318").check_topology()


def test_without_the_setting_nothing_that_traces_is_even_imported() -> None:
    told = (
        "import sys, tempfile, pathlib; from controllers.app import build;"
        "from controllers.secrets import load_or_create;"
        "from controllers.settings import Settings;"
        "folder = pathlib.Path(tempfile.mkdtemp());"
        "build(Settings(data_dir=folder), load_or_create(folder));"
        # FastAPI brings the API, which does nothing without these
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter');"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_the_framework_traces_nothing_by_itself(
    small_house: House, monkeypatch: pytest.MonkeyPatch, exporter: InMemorySpanExporter
) -> None:
    """Not even where somebody sets up OpenTelemetry for the whole process."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    async with small_house.client() as stranger:
        await stranger.get("/l/plantedtokenplantedtoken")
    async with client(small_house.haven.internal_app) as inside:
        await inside.get("/health/live")
    assert exporter.get_finished_spans() == ()
