"""The installation's secrets: generated at the first start, in one file of mode 0600.

What they open: the agents' admin APIs and base wallets, the webhooks, the registry's write
side, the sealing of values at rest and of wallet sessions. No secret of a holder is here.
"""

from __future__ import annotations

import json
import os
import secrets as random
from dataclasses import dataclass
from pathlib import Path

from agent.keys import raw_wallet_key
from agent.options import AgentSecrets
from core.errors import ConfigurationError
from core.secret import Secret

_AGENTS = ("org", "wallets")


@dataclass(frozen=True, slots=True)
class InstallationSecrets:
    """Everything in secrets.json, wrapped so that it cannot be printed by accident."""

    agents: dict[str, AgentSecrets]
    registry_write_key: Secret
    sealing_key: Secret
    session_key: Secret
    operator_key: Secret


def load_or_create(data_dir: Path) -> InstallationSecrets:
    """The secrets, made at the first call. ConfigurationError if others may read them."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / "secrets.json"
    if not path.exists():
        write_private(path, json.dumps(generate(), indent=1))
    secrets = load(data_dir)
    write_private(registry_key_file(data_dir), secrets.registry_write_key.reveal())
    return secrets


def load(data_dir: Path, name: str = "secrets.json") -> InstallationSecrets:
    """The secrets that were made before; writes nothing, so a folder to read from will do.

    Raises ConfigurationError if there are none, or if others may read them.
    """
    path = data_dir / name
    if not path.exists():
        raise ConfigurationError("There are no secrets here yet; `haven init` makes them")
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{name} can be read by others; set its mode to 0600")
    return _read(json.loads(path.read_text()))


def registry_key_file(data_dir: Path) -> Path:
    """The file that the agents' plugin reads the registry's write key from."""
    return data_dir / "registry-write.key"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def generate() -> dict[str, object]:
    """New secrets of every kind, in the form of secrets.json."""

    def fresh() -> str:
        return random.token_urlsafe(32)

    return {
        "agents": {
            name: {
                "admin_key": fresh(),
                "wallet_key": raw_wallet_key().reveal(),
                "jwt_secret": fresh(),
                "webhook_key": fresh(),
            }
            for name in _AGENTS
        },
        "registry_write_key": fresh(),
        "sealing_key": fresh(),
        "session_key": fresh(),
        "operator_key": fresh(),
    }


def _read(stored: dict[str, dict[str, dict[str, str]]]) -> InstallationSecrets:
    agents = {
        name: AgentSecrets(**{key: Secret(value) for key, value in parts.items()})
        for name, parts in stored["agents"].items()
    }
    plain = {key: Secret(str(value)) for key, value in stored.items() if key != "agents"}
    return InstallationSecrets(agents=agents, **plain)
