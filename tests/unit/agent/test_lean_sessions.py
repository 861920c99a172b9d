"""Sessions within sessions, many at once, on a real store with a real pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acapy_agent.askar.profile_anon import (
    AskarAnonCredsProfile,
    AskarAnonCredsProfileSession,
    AskarAnonProfileManager,
)
from acapy_agent.askar.store import AskarStoreConfig
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.error import ProfileError
from aries_askar import Store

from agent.plugins.lean import sessions


@pytest.fixture
async def profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AskarAnonCredsProfile]:
    monkeypatch.setenv("ACAPY_HOME", str(tmp_path))
    monkeypatch.setattr(
        AskarStoreConfig, "_build_sqlite_uri", AskarStoreConfig._build_sqlite_uri
    )
    for name in ("__aenter__", "__aexit__"):
        monkeypatch.setattr(
            AskarAnonCredsProfileSession, name, getattr(AskarAnonCredsProfileSession, name)
        )
    sessions.install()
    config = {"name": "many", "key": Store.generate_raw_key(), "key_derivation_method": "RAW"}
    context = InjectionContext(settings={"ledger.disabled": True})
    opened = await AskarAnonProfileManager().provision(context, config)
    yield opened
    await opened.close()


async def nested(profile: AskarAnonCredsProfile, number: int, depth: int) -> int:
    """Hold a session for a moment, and need another one meanwhile."""
    async with profile.session() as session:
        await asyncio.sleep(0.005)
        if depth > 1:
            return await nested(profile, number, depth - 1)
        await session.handle.insert("test", f"{number}", value="-")
        return number


async def test_many_at_once_that_need_several_sessions_each_all_end(
    profile: AskarAnonCredsProfile,
) -> None:
    works = [nested(profile, number, sessions.DEPTH) for number in range(100)]
    assert sorted(await asyncio.gather(*works)) == list(range(100))


async def test_a_task_started_within_a_session_takes_its_own_turn_afterwards(
    profile: AskarAnonCredsProfile,
) -> None:
    async with profile.session():
        outlives = asyncio.create_task(_later(profile))
    assert await outlives == 1
    assert sessions.turns_of(profile.opened)._value == sessions.at_once(sessions.POOL)


async def _later(profile: AskarAnonCredsProfile) -> int:
    await asyncio.sleep(0.02)
    return await nested(profile, 1, 2)


async def test_turns_are_given_back_after_errors_and_commits(
    profile: AskarAnonCredsProfile,
) -> None:
    for _ in range(sessions.MOST_AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError):
            async with profile.session():
                _ = 1 / 0
        async with profile.transaction() as transaction:
            await transaction.commit()
    assert await nested(profile, 7, 2) == 7


async def test_a_store_that_does_not_open_a_session_gives_the_turn_back(
    profile: AskarAnonCredsProfile,
) -> None:
    session = profile.session()

    async def fail() -> None:
        raise ProfileError("no")

    session._setup = fail
    with pytest.raises(ProfileError):
        async with session:
            pass
    assert await nested(profile, 7, 2) == 7


@pytest.mark.parametrize(("connections", "tasks"), [(64, 16), (10, 4), (3, 1), (1, 1)])
def test_so_many_tasks_that_one_can_always_go_on(connections: int, tasks: int) -> None:
    assert sessions.at_once(connections) == tasks
    assert connections == 1 or tasks * (sessions.DEPTH - 1) < connections
