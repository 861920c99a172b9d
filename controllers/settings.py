"""All settings of an installation, read once from the environment (prefix HAVEN_).

docs/settings.md describes each; a test says so.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_CONTROLLERS, _INTERNAL, _ORG, _WALLETS = 0, 1, 10, 20


class Settings(BaseSettings):
    """Frozen; made once in the command line or a test and handed inwards."""

    model_config = SettingsConfigDict(env_prefix="HAVEN_", frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path(".haven"), description="Folder that holds everything Haven keeps"
    )
    host: str = Field("127.0.0.1", description="Address that the public listener binds to")
    port_base: int = Field(
        8020,
        ge=1024,
        le=65000,
        description="First of the ports used: controllers +0, their "
        "loopback-only listener +1, organisations' agent +10 and +11, wallet agent +20 and +21",
    )
    did_domain: str = Field(
        "haven.localhost", description="Domain of all identities; fixed at the first start"
    )
    public_url: str | None = Field(
        None, description="Address that phones use, behind a TLS proxy; default: localhost"
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the controllers' database; default: SQLite"
    )
    agent_database_url: str | None = Field(
        None, description="postgresql:// URL for the organisations' agent; default: SQLite"
    )
    org_endpoint: str | None = Field(
        None, description="DIDComm address of the organisations' agent, if not on loopback"
    )
    wallet_endpoint: str | None = Field(
        None, description="DIDComm address of the wallet agent, if not on loopback"
    )
    registry_size: int | None = Field(
        None,
        ge=8,
        le=32768,
        description="Entries of a revocation registry, instead of what the "
        "credential definition says; small ones only for tests",
    )
    offer_minutes: int = Field(30, ge=1, description="How long a link to an offer lives")
    check_minutes: int = Field(10, ge=1, description="How long a link to a check lives")
    session_minutes: int = Field(15, ge=1, description="How long a wallet stays open unused")
    sweep_seconds: float = Field(
        5.0, gt=0, description="How often unannounced work is looked for"
    )
    agent_log_level: str = Field("warning", description="Log level of the two agents")

    @property
    def public_port(self) -> int:
        return self.port_base + _CONTROLLERS

    @property
    def internal_port(self) -> int:
        return self.port_base + _INTERNAL

    @property
    def org_ports(self) -> tuple[int, int]:
        """Admin and DIDComm port of the organisations' agent."""
        return self.port_base + _ORG, self.port_base + _ORG + 1

    @property
    def wallet_ports(self) -> tuple[int, int]:
        """Admin and DIDComm port of the wallet agent."""
        return self.port_base + _WALLETS, self.port_base + _WALLETS + 1

    @property
    def base_url(self) -> str:
        """What links start with. `localhost`, never an address: WebAuthn wants a name."""
        return (self.public_url or f"http://localhost:{self.public_port}").rstrip("/")

    @property
    def internal_url(self) -> str:
        """The listener that only this machine reaches: webhooks, registry writes, tails."""
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def host_map(self) -> dict[str, str]:
        """Hosts that are not asked over HTTPS: only our own DID domain, on loopback."""
        return {self.did_domain: f"http://127.0.0.1:{self.public_port}"}

    @property
    def store_url(self) -> str:
        """The controllers' database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve()}/haven.db"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"
