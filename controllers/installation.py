"""What runs on this machine, and how each process is started."""

from __future__ import annotations

import os
import sys
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


def org_options(settings: Settings, secrets: InstallationSecrets) -> AgentOptions:
    """The organisations' agent."""
    url = settings.agent_database_url
    return _options(
        settings,
        secrets,
        name="org",
        ports=settings.org_ports,
        endpoint=settings.org_endpoint,
        database_url=Secret(url) if url else None,
    )


def wallet_options(settings: Settings, secrets: InstallationSecrets) -> AgentOptions:
    """The wallet agent: holders' stores stay SQLite files."""
    return _options(
        settings,
        secrets,
        name="wallets",
        ports=settings.wallet_ports,
        endpoint=settings.wallet_endpoint,
        database_url=None,
    )


def _options(
    settings: Settings,
    secrets: InstallationSecrets,
    *,
    name: str,
    ports: tuple[int, int],
    endpoint: str | None,
    database_url: Secret | None,
) -> AgentOptions:
    admin_port, inbound_port = ports
    return AgentOptions(
        name=name,
        label="Agent",
        home=(settings.data_dir / name).resolve(),
        admin_port=admin_port,
        inbound_port=inbound_port,
        endpoint=endpoint or f"http://127.0.0.1:{inbound_port}",
        webhook_url=f"{settings.internal_url}/webhooks/{name}",
        secrets=secrets.agents[name],
        did_domain=settings.did_domain,
        host_map=settings.host_map,
        registry_write_url=settings.internal_url,
        registry_write_key_file=registry_key_file(settings.data_dir).resolve(),
        holds_wallets=name == "wallets",
        database_url=database_url,
        log_level=settings.agent_log_level,
    )


def children(settings: Settings, secrets: InstallationSecrets) -> list[ChildSpec]:
    """The three processes, in the order in which they are started."""
    return [
        _controllers_spec(settings),
        _agent_spec(ORG, org_options(settings, secrets), settings),
        _agent_spec(WALLETS, wallet_options(settings, secrets), settings),
    ]


def _agent_spec(name: str, options: AgentOptions, settings: Settings) -> ChildSpec:
    options.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    api = AdminApi([options.admin_url], options.secrets.admin_key)
    return ChildSpec(
        name=name,
        command=tuple(options.command()),
        environment=options.environment(),
        log_file=settings.log_dir / f"{name}.log",
        ready=api.ready,
    )


def _controllers_spec(settings: Settings) -> ChildSpec:
    values = settings.model_dump(mode="json", exclude_none=True)
    own = {f"HAVEN_{name.upper()}": str(value) for name, value in values.items()}
    own["HAVEN_DATA_DIR"] = str(settings.data_dir.resolve())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                answer = await client.get(f"{settings.internal_url}/alive")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    return ChildSpec(
        name=CONTROLLERS,
        command=(sys.executable, "-m", "controllers.serve"),
        environment=kept | own,
        log_file=settings.log_dir / f"{CONTROLLERS}.log",
        ready=ready,
    )


def fix_did_domain(settings: Settings) -> None:
    """The DID domain belongs to the installation for good: noted at the first start.

    Raises ConfigurationError if a later start names another one.
    """
    noted: Path = settings.data_dir / "did-domain"
    if not noted.exists():
        noted.write_text(settings.did_domain)
    elif noted.read_text() != settings.did_domain:
        raise ConfigurationError(
            f"This installation's identities live under {noted.read_text()}; "
            "that cannot be changed. Use another data folder for another domain."
        )
