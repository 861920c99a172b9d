"""Live and ready: each part is broken in turn, and is named, once, in words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from controllers import health
from controllers.health import Health, Readiness, database_ready
from controllers.metrics import Metrics
from controllers.store.database import Database
from controllers.webhooks import worker as worker_module
from tests.fakes.admin import FakeApi
from tests.support.installation import Swift
from tests.support.postgres import PostgresServer
from tests.support.waiting import until

SAID = {
    "organisations": "the organisations' agent does not answer",
    "wallets": "the wallet agent does not answer",
    "worker": "the worker stands still",
    "database": "the database does not answer, or is of another version",
}


class Part:
    """A part that a test can break."""

    def __init__(self) -> None:
        self.well = True
        self.asked = 0
        self.hangs = False

    async def look(self) -> bool:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        return self.well


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
def looking(part: Part) -> Health:
    return Health([health.Part("part", "the part is away", part.look)], Metrics())


@pytest.fixture(autouse=True)
def nothing_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here each look is a new one, unless a test is about that."""
    monkeypatch.setattr(health, "BELIEVED_SECONDS", 0)


async def ask(swift: Swift, path: str, *, public: bool = True) -> httpx.Response:
    settings = swift.settings
    base = f"http://127.0.0.1:{settings.public_port}" if public else settings.internal_url
    async with httpx.AsyncClient(trust_env=False, base_url=base) as client:
        return await client.get(f"/health/{path}")


async def missing(swift: Swift) -> list[str]:
    answer = await ask(swift, "ready")
    found = Readiness.model_validate(answer.json())
    assert answer.status_code == (503 if found.not_ready else 200)
    return found.not_ready


# --- looking --------------------------------------------------------------------------------


async def test_a_part_that_is_away_is_named(part: Part, looking: Health) -> None:
    assert await looking.readiness() == Readiness()
    part.well = False
    away = await looking.readiness()
    assert away == Readiness(status="not ready", not_ready=["the part is away"])


async def test_a_part_that_fails_is_not_ready() -> None:
    async def failing() -> bool:
        raise ValueError("planted-text")

    found = await Health([health.Part("part", "it is away", failing)], Metrics()).readiness()
    assert found.not_ready == ["it is away"]


async def test_a_look_is_bounded_in_time(
    part: Part, looking: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.05)
    part.hangs = True
    assert (await looking.readiness()).status == "not ready"


async def test_of_several_of_a_kind_one_is_enough(part: Part) -> None:
    other = Part()
    agents = [
        health.Part("one", "the first is away", part.look, kind="agents"),
        health.Part("two", "the second is away", other.look, kind="agents"),
    ]
    looking = Health(agents, Metrics())
    other.well = False
    assert await looking.readiness() == Readiness(not_ready=["the second is away"])
    part.well = False
    assert (await looking.readiness()).status == "not ready"


@pytest.mark.parametrize("asking", [50])
async def test_many_who_ask_at_once_cost_one_look(
    part: Part, looking: Health, asking: int
) -> None:
    await asyncio.gather(*(looking.readiness() for _ in range(asking)))
    assert part.asked == 1


async def test_what_was_found_is_believed_for_a_while(
    part: Part, looking: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BELIEVED_SECONDS", 60)
    for _ in range(20):
        await looking.readiness()
    assert part.asked == 1


async def test_who_asks_may_go_away(part: Part, looking: Health) -> None:
    part.hangs = True
    asking = asyncio.create_task(looking.readiness())
    staying = asyncio.create_task(looking.readiness())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not staying.done()
    staying.cancel()


# --- an installation ------------------------------------------------------------------------


@pytest.mark.parametrize("public", [True, False])
async def test_both_listeners_say_that_all_is_well(swift: Swift, public: bool) -> None:
    live = await ask(swift, "live", public=public)
    ready = await ask(swift, "ready", public=public)
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "not_ready": []})


@pytest.mark.parametrize("name", ["organisations", "wallets"])
async def test_an_agent_that_is_away_is_named(swift: Swift, name: str) -> None:
    api = swift.haven.org_api if name == "organisations" else swift.haven.wallets_api
    assert isinstance(api, FakeApi)
    api.well = False
    assert await missing(swift) == [SAID[name]]
    assert (await ask(swift, "live")).status_code == 200
    api.well = True
    assert await missing(swift) == []


async def test_a_worker_that_stands_still_is_named(
    swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck() -> list[object]:
        return await asyncio.Event().wait()  # type: ignore[return-value] # it never returns

    monkeypatch.setattr(worker_module, "LONGEST_SILENCE", 0.3)
    monkeypatch.setattr(swift.haven.inbox, "due", stuck)
    swift.haven.worker.wake()
    await until(lambda: missing(swift), lambda found: found == [SAID["worker"]])


async def test_a_worker_that_only_fails_stands_still(
    swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing() -> list[object]:
        raise OSError("the database is away")

    monkeypatch.setattr(worker_module, "LONGEST_SILENCE", 0.3)
    monkeypatch.setattr(swift.haven.inbox, "due", failing)
    await until(lambda: missing(swift), lambda found: found == [SAID["worker"]])


async def test_a_database_of_another_version_is_named(swift: Swift) -> None:
    async with swift.haven.database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    assert await missing(swift) == [SAID["database"]]


# --- the database ---------------------------------------------------------------------------


async def test_a_migrated_database_is_ready(database: Database) -> None:
    assert await database_ready(database)()


async def test_an_empty_database_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/empty.db")
    assert not await database_ready(database)()
    await database.close()


@pytest.mark.postgres
async def test_a_database_that_went_away_is_not_ready(postgres: PostgresServer) -> None:
    url = postgres.url()
    database = Database(url.render_as_string(hide_password=False))
    await database.migrate()
    assert await database_ready(database)()
    admin = url.set(database="postgres").render_as_string(hide_password=False)
    server = Database(admin)
    async with server.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f'DROP DATABASE "{url.database}" WITH (FORCE)'))
    parts = [health.Part("database", "it is away", database_ready(database))]
    assert (await Health(parts, Metrics()).readiness()).not_ready == ["it is away"]
    await server.close()
    await database.close()
