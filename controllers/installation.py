"""What an installation consists of, and how each of its processes is started.

There are three kinds of process. Of each kind there may be several: controllers and
organisations' agents share a database and stand in for each other; each wallet agent has
wallets of its own (agent/sharding.py).
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import httpx

from agent.admin import AdminApi
from agent.options import AgentOptions
from agent.supervisor import ChildSpec
from controllers.secrets import InstallationSecrets, registry_key_file
from controllers.settings import Settings
from core.errors import ConfigurationError
from core.secret import Secret

ORG, WALLETS, CONTROLLERS = "org-agent", "wallet-agent", "controllers"


class Kind(StrEnum):
    """The kinds of process."""

    CONTROLLERS = CONTROLLERS
    ORG = ORG
    WALLETS = WALLETS


def org_options(
    settings: Settings, secrets: InstallationSecrets, replica: int = 0
) -> AgentOptions:
    """One of the organisations' agents; all of them work on the same stores.

    Their turns and those of the wallet agents are dealt out so that two cores have one of each.
    """
    url = settings.agent_store_url
    ports = settings.org_ports_of(replica)
    return _options(
        settings,
        secrets,
        name="org",
        turn=2 * replica + replica % 2,
        home=_numbered("org", replica),
        ports=ports,
        endpoint=settings.org_endpoint or f"http://127.0.0.1:{ports[1]}",
        database_url=Secret(url) if url else None,
    )


def wallet_options(
    settings: Settings, secrets: InstallationSecrets, shard: int = 0
) -> AgentOptions:
    """One of the wallet agents: holders' stores stay SQLite files, each on one agent."""
    return _options(
        settings,
        secrets,
        name="wallets",
        turn=2 * shard + 1 - shard % 2,
        home=_numbered("wallets", shard),
        ports=settings.wallet_ports_of(shard),
        endpoint=settings.wallet_endpoint_of(shard),
        database_url=None,
    )


def _numbered(name: str, index: int) -> str:
    """The first has the plain name: it had it before there were several."""
    return name if index == 0 else f"{name}-{index + 1}"


def _options(
    settings: Settings,
    secrets: InstallationSecrets,
    *,
    name: str,
    turn: int,
    home: str,
    ports: tuple[int, int],
    endpoint: str,
    database_url: Secret | None,
) -> AgentOptions:
    admin_port, inbound_port = ports
    return AgentOptions(
        name=name,
        turn=_first_core(settings) + turn if settings.agents_on_one_core else None,
        label="Agent",
        home=(settings.data_dir / home).resolve(),
        admin_port=admin_port,
        inbound_port=inbound_port,
        endpoint=endpoint,
        webhook_url=f"{settings.internal_url}/webhooks/{name}",
        secrets=secrets.agents[name],
        did_domain=settings.did_domain,
        host_map=settings.host_map,
        registry_write_url=settings.internal_url,
        registry_write_key_file=registry_key_file(settings.secrets_folder).resolve(),
        holds_wallets=name == "wallets",
        database_url=database_url,
        host=settings.agent_host,
        log_level=settings.agent_log_level,
    )


def _first_core(settings: Settings) -> int:
    """Where an installation begins to count cores: several on one machine begin apart."""
    return zlib.crc32(str(settings.data_dir.resolve()).encode())


def children(settings: Settings, secrets: InstallationSecrets) -> list[ChildSpec]:
    """Every process on this machine, in the order in which they are started."""
    return [
        *(
            _controllers_spec(settings.model_copy(update={"replica": replica}))
            for replica in range(settings.controllers_replicas)
        ),
        *(
            agent_spec(
                _numbered(ORG, replica), org_options(settings, secrets, replica), settings
            )
            for replica in range(settings.org_agents)
        ),
        *(
            agent_spec(
                _numbered(WALLETS, shard), wallet_options(settings, secrets, shard), settings
            )
            for shard in range(settings.wallet_agents)
        ),
    ]


def in_turns(names: Iterable[str]) -> list[list[str]]:
    """Which processes may start at once: the first of each kind, then all others.

    The first organisations' agent makes the store that the others find.
    """
    first: list[str] = []
    others: list[str] = []
    for name in names:
        (first if name in (CONTROLLERS, ORG, WALLETS) else others).append(name)
    return [first, others]


def process(kind: Kind, settings: Settings, secrets: InstallationSecrets) -> ChildSpec:
    """One process by itself: the one of its kind that `settings.replica` says."""
    index = settings.replica
    if kind is Kind.CONTROLLERS:
        return _controllers_spec(settings)
    options_of = org_options if kind is Kind.ORG else wallet_options
    options = options_of(settings, secrets, index)
    return agent_spec(_numbered(kind.value, index), options, settings)


def agent_spec(name: str, options: AgentOptions, settings: Settings) -> ChildSpec:
    """How one agent is started and asked whether it is ready."""
    options.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def ready() -> bool:
        api = AdminApi([options.admin_url], options.secrets.admin_key)
        try:
            return await api.ready()
        finally:
            await api.close()

    return ChildSpec(
        name=name,
        command=tuple(options.command()),
        environment=options.environment(),
        log_file=settings.log_dir / f"{name}.log",
        ready=ready,
    )


def _controllers_spec(settings: Settings) -> ChildSpec:
    values = settings.model_dump(mode="json", exclude_none=True)
    own = {f"HAVEN_{name.upper()}": str(value) for name, value in values.items()}
    for name in ("data_dir", "secrets_dir", "database_password_file"):
        path = getattr(settings, name)
        if path is not None:
            own[f"HAVEN_{name.upper()}"] = str(path.resolve())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                answer = await client.get(f"{settings.own_internal_url}/health/live")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    name = _numbered(CONTROLLERS, settings.replica)
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", "controllers.serve"),
        environment=kept | own,
        log_file=settings.log_dir / f"{name}.log",
        ready=ready,
    )


def fix_did_domain(settings: Settings) -> None:
    """The DID domain belongs to the installation for good: noted at the first start.

    Raises ConfigurationError if a later start names another one.
    """
    noted: Path = settings.secrets_folder / "did-domain"
    if not noted.exists():
        noted.write_text(settings.did_domain)
    elif noted.read_text() != settings.did_domain:
        raise ConfigurationError(
            f"This installation's identities live under {noted.read_text()}; "
            "that cannot be changed. Use another data folder for another domain."
        )
