"""What is looked at again after filling: databases on PostgreSQL, and no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.bench.filling import Filler
from controllers.secrets import load_or_create
from controllers.settings import Settings

CONTROLLERS, AGENTS = "postgresql+asyncpg://u:p@db:5/haven", "postgresql://u:p@db:5"


@pytest.mark.parametrize(
    ("database", "agents", "looked_at"),
    [
        (None, None, []),
        (CONTROLLERS, None, ["haven"]),
        (CONTROLLERS, AGENTS, ["haven", "t-1", "org-base"]),
    ],
)
def test_each_grown_database_is_analysed(
    tmp_path: Path, database: str | None, agents: str | None, looked_at: list[str]
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database, agent_database_url=agents)
    load_or_create(tmp_path)
    found = Filler(settings, "shelter-a")._grown("t-1", "org-base")
    assert [url.database for url in found] == looked_at
    assert {url.drivername for url in found} <= {"postgresql+asyncpg"}
