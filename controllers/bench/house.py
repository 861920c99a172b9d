"""An installation for a bench: `haven up` as a process of its own, on ports of its own."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from controllers.bench.cast import Cast, gather
from controllers.bench.people import Line
from controllers.bench.processes import Memory, Usage, memory, usage
from controllers.running import read_note
from controllers.secrets import load_or_create
from controllers.settings import Settings
from core.errors import ConfigurationError, Unavailable

_BLOCK = 100  # ports from the first on that an installation may use, replicas included
_PORTS = range(20_000, 32_000, _BLOCK)
_START_SECONDS, _STOP_SECONDS = 120.0, 40.0
# a bench that is killed leaves no installation behind
_UP = (
    "from agent.launch import die_with_parent; die_with_parent(); "
    "from controllers.cli import main; main()"
)


@dataclass(frozen=True, slots=True)
class Topology:
    """What runs, beside the default: settings as environment variables, and what to call it."""

    name: str = "sqlite"
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class House:
    """A running installation, its cast, and its processes by name."""

    settings: Settings
    supervisor: int
    line: Line
    cast: Cast

    @property
    def pids(self) -> dict[str, int]:
        """Controllers and agents, as the supervisor notes them. Raises Unavailable."""
        note = read_note(self.settings.data_dir)
        if note is None or any(child.pid is None for child in note.children):
            raise Unavailable("A process of the installation is not there")
        return {child.name: child.pid for child in note.children if child.pid is not None}

    @property
    def restarts(self) -> int:
        """How often a process fell and was started again."""
        note = read_note(self.settings.data_dir)
        return sum(child.restarts for child in note.children) if note else 0

    def usage(self) -> Usage:
        """Processor time of controllers and agents up to now."""
        return usage(self.pids)

    def memory(self) -> Memory:
        """Memory of every process, the supervisor's included."""
        return memory([self.supervisor, *self.pids.values()])


@asynccontextmanager
async def running(
    data_dir: Path,
    topology: Topology,
    *,
    credentials: tuple[str, ...],
    registry_size: int = 0,
    more: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[House]:
    """Start an installation, gather its cast, give it; nothing runs afterwards."""
    settings, environment = _settings(data_dir, topology, registry_size)
    process = await _up(settings, {**environment, **more})
    try:
        async with Line(_addresses(settings)) as line:
            operator = load_or_create(settings.data_dir).operator_key.reveal()
            cast = await gather(line, operator, data_dir / "bench-cast.json", credentials)
            yield House(settings, process.pid, line, cast)
    finally:
        await _stop(process)


def _settings(
    data_dir: Path, topology: Topology, registry_size: int
) -> tuple[Settings, dict[str, str]]:
    chosen = {
        "HAVEN_DATA_DIR": str(data_dir.resolve()),
        "HAVEN_PORT_BASE": str(_free_ports()),
        "HAVEN_SESSION_MINUTES": "240",  # no wallet locks itself while it waits for its turn
        **({"HAVEN_REGISTRY_SIZE": str(registry_size)} if registry_size else {}),
        **topology.environment,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
    own = {name.removeprefix("HAVEN_").lower(): value for name, value in chosen.items()}
    return Settings.model_validate(own, strict=False), kept | chosen


def _addresses(settings: Settings) -> list[str]:
    """Every one of the controllers, as a load balancer would know them."""
    replicas = range(settings.controllers_replicas)
    each = (settings.model_copy(update={"replica": number}) for number in replicas)
    return [f"http://127.0.0.1:{one.public_port}" for one in each]


async def _up(settings: Settings, environment: dict[str, str]) -> asyncio.subprocess.Process:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.data_dir / "bench-up.log").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _UP, "up", stdout=output, stderr=output, env=environment
        )
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _ready(settings, process)
    except TimeoutError as err:
        await _stop(process)
        raise Unavailable("Haven did not start; see the log folder") from err
    except asyncio.CancelledError:  # we are told to end
        await _stop(process)
        raise
    return process


async def _ready(settings: Settings, process: asyncio.subprocess.Process) -> None:
    """`haven up` says so itself once every process answers."""
    log = settings.data_dir / "bench-up.log"
    began = log.stat().st_size
    while process.returncode is None:
        if b"Running." in log.read_bytes()[began:]:
            return
        await asyncio.sleep(0.1)
    raise Unavailable(f"`haven up` ended: {log.read_text()[began:]}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_ports() -> int:
    """The first of a block of ports that nobody listens on now. Raises ConfigurationError."""
    for base in random.sample(_PORTS, len(_PORTS)):
        if all(_is_free(base + offset) for offset in range(_BLOCK)):
            return base
    raise ConfigurationError("There is no block of free ports on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
