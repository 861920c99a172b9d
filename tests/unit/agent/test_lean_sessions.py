"""Sessions within sessions, many at once, on a real store with a real pool."""

from __future__ import annotations

import asyncio
import gc
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
from aries_askar import AskarError, Store
from aries_askar.store import OpenSession

from agent.plugins.lean import sessions, standing


@pytest.fixture
async def profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AskarAnonCredsProfile]:
    monkeypatch.setenv("ACAPY_HOME", str(tmp_path))
    monkeypatch.setattr(
        AskarStoreConfig, "_build_sqlite_uri", AskarStoreConfig._build_sqlite_uri
    )
    for name in ("__aenter__", "__aexit__", "__del__", "_setup"):
        monkeypatch.setattr(
            AskarAnonCredsProfileSession, name, getattr(AskarAnonCredsProfileSession, name)
        )
    monkeypatch.setattr(OpenSession, "_open", OpenSession._open)
    monkeypatch.setattr(Store, "close", Store.close)
    standing.install()
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


@pytest.mark.parametrize(("connections", "tasks"), [(64, 16), (10, 3), (3, 1), (1, 1)])
def test_so_many_tasks_that_one_can_always_go_on(connections: int, tasks: int) -> None:
    assert sessions.at_once(connections) == tasks
    # also while as many others as may wait hold a connection each
    left = connections - standing.may_wait(connections)
    assert connections == 1 or tasks * (sessions.DEPTH - 1) < left


# --- sessions that stay open ------------------------------------------------------------------


def waiting(profile: AskarAnonCredsProfile) -> list[int]:
    """The sessions that wait, by Askar's numbers."""
    return [one.handle.value for one in standing.standing_of(profile.store.handle).waiting]


async def once(profile: AskarAnonCredsProfile) -> int:
    """Use a session and give it back; its number."""
    async with profile.session() as session:
        return int(session.handle.handle.value)


async def test_a_session_that_was_given_back_is_used_again(
    profile: AskarAnonCredsProfile,
) -> None:
    first = await once(profile)
    assert waiting(profile) == [first]
    assert await once(profile) == first


async def test_two_at_once_never_share_a_session(profile: AskarAnonCredsProfile) -> None:
    await once(profile)
    async with profile.session() as one, profile.session() as other:
        assert one.handle.handle.value != other.handle.handle.value
        assert waiting(profile) == []
    assert len(waiting(profile)) == 2


async def test_what_another_session_wrote_is_seen_at_once(
    profile: AskarAnonCredsProfile,
) -> None:
    await once(profile)
    async with profile.session() as one, profile.session() as other:
        assert await one.handle.fetch("test", "new") is None
        await other.handle.insert("test", "new", value="-")
        assert await one.handle.fetch("test", "new")


async def test_a_session_in_which_something_failed_does_not_wait(
    profile: AskarAnonCredsProfile,
) -> None:
    async with profile.session() as session:
        await session.handle.insert("test", "twice", value="-")
        with pytest.raises(AskarError):
            await session.handle.insert("test", "twice", value="-")
        await session.handle.fetch("test", "twice")  # what works afterwards mends nothing
    assert waiting(profile) == []


async def test_a_session_that_was_broken_off_does_not_wait(
    profile: AskarAnonCredsProfile,
) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with profile.session() as session:
            started.set()
            while True:
                await session.handle.fetch("test", "nothing")

    task = asyncio.create_task(work())
    await started.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting(profile) == []


async def test_a_transaction_is_ended_not_kept(profile: AskarAnonCredsProfile) -> None:
    async with profile.transaction() as transaction:
        await transaction.handle.insert("test", "undone", value="-")
    assert waiting(profile) == []
    async with profile.session() as session:
        assert await session.handle.fetch("test", "undone") is None


async def test_only_so_many_wait(profile: AskarAnonCredsProfile) -> None:
    works = [nested(profile, number, sessions.DEPTH) for number in range(20)]
    await asyncio.gather(*works)
    assert len(waiting(profile)) == standing.MOST_WAITING


async def test_a_session_that_nobody_closes_waits_when_it_is_collected(
    profile: AskarAnonCredsProfile,
) -> None:
    number = await once(profile)
    session = await profile.session()
    assert waiting(profile) == []
    del session
    gc.collect()
    assert waiting(profile) == [number]


async def test_who_waits_in_vain_is_sent_away(
    profile: AskarAnonCredsProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "REST_SECONDS", 0.05)
    await once(profile)
    assert waiting(profile)
    await asyncio.sleep(0.15)
    assert waiting(profile) == []
    assert await once(profile)


async def test_a_store_closes_with_its_sessions(profile: AskarAnonCredsProfile) -> None:
    await once(profile)
    store = profile.store
    handle = standing.standing_of(store.handle)
    await store.close()
    assert handle.closed
    assert not handle.waiting
