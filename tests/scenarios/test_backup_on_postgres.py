"""The same with the controllers' database and the organisations' stores on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.backup.restoring import restore
from controllers.backup.taking import take
from controllers.settings import Settings
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Phone
from core.errors import Conflict
from tests.scenarios.restoring import PASSPHRASE, QUICK, Entry, entries, opened
from tests.scenarios.small import gather_small
from tests.support.installation import running_installation
from tests.support.postgres import PostgresServer, running_postgres

pytestmark = [pytest.mark.agents, pytest.mark.postgres]


def use(environment: pytest.MonkeyPatch, server: PostgresServer, name: str) -> None:
    """Keep the data of what starts from now on there."""
    url = server.url(name)
    environment.setenv("HAVEN_DATABASE_URL", url.render_as_string(hide_password=False))
    agents = f"postgresql://{url.username}@{url.host}:{url.port}"
    environment.setenv("HAVEN_AGENT_DATABASE_URL", agents)


async def test_from_one_server_to_another(
    own_postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, own_postgres, "haven_to_back_up")
    old, before = await _work_and_back_up(tmp_path)
    target = tmp_path / "second"
    await _refused_where_it_was(tmp_path, target)
    with running_postgres() as another:
        use(monkeypatch, another, "haven_restored")
        settings = Settings(data_dir=target, registry_size=32)
        restored = await restore(settings, tmp_path / "haven.backup", PASSPHRASE)
        assert restored.registries >= 2
        await _works(target, old, before)


async def _work_and_back_up(tmp_path: Path) -> tuple[Phone, set[Entry]]:
    async with running_installation(tmp_path / "first") as first:
        small = await gather_small(first.settings)
        phone = await small.phone()
        await small.issue(phone, **eligibility())
        before = await entries(first.haven.database)
        await take(first.settings, tmp_path / "haven.backup", PASSPHRASE, strength=QUICK)
        await small.close()
    return phone, before


async def _refused_where_it_was(tmp_path: Path, target: Path) -> None:
    """Where the databases are not empty nothing is overwritten, and no folder appears."""
    settings = Settings(data_dir=target, registry_size=32)
    with pytest.raises(Conflict):
        await restore(settings, tmp_path / "haven.backup", PASSPHRASE)
    assert _names(tmp_path) == ["first", "haven.backup"]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def _works(folder: Path, old: Phone, before: set[Entry]) -> None:
    async with running_installation(folder) as installation:
        again = await opened(installation)
        assert await again.verdict(old) == "accepted"
        phone = await again.small.phone()
        await again.small.issue(phone, **eligibility())
        _, found = await again.small.check(phone)
        assert why_refused(found) == "accepted"
        fresh = await entries(installation.haven.database) - before
        assert {each[0] for each in fresh}.isdisjoint({each[0] for each in before})
        await again.close()
