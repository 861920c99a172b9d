"""All settings of an installation, read once from the environment (prefix HAVEN_).

docs/settings.md describes each; a test says so.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from controllers.tracing import require_packages
from core.errors import ConfigurationError

_AGENT_LOG_LEVELS = ("info", "warning", "error", "critical")
_CONTROLLERS, _ORG, _WALLETS = 0, 10, 20
MOST_OF_EACH = 5  # each process has two ports, and each kind has ten
PORT_BLOCK = 30  # ports from `port_base` on that may be used
_SHARD = "{shard}"


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
        "loopback-only listener +1, organisations' agent +10 and +11, wallet agent +20 and "
        "+21; a further one of each has the next two",
    )
    controllers_replicas: int = Field(
        1, ge=1, le=MOST_OF_EACH, description="How many controllers work side by side"
    )
    org_agents: int = Field(
        1, ge=1, le=MOST_OF_EACH, description="How many organisations' agents share the work"
    )
    wallet_agents: int = Field(
        1,
        ge=1,
        le=MOST_OF_EACH,
        description="Over how many wallet agents the wallets are spread; never fewer than "
        "there were",
    )
    replica: int = Field(
        0, ge=0, lt=MOST_OF_EACH, description="Which of its kind this process is, from 0"
    )
    did_domain: str = Field(
        "haven.localhost", description="Domain of all identities; fixed at the first start"
    )
    framework_authority: str | None = Field(
        None, description="DID whose rules phones believe, written into the wallet's page"
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
    database_password_file: Path | None = Field(
        None, description="File with the password of both database URLs, kept out of them"
    )
    org_endpoint: str | None = Field(
        None, description="DIDComm address of the organisations' agents, if not on loopback"
    )
    wallet_endpoint: str | None = Field(
        None,
        description="DIDComm address of the wallet agent, if not on loopback; with {shard} in "
        "it, from 1, where there are several",
    )
    internal_host: str = Field(
        "127.0.0.1", description="Address that the listener for the agents binds to"
    )
    internal_base_url: str | None = Field(
        None, description="Where agents reach that listener, if not on loopback"
    )
    registry_url: str | None = Field(
        None, description="Where agents read this installation's identities, if not on loopback"
    )
    agent_host: str = Field(
        "127.0.0.1", description="Address that the agents bind to, with both of their ports"
    )
    org_admin_urls: str | None = Field(
        None, description="Admin addresses of the organisations' agents, separated by commas"
    )
    wallet_admin_urls: str | None = Field(
        None,
        description="Admin addresses of the wallet agents, separated by commas; their order "
        "says whose a wallet is and never changes",
    )
    secrets_dir: Path | None = Field(
        None, description="Folder of the installation's secrets; default: the data folder"
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
    leave_to: str = Field(
        "https://www.wikipedia.org/",
        description="The page about nothing that the wallet app's `Leave quickly` opens",
    )
    session_minutes: int = Field(15, ge=1, description="How long a wallet stays open unused")
    sweep_seconds: float = Field(
        5.0, gt=0, description="How often unannounced work is looked for"
    )
    trusted_proxies: str | None = Field(
        None, description="Networks of proxies whose X-Forwarded-For is believed, with commas"
    )
    limit_links: float = Field(50.0, ge=0, description="Links opened a second, one network")
    limit_wallets: float = Field(20.0, ge=0, description="Wallets made a second, one network")
    limit_sessions: float = Field(50.0, ge=0, description="Wallets opened a second, the same")
    limit_refused: float = Field(10.0, ge=0, description="Refused keys a second, the same")
    limit_registry: float = Field(
        200.0, ge=0, description="Questions to the trust registry a second, the same"
    )
    agent_log_level: str = Field("warning", description="Log level of the two agents")
    agents_on_one_core: bool = Field(
        True, description="Keep an agent's event loop and store together on one core (Linux)"
    )
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector that traces are sent to; default: no traces"
    )

    @field_validator("agent_log_level")
    @classmethod
    def _no_values_in_logs(cls, level: str) -> str:
        """At `debug` ACA-Py hands messages and keys to its log; our filter is no reason to."""
        if level not in _AGENT_LOG_LEVELS:
            raise ValueError(
                f"an agent logs at {', '.join(_AGENT_LOG_LEVELS)} and no other level"
            )
        return level

    @property
    def public_port(self) -> int:
        """Where this one of the controllers listens."""
        return self.port_base + _CONTROLLERS + 2 * self.replica

    @property
    def internal_port(self) -> int:
        """Where this one of the controllers listens for the agents."""
        return self.public_port + 1

    @property
    def org_ports(self) -> tuple[int, int]:
        """Admin and DIDComm port of the first organisations' agent."""
        return self.org_ports_of(0)

    @property
    def wallet_ports(self) -> tuple[int, int]:
        """Admin and DIDComm port of the first wallet agent."""
        return self.wallet_ports_of(0)

    def org_ports_of(self, replica: int) -> tuple[int, int]:
        """Admin and DIDComm port of one of the organisations' agents."""
        first = self.port_base + _ORG + 2 * replica
        return first, first + 1

    def wallet_ports_of(self, shard: int) -> tuple[int, int]:
        """Admin and DIDComm port of one of the wallet agents."""
        first = self.port_base + _WALLETS + 2 * shard
        return first, first + 1

    @property
    def org_admins(self) -> tuple[str, ...]:
        """The admin API of every organisations' agent; any of them serves any tenant."""
        if self.org_admin_urls:
            return _listed(self.org_admin_urls)
        ports = (self.org_ports_of(replica)[0] for replica in range(self.org_agents))
        return tuple(f"http://127.0.0.1:{port}" for port in ports)

    @property
    def wallet_admins(self) -> tuple[str, ...]:
        """The admin API of every wallet agent, by shard."""
        if self.wallet_admin_urls:
            return _listed(self.wallet_admin_urls)
        ports = (self.wallet_ports_of(shard)[0] for shard in range(self.wallet_agents))
        return tuple(f"http://127.0.0.1:{port}" for port in ports)

    def wallet_endpoint_of(self, shard: int) -> str:
        """Where messages for the wallets of a shard go."""
        if self.wallet_endpoint is None:
            return f"http://127.0.0.1:{self.wallet_ports_of(shard)[1]}"
        return self.wallet_endpoint.replace(_SHARD, str(shard + 1))

    @property
    def base_url(self) -> str:
        """What links start with. `localhost`, never an address: WebAuthn wants a name."""
        return (self.public_url or f"http://localhost:{self.port_base}").rstrip("/")

    @property
    def internal_url(self) -> str:
        """The listener that only the agents reach: webhooks, registry writes, tails."""
        return (self.internal_base_url or f"http://127.0.0.1:{self.port_base + 1}").rstrip("/")

    @property
    def own_internal_url(self) -> str:
        """The same listener of this very process, to ask how it is."""
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def host_map(self) -> dict[str, str]:
        """Hosts that are not asked over HTTPS: only our own DID domain, inside."""
        return {self.did_domain: self.registry_url or f"http://127.0.0.1:{self.port_base}"}

    @property
    def store_url(self) -> str:
        """The controllers' database, its password included."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.data_dir.resolve()}/haven.db"
        return self._with_password(self.database_url)

    @property
    def agent_store_url(self) -> str | None:
        """The organisations' agents' database, its password included; None for SQLite."""
        return self._with_password(self.agent_database_url) if self.agent_database_url else None

    @property
    def secrets_folder(self) -> Path:
        return self.secrets_dir or self.data_dir

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    def check_topology(self) -> None:
        """Refuse several processes on what only one can use, and traces without their
        packages. Raises ConfigurationError."""
        if self.otlp_endpoint is not None:
            require_packages()
        if self.controllers_replicas > 1 and not _is_postgres(self.database_url):
            raise ConfigurationError(
                "Several controllers need PostgreSQL: set HAVEN_DATABASE_URL, or "
                "HAVEN_CONTROLLERS_REPLICAS to 1"
            )
        if len(self.org_admins) > 1 and not _is_postgres(self.agent_database_url):
            raise ConfigurationError(
                "Several organisations' agents need PostgreSQL: set "
                "HAVEN_AGENT_DATABASE_URL, or HAVEN_ORG_AGENTS to 1"
            )
        if len(self.wallet_admins) > 1 and _SHARD not in (self.wallet_endpoint or _SHARD):
            raise ConfigurationError(
                "Several wallet agents need an address each: write {shard} into "
                "HAVEN_WALLET_ENDPOINT where the number of the agent belongs"
            )

    def _with_password(self, url: str) -> str:
        if self.database_password_file is None:
            return url
        try:
            password = self.database_password_file.read_text().strip()
        except OSError as err:
            raise ConfigurationError(
                "The file with the database's password cannot be read"
            ) from err
        return make_url(url).set(password=password).render_as_string(hide_password=False)


def read_settings(**given: object) -> Settings:
    """The settings from the environment, with what was given beside it.

    Raises ConfigurationError, which names what is wrong and not what was written there: it may
    be a password.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as err:
        found = err.errors(include_url=False, include_input=False, include_context=False)
        wrong = "; ".join(
            f"HAVEN_{'_'.join(map(str, each['loc'])).upper()}: "
            + each["msg"].removeprefix("Value error, ")
            for each in found
        )
        raise ConfigurationError(wrong) from None  # the cause repeats what was written


def _listed(urls: str) -> tuple[str, ...]:
    return tuple(url.strip().rstrip("/") for url in urls.split(",") if url.strip())


def _is_postgres(url: str | None) -> bool:
    return url is not None and url.startswith("postgresql")
