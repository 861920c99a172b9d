"""What an ACA-Py process of Haven is started with: the only place that knows its options."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agent.cores import TURN
from agent.profiling import VARIABLE
from core.errors import ConfigurationError
from core.secret import Secret


@dataclass(frozen=True, slots=True)
class AgentSecrets:
    """Generated once for an installation; see controllers/secrets.py."""

    admin_key: Secret
    wallet_key: Secret
    jwt_secret: Secret
    webhook_key: Secret


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """One agent. Addresses are loopback unless an operator says otherwise.

    `database_url` (postgresql://user:password@host:port) moves the agent's stores to
    PostgreSQL; None keeps them as SQLite files below `home`.
    """

    name: str
    label: str
    home: Path
    admin_port: int
    inbound_port: int
    endpoint: str
    webhook_url: str
    secrets: AgentSecrets
    did_domain: str
    host_map: Mapping[str, str]
    registry_write_url: str
    registry_write_key_file: Path
    holds_wallets: bool
    database_url: Secret | None = None
    host: str = "127.0.0.1"
    log_level: str = "warning"
    turn: int | None = None  # whose turn it is to choose a core (agent/cores.py)
    extra: tuple[str, ...] = field(default=())

    @property
    def admin_url(self) -> str:
        """Where the admin API is reached from this machine."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104 (compared)
        return f"http://{host}:{self.admin_port}"

    def command(self) -> list[str]:
        """The command line. It holds no secret: those are in `environment`."""
        return [sys.executable, "-m", "agent.launch", "start", *self._arguments()]

    def environment(self) -> dict[str, str]:
        """The child's environment: secrets, and where its files and the registry are."""
        return {
            **_inherited(),
            "ACAPY_ADMIN_API_KEY": self.secrets.admin_key.reveal(),
            "ACAPY_WALLET_KEY": self.secrets.wallet_key.reveal(),
            "ACAPY_MULTITENANT_JWT_SECRET": self.secrets.jwt_secret.reveal(),
            "ACAPY_WEBHOOK_URL": f"{self.webhook_url}#{self.secrets.webhook_key.reveal()}",
            "ACAPY_HOME": str(self.home),
            "HOME": str(self.home),  # AnonCreds' tails files are kept below it
            # of calls and messages together, those that only wait among them: fifty, ACA-Py's
            # own number, are soon in each other's way. What works is bounded by its store.
            "DISPATCHER_MAX_ACTIVE": "2000",
            **({} if self.turn is None else {TURN: str(self.turn)}),
            "HAVEN_DID_DOMAIN": self.did_domain,
            "HAVEN_HOST_MAP": json.dumps(dict(self.host_map)),
            "HAVEN_REGISTRY_WRITE_URL": self.registry_write_url,
            "HAVEN_REGISTRY_WRITE_KEY_FILE": str(self.registry_write_key_file),
            **self._storage_credentials(),
        }

    def _arguments(self) -> list[str]:
        return [
            *("--label", self.label),
            *("--inbound-transport", "http", self.host, str(self.inbound_port)),
            *("--outbound-transport", "http"),
            *("--endpoint", self.endpoint),
            *("--admin", self.host, str(self.admin_port)),
            # a framework of ten thousand participants is signed as a whole
            *("--admin-client-max-request-size", "16"),
            *("--wallet-type", "askar-anoncreds"),
            *("--wallet-name", f"{self.name}-base"),
            *("--wallet-key-derivation-method", "RAW"),
            "--auto-provision",
            "--no-ledger",
            "--multitenant",
            "--multitenant-admin",
            *("--tails-server-base-url", f"https://{self.did_domain}"),
            *("--tails-server-upload-url", self.registry_write_url),
            *("--plugin", "agent.plugins.webvh"),
            *("--plugin", "agent.plugins.lean"),
            *("--plugin", "agent.plugins.waiting"),
            *(_VAULT if self.holds_wallets else ()),
            *_PROTOCOL_FLAGS,
            *("--log-level", self.log_level),
            *self._storage_arguments(),
            *self.extra,
        ]

    def _storage_arguments(self) -> list[str]:
        if self.database_url is None:
            return []
        parts = urlsplit(self.database_url.reveal())
        if not parts.hostname or not parts.username:
            raise ConfigurationError("The agents' database address needs a host and a user")
        config = {"url": f"{parts.hostname}:{parts.port or 5432}", "max_connections": 10}
        return [
            *("--wallet-storage-type", "postgres_storage"),
            *("--wallet-storage-config", json.dumps(config)),
        ]

    def _storage_credentials(self) -> dict[str, str]:
        if self.database_url is None:
            return {}
        parts = urlsplit(self.database_url.reveal())
        account, password = unquote(parts.username or ""), unquote(parts.password or "")
        credentials = {
            "account": account,
            "password": password,
            "admin_account": account,
            "admin_password": password,
        }
        return {"ACAPY_WALLET_STORAGE_CREDS": json.dumps(credentials)}


# Exchanges are removed by us, after our own commit, so ACA-Py preserves them. It answers no
# request for a credential by itself: whether one may be signed is decided when it is asked for.
_PROTOCOL_FLAGS = (
    "--auto-accept-invites",
    "--auto-accept-requests",
    "--auto-store-credential",
    "--preserve-exchange-records",
    "--emit-new-didcomm-prefix",
    "--emit-new-didcomm-mime-type",
)

_VAULT = (
    "--plugin",
    "agent.plugins.vault",
    "--multitenancy-config",
    "wallet_type=agent.plugins.vault.manager.vaultmanager",
)


_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # where an office has certificates of its own


def _inherited() -> dict[str, str]:
    """Only what a process needs to run; no ACAPY_ or HAVEN_ leftovers of the caller."""
    kept = (
        "PATH",
        "LANG",
        "LC_ALL",
        "TZ",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "TMPDIR",
        VARIABLE,
        *_TRUST,
    )
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONUNBUFFERED": "1"
    }
