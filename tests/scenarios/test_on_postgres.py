"""One whole installation on PostgreSQL: the controllers' store, the organisations' agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Phone
from tests.scenarios.searching import database_text
from tests.scenarios.small import Small, gather_small
from tests.support.installation import Installation, running_installation
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.agents, pytest.mark.postgres]

REGION = "US-WY"  # nothing else in the database is called so


@dataclass
class OnPostgres:
    """The installation, its one organisation, and two holders with a credential each."""

    installation: Installation
    small: Small
    first: Phone
    second: Phone
    issued: dict[str, object]


@pytest.fixture(scope="module")
async def on_postgres(
    own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OnPostgres]:
    folder: Path = tmp_path_factory.mktemp("on-postgres")
    url = own_postgres.url()
    agents_url = f"postgresql://{url.username}@{url.host}:{url.port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HAVEN_DATABASE_URL", url.render_as_string(hide_password=False))
        environment.setenv("HAVEN_AGENT_DATABASE_URL", agents_url)
        async with running_installation(folder) as installation:
            small = await gather_small(installation.settings)
            first, second = await small.phone(), await small.phone()
            issued = await small.issue(first, **eligibility(region=REGION))
            await small.issue(second, **eligibility())
            yield OnPostgres(installation, small, first, second, issued)
            await small.close()


async def test_both_keep_their_data_there(on_postgres: OnPostgres) -> None:
    settings = on_postgres.installation.settings
    assert on_postgres.installation.haven.database.engine.dialect.name == "postgresql"
    assert not list(settings.data_dir.glob("*.db"))
    assert not list((settings.data_dir / "org").rglob("*.db"))
    assert list((settings.data_dir / "wallets").rglob("*.db")), "holders' stores stay files"


async def test_a_check_is_passed(on_postgres: OnPostgres) -> None:
    asked, verdict = await on_postgres.small.check(on_postgres.first)
    assert why_refused(verdict) == "accepted"
    learnt = await on_postgres.small.checks.learnt(asked)
    assert learnt["eligibility"] == {"household_size": "2", "region": REGION}


async def test_checks_at_once_are_all_judged(on_postgres: OnPostgres) -> None:
    asked = [await on_postgres.small.checks.ask("shelter") for _ in range(3)]
    seen = [await on_postgres.second.look(each["link"]) for each in asked]
    await asyncio.gather(*(on_postgres.second.say_yes(each) for each in seen))
    verdicts = [await on_postgres.small.checks.verdict(each) for each in asked]
    assert [why_refused(each) for each in verdicts] == ["accepted"] * 3


async def test_a_revoked_credential_is_refused_and_another_is_not(
    on_postgres: OnPostgres,
) -> None:
    await on_postgres.small.issues.revoke(on_postgres.issued)
    _, first = await on_postgres.small.check(on_postgres.first)
    _, second = await on_postgres.small.check(on_postgres.second)
    assert why_refused(first) == "refused: revocation: revoked"
    assert why_refused(second) == "accepted"


async def test_no_link_no_key_and_no_value_is_in_the_database(on_postgres: OnPostgres) -> None:
    rows = await database_text(on_postgres.installation.haven.database)
    token = str(on_postgres.issued["link"]).rpartition("/")[2]
    assert on_postgres.first.wallet_id in rows, "the search works"
    planted = (token, str(on_postgres.issued["code"]), on_postgres.first.key, REGION)
    assert [each in rows for each in planted] == [False] * len(planted)
