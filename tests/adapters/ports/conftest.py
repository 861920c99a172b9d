"""Worlds that the contract of the ports holds in: agents in memory, and real ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.sharding import ShardedWallets
from tests.adapters.ports.world import Agents, World, build_world, with_other_kind
from tests.fakes.agents import FakeWallets, fake_agents
from tests.support.installation import Installation


@pytest.fixture(
    scope="session",
    params=["fake", "fake-sharded", pytest.param("real", marks=pytest.mark.agents)],
)
def agents(request: pytest.FixtureRequest) -> Agents:
    """Both agents, by their ports."""
    if request.param == "fake":
        org, wallets = fake_agents()
        return Agents(org, wallets, org.network)
    if request.param == "fake-sharded":
        org, wallets = fake_agents()
        sharded = ShardedWallets([wallets, FakeWallets(org.network)])
        return Agents(org, sharded, org.network)
    running: Installation = request.getfixturevalue("installation")
    return Agents(running.org, running.wallets, running.haven.did_logs)


@pytest.fixture(scope="session")
async def world(agents: Agents) -> World:
    """An issuer with one definition and a verifier, shared: definitions take seconds."""
    return await build_world(agents)


@pytest.fixture(scope="session")
async def other(world: World) -> World:
    """The same people with a credential of another kind."""
    return await with_other_kind(world)


@pytest.fixture(scope="session")
def names() -> Callable[[], str]:
    """Fresh names for identities."""
    numbers = iter(range(10_000))
    return lambda: f"contract{next(numbers):08d}"
