"""Everything that watches an installation, built once and put around its two apps.

Both listeners answer /health/live and /health/ready; /metrics is on the loopback one alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, FastAPI, Response

from agent.admin import AdminApi, Observer
from controllers import health
from controllers.edge import Edge
from controllers.figures import Figures
from controllers.metrics import MEDIA_TYPE, Metrics
from controllers.sealing import Seal
from controllers.secrets import InstallationSecrets
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.tracing import Tracing, open_tracing
from controllers.watching import Watch
from controllers.webhooks.worker import Worker
from credential_defs import load_all


class Observing:
    """Metrics, traces, pulse and health of one built installation."""

    def __init__(
        self,
        settings: Settings,
        secrets: InstallationSecrets,
        tracing: Tracing | None = None,
    ) -> None:
        self._settings = settings
        self._seal = Seal(secrets.sealing_key, "correlation")
        self.metrics = Metrics()
        self.tracing = tracing or open_tracing(settings.otlp_endpoint)
        self.watch = Watch(self.metrics, self.tracing, self._seal)

    def calls_to(self, agent: str) -> Observer:
        """What the API of an agent is given, to tell of its calls."""
        return self.metrics.calls_to(agent, self.tracing)

    def surround(
        self,
        *,
        public_app: FastAPI,
        internal_app: FastAPI,
        database: Database,
        worker: Worker,
        org_api: AdminApi,
        wallets_apis: Sequence[AdminApi],
    ) -> None:
        """Add the routes, and stand around every request of both apps."""
        self.metrics.watch_pool(database)
        self.metrics.watch_agent("organisations", org_api)
        self.metrics.watch_agent("wallets", *wallets_apis)
        parts = [
            health.Part(
                "database",
                "the database does not answer, or is of another version",
                health.database_ready(database),
            ),
            health.Part(
                "organisations", "the organisations' agent does not answer", org_api.ready
            ),
            *_wallet_agents(wallets_apis),
            health.Part("worker", "the worker stands still", _alive(worker)),
        ]
        routes = health.router(health.Health(parts, self.metrics))
        for name, app in (("public", public_app), ("internal", internal_app)):
            app.include_router(routes)
            app.add_middleware(Edge, listener=name, metrics=self.metrics, tracing=self.tracing)
        sizes = {
            name: self._settings.registry_size or each.settings.registry_size
            for name, each in load_all().items()
        }
        figures = Figures(database, self.metrics, self._seal, sizes)
        internal_app.include_router(_scraped(self.metrics, figures))


def _wallet_agents(apis: Sequence[AdminApi]) -> Iterator[health.Part]:
    """One of several that is away is named, and the others go on."""
    for number, api in enumerate(apis, 1):
        name = "wallets" if number == 1 else f"wallets-{number}"
        saying = "the wallet agent" if len(apis) == 1 else f"wallet agent {number}"
        yield health.Part(name, f"{saying} does not answer", api.ready, kind="wallets")


def _alive(worker: Worker) -> health.Look:
    async def look() -> bool:
        return worker.alive()

    return look


def _scraped(metrics: Metrics, figures: Figures) -> APIRouter:
    routes = APIRouter()

    @routes.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        await figures.refresh()
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    return routes
