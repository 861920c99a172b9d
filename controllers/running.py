"""`haven up`: supervised processes, one note of what runs, one clean stop."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from agent.supervisor import Child, ChildSpec
from controllers.installation import children, fix_did_domain, in_turns
from controllers.secrets import load_or_create
from controllers.settings import Settings
from core.errors import ConfigurationError

LOGGER = logging.getLogger(__name__)

_NOTE = "running.json"
_NOTE_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class ChildNote:
    """What is known of one process."""

    name: str
    pid: int | None
    started_at: float | None
    restarts: int


@dataclass(frozen=True, slots=True)
class RunNote:
    """What `haven status` reads."""

    pid: int
    started_at: float
    port_base: int
    children: tuple[ChildNote, ...]


def read_note(data_dir: Path) -> RunNote | None:
    """The note of the installation that runs on this data folder, if one does."""
    try:
        stored = json.loads((data_dir / _NOTE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    noted = tuple(ChildNote(**child) for child in stored.pop("children"))
    return RunNote(children=noted, **stored)


def is_alive(pid: int | None) -> bool:
    """Whether a process of this id exists."""
    return pid is not None and Path(f"/proc/{pid}").exists() if _has_proc() else _signal(pid)


def _has_proc() -> bool:
    return Path("/proc/self").exists()


def _signal(pid: int | None) -> bool:
    try:
        os.kill(pid or -1, 0)
    except OSError:
        return False
    return pid is not None


@contextmanager
def only_one(
    data_dir: Path,
    said: str = "Haven runs already on this data folder. `haven status` shows it.",
) -> Iterator[None]:
    """Two installations on one data folder would tear it apart. Raises ConfigurationError."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise ConfigurationError(said) from err
        yield


def _require_free_ports(settings: Settings) -> None:
    replicas = range(settings.controllers_replicas)
    controllers = (settings.model_copy(update={"replica": each}) for each in replicas)
    wanted = [
        *(port for each in controllers for port in (each.public_port, each.internal_port)),
        *(port for each in range(settings.org_agents) for port in settings.org_ports_of(each)),
        *(
            port
            for each in range(settings.wallet_agents)
            for port in settings.wallet_ports_of(each)
        ),
    ]
    for port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as err:
                raise ConfigurationError(
                    f"Port {port} is in use by another program. Choose other ports, "
                    f"for example: --port-base {settings.port_base + 1000}"
                ) from err


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[list[Child]]:
    """Everything runs inside this block; nothing is left behind after it."""
    settings.check_topology()
    with only_one(settings.data_dir):
        _require_free_ports(settings)
        fix_did_domain(settings)
        secrets = load_or_create(settings.secrets_folder)
        family = [Child(spec) for spec in children(settings, secrets)]
        noting = asyncio.create_task(_keep_note(settings, family))
        try:
            by_name = {child.spec.name: child for child in family}
            for names in in_turns(by_name):
                for name in names:
                    await by_name[name].start()
                for name in names:
                    await by_name[name].wait_ready()
            yield family
        finally:
            noting.cancel()
            # wallets and organisations first: the controllers still take their last webhooks
            for child in reversed(family):
                await child.stop()
            (settings.data_dir / _NOTE).unlink(missing_ok=True)


def replace_process(spec: ChildSpec) -> NoReturn:
    """Become this process; its output goes to where ours went."""
    os.execve(spec.command[0], spec.command, dict(spec.environment))  # noqa: S606 (no shell)


async def _keep_note(settings: Settings, family: list[Child]) -> None:
    began = time.time()
    while True:
        note = RunNote(
            pid=os.getpid(),
            started_at=began,
            port_base=settings.port_base,
            children=tuple(
                ChildNote(child.spec.name, child.pid, child.started_at, child.restarts)
                for child in family
            ),
        )
        temporary = settings.data_dir / f".{_NOTE}"
        try:
            temporary.write_text(json.dumps(asdict(note)))
            temporary.replace(settings.data_dir / _NOTE)
        except OSError as err:  # no space, perhaps; the next note may fit again
            LOGGER.warning("the note of what runs was not written: %s", type(err).__name__)
        await asyncio.sleep(_NOTE_EVERY)
