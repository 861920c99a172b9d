"""The topology of docker/compose.replicas.yaml as plain processes on this machine.

Each process is what its container would be: `haven run <kind> --index <n>`, with settings
from its environment, behind the same two proxies, over one PostgreSQL. Nothing starts a
process again that falls.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.supervisor import ChildSpec
from controllers.installation import Kind, fix_did_domain, process
from controllers.secrets import InstallationSecrets, load_or_create
from controllers.settings import Settings
from core.errors import Unavailable
from tests.support.installation import free_port_base
from tests.support.postgres import PostgresServer
from tests.support.proxy import Certificate, make_certificate, running_proxies

HAVEN = (sys.executable, "-c", "from controllers.cli import main; main()")
NUMBERS = (0, 1)
_READY_SECONDS = 60.0


@dataclass
class Topology:
    """What runs; each process under its kind and number."""

    settings: Settings
    secrets: InstallationSecrets
    folder: Path
    processes: dict[tuple[Kind, int], subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, kind: Kind, number: int) -> None:
        """Start one process as its container would."""
        with (self.folder / f"{kind.value}-{number}.log").open("ab") as log:
            self.processes[kind, number] = subprocess.Popen(
                [*HAVEN, "run", kind.value, "--index", str(number)],
                env={**os.environ, **_environment(self.settings)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self, kind: Kind, number: int) -> None:
        """Return once it answers. Raises Unavailable with what it wrote."""
        spec = self._spec(kind, number)
        for _ in range(int(_READY_SECONDS / 0.2)):
            if await spec.ready():
                return
            if self.processes[kind, number].poll() is not None:
                break
            await asyncio.sleep(0.2)
        log = (self.folder / f"{kind.value}-{number}.log").read_text()
        raise Unavailable(f"{kind.value} {number} did not start: {log[-2000:]}")

    def kill(self, kind: Kind, number: int) -> None:
        """As when the machine under it goes: at once, and nothing is tidied up."""
        killed = self.processes.pop((kind, number))
        killed.send_signal(signal.SIGKILL)
        killed.wait()

    def stop(self) -> None:
        """End every process that runs."""
        for each in self.processes.values():
            each.terminate()
        for each in self.processes.values():
            try:
                each.wait(15)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()

    def _spec(self, kind: Kind, number: int) -> ChildSpec:
        return process(kind, self.settings.model_copy(update={"replica": number}), self.secrets)


def _environment(settings: Settings) -> dict[str, str]:
    values = settings.model_dump(mode="json", exclude_none=True, exclude={"replica"})
    return {f"HAVEN_{name.upper()}": str(value) for name, value in values.items()}


def proxy_values(settings: Settings, first: int, files: Certificate) -> dict[str, str]:
    """What compose.replicas.yaml gives the proxies, with loopback in place of names."""

    def servers(*ports: int) -> str:
        return " ".join(f"server 127.0.0.1:{port};" for port in ports)

    public = [settings.model_copy(update={"replica": n}).public_port for n in NUMBERS]
    wallets = [
        f"upstream wallet_agent_{n + 1} {{ {servers(settings.wallet_ports_of(n)[1])} }}"
        for n in NUMBERS
    ]
    return {
        "PROXY_NAME": "localhost",
        "PROXY_PORT": str(first),
        "PROXY_READING_PORT": str(first + 1),
        "PROXY_INSIDE_PORT": str(first + 2),
        "PROXY_CERTIFICATE": str(files.certificate),
        "PROXY_KEY": str(files.key),
        "PROXY_CONTROLLERS": servers(*public),
        "PROXY_INSIDE": servers(*(port + 1 for port in public)),
        "PROXY_ORG_AGENTS": servers(*(settings.org_ports_of(n)[1] for n in NUMBERS)),
        "PROXY_WALLET_AGENTS": "\n".join(wallets),
    }


def _settings(folder: Path, postgres: PostgresServer, proxy: int) -> Settings:
    url = postgres.url()
    return Settings(
        data_dir=folder / "data",
        port_base=free_port_base(),
        registry_size=8,
        sweep_seconds=1,
        controllers_replicas=len(NUMBERS),
        org_agents=len(NUMBERS),
        wallet_agents=len(NUMBERS),
        database_url=url.render_as_string(hide_password=False),
        agent_database_url=f"postgresql://{url.username}@{url.host}:{url.port}",
        public_url=f"https://localhost:{proxy}",
        trusted_proxies="127.0.0.1/32",
        org_endpoint=f"https://localhost:{proxy}/didcomm/org",
        wallet_endpoint=f"https://localhost:{proxy}/didcomm/wallets/{{shard}}",
        registry_url=f"http://127.0.0.1:{proxy + 1}",
        internal_base_url=f"http://127.0.0.1:{proxy + 2}",
    )


@asynccontextmanager
async def running_topology(folder: Path, postgres: PostgresServer) -> AsyncIterator[Topology]:
    """Two of each behind the proxies; the certificate is trusted while the block runs."""
    proxy, files = free_port_base(), make_certificate(folder)
    settings = _settings(folder, postgres, proxy)
    secrets = load_or_create(settings.secrets_folder)
    fix_did_domain(settings)
    made = Topology(settings, secrets, folder)
    async with AsyncExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("SSL_CERT_FILE", str(files.certificate))
        stack.enter_context(running_proxies(folder, proxy_values(settings, proxy, files)))
        stack.callback(made.stop)
        for number in NUMBERS:  # the first of each kind before the second, as in compose
            for kind in Kind:
                made.start(kind, number)
            for kind in Kind:
                await made.ready(kind, number)
        yield made
