"""`haven status`: what runs, since when, versions, what is unhealthy and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import httpx
from rich.console import Console
from rich.table import Table

from agent.supervisor import ChildSpec
from controllers.health import LOOK_SECONDS, Readiness
from controllers.installation import CONTROLLERS, ORG, WALLETS, children
from controllers.running import ChildNote, RunNote, is_alive, read_note
from controllers.secrets import load_or_create
from controllers.settings import Settings

_PACKAGES = ("haven", "acapy-agent", "anoncreds", "aries-askar", "did-webvh")


@dataclass(frozen=True, slots=True)
class Health:
    """One process: how it is, and if it is not well, why."""

    note: ChildNote
    problem: str | None


async def show_status(settings: Settings, console: Console) -> bool:
    """Print the status; True if everything is well."""
    note = read_note(settings.data_dir)
    if note is None or not is_alive(note.pid):
        console.print("Haven does not run on this data folder. Start it with `haven up`.")
        return False
    settings = settings.model_copy(update={"port_base": note.port_base, **_numbers(note)})
    healths = [each async for each in _healths(settings, note)]
    console.print(f"Haven runs since {_since(note.started_at)}.")
    console.print(_table(healths))
    console.print("Versions: " + ", ".join(_versions()))
    return all(health.problem is None for health in healths)


def _numbers(note: RunNote) -> dict[str, int]:
    """How many of each kind run, which was said to `haven up` and not to us."""
    kinds = {"controllers_replicas": CONTROLLERS, "org_agents": ORG, "wallet_agents": WALLETS}
    return {
        setting: sum(child.name.startswith(kind) for child in note.children)
        for setting, kind in kinds.items()
    }


async def _healths(settings: Settings, note: RunNote) -> AsyncIterator[Health]:
    secrets = load_or_create(settings.secrets_folder)
    specs = {spec.name: spec for spec in children(settings, secrets)}
    for child in note.children:
        problem = await _problem(child, specs[child.name])
        if problem is None and child.name.startswith(CONTROLLERS):
            problem = await _not_ready(settings, child.name)
        yield Health(child, problem)


async def _problem(child: ChildNote, spec: ChildSpec) -> str | None:
    if not is_alive(child.pid):
        return f"it ended and is being started again; see {spec.log_file.name}"
    if not await spec.ready():
        return f"it does not answer; see {spec.log_file.name}"
    return None


async def _not_ready(settings: Settings, name: str) -> str | None:
    """What keeps these controllers from their work, as they say themselves."""
    number = name.removeprefix(CONTROLLERS).removeprefix("-") or "1"
    own = settings.model_copy(update={"replica": int(number) - 1}).own_internal_url
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=LOOK_SECONDS + 2) as client:
            found = Readiness.model_validate((await client.get(f"{own}/health/ready")).json())
    except (httpx.HTTPError, ValueError):
        return "it does not say whether it is ready"
    return "; ".join(found.not_ready) or None


def _table(healths: list[Health]) -> Table:
    table = Table()
    for heading in ("process", "state", "since", "pid", "restarts", "why"):
        table.add_column(heading)
    for health in healths:
        child = health.note
        table.add_row(
            child.name,
            "healthy" if health.problem is None else "unhealthy",
            _since(child.started_at),
            str(child.pid or "-"),
            str(child.restarts),
            health.problem or "",
        )
    return table


def _since(started_at: float | None) -> str:
    if started_at is None:
        return "-"
    return datetime.fromtimestamp(started_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _versions() -> Iterator[str]:
    yield from (f"{package} {version(package)}" for package in _PACKAGES)
