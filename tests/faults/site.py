"""A whole installation that a test may break: three real processes under supervision.

It is what `haven up` runs, with two differences: the data folder lies on a small disk of its
own where that is possible, and what the organisations' agent posts to the controllers passes
through gates that a test can shut.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agent.supervisor import Child, ChildSpec
from controllers.installation import CONTROLLERS, ORG, WALLETS, children, fix_did_domain
from controllers.secrets import InstallationSecrets, load_or_create
from controllers.settings import Settings
from controllers.story.people import Phone
from tests.faults.gate import Gate, open_gate
from tests.scenarios.small import Small, gather_small
from tests.support.installation import free_port_base
from tests.support.waiting import until

__all__ = ["CONTROLLERS", "ORG", "WALLETS", "Site", "running_site", "small_disk"]

REGISTRY_SIZE = 32
DISK_SIZE = "192m"


@dataclass
class Site:
    """What runs; `disk` is the mount point of its own small disk, if it has one."""

    settings: Settings
    secrets: InstallationSecrets
    family: dict[str, Child]
    webhooks: Gate
    registry: Gate
    small: Small
    disk: Path | None

    def kill(self, name: str) -> None:
        """End a process at once, as the kernel does when memory runs out."""
        pid = self.family[name].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """A process that holds its connections and does nothing, inside this block."""
        pid = self.family[name].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def whole(self) -> None:
        """Return once every process runs and is ready again."""

        async def ready() -> bool:
            found = [
                child.pid is not None and await child.spec.ready()
                for child in self.family.values()
            ]
            return all(found)

        await until(ready, seconds=60)

    async def phones(self, number: int) -> list[Phone]:
        """New wallets, unlocked."""
        return [await self.small.phone() for _ in range(number)]

    def query(self, query: str, *parameters: str) -> list[tuple[str, ...]]:
        """Look into the controllers' database."""
        with closing(sqlite3.connect(self.settings.data_dir / "haven.db")) as database:
            return database.execute(query, parameters).fetchall()


@asynccontextmanager
async def running_site(folder: Path, disk: Path | None) -> AsyncIterator[Site]:
    """Start everything, found the smallest cast, stop everything."""
    settings = Settings(
        data_dir=(disk or folder) / "data",
        port_base=free_port_base(),
        registry_size=REGISTRY_SIZE,
        sweep_seconds=1,
    )
    settings.data_dir.mkdir(mode=0o700)
    fix_did_domain(settings)
    secrets = load_or_create(settings.data_dir)
    async with AsyncExitStack() as stack:
        webhooks = await stack.enter_async_context(open_gate(settings.internal_url))
        registry = await stack.enter_async_context(open_gate(settings.internal_url))
        family = {
            spec.name: Child(_through_gates(spec, settings, webhooks, registry))
            for spec in children(settings, secrets)
        }
        for child in family.values():
            await child.start()
            stack.push_async_callback(child.stop)
        for child in family.values():
            await child.wait_ready()
        small = await gather_small(settings)
        stack.push_async_callback(small.close)
        yield Site(settings, secrets, family, webhooks, registry, small, disk)


def _through_gates(
    spec: ChildSpec, settings: Settings, webhooks: Gate, registry: Gate
) -> ChildSpec:
    if spec.name != ORG:
        return spec
    hook = "ACAPY_WEBHOOK_URL"
    detoured = {
        hook: spec.environment[hook].replace(settings.internal_url, webhooks.url),
        "HAVEN_REGISTRY_WRITE_URL": registry.url,
    }
    return replace(spec, environment={**spec.environment, **detoured})


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of its own for an installation (a tmpfs); None where we may not mount one."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        yield None
        return
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE},mode=0700", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
