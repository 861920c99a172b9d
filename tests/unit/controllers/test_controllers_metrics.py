"""Metrics: what is counted is right, costs little, and names nobody."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from controllers_house import ELIGIBILITY, ENTITLEMENT, House
from prometheus_client.parser import text_string_to_metric_families

from controllers import figures as figures_module
from controllers.figures import Figures
from controllers.metrics import Metrics
from controllers.sealing import Seal
from controllers.store.database import Database
from core.secret import Secret

LABELS = {
    "agent", "credential", "definition", "kind", "le", "listener", "method", "operation",
    "outcome", "part", "reason", "route", "state", "status",
}  # fmt: skip


@pytest.fixture(autouse=True)
def counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_module, "STATES_EVERY", 0)
    monkeypatch.setattr(figures_module, "REGISTRIES_EVERY", 0)


async def scraped(house: House) -> str:
    transport = httpx.ASGITransport(house.haven.internal_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as inside:
        answer = await inside.get("/metrics")
    assert answer.status_code == 200
    return answer.text


async def value(house: House, name: str, **labels: str) -> float | None:
    """One sample; None if it is left out."""
    for family in text_string_to_metric_families(await scraped(house)):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


async def exchanges(house: House, kind: str, state: str) -> float | None:
    return await value(house, "haven_exchanges", kind=kind, state=state)


# --- what is counted ------------------------------------------------------------------------


async def test_exchanges_are_counted_by_state(house: House) -> None:
    wallet = await house.new_wallet()
    assert await exchanges(house, "issuance", "issued") == 0
    await house.offered()
    await house.issue(wallet)
    check, _ = await house.check("river", "shelter")
    assert await exchanges(house, "issuance", "waiting") == 1
    assert await exchanges(house, "issuance", "issued") == 1
    assert await exchanges(house, "check", "waiting") == 1
    assert await house.accepted(check, wallet)
    assert await exchanges(house, "check", "waiting") == 0
    assert await exchanges(house, "check", "accepted") == 1
    assert await value(house, "haven_answer_to_verdict_seconds_count") == 1


async def test_the_inbox_is_counted(house: House) -> None:
    await house.issue(await house.new_wallet())
    due = await value(house, "haven_inbox_items", state="due")
    assert due is not None
    assert due > 0
    assert (await value(house, "haven_inbox_oldest_seconds") or 0) >= 0
    items = await house.haven.inbox.due()
    assert await value(house, "haven_inbox_items", state="due") == 0
    assert await value(house, "haven_inbox_items", state="later") == len(items) == due
    for item in items:
        await house.haven.inbox.handled(item)
    assert await value(house, "haven_inbox_items", state="later") == 0


async def test_the_registry_in_use_says_how_full_it_is(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    for issued in (1, 2, 3):
        await small_house.issue(wallet)
        fill = await value(
            small_house, "haven_registry_fill_ratio", credential="service-eligibility"
        )
        assert fill == issued / 32


async def test_retries_are_counted_by_the_kind_of_error(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issuance, *_ = await small_house.offered()
    await small_house.connect(issuance, wallet)
    small_house.pass_time(minutes=1)
    small_house.network.fail_once("connection_for")
    await small_house.haven.worker.sweep()
    labels = {"kind": "swept issuance", "reason": "unavailable"}
    assert await value(small_house, "haven_retries_total", **labels) == 1
    labels = {"kind": "swept issuance", "outcome": "failed"}
    assert await value(small_house, "haven_work_items_total", **labels) == 1


async def test_the_pool_is_read_when_it_is_scraped(house: House) -> None:
    before = await value(house, "haven_database_connections", state="in use")
    async with house.database.reading():
        within = await value(house, "haven_database_connections", state="in use")
    assert (before, within) == (0, 1)
    assert await value(house, "haven_database_connections", state="kept open")


async def test_a_wallets_yes_is_measured_until_the_credential_is_stored() -> None:
    metrics = Metrics()
    route = "/api/wallet/offers/{offer_id}/accept"
    metrics.answered("public", "POST", route, 200, 0.4)
    metrics.answered("public", "POST", route, 503, 30.0)
    assert "haven_accept_to_stored_seconds_count 1.0" in metrics.text().decode()


# --- what it costs --------------------------------------------------------------------------


async def test_many_scrapes_count_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures_module, "STATES_EVERY", 60)
    monkeypatch.setattr(figures_module, "REGISTRIES_EVERY", 60)
    reads = 0
    reading = database.reading

    def counted() -> object:
        nonlocal reads
        reads += 1
        return reading()

    monkeypatch.setattr(database, "reading", counted)
    figures = Figures(database, Metrics(), Seal(Secret("key"), "correlation"), {})
    await asyncio.gather(*(figures.refresh() for _ in range(20)))
    assert reads == 2  # states, and registries


async def test_without_a_database_its_figures_are_left_out(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await exchanges(small_house, "issuance", "issued") == 0

    def away() -> object:
        raise OSError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(small_house.haven.database, "reading", away)
        assert await exchanges(small_house, "issuance", "issued") is None
        assert await value(small_house, "haven_figures_age_seconds") is not None
    assert await exchanges(small_house, "issuance", "issued") == 0


# --- what it does not say -------------------------------------------------------------------


async def test_nothing_planted_is_found_in_the_metrics(small_house: House) -> None:
    house = small_house
    wallet = await house.new_wallet()
    issuance = await house.issue(wallet)
    await house.issue(wallet, "fund", "support-entitlement", ENTITLEMENT)
    check, link = await house.check("river", "shelter")
    await house.accepted(check, wallet)
    async with house.client() as stranger:
        await stranger.get("/l/plantedtokenplantedtoken")
        await stranger.post("/api/wallet/wallets/plantedwallet/sessions", json={"key": "x"})
        await stranger.get("/plantedpath", headers={"X-Request-ID": "plantedid"})
    observe = house.haven.observing.calls_to("wallets")
    observe("GET /credentials", 0.1, "2xx")
    text = await scraped(house)
    hidden = [
        "planted", link.rpartition("/")[2], issuance.id, check.id, wallet.wallet_id,
        issuance.definition_id, issuance.registry_id or "-", str(ENTITLEMENT["payment_ref"]),
        str(ELIGIBILITY["region"]), "did:", *house.organisations,
    ]  # fmt: skip
    hidden += [organisation.id for organisation in house.organisations.values()]
    assert [each for each in hidden if each in text] == []


async def test_every_label_and_metric_is_documented(small_house: House) -> None:
    from tests.architecture.source import ROOT

    await small_house.issue(await small_house.new_wallet())
    text = await scraped(small_house)
    names = {family.name for family in text_string_to_metric_families(text)}
    labels = {
        label
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for label in sample.labels
    }
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    table = page.split("### Alerts")[0]
    described = set(re.findall(r"^\| `(haven_\w+?)(?:_total)?`", table, flags=re.M))
    assert {name for name in names if not name.endswith("_created")} == described
    assert labels <= LABELS
