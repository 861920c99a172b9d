"""Whole installations for tests: both listeners in this process, and two agents.

`running_installation` has real agents. Starting them takes some seconds, so there is one for
the whole run (`installation` in tests/conftest.py); tests keep apart by using organisations
and wallets of their own. `running_on_fakes` has the agents in memory and is up at once, so
that each test can have its own (`swift`), and can let calls fail or answers be dishonest.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx

from agent.announcements import Announcement
from agent.organisations import OrganisationsAgent
from agent.sharding import Wallets
from agent.supervisor import Child
from controllers.app import assemble, build
from controllers.haven import Haven
from controllers.installation import CONTROLLERS, children
from controllers.secrets import InstallationSecrets, load_or_create
from controllers.serve import serve
from controllers.settings import PORT_BLOCK, Settings
from core.errors import Unavailable
from tests.fakes.admin import FakeApi
from tests.fakes.agents import fake_agents
from tests.fakes.network import FakeNetwork

REGISTRY_SIZE = 32
_BELOW_EPHEMERAL = range(20_000, 32_000, PORT_BLOCK)


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs; `agents` are the supervised processes, by name."""

    settings: Settings
    secrets: InstallationSecrets
    haven: Haven
    agents: dict[str, Child]

    @property
    def org(self) -> OrganisationsAgent:
        return self.haven.org

    @property
    def wallets(self) -> Wallets:
        return self.haven.wallets


def free_port_base() -> int:
    """The first of a block of ports that nobody listens on now."""
    for base in random.sample(_BELOW_EPHEMERAL, len(_BELOW_EPHEMERAL)):
        if all(_is_free(base + offset) for offset in range(PORT_BLOCK)):
            return base
    raise Unavailable("There is no block of free ports on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@asynccontextmanager
async def running_installation(data_dir: Path) -> AsyncIterator[Installation]:
    """Start everything, give it, stop everything: no process is left behind."""
    settings, secrets = _settings(data_dir, sweep_seconds=1), load_or_create(data_dir)
    agents = {
        spec.name: Child(spec)
        for spec in children(settings, secrets)
        if spec.name != CONTROLLERS  # those run in this process
    }
    async with AsyncExitStack() as stack:
        haven = build(settings, secrets)
        await stack.enter_async_context(_serving(haven))
        for child in agents.values():
            await child.start()
            stack.push_async_callback(child.stop)
        for child in agents.values():
            await child.wait_ready()
        yield Installation(settings, secrets, haven, agents)


@dataclass(frozen=True, slots=True)
class Swift:
    """An installation on agents in memory; `network` is where tests step in."""

    settings: Settings
    secrets: InstallationSecrets
    haven: Haven
    network: FakeNetwork


@asynccontextmanager
async def running_on_fakes(
    data_dir: Path, *, sweep_seconds: float = 0.2
) -> AsyncIterator[Swift]:
    """Serve the controllers over agents in memory, which announce changes as real ones do."""
    settings, secrets = _settings(data_dir, sweep_seconds), load_or_create(data_dir)
    org, wallets = fake_agents()
    haven = assemble(
        settings,
        secrets,
        org_api=FakeApi(),
        wallets_api=FakeApi(),
        # by their ports the same, as the contract test shows
        org=cast(OrganisationsAgent, org),
        wallets=cast(Wallets, wallets),
        did_logs=org.network,
    )

    async def announce(announcement: Announcement) -> None:
        await haven.inbox.put(announcement)
        haven.worker.wake()

    org.network.listener = announce
    async with _serving(haven):
        yield Swift(settings, secrets, haven, org.network)


def _settings(data_dir: Path, sweep_seconds: float) -> Settings:
    return Settings(
        data_dir=data_dir,
        port_base=free_port_base(),
        registry_size=REGISTRY_SIZE,
        sweep_seconds=sweep_seconds,
    )


@asynccontextmanager
async def _serving(haven: Haven) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(serve(haven, stop), name="controllers")
    try:
        await _alive(haven.settings, failed=task.done)
        yield
    finally:
        stop.set()
        await task


async def _alive(settings: Settings, *, failed: Callable[[], bool]) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        for _ in range(200):
            if failed():
                return  # awaiting the task says why
            try:
                await client.get(f"{settings.internal_url}/health/live")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return
    raise Unavailable("The controllers do not listen")
